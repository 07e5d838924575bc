// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {AIIGOToken} from "./AIIGOToken.sol";
import {IEntryPausable} from "./interfaces/IEntryPausable.sol";
import {INodeRegistry} from "./interfaces/INodeRegistry.sol";
import {Extendable} from "./proxy/Extendable.sol";
import {RegistryBase, RegistryNeighbours} from "./registry/RegistryBase.sol";
import {TrustLevels} from "./registry/TrustLevels.sol";
import {Cause, NodeStatus, TaskDemand, TokenLimits, Verdict} from "./types/Node.sol";
import {NodeRecord} from "./types/NodeRecord.sol";
import {ResourceType} from "./types/Resource.sol";
import {Standing} from "./types/Standing.sol";

/// @title Nodes, their keys, stake and reputation
/// @dev Here are stake and tasks; registration, keys, review, governance and most views are in RegistryExtension.
///
/// The registry's AIIGO is never less than the sum of all stake and unbonding: tokens enter through `stakeForNode` and
/// `returnCaseFee` and leave through `withdrawStake`, `takeCaseFee` and slashes only. Tokens sent here by accident belong to
/// nobody.
///
/// Assumes that the token moves exactly the amount asked for and calls nobody, as AIIGOToken does, and that verifier,
/// marketplace and court are the suite's own.
contract NodeRegistry is INodeRegistry, RegistryBase, UUPSUpgradeable, Extendable {
    using SafeERC20 for AIIGOToken;
    using TrustLevels for TokenLimits;

    /// @notice Two tasks of one buyer count for a node's reputation if this many seconds lie between them.
    uint256 public constant COUNTING_INTERVAL = 1 days;

    modifier onlyVerifier() {
        if (msg.sender != address(verifier)) revert NotVerifier(msg.sender);
        _;
    }

    modifier onlyMarketplace() {
        _checkMarketplace();
        _;
    }

    modifier onlyCourt() {
        if (msg.sender != court) revert NotCourt(msg.sender);
        _;
    }

    /// @param extension_ A RegistryExtension with the same neighbours.
    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(RegistryNeighbours memory neighbours, address extension_)
        RegistryBase(neighbours)
        Extendable(extension_)
    {}

    // ---------------------------------------------------------------- Owners and operators

    /// @inheritdoc INodeRegistry
    function stakeForNode(uint64 nodeId, uint256 amount) external onlyNodeOwner(nodeId) notesActivity(nodeId) {
        uint40 pausedUntil = _storage().entryPausedUntil;
        if (block.timestamp < pausedUntil) revert IEntryPausable.EntryIsPaused(pausedUntil);
        if (amount == 0) revert ZeroAmount();
        NodeRecord storage node = _notBanned(nodeId);
        uint96 stake = node.stake + SafeCast.toUint96(amount);
        node.stake = stake;
        emit StakeAdded(nodeId, msg.sender, amount, stake);
        stakingToken.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc INodeRegistry
    function unstake(uint64 nodeId, uint256 amount) external onlyNodeOwner(nodeId) notesActivity(nodeId) {
        if (amount == 0) revert ZeroAmount();
        NodeRecord storage node = _storage().nodes[nodeId];
        uint96 stake = node.stake;
        if (amount > stake) revert InsufficientStake(nodeId, stake, amount);
        // casting is safe: at most the stake
        // forge-lint: disable-next-line(unsafe-typecast)
        _startUnbonding(nodeId, node, uint96(amount));
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
        NodeRecord storage node = _notBanned(nodeId);
        if (node.online == online) revert AlreadyInState(nodeId);
        _setOnline(nodeId, node, online);
    }

    /// @inheritdoc INodeRegistry
    function raiseBidEpoch(uint64 nodeId) external {
        // The marketplace asks its caller the same question.
        if (msg.sender != address(marketplace)) _checkOperator(nodeId);
        _raiseBidEpoch(nodeId, _known(nodeId));
    }

    // ---------------------------------------------------------------- Verifier

    /// @inheritdoc INodeRegistry
    function markVerified(uint64 nodeId) external onlyVerifier notesActivity(nodeId) {
        NodeRecord storage node = _notBanned(nodeId);
        if (node.verified) revert AlreadyInState(nodeId);
        node.verified = true;
        emit NodeVerified(nodeId);
    }

    /// @inheritdoc INodeRegistry
    function recordAudit(uint64 nodeId, bool passed, bool takeOffline) external onlyVerifier {
        NodeRecord storage node = _known(nodeId);
        _moveReputation(nodeId, node, passed ? Cause.AuditPassed : Cause.AuditMissed);
        if (takeOffline && node.online) _setOnline(nodeId, node, false);
    }

    /// @inheritdoc INodeRegistry
    function recordStanding(uint64 nodeId, Standing calldata standing) external onlyVerifier {
        _storage().nodes[nodeId].standing = standing;
    }

    // ---------------------------------------------------------------- Marketplace

    /// @inheritdoc INodeRegistry
    function beginTask(uint64 nodeId, address operator, address buyer, TaskDemand calldata demand)
        external
        onlyMarketplace
    {
        RegistryStorage storage $ = _storage();
        NodeRecord storage node = $.nodes[nodeId];
        if (!_isOperator(node, operator)) revert NotNodeOperator(nodeId, operator);
        if (node.isKey(buyer)) revert BuyerOwnsNode(nodeId, buyer);
        uint256 minStake = $.parameters.minStake;
        NodeStatus status = node.status(minStake);
        if (status != NodeStatus.Active) revert NodeNotActive(nodeId, status);
        // It became active silently. Who works is due in the next audit.
        if (!node.active) _note(nodeId);
        if (node.resourceType != demand.resourceType) {
            revert WrongResourceType(nodeId, node.resourceType, demand.resourceType);
        }
        uint256 slots = node.slots(minStake);
        uint16 running = node.running;
        if (running >= slots) revert NoFreeSlot(nodeId, running, slots);

        Standing memory standing = node.standing;
        if (demand.maxAuditAge != 0 && block.timestamp - standing.lastAuditAt > demand.maxAuditAge) {
            revert AuditTooOld(nodeId, standing.lastAuditAt, demand.maxAuditAge);
        }
        node.runningPower = _powerWith(nodeId, node, standing.verifiedPower(), demand.minPower);
        node.running = running + 1;
        _addOpenEscrow(nodeId, node, demand);
    }

    /// @inheritdoc INodeRegistry
    function endExecution(uint64 nodeId, address operator, uint32 power) external onlyMarketplace {
        NodeRecord storage node = _storage().nodes[nodeId];
        if (!_isOperator(node, operator)) revert NotNodeOperator(nodeId, operator);
        // A ban ends what the node runs: from then on its tasks can only be timed out.
        if (node.banned) revert NodeIsBanned(nodeId);
        node.reviewing += 1;
        _endRun(nodeId, node, power);
    }

    /// @inheritdoc INodeRegistry
    function settleTask(uint64 nodeId, address buyer, address token, uint96 escrow, uint256 fee)
        external
        onlyMarketplace
    {
        NodeRecord storage node = _endReviewing(nodeId, token, escrow);
        if (_counts(nodeId, buyer, token, fee)) _countVerified(nodeId, node, Cause.TaskVerified);
    }

    /// @inheritdoc INodeRegistry
    function failTask(uint64 nodeId, uint32 power, address token, uint96 escrow, Cause cause) external onlyMarketplace {
        RegistryStorage storage $ = _storage();
        NodeRecord storage node = $.nodes[nodeId];
        if (cause == Cause.TaskAbandoned && node.banned) revert NodeIsBanned(nodeId);
        _setOpenEscrow(nodeId, token, _openEscrow(nodeId, token) - escrow);
        _countFailed(nodeId, node, cause);
        _endRun(nodeId, node, power);
        if (cause == Cause.TaskTimedOut) _penalize(nodeId, node, cause, $.parameters.timeoutSlashBps);
    }

    /// @inheritdoc INodeRegistry
    function failReviewed(uint64 nodeId, address token, uint96 escrow, Cause cause) external onlyMarketplace {
        NodeRecord storage node = _endReviewing(nodeId, token, escrow);
        _countFailed(nodeId, node, cause);
        if (cause == Cause.TaskTimedOut) _penalize(nodeId, node, cause, _storage().parameters.timeoutSlashBps);
    }

    /// @inheritdoc INodeRegistry
    function releaseTask(uint64 nodeId, uint32 power, address token, uint96 escrow) external onlyMarketplace {
        _setOpenEscrow(nodeId, token, _openEscrow(nodeId, token) - escrow);
        _endRun(nodeId, _storage().nodes[nodeId], power);
    }

    /// @inheritdoc INodeRegistry
    function settleDispute(uint64 nodeId, address buyer, address token, uint96 escrow, uint256 fee, Verdict verdict)
        external
        onlyMarketplace
    {
        NodeRecord storage node = _endReviewing(nodeId, token, escrow);
        if (verdict == Verdict.Lost) {
            _countFailed(nodeId, node, Cause.DisputeLost);
            _penalize(nodeId, node, Cause.DisputeLost, _storage().parameters.disputeSlashBps);
        } else if (verdict == Verdict.Won && _counts(nodeId, buyer, token, fee)) {
            _countVerified(nodeId, node, Cause.DisputeWon);
        }
    }

    // ---------------------------------------------------------------- Court

    /// @inheritdoc INodeRegistry
    function takeCaseFee(uint64 nodeId, uint256 amount)
        external
        onlyCourt
        notesActivity(nodeId)
        returns (uint256 taken)
    {
        NodeRecord storage node = _known(nodeId);
        taken = node.takeStake(amount);
        emit CaseFeeTaken(nodeId, taken, node.stake, node.unbonding);
        stakingToken.safeTransfer(court, taken);
    }

    /// @inheritdoc INodeRegistry
    function returnCaseFee(uint64 nodeId, uint256 amount) external onlyCourt notesActivity(nodeId) {
        NodeRecord storage node = _known(nodeId);
        uint96 returned = SafeCast.toUint96(amount);
        if (node.banned) node.unbonding += returned;
        else node.stake += returned;
        emit CaseFeeReturned(nodeId, amount, node.stake, node.unbonding);
        // The court alone calls, and allows what it returns.
        // slither-disable-next-line arbitrary-send-erc20
        stakingToken.safeTransferFrom(court, address(this), amount);
    }

    // ---------------------------------------------------------------- Views

    /// @inheritdoc INodeRegistry
    function parameters() external view returns (Parameters memory) {
        return _storage().parameters;
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
        address payout = _storage().nodes[nodeId].payout;
        if (payout == address(0)) revert UnknownNode(nodeId);
        return payout;
    }

    /// @inheritdoc INodeRegistry
    function bidEpochOf(uint64 nodeId) external view returns (uint32) {
        return _known(nodeId).bidEpoch;
    }

    /// @inheritdoc INodeRegistry
    function resourceTypeOf(uint64 nodeId) external view returns (ResourceType) {
        return _known(nodeId).resourceType;
    }

    /// @inheritdoc INodeRegistry
    function isOperator(uint64 nodeId, address account) external view returns (bool) {
        return _isOperator(_storage().nodes[nodeId], account);
    }

    /// @inheritdoc INodeRegistry
    function freeSlots(uint64 nodeId) external view returns (uint256) {
        RegistryStorage storage $ = _storage();
        return $.nodes[nodeId].freeSlots($.parameters.minStake);
    }

    // ---------------------------------------------------------------- Inside: starting a task

    /// @dev What the node promises with one task more; at most its verified power.
    function _powerWith(uint64 nodeId, NodeRecord storage node, uint256 verified, uint32 power)
        private
        view
        returns (uint56)
    {
        uint56 promised = node.runningPower;
        uint256 available = Math.saturatingSub(verified, promised);
        if (power > available) revert InsufficientPower(nodeId, available, power);
        return promised + power;
    }

    /// @dev Checks trust, too. The node is Active, so its level is at least 1, and caps never fall with the level: a task of
    /// level 1 that fits level 1's cap needs to know no more.
    function _addOpenEscrow(uint64 nodeId, NodeRecord storage node, TaskDemand calldata demand) private {
        TokenLimits storage limits = _storage().tokenLimits[demand.token];
        uint256 cap = limits.levelOneCap;
        if (cap == 0) revert TokenWithoutLimits(demand.token);
        uint256 open = _openEscrow(nodeId, demand.token) + demand.escrow;
        if (demand.minTrustLevel > 1 || open > cap) {
            uint8 level = _trustLevel(nodeId, node);
            if (level < demand.minTrustLevel) revert TrustTooLow(nodeId, level, demand.minTrustLevel);
            cap = limits.capOf(level);
            if (open > cap) revert EscrowCapExceeded(nodeId, open, cap);
        }
        _setOpenEscrow(nodeId, demand.token, open);
    }

    // ---------------------------------------------------------------- Inside: ending one

    function _endRun(uint64 nodeId, NodeRecord storage node, uint32 power) private {
        uint16 running = node.running - 1;
        node.running = running;
        node.runningPower -= power;
        if (running == 0 && node.finishing) _note(nodeId);
    }

    function _endReviewing(uint64 nodeId, address token, uint96 escrow) private returns (NodeRecord storage node) {
        node = _storage().nodes[nodeId];
        node.reviewing -= 1;
        _setOpenEscrow(nodeId, token, _openEscrow(nodeId, token) - escrow);
    }

    /// @dev Whether a task counts for reputation, levels and the success rate; if so, the buyer's next has to wait.
    function _counts(uint64 nodeId, address buyer, address token, uint256 fee) private returns (bool) {
        RegistryStorage storage $ = _storage();
        uint256 floor = $.tokenLimits[token].minCountedFee;
        // No floor: the token was taken out of use while the task ran.
        if (floor == 0 || fee < floor) return false;
        if (block.timestamp < $.lastCounted[nodeId][buyer] + COUNTING_INTERVAL) return false;
        $.lastCounted[nodeId][buyer] = block.timestamp;
        return true;
    }

    function _countVerified(uint64 nodeId, NodeRecord storage node, Cause cause) private {
        node.tasksVerified += 1;
        _moveReputation(nodeId, node, cause);
    }

    function _countFailed(uint64 nodeId, NodeRecord storage node, Cause cause) private {
        node.tasksFailed += 1;
        _moveReputation(nodeId, node, cause);
    }

    function _penalize(uint64 nodeId, NodeRecord storage node, Cause cause, uint256 bps) private notesActivity(nodeId) {
        _slash(nodeId, node, cause, bps);
    }

    function _setOnline(uint64 nodeId, NodeRecord storage node, bool online) private notesActivity(nodeId) {
        node.online = online;
        emit OnlineChanged(nodeId, online);
        if (!online) _raiseBidEpoch(nodeId, node);
    }

    function _checkMarketplace() private view {
        if (msg.sender != address(marketplace)) revert NotMarketplace(msg.sender);
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}
}
