// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IReplicas} from "../interfaces/IReplicas.sol";
import {ITaskMarketplace} from "../interfaces/ITaskMarketplace.sol";
import {Payment} from "../libraries/Payment.sol";
import {AIIGO_DISCOUNT, BPS} from "../libraries/Shares.sol";
import {Cause, Verdict} from "../types/Node.sol";
import {Replica, ReplicaRound, ReplicaStatus} from "../types/Replica.sol";
import {TaskStatus} from "../types/Task.sol";
import {TaskRecord} from "../types/TaskRecord.sol";
import {ReplicasWork} from "./ReplicasWork.sol";

/// @title Which result is right, and what its makers and the others get
/// @dev A count that is not unanimous pays the majority at once, but all who revealed answer with their stake until the
/// settlement: by then an appeal may have turned it.
abstract contract ReplicasVerdict is ReplicasWork {
    /// @dev The present round's seats, read once.
    struct Bench {
        uint64[] nodeIds;
        Replica[] replicas;
        uint88 share;
        address token;
        bytes32 result; // what most of the revealed seats have
        uint256 agreeing; // how many of them
    }

    /// @dev Where the escrow goes: the majority, the treasury, the buyer.
    struct Payout {
        address[] accounts;
        uint256[] amounts;
        uint256 paid; // how many of the majority
        uint256 due;
        uint256 provided;
        uint256 fees;
    }

    /// @notice Seconds after a count that was not unanimous in which the minority may appeal.
    uint40 public constant APPEAL_WINDOW = 1 days;

    // ---------------------------------------------------------------- Anyone

    /// @inheritdoc IReplicas
    function judgeReplicas(bytes32 taskId) external {
        TaskRecord storage task = _inStatus(taskId, TaskStatus.Replicating);
        ReplicaRound storage round = _replicas().rounds[taskId];
        uint8 revealed = round.revealedSeats;
        // Nothing is left to wait for: nobody can commit any more, and all who did have revealed.
        bool complete = _sealsAreIn(task, round) && revealed == round.sealedSeats;
        if (!complete && block.timestamp <= round.revealUntil) {
            revert ITaskMarketplace.DeadlineNotPassed(taskId, round.revealUntil);
        }
        Bench memory bench = _bench(taskId, task);
        _timeOut(taskId, task, bench);
        if (bench.agreeing * 2 <= task.replicas) {
            _disagree(taskId, task, bench, revealed);
            return;
        }
        bool unanimous = bench.agreeing == revealed;
        uint40 settleAfter = unanimous ? 0 : uint40(block.timestamp) + APPEAL_WINDOW;
        round.settleAfter = settleAfter;
        emit ReplicasJudged(taskId, _roundOf(task), bench.result, bench.agreeing, settleAfter);
        _pay(taskId, task, bench);
        if (unanimous) _settle(taskId, task, bench, false);
    }

    /// @inheritdoc IReplicas
    function settleReplicas(bytes32 taskId) external {
        TaskRecord storage task = _storage().tasks[taskId];
        ReplicaRound storage round = _replicas().rounds[taskId];
        uint40 until = round.settleAfter;
        if (until == 0) revert NothingToSettle(taskId);
        if (block.timestamp <= until) revert ITaskMarketplace.ReviewWindowOpen(taskId, until);
        if (round.openAppeals != 0) revert AppealsOpen(taskId, round.openAppeals);
        round.settleAfter = 0;
        _settle(taskId, task, _bench(taskId, task), round.overruled);
    }

    // ---------------------------------------------------------------- Inside: counting

    function _bench(bytes32 taskId, TaskRecord storage task) private view returns (Bench memory bench) {
        uint256 seats = task.replicas;
        uint32[MAX_SEATS] memory nodes = _replicas().seats[taskId];
        bench.nodeIds = new uint64[](seats);
        bench.replicas = new Replica[](seats);
        bench.share = _shareOf(task);
        bench.token = _tokenOf(task.tokenId);
        for (uint256 i; i < seats; ++i) {
            bench.nodeIds[i] = nodes[i];
            bench.replicas[i] = _replicas().replicas[taskId][nodes[i]];
        }
        // At most seven seats: every result is compared with every other.
        for (uint256 i; i < seats; ++i) {
            if (bench.replicas[i].status != ReplicaStatus.Revealed) continue;
            uint256 agreeing;
            for (uint256 j; j < seats; ++j) {
                if (_has(bench.replicas[j], ReplicaStatus.Revealed, bench.replicas[i].digest)) ++agreeing;
            }
            if (agreeing > bench.agreeing) (bench.result, bench.agreeing) = (bench.replicas[i].digest, agreeing);
        }
    }

    function _has(Replica memory replica, ReplicaStatus status, bytes32 result) private pure returns (bool) {
        return replica.status == status && replica.digest == result;
    }

    /// @dev Who did not commit or did not reveal. They never get this task again.
    function _timeOut(bytes32 taskId, TaskRecord storage task, Bench memory bench) private {
        uint256 tip = _tipFor(taskId, task, bench.token);
        uint256 tips;
        for (uint256 i; i < bench.replicas.length; ++i) {
            ReplicaStatus status = bench.replicas[i].status;
            if (status == ReplicaStatus.Revealed) continue;
            uint64 nodeId = bench.nodeIds[i];
            _mark(taskId, bench, i, ReplicaStatus.TimedOut);
            _storage().excluded[taskId][nodeId] = true;
            tips += tip;
            emit ReplicaTimedOut(taskId, nodeId, msg.sender, tip);
            if (status == ReplicaStatus.Drawn) {
                registry.failTask(nodeId, task.minPower, bench.token, bench.share, Cause.TaskTimedOut);
            } else {
                registry.failReviewed(nodeId, bench.token, bench.share, Cause.TaskTimedOut);
            }
        }
        if (tips != 0) escrowManager.payTip(taskId, msg.sender, tips);
    }

    /// @dev One timeout, one tip: of what is left, the part of one seat in one of the rounds that are left.
    function _tipFor(bytes32 taskId, TaskRecord storage task, address token) private view returns (uint256) {
        uint256 tipsLeft = escrowManager.escrowOf(taskId).amount - task.escrow;
        uint256 seatsLeft = uint256(task.replicas) * (MAX_ROUNDS - task.attempts);
        return Math.min(tipsLeft / seatsLeft, _storage().paymentTokens[token].timeoutTip);
    }

    // ---------------------------------------------------------------- Inside: no majority

    /// @dev Nobody can say who is wrong, so nobody is slashed.
    function _disagree(bytes32 taskId, TaskRecord storage task, Bench memory bench, uint256 revealed) private {
        emit ReplicasDisagreed(taskId, _roundOf(task), revealed);
        for (uint256 i; i < bench.replicas.length; ++i) {
            if (bench.replicas[i].status != ReplicaStatus.Revealed) continue;
            _conclude(taskId, task, bench.nodeIds[i], ReplicaStatus.Undecided, Verdict.Split);
        }
        delete _replicas().rounds[taskId];
        uint8 attempts = task.attempts + 1;
        task.attempts = attempts;
        if (attempts == MAX_ROUNDS) {
            _expire(taskId, task);
        } else {
            uint40 acceptBy = uint40(block.timestamp) + task.acceptWindow;
            task.status = TaskStatus.Recruiting;
            task.since = acceptBy;
            emit ReplicasReopened(taskId, attempts + 1, acceptBy);
        }
    }

    // ---------------------------------------------------------------- Inside: a majority is paid

    /// @dev Each of the majority gets its share as the only provider of a task would; the rest is the buyer's.
    function _pay(bytes32 taskId, TaskRecord storage task, Bench memory bench) private {
        task.status = TaskStatus.Verified;
        // casting is safe: bounded by the minimum
        // forge-lint: disable-next-line(unsafe-typecast)
        task.elapsed = uint24(Math.min(block.timestamp - task.since, type(uint24).max));
        Payout memory payout;
        payout.accounts = new address[](bench.agreeing + 2);
        payout.amounts = new uint256[](bench.agreeing + 2);
        for (uint256 i; i < bench.replicas.length; ++i) {
            Replica memory replica = bench.replicas[i];
            if (_has(replica, ReplicaStatus.Revealed, bench.result)) {
                _mark(taskId, bench, i, ReplicaStatus.Agreed);
                _payOne(taskId, task, bench, i, payout);
            } else if (replica.status == ReplicaStatus.Revealed) {
                _mark(taskId, bench, i, ReplicaStatus.Outvoted);
                emit ReplicaOutvoted(taskId, bench.nodeIds[i], replica.digest);
            }
        }
        uint256 spent = payout.provided + payout.fees;
        emit ReplicasVerified(taskId, msg.sender, payout.due, payout.provided, payout.fees, task.escrow - spent);
        (payout.accounts[payout.paid], payout.amounts[payout.paid]) = (escrowManager.treasury(), payout.fees);
        // What is not due, the discount and the tips that are left.
        payout.accounts[payout.paid + 1] = task.buyer;
        payout.amounts[payout.paid + 1] = escrowManager.escrowOf(taskId).amount - spent;
        escrowManager.splitPayment(taskId, payout.accounts, payout.amounts);
    }

    function _payOne(bytes32 taskId, TaskRecord storage task, Bench memory bench, uint256 i, Payout memory payout)
        private
    {
        uint64 nodeId = bench.nodeIds[i];
        (uint256 due, uint256 provided, uint256 fee) = _amounts(task, bench, i);
        (payout.accounts[payout.paid], payout.amounts[payout.paid]) = (registry.payoutOf(nodeId), provided);
        payout.paid += 1;
        payout.due += due;
        payout.provided += provided;
        payout.fees += fee;
        emit ReplicaPaid(taskId, nodeId, due, provided, fee);
        rewards.recordFee(nodeId, bench.token, fee);
    }

    /// @dev What is due has whole units, so every share is exact.
    function _amounts(TaskRecord storage task, Bench memory bench, uint256 i)
        private
        view
        returns (uint256 due, uint256 provided, uint256 fee)
    {
        due = Payment.dueFor(bench.share, task.duration, bench.replicas[i].elapsed);
        uint256 rebateBps = bench.token == aiigo ? task.feeBps / AIIGO_DISCOUNT : 0;
        fee = due * (task.feeBps - rebateBps) / BPS;
        provided = due - fee - due * rebateBps / BPS;
    }

    // ---------------------------------------------------------------- Inside: what stake answers for

    /// @dev Who was wrong loses like a dispute: the minority, or if the court turned the count, the majority and whoever has
    /// yet another result than the appellant.
    function _settle(bytes32 taskId, TaskRecord storage task, Bench memory bench, bool overruled) private {
        for (uint256 i; i < bench.replicas.length; ++i) {
            (uint64 nodeId, ReplicaStatus status) = (bench.nodeIds[i], bench.replicas[i].status);
            if (status == ReplicaStatus.Agreed && !overruled) {
                (,, uint256 fee) = _amounts(task, bench, i);
                emit ReplicaSettled(taskId, nodeId, status);
                registry.settleTask(nodeId, task.buyer, bench.token, bench.share, fee);
            } else if (status == ReplicaStatus.Outvoted && overruled && _isVindicated(bench, i)) {
                _conclude(taskId, task, nodeId, ReplicaStatus.Cleared, Verdict.Split);
            } else if (status == ReplicaStatus.Agreed || status == ReplicaStatus.Outvoted) {
                _conclude(taskId, task, nodeId, ReplicaStatus.Slashed, Verdict.Lost);
            }
        }
    }

    /// @dev Whether the court found for another seat with the same result.
    function _isVindicated(Bench memory bench, uint256 i) private pure returns (bool) {
        for (uint256 j; j < bench.replicas.length; ++j) {
            if (_has(bench.replicas[j], ReplicaStatus.Vindicated, bench.replicas[i].digest)) return true;
        }
        return false;
    }

    function _mark(bytes32 taskId, Bench memory bench, uint256 i, ReplicaStatus status) private {
        bench.replicas[i].status = status;
        _replicas().replicas[taskId][bench.nodeIds[i]].status = status;
    }

    /// @dev A seat that is not paid: its last word, and the node is free.
    function _conclude(bytes32 taskId, TaskRecord storage task, uint64 nodeId, ReplicaStatus status, Verdict verdict)
        internal
    {
        _replicas().replicas[taskId][nodeId].status = status;
        emit ReplicaSettled(taskId, nodeId, status);
        registry.settleDispute(nodeId, task.buyer, _tokenOf(task.tokenId), _shareOf(task), 0, verdict);
    }
}
