// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {AIIGOToken} from "../AIIGOToken.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IProofOfWorkVerifier} from "../interfaces/IProofOfWorkVerifier.sol";
import {IMarket} from "../interfaces/IMarketExtension.sol";
import {Reputation} from "../libraries/Reputation.sol";
import {Cause, NodeStatus, Partner, TokenLimits} from "../types/Node.sol";
import {NodeRecord} from "../types/NodeRecord.sol";
import {TrustLevels} from "./TrustLevels.sol";

/// @dev The contracts around the registry, equal for both of its pieces.
struct RegistryNeighbours {
    address token;
    address treasury;
    address verifier;
    address marketplace;
    address court;
    address guardian;
}

/// @title What both pieces of the registry share: storage, neighbours, penalties and rules
abstract contract RegistryBase is OwnableUpgradeable {
    /// @custom:storage-location erc7201:aiigo.storage.NodeRegistry
    struct RegistryStorage {
        // slots 0 to 2
        INodeRegistry.Parameters parameters;
        // slot 3
        uint64 nodeCount;
        uint40 entryPausedUntil;
        // slots 4 to 8
        mapping(uint64 nodeId => NodeRecord) nodes;
        /// @dev But for ETH. The amount and one unit more, once it was used: a slot that never returns to zero is cheap to
        /// refill.
        mapping(uint64 nodeId => mapping(address token => uint256)) openTokens;
        mapping(uint64 nodeId => mapping(address buyer => uint256 timestamp)) lastCounted;
        mapping(address token => TokenLimits) tokenLimits;
        mapping(uint64 nodeId => Partner) partners;
    }

    // keccak256(abi.encode(uint256(keccak256("aiigo.storage.NodeRegistry")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE_LOCATION = 0xfb1df698ce7c7122f3229902e1949961fc8df255bc7576a92dc67bb8236ac600;

    AIIGOToken public immutable stakingToken;
    address public immutable treasury;
    IProofOfWorkVerifier public immutable verifier;
    IMarket public immutable marketplace;
    address public immutable court;

    modifier onlyNodeOwner(uint64 nodeId) {
        _checkNodeOwner(nodeId);
        _;
    }

    /// @dev For what may change whether the node is active. Before: what time or a parameter changed silently, so that the
    /// verifier learns of every moment in which the node was active.
    modifier notesActivity(uint64 nodeId) {
        _note(nodeId);
        _;
        _note(nodeId);
    }

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(RegistryNeighbours memory neighbours) {
        if (neighbours.treasury == address(0)) revert INodeRegistry.ZeroAddress();
        stakingToken = AIIGOToken(neighbours.token);
        treasury = neighbours.treasury;
        verifier = IProofOfWorkVerifier(neighbours.verifier);
        marketplace = IMarket(neighbours.marketplace);
        court = neighbours.court;
        _disableInitializers();
    }

    // ---------------------------------------------------------------- Activity and trust

    /// @dev What runs is work, so the node is due in audits until it has ended, whatever the node has become meanwhile: else
    /// one machine could work for nodes that take turns being Active. A ban ends what runs.
    function _note(uint64 nodeId) internal {
        RegistryStorage storage $ = _storage();
        NodeRecord storage node = $.nodes[nodeId];
        bool active = node.status($.parameters.minStake) == NodeStatus.Active;
        bool finishing = !active && node.running != 0 && !node.banned;
        if (node.finishing != finishing) node.finishing = finishing;
        active = active || finishing;
        if (node.active == active) return;
        node.active = active;
        verifier.noteActivity(nodeId, active);
    }

    function _trustLevel(uint64 nodeId, NodeRecord storage node) internal view returns (uint8) {
        RegistryStorage storage $ = _storage();
        return TrustLevels.levelOf(node, $.parameters, $.partners[nodeId]);
    }

    // ---------------------------------------------------------------- Stake and reputation

    function _moveReputation(uint64 nodeId, NodeRecord storage node, Cause cause) internal {
        (uint16 reputation, int256 delta) = Reputation.moved(node.reputation, cause);
        node.reputation = reputation;
        emit INodeRegistry.ReputationChanged(nodeId, cause, delta, reputation);
    }

    /// @dev All of it is burned: nobody profits from making a provider fail.
    function _slash(uint64 nodeId, NodeRecord storage node, Cause cause, uint256 bps) internal {
        uint256 burned = node.slash(bps);
        emit INodeRegistry.StakeSlashed(nodeId, cause, burned, node.stake, node.unbonding);
        stakingToken.burn(burned);
    }

    function _startUnbonding(uint64 nodeId, NodeRecord storage node, uint96 amount) internal {
        uint40 readyAt = uint40(block.timestamp) + _storage().parameters.unbondingPeriod;
        node.stake -= amount;
        node.unbonding += amount;
        node.unbondingReadyAt = readyAt;
        emit INodeRegistry.UnbondingStarted(nodeId, amount, node.stake, node.unbonding, readyAt);
    }

    /// @dev Whoever signs bids has lost the key or is away: what was signed before is void.
    function _raiseBidEpoch(uint64 nodeId, NodeRecord storage node) internal {
        uint32 epoch = node.bidEpoch + 1;
        node.bidEpoch = epoch;
        emit INodeRegistry.BidEpochRaised(nodeId, epoch);
    }

    function _openEscrow(uint64 nodeId, address token) internal view returns (uint256) {
        RegistryStorage storage $ = _storage();
        if (token == address(0)) return $.nodes[nodeId].openEther;
        return Math.saturatingSub($.openTokens[nodeId][token], 1);
    }

    function _setOpenEscrow(uint64 nodeId, address token, uint256 open) internal {
        RegistryStorage storage $ = _storage();
        if (token == address(0)) $.nodes[nodeId].openEther = SafeCast.toUint88(open);
        else $.openTokens[nodeId][token] = open + 1;
    }

    // ---------------------------------------------------------------- Checks

    function _isOperator(NodeRecord storage node, address account) internal view returns (bool) {
        return account != address(0) && (account == node.operator || account == node.owner);
    }

    function _known(uint64 nodeId) internal view returns (NodeRecord storage node) {
        node = _storage().nodes[nodeId];
        if (node.owner == address(0)) revert INodeRegistry.UnknownNode(nodeId);
    }

    function _notBanned(uint64 nodeId) internal view returns (NodeRecord storage node) {
        node = _known(nodeId);
        if (node.banned) revert INodeRegistry.NodeIsBanned(nodeId);
    }

    function _checkNodeOwner(uint64 nodeId) internal view {
        if (_known(nodeId).owner != msg.sender) revert INodeRegistry.NotNodeOwner(nodeId, msg.sender);
    }

    function _checkOperator(uint64 nodeId) internal view {
        if (!_isOperator(_storage().nodes[nodeId], msg.sender)) {
            revert INodeRegistry.NotNodeOperator(nodeId, msg.sender);
        }
    }

    function _storage() internal pure returns (RegistryStorage storage $) {
        assembly ("memory-safe") {
            $.slot := STORAGE_LOCATION
        }
    }
}
