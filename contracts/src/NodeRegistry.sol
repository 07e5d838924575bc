// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {AIIGOToken} from "./AIIGOToken.sol";
import {INodeRegistry} from "./interfaces/INodeRegistry.sol";
import {IProofOfWorkVerifier} from "./interfaces/IProofOfWorkVerifier.sol";
import {IMarket} from "./interfaces/IMarketExtension.sol";
import {Reputation} from "./libraries/Reputation.sol";
import {BPS} from "./libraries/Shares.sol";
import {Cause, NodeInfo, NodeStatus} from "./types/Node.sol";
import {NodeRecord} from "./types/NodeRecord.sol";
import {ResourceType} from "./types/Resource.sol";

/// @title Nodes, their keys, stake and reputation
/// @dev The registry's AIIGO is never less than the sum of all stake and unbonding: tokens enter through `stakeForNode` and
/// leave through `withdrawStake` and slashes only. Tokens sent here by accident belong to nobody.
///
/// Assumes that the token moves exactly the amount asked for and calls nobody, as AIIGOToken does, and that verifier and
/// marketplace are the suite's own.
contract NodeRegistry is INodeRegistry, OwnableUpgradeable, UUPSUpgradeable, ReentrancyGuardTransient {
    using SafeERC20 for AIIGOToken;

    /// @custom:storage-location erc7201:aiigo.storage.NodeRegistry
    struct RegistryStorage {
        // slots 0 and 1; slot 0 holds all that starting a task needs, but for the escrow cap
        Parameters parameters;
        // slot 2
        uint64 nodeCount;
        // slots 3 to 5
        mapping(uint64 nodeId => NodeRecord) nodes;
        mapping(uint64 nodeId => mapping(address token => uint256)) openEscrow;
        mapping(uint64 nodeId => mapping(address buyer => uint256 timestamp)) lastCounted;
    }

    // keccak256(abi.encode(uint256(keccak256("aiigo.storage.NodeRegistry")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE_LOCATION = 0xfb1df698ce7c7122f3229902e1949961fc8df255bc7576a92dc67bb8236ac600;

    /// @notice The longest unbonding period that governance can set, seconds.
    uint256 public constant MAX_UNBONDING_PERIOD = 180 days;
    /// @notice The share of stake and unbonding that misuse costs, basis points.
    uint256 public constant MISUSE_SLASH_BPS = 5_000;
    /// @notice Two tasks of one buyer count for a node's reputation if this many seconds lie between them.
    uint256 public constant COUNTING_INTERVAL = 1 days;

    AIIGOToken public immutable stakingToken;
    address public immutable treasury;
    IProofOfWorkVerifier public immutable verifier;
    IMarket public immutable marketplace;

    modifier onlyNodeOwner(uint64 nodeId) {
        _checkNodeOwner(nodeId);
        _;
    }

    modifier onlyMarketplace() {
        _checkMarketplace();
        _;
    }

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(address token_, address treasury_, address verifier_, address marketplace_) {
        if (treasury_ == address(0)) revert ZeroAddress();
        stakingToken = AIIGOToken(token_);
        treasury = treasury_;
        verifier = IProofOfWorkVerifier(verifier_);
        marketplace = IMarket(marketplace_);
        _disableInitializers();
    }

    /// @param owner_ Governance: the timelock.
    function initialize(address owner_, Parameters calldata parameters_) external initializer {
        __Ownable_init(owner_);
        _setParameters(parameters_);
    }

    // ---------------------------------------------------------------- Owners and operators

    /// @inheritdoc INodeRegistry
    function registerNode(ResourceType resourceType, string calldata metadataURI, address operator, address payout)
        external
        payable
        nonReentrant
        returns (uint64 nodeId)
    {
        RegistryStorage storage $ = _storage();
        uint256 fee = $.parameters.registrationFee;
        if (msg.value != fee) revert WrongRegistrationFee(msg.value, fee);
        if (operator == address(0)) operator = msg.sender;
        if (payout == address(0)) payout = msg.sender;

        nodeId = ++$.nodeCount;
        NodeRecord storage node = $.nodes[nodeId];
        node.owner = msg.sender;
        node.registeredAt = uint40(block.timestamp);
        node.reputation = Reputation.START;
        node.resourceType = resourceType;
        node.operator = operator;
        node.payout = payout;
        emit NodeRegistered(nodeId, msg.sender, operator, payout, resourceType, metadataURI, fee);

        (bool sent,) = treasury.call{value: fee}("");
        if (!sent) revert TreasuryRefusedFee();
    }

    /// @inheritdoc INodeRegistry
    function stakeForNode(uint64 nodeId, uint256 amount) external onlyNodeOwner(nodeId) {
        if (amount == 0) revert ZeroAmount();
        NodeRecord storage node = _storage().nodes[nodeId];
        if (node.banned) revert NodeIsBanned(nodeId);
        uint128 stake = node.stake + SafeCast.toUint128(amount);
        node.stake = stake;
        emit StakeAdded(nodeId, msg.sender, amount, stake);
        stakingToken.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc INodeRegistry
    function unstake(uint64 nodeId, uint256 amount) external onlyNodeOwner(nodeId) {
        if (amount == 0) revert ZeroAmount();
        RegistryStorage storage $ = _storage();
        NodeRecord storage node = $.nodes[nodeId];
        uint128 stake = node.stake;
        if (amount > stake) revert InsufficientStake(nodeId, stake, amount);
        // casting is safe: at most the stake
        // forge-lint: disable-next-line(unsafe-typecast)
        uint128 moved = uint128(amount);
        uint40 readyAt = uint40(block.timestamp) + $.parameters.unbondingPeriod;
        node.stake = stake - moved;
        node.unbonding += moved;
        node.unbondingReadyAt = readyAt;
        emit UnbondingStarted(nodeId, amount, node.stake, node.unbonding, readyAt);
    }

    /// @inheritdoc INodeRegistry
    function withdrawStake(uint64 nodeId) external onlyNodeOwner(nodeId) {
        NodeRecord storage node = _storage().nodes[nodeId];
        uint256 amount = node.unbonding;
        if (amount == 0) revert NothingUnbonding(nodeId);
        if (block.timestamp < node.unbondingReadyAt) revert UnbondingNotReady(nodeId, node.unbondingReadyAt);
        uint256 openTasks = node.openTasks();
        if (openTasks != 0) revert NodeIsBusy(nodeId, openTasks);
        node.unbonding = 0;
        emit StakeWithdrawn(nodeId, msg.sender, amount, 0);
        stakingToken.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc INodeRegistry
    function setOnline(uint64 nodeId, bool online) external {
        _checkOperator(nodeId);
        NodeRecord storage node = _storage().nodes[nodeId];
        if (node.banned) revert NodeIsBanned(nodeId);
        if (node.online == online) revert AlreadyInState(nodeId);
        node.online = online;
        emit OnlineChanged(nodeId, online);
    }

    /// @inheritdoc INodeRegistry
    function setOperator(uint64 nodeId, address operator) external onlyNodeOwner(nodeId) {
        if (operator == address(0)) revert ZeroAddress();
        _storage().nodes[nodeId].operator = operator;
        emit OperatorChanged(nodeId, operator);
    }

    /// @inheritdoc INodeRegistry
    function setPayout(uint64 nodeId, address payout) external onlyNodeOwner(nodeId) {
        if (payout == address(0)) revert ZeroAddress();
        _storage().nodes[nodeId].payout = payout;
        emit PayoutChanged(nodeId, payout);
    }

    /// @inheritdoc INodeRegistry
    function setMetadata(uint64 nodeId, string calldata metadataURI) external {
        _checkOperator(nodeId);
        emit MetadataChanged(nodeId, metadataURI);
    }

    // ---------------------------------------------------------------- Verifier

    /// @inheritdoc INodeRegistry
    function markVerified(uint64 nodeId) external {
        if (msg.sender != address(verifier)) revert NotVerifier(msg.sender);
        NodeRecord storage node = _known(nodeId);
        if (node.banned) revert NodeIsBanned(nodeId);
        if (node.verified) revert AlreadyInState(nodeId);
        node.verified = true;
        emit NodeVerified(nodeId);
    }

    // ---------------------------------------------------------------- Marketplace

    /// @inheritdoc INodeRegistry
    function beginTask(
        uint64 nodeId,
        ResourceType resourceType,
        uint8 minTrustLevel,
        uint32 power,
        address token,
        uint96 escrow
    ) external onlyMarketplace {
        NodeRecord storage node = _storage().nodes[nodeId];
        _checkEligible(nodeId, node, resourceType, minTrustLevel);
        node.running += 1;
        node.runningPower = _powerWith(nodeId, node, power);
        _addOpenEscrow(nodeId, token, escrow);
    }

    /// @inheritdoc INodeRegistry
    function endExecution(uint64 nodeId, uint32 power) external onlyMarketplace {
        NodeRecord storage node = _storage().nodes[nodeId];
        // A ban ends what the node runs: from then on its tasks can only be timed out.
        if (node.banned) revert NodeIsBanned(nodeId);
        node.running -= 1;
        node.runningPower -= power;
        node.reviewing += 1;
    }

    /// @inheritdoc INodeRegistry
    function settleTask(uint64 nodeId, address buyer, address token, uint96 escrow, uint256 fee)
        external
        onlyMarketplace
    {
        RegistryStorage storage $ = _storage();
        NodeRecord storage node = $.nodes[nodeId];
        node.reviewing -= 1;
        $.openEscrow[nodeId][token] -= escrow;

        if (fee < $.parameters.minCountedFee) return;
        if (block.timestamp < $.lastCounted[nodeId][buyer] + COUNTING_INTERVAL) return;
        $.lastCounted[nodeId][buyer] = block.timestamp;
        node.tasksVerified += 1;
        _moveReputation(nodeId, node, Cause.TaskVerified);
    }

    /// @inheritdoc INodeRegistry
    function failTask(uint64 nodeId, uint32 power, address token, uint96 escrow, Cause cause) external onlyMarketplace {
        RegistryStorage storage $ = _storage();
        NodeRecord storage node = $.nodes[nodeId];
        node.running -= 1;
        node.runningPower -= power;
        node.tasksFailed += 1;
        $.openEscrow[nodeId][token] -= escrow;
        _moveReputation(nodeId, node, cause);
        if (cause == Cause.TaskTimedOut) _slash(nodeId, node, cause, $.parameters.timeoutSlashBps);
    }

    // ---------------------------------------------------------------- Governance

    /// @inheritdoc INodeRegistry
    function ban(uint64 nodeId) external onlyOwner {
        NodeRecord storage node = _known(nodeId);
        if (node.banned) revert NodeIsBanned(nodeId);
        node.banned = true;
        emit NodeBanned(nodeId);
        _slash(nodeId, node, Cause.Misuse, MISUSE_SLASH_BPS);
    }

    /// @inheritdoc INodeRegistry
    function setParameters(Parameters calldata parameters_) external onlyOwner {
        _setParameters(parameters_);
    }

    // ---------------------------------------------------------------- Views

    /// @inheritdoc INodeRegistry
    function parameters() external view returns (Parameters memory) {
        return _storage().parameters;
    }

    /// @inheritdoc INodeRegistry
    function nodeCount() external view returns (uint64) {
        return _storage().nodeCount;
    }

    /// @inheritdoc INodeRegistry
    function nodeInfo(uint64 nodeId) external view returns (NodeInfo memory) {
        NodeRecord storage node = _known(nodeId);
        uint256 minStake = _storage().parameters.minStake;
        return NodeInfo({
            owner: node.owner,
            operator: node.operator,
            payout: node.payout,
            resourceType: node.resourceType,
            status: node.status(minStake),
            online: node.online,
            trustLevel: node.trustLevel(minStake),
            reputation: node.reputation,
            registeredAt: node.registeredAt,
            stake: node.stake,
            unbonding: node.unbonding,
            unbondingReadyAt: node.unbondingReadyAt,
            tasksVerified: node.tasksVerified,
            tasksFailed: node.tasksFailed,
            running: node.running,
            reviewing: node.reviewing,
            runningPower: node.runningPower,
            verifiedPower: verifier.verifiedPower(nodeId)
        });
    }

    /// @inheritdoc INodeRegistry
    function statusOf(uint64 nodeId) external view returns (NodeStatus) {
        RegistryStorage storage $ = _storage();
        return $.nodes[nodeId].status($.parameters.minStake);
    }

    /// @inheritdoc INodeRegistry
    function ownerOf(uint64 nodeId) external view returns (address) {
        return _known(nodeId).owner;
    }

    /// @inheritdoc INodeRegistry
    function operatorOf(uint64 nodeId) external view returns (address) {
        return _known(nodeId).operator;
    }

    /// @inheritdoc INodeRegistry
    function payoutOf(uint64 nodeId) external view returns (address) {
        return _known(nodeId).payout;
    }

    /// @inheritdoc INodeRegistry
    function resourceTypeOf(uint64 nodeId) external view returns (ResourceType) {
        return _known(nodeId).resourceType;
    }

    /// @inheritdoc INodeRegistry
    function trustLevelOf(uint64 nodeId) external view returns (uint8) {
        RegistryStorage storage $ = _storage();
        return $.nodes[nodeId].trustLevel($.parameters.minStake);
    }

    /// @inheritdoc INodeRegistry
    function isOperator(uint64 nodeId, address account) public view returns (bool) {
        NodeRecord storage node = _storage().nodes[nodeId];
        return account != address(0) && (node.operator == account || node.owner == account);
    }

    /// @inheritdoc INodeRegistry
    function freeSlots(uint64 nodeId) external view returns (uint256) {
        RegistryStorage storage $ = _storage();
        return $.nodes[nodeId].freeSlots($.parameters.minStake);
    }

    /// @inheritdoc INodeRegistry
    function openEscrowOf(uint64 nodeId, address token) external view returns (uint256) {
        return _storage().openEscrow[nodeId][token];
    }

    // ---------------------------------------------------------------- Inside: starting a task

    function _checkEligible(uint64 nodeId, NodeRecord storage node, ResourceType resourceType, uint8 minTrustLevel)
        private
        view
    {
        uint256 minStake = _storage().parameters.minStake;
        NodeStatus status = node.status(minStake);
        if (status != NodeStatus.Active) revert NodeNotActive(nodeId, status);
        if (node.resourceType != resourceType) revert WrongResourceType(nodeId, node.resourceType, resourceType);
        uint8 level = node.trustLevel(minStake);
        if (level < minTrustLevel) revert TrustTooLow(nodeId, level, minTrustLevel);
        uint256 slots = node.slots(minStake);
        if (node.running >= slots) revert NoFreeSlot(nodeId, node.running, slots);
    }

    /// @dev What the node promises with one task more; at most its verified power.
    function _powerWith(uint64 nodeId, NodeRecord storage node, uint32 power) private view returns (uint64) {
        uint64 promised = node.runningPower;
        uint256 verified = verifier.verifiedPower(nodeId);
        if (uint256(promised) + power > verified) {
            revert InsufficientPower(nodeId, Math.saturatingSub(verified, promised), power);
        }
        return promised + power;
    }

    function _addOpenEscrow(uint64 nodeId, address token, uint96 escrow) private {
        RegistryStorage storage $ = _storage();
        uint256 open = $.openEscrow[nodeId][token] + escrow;
        uint256 cap = $.parameters.levelOneEscrowCap;
        if (open > cap) revert EscrowCapExceeded(nodeId, open, cap);
        $.openEscrow[nodeId][token] = open;
    }

    // ---------------------------------------------------------------- Inside: penalties, parameters, checks

    function _moveReputation(uint64 nodeId, NodeRecord storage node, Cause cause) private {
        (uint16 reputation, int256 delta) = Reputation.moved(node.reputation, cause);
        node.reputation = reputation;
        emit ReputationChanged(nodeId, cause, delta, reputation);
    }

    /// @dev All of it is burned: nobody profits from making a provider fail.
    function _slash(uint64 nodeId, NodeRecord storage node, Cause cause, uint256 bps) private {
        uint256 burned = node.slash(bps);
        emit StakeSlashed(nodeId, cause, burned, node.stake, node.unbonding);
        stakingToken.burn(burned);
    }

    function _setParameters(Parameters calldata parameters_) private {
        if (
            parameters_.minStake == 0 || parameters_.timeoutSlashBps > BPS
                || parameters_.unbondingPeriod > MAX_UNBONDING_PERIOD
        ) revert InvalidParameters();
        // Stake must not leave before the longest review of a task is over. While the suite is being deployed the
        // marketplace has no code yet; it makes the same check when it starts.
        if (
            address(marketplace).code.length != 0
                && parameters_.unbondingPeriod < marketplace.parameters().maxReviewWindow
        ) revert InvalidParameters();
        _storage().parameters = parameters_;
        emit RegistryParametersChanged(parameters_);
    }

    function _known(uint64 nodeId) private view returns (NodeRecord storage node) {
        node = _storage().nodes[nodeId];
        if (node.owner == address(0)) revert UnknownNode(nodeId);
    }

    function _checkNodeOwner(uint64 nodeId) private view {
        if (_known(nodeId).owner != msg.sender) revert NotNodeOwner(nodeId, msg.sender);
    }

    function _checkOperator(uint64 nodeId) private view {
        if (!isOperator(nodeId, msg.sender)) revert NotNodeOperator(nodeId, msg.sender);
    }

    function _checkMarketplace() private view {
        if (msg.sender != address(marketplace)) revert NotMarketplace(msg.sender);
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}

    function _storage() private pure returns (RegistryStorage storage $) {
        assembly ("memory-safe") {
            $.slot := STORAGE_LOCATION
        }
    }
}
