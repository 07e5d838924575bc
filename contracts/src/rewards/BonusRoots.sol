// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {AIIGOToken} from "../AIIGOToken.sol";
import {IBonusRoots} from "../interfaces/IBonusRoots.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {BPS} from "../libraries/Shares.sol";

/// @title Bonuses for providers, by Merkle roots that anyone posts and anyone can recompute
/// @dev Several roots may be pending, so that a false one holds nobody up. Amounts are cumulative: a later, right root
/// heals what a false one withheld, and a node that never claims loses nothing. The bound by base rewards needs no trust in
/// anybody: a false root can at most give a node what the best provider gets.
///
/// Holds exactly the bonds of the pending roots. Liveness: the guardian vetoes false roots within the delay.
abstract contract BonusRoots is IBonusRoots, OwnableUpgradeable {
    using SafeCast for uint256;
    using SafeERC20 for AIIGOToken;

    /// @custom:storage-location erc7201:aiigo.storage.BonusRoots
    struct BonusStorage {
        // slot 0
        uint64 rootCount;
        uint64 currentRootId;
        uint64 pendingRoots;
        uint32 vetoDelay;
        // slots 1 and 2
        mapping(uint256 rootId => BonusRoot) roots;
        mapping(uint64 nodeId => NodeRewards) rewards;
    }

    // keccak256(abi.encode(uint256(keccak256("aiigo.storage.BonusRoots")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant BONUS_STORAGE = 0xe3ef7f4f08548cde8761bb5f07e71f9f84eaf982c2c5636f338244b71dca1100;

    /// @notice What posting a root risks, AIIGO wei.
    uint256 public constant ROOT_BOND = 10_000e18;
    /// @notice A node's bonuses are at most this share of its base rewards, basis points.
    uint256 public constant MAX_BONUS_BPS = 1_000;
    /// @notice The longest veto delay that governance can set, seconds.
    uint256 public constant MAX_VETO_DELAY = 30 days;

    AIIGOToken public immutable token;
    INodeRegistry public immutable registry;
    /// @notice The suite's Guardian contract.
    address public immutable guardian;

    constructor(AIIGOToken token_, INodeRegistry registry_, address guardian_) {
        token = token_;
        registry = registry_;
        guardian = guardian_;
    }

    // ---------------------------------------------------------------- roots

    /// @inheritdoc IBonusRoots
    function postRoot(uint256 epoch, bytes32 root) external returns (uint256 rootId) {
        if (root == 0) revert InvalidRoot();
        _checkClosed(epoch);
        BonusStorage storage $ = _bonusStorage();
        uint256 finalEpoch = $.roots[$.currentRootId].epoch;
        if (epoch < finalEpoch) revert EpochSuperseded(epoch, finalEpoch);
        rootId = ++$.rootCount;
        ++$.pendingRoots;
        uint40 finalAt = (block.timestamp + $.vetoDelay).toUint40();
        $.roots[rootId] = BonusRoot({
            root: root, poster: msg.sender, finalAt: finalAt, epoch: epoch.toUint64(), status: RootStatus.Pending
        });
        emit RootPosted(rootId, epoch, msg.sender, root, finalAt);
        token.safeTransferFrom(msg.sender, address(this), ROOT_BOND);
    }

    /// @inheritdoc IBonusRoots
    function finalizeRoot(uint256 rootId) external {
        BonusStorage storage $ = _bonusStorage();
        BonusRoot storage posted = _takePending($, rootId);
        if (block.timestamp < posted.finalAt) revert RootNotFinal(rootId, posted.finalAt);
        address poster = posted.poster;
        uint64 epoch = posted.epoch;
        if (epoch < $.roots[$.currentRootId].epoch) {
            posted.status = RootStatus.Superseded;
            emit RootSuperseded(rootId, epoch, poster);
        } else {
            posted.status = RootStatus.Final;
            $.currentRootId = rootId.toUint64();
            emit RootFinalized(rootId, epoch, poster, posted.root);
        }
        token.safeTransfer(poster, ROOT_BOND);
    }

    /// @inheritdoc IBonusRoots
    function vetoRoot(uint256 rootId) external {
        if (msg.sender != guardian) _checkOwner();
        BonusRoot storage posted = _takePending(_bonusStorage(), rootId);
        posted.status = RootStatus.Vetoed;
        emit RootVetoed(rootId, posted.epoch, posted.poster, ROOT_BOND);
        token.burn(ROOT_BOND);
    }

    /// @inheritdoc IBonusRoots
    function claimBonus(uint64 nodeId, uint256 cumulativeAmount, bytes32[] calldata proof)
        external
        returns (uint256 amount)
    {
        BonusStorage storage $ = _bonusStorage();
        uint256 rootId = $.currentRootId;
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(nodeId, cumulativeAmount))));
        // Without a root there is no proof either: no leaf hashes to zero.
        if (!MerkleProof.verifyCalldata(proof, $.roots[rootId].root, leaf)) {
            revert InvalidProof(nodeId, cumulativeAmount);
        }
        amount = claimableBonus(nodeId, cumulativeAmount);
        if (amount == 0) revert NoBonus(nodeId);
        $.rewards[nodeId].bonusClaimed += amount.toUint128();
        address payout = registry.payoutOf(nodeId);
        emit BonusClaimed(rootId, nodeId, payout, amount);
        _mintReward(payout, amount);
    }

    /// @inheritdoc IBonusRoots
    function setVetoDelay(uint32 vetoDelay_) external onlyOwner {
        _setVetoDelay(vetoDelay_);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IBonusRoots
    function vetoDelay() external view returns (uint32) {
        return _bonusStorage().vetoDelay;
    }

    /// @inheritdoc IBonusRoots
    function rootCount() external view returns (uint256) {
        return _bonusStorage().rootCount;
    }

    /// @inheritdoc IBonusRoots
    function rootOf(uint256 rootId) external view returns (BonusRoot memory) {
        return _bonusStorage().roots[rootId];
    }

    /// @inheritdoc IBonusRoots
    function currentRootId() external view returns (uint256) {
        return _bonusStorage().currentRootId;
    }

    /// @inheritdoc IBonusRoots
    function pendingRoots() external view returns (uint256) {
        return _bonusStorage().pendingRoots;
    }

    /// @inheritdoc IBonusRoots
    function rewardsOf(uint64 nodeId) external view returns (NodeRewards memory) {
        return _bonusStorage().rewards[nodeId];
    }

    /// @inheritdoc IBonusRoots
    function claimableBonus(uint64 nodeId, uint256 cumulativeAmount) public view returns (uint256) {
        NodeRewards memory rewards = _bonusStorage().rewards[nodeId];
        uint256 most = Math.min(cumulativeAmount, rewards.baseClaimed * MAX_BONUS_BPS / BPS);
        return most > rewards.bonusClaimed ? most - rewards.bonusClaimed : 0;
    }

    // ---------------------------------------------------------------- internals

    /// @dev What the distributor does with a mint: within what its closed epochs have set aside.
    function _mintReward(address to, uint256 amount) internal virtual;

    /// @dev Reverts unless the epoch is closed.
    function _checkClosed(uint256 epoch) internal view virtual;

    /// @dev A base reward was claimed: it carries bonuses.
    function _noteBaseReward(uint64 nodeId, uint256 amount) internal {
        _bonusStorage().rewards[nodeId].baseClaimed += amount.toUint128();
    }

    function _setVetoDelay(uint32 vetoDelay_) internal {
        if (vetoDelay_ == 0 || vetoDelay_ > MAX_VETO_DELAY) revert InvalidVetoDelay(vetoDelay_);
        _bonusStorage().vetoDelay = vetoDelay_;
        emit VetoDelayChanged(vetoDelay_);
    }

    /// @dev The caller says what becomes of it.
    function _takePending(BonusStorage storage $, uint256 rootId) private returns (BonusRoot storage posted) {
        posted = $.roots[rootId];
        if (posted.status != RootStatus.Pending) revert RootNotPending(rootId);
        --$.pendingRoots;
    }

    function _bonusStorage() private pure returns (BonusStorage storage $) {
        assembly ("memory-safe") {
            $.slot := BONUS_STORAGE
        }
    }
}
