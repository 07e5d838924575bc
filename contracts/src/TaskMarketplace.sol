// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ITaskMarketplace} from "./interfaces/ITaskMarketplace.sol";
import {AIIGO_DISCOUNT} from "./libraries/Shares.sol";
import {MarketBase, Neighbours} from "./market/MarketBase.sol";
import {PRICE_SCALE, PriceIndex} from "./market/PriceIndex.sol";
import {Extendable} from "./proxy/Extendable.sol";
import {Cause, NodeStatus} from "./types/Node.sol";
import {TaskRequest, TaskStatus} from "./types/Task.sol";
import {AGREED, TaskRecord} from "./types/TaskRecord.sol";

/// @title Where buyers' tasks meet providers' machines: a task's course
/// @dev A task's escrow entry holds its price and the deposit for timeout tips; what is above `task.escrow` are the tips
/// that are left. Every ending closes the entry, so unspent tips go back to the buyer. What a task's course does not need
/// is in MarketExtension.
///
/// Assumes that registry, escrow and rewards are the suite's own and call nobody else. Liveness: the buyer, a provider or
/// a keeper calls expireTask, timeoutTask or finalizeTask once a deadline has passed; each is open to anyone.
contract TaskMarketplace is ITaskMarketplace, MarketBase, Extendable, UUPSUpgradeable {
    /// @notice Seconds in which a commitment can be opened.
    uint40 public constant COMMITMENT_LIFETIME = 60;

    /// @param extension_ The market's other room.
    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(Neighbours memory neighbours, address extension_) MarketBase(neighbours) Extendable(extension_) {}

    // ---------------------------------------------------------------- Buyers

    /// @inheritdoc ITaskMarketplace
    function createTask(TaskRequest calldata request) external payable nonReentrant returns (bytes32 taskId) {
        return _create(request, msg.value);
    }

    /// @inheritdoc ITaskMarketplace
    function cancelTask(bytes32 taskId) external {
        TaskRecord storage task = _storage().tasks[taskId];
        TaskStatus status = task.status;
        if (status != TaskStatus.Open && status != TaskStatus.Recruiting) revert WrongStatus(taskId, status);
        _checkBuyer(taskId, task);
        // Nodes that can't take their applications back any more, or have shown what they computed, are not sent away.
        if (status == TaskStatus.Recruiting && (task.attempts != 0 || block.timestamp > task.since)) {
            revert TooLateToCancel(taskId);
        }
        task.status = TaskStatus.Cancelled;
        emit TaskCancelled(taskId, task.escrow);
        escrowManager.refund(taskId, task.buyer);
    }

    /// @inheritdoc ITaskMarketplace
    function approveTask(bytes32 taskId) external {
        TaskRecord storage task = _inStatus(taskId, TaskStatus.Completed);
        _checkBuyer(taskId, task);
        _settle(taskId, task);
    }

    // ---------------------------------------------------------------- Providers

    /// @inheritdoc ITaskMarketplace
    function commitAccept(uint64 nodeId, bytes20 digest) external {
        if (digest == 0) revert NoCommitment(nodeId);
        uint40 expiresAt = uint40(block.timestamp) + COMMITMENT_LIFETIME;
        _storage().commitments[nodeId][msg.sender][_placeOf(digest)] =
            Commitment({digest: digest, blockNumber: uint48(block.number), expiresAt: expiresAt});
        emit AcceptCommitted(nodeId, msg.sender, digest, expiresAt);
    }

    /// @inheritdoc ITaskMarketplace
    function acceptTask(bytes32 taskId, uint64 nodeId, bytes32 salt) external {
        TaskRecord storage task = _onOffer(taskId);
        _checkSeal(nodeId, commitmentHash(taskId, nodeId, salt, msg.sender));
        _assign(taskId, task, nodeId, msg.sender, task.duration);
    }

    /// @inheritdoc ITaskMarketplace
    function abandonTask(bytes32 taskId) external {
        TaskRecord storage task = _inStatus(taskId, TaskStatus.InProgress);
        uint64 nodeId = task.nodeId;
        _checkOperator(nodeId);
        uint40 until = _abandonableUntil(taskId, task);
        if (block.timestamp > until) revert AbandonWindowOver(taskId, until);
        emit TaskAbandoned(taskId, nodeId);
        _endAttempt(taskId, task, Cause.TaskAbandoned, 0);
    }

    /// @inheritdoc ITaskMarketplace
    function submitResult(bytes32 taskId, bytes32 resultHash, string calldata resultURI) external {
        TaskRecord storage task = _inStatus(taskId, TaskStatus.InProgress);
        uint64 nodeId = task.nodeId;
        // Who is in time needs no look at the grace.
        if (block.timestamp > task.since + _timeFor(taskId, task)) {
            uint40 until = _resultsUntil(taskId, task);
            if (block.timestamp > until) revert DeadlinePassed(taskId, until);
        }
        task.status = TaskStatus.Completed;
        // casting is safe: at most the duration and the grace
        // forge-lint: disable-next-line(unsafe-typecast)
        task.elapsed = uint24(block.timestamp - task.since);
        emit ResultSubmitted(taskId, nodeId, resultHash, resultURI, _reviewUntil(task));
        registry.endExecution(nodeId, msg.sender, task.minPower);
    }

    // ---------------------------------------------------------------- Anyone, once a deadline has passed

    /// @inheritdoc ITaskMarketplace
    function finalizeTask(bytes32 taskId) external {
        TaskRecord storage task = _inStatus(taskId, TaskStatus.Completed);
        uint40 until = _reviewUntil(task);
        if (block.timestamp <= until) revert ReviewWindowOpen(taskId, until);
        _settle(taskId, task);
    }

    /// @inheritdoc ITaskMarketplace
    function timeoutTask(bytes32 taskId) external {
        TaskRecord storage task = _inStatus(taskId, TaskStatus.InProgress);
        uint64 nodeId = task.nodeId;
        uint40 until = _resultsUntil(taskId, task);
        // A ban ends what the node runs, so nobody needs to wait.
        if (block.timestamp <= until && registry.statusOf(nodeId) != NodeStatus.Slashed) {
            revert DeadlineNotPassed(taskId, until);
        }
        uint256 tipsLeft = escrowManager.escrowOf(taskId).amount - task.escrow;
        // One timeout, one tip: what abandons did not use is the buyer's, else giving a task back would raise the next tip.
        uint256 tip = Math.min(
            tipsLeft / (MAX_ATTEMPTS - task.attempts), _storage().paymentTokens[_tokenOf(task.tokenId)].timeoutTip
        );
        emit TaskTimedOut(taskId, nodeId, msg.sender, tip);
        _endAttempt(taskId, task, Cause.TaskTimedOut, tip);
    }

    /// @inheritdoc ITaskMarketplace
    function expireTask(bytes32 taskId) external {
        TaskRecord storage task = _inStatus(taskId, TaskStatus.Open);
        if (block.timestamp <= task.since) revert AcceptWindowOpen(taskId, task.since);
        _expire(taskId, task);
    }

    // ---------------------------------------------------------------- Views

    /// @inheritdoc ITaskMarketplace
    function commitmentHash(bytes32 taskId, uint64 nodeId, bytes32 salt, address operator)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(taskId, nodeId, salt, operator));
    }

    // ---------------------------------------------------------------- Inside: a task's course

    /// @dev A commitment needs no mark that it was used: it names the task, and no node gets a task twice.
    function _checkSeal(uint64 nodeId, bytes32 sealedHash) private view {
        // casting is safe: the digest is defined as the first 20 bytes
        // forge-lint: disable-next-line(unsafe-typecast)
        bytes20 digest = bytes20(sealedHash);
        Commitment memory made = _storage().commitments[nodeId][msg.sender][_placeOf(digest)];
        if (made.digest == 0 || made.digest != digest) revert NoCommitment(nodeId);
        if (block.number <= made.blockNumber) revert CommitmentTooFresh(nodeId);
        if (block.timestamp > made.expiresAt) revert CommitmentLapsed(nodeId, made.expiresAt);
    }

    /// @dev An assignment ended without a result: the node never gets this task again, and the buyer another acceptance
    /// window or the money.
    function _endAttempt(bytes32 taskId, TaskRecord storage task, Cause cause, uint256 tip) private {
        uint64 nodeId = task.nodeId;
        uint8 attempts = task.attempts + 1;
        uint40 acceptBy = uint40(block.timestamp) + task.acceptWindow;
        _storage().excluded[taskId][nodeId] = true;
        task.attempts = attempts;
        task.nodeId = 0;
        task.flags &= ~AGREED;
        task.status = TaskStatus.Open;
        task.since = acceptBy;
        registry.failTask(nodeId, task.minPower, _tokenOf(task.tokenId), task.escrow, cause);
        if (tip != 0) escrowManager.payTip(taskId, msg.sender, tip);
        if (attempts == MAX_ATTEMPTS) {
            _expire(taskId, task);
        } else {
            emit TaskReopened(taskId, attempts, acceptBy);
        }
    }

    function _expire(bytes32 taskId, TaskRecord storage task) private {
        task.status = TaskStatus.Expired;
        emit TaskExpired(taskId, task.escrow);
        escrowManager.refund(taskId, task.buyer);
    }

    function _settle(bytes32 taskId, TaskRecord storage stored) private {
        stored.status = TaskStatus.Verified;
        TaskRecord memory task = stored;
        address token = _tokenOf(task.tokenId);
        (uint256 price, uint256 due) = _dueFor(taskId, task);
        uint16 rebateBps = token == aiigo ? task.feeBps / AIIGO_DISCOUNT : 0;
        (uint256 provided, uint256 fee) = escrowManager.release(
            taskId, registry.payoutOf(task.nodeId), task.buyer, due, task.feeBps - rebateBps, rebateBps
        );
        emit TaskVerified(taskId, task.nodeId, msg.sender, due, provided, fee, task.escrow - provided - fee);
        _recordPrice(task, price, _timeFor(taskId, stored));
        registry.settleTask(task.nodeId, task.buyer, token, task.escrow, fee);
        rewards.recordFee(task.nodeId, token, fee);
    }

    /// @dev What the buyer agreed to pay for a milli-TFLOPS and hour, heavy as the whole price.
    function _recordPrice(TaskRecord memory task, uint256 price, uint256 time) private {
        uint256 rate = price * 1 hours * PRICE_SCALE / (time * task.minPower);
        PriceIndex storage index = _storage().prices[_priceKey(task.resourceType, task.tokenId)];
        PriceIndex memory next = index.settle(rate, price, block.timestamp);
        index.price = next.price;
        index.weight = next.weight;
        index.updatedAt = next.updatedAt;
        emit PriceIndexMoved(task.resourceType, _tokenOf(task.tokenId), next.price);
    }

    // ---------------------------------------------------------------- Inside: deadlines and checks

    /// @dev Never after the deadline: who is late must not choose the smaller penalty.
    function _abandonableUntil(bytes32 taskId, TaskRecord storage task) private view returns (uint40) {
        uint24 time = _timeFor(taskId, task);
        uint256 window = Math.max(time / 10, _storage().rules.minAbandonWindow);
        // casting is safe: at most the time, a uint24
        // forge-lint: disable-next-line(unsafe-typecast)
        return task.since + uint40(Math.min(window, time));
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}
}
