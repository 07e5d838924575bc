// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReplicaStatus} from "src/types/Replica.sol";
import {TaskStatus} from "src/types/Task.sol";

import {Draws} from "./Draws.sol";

/// @title What a count of results must come to, by the rules, and its settlement
abstract contract Counts is Draws {
    /// @dev Some count, whether it can be settled or not.
    function keeperSettles(uint256 seed) external acts {
        bytes32 taskId = _unsettled(seed);
        if (taskId != 0) _settleReplicas(taskId);
    }

    /// @dev The one step that a replicated task allows to anyone, exactly when the rules say.
    function _stepReplicas(bytes32 taskId) internal returns (bool) {
        TaskStatus status = taskBooks[taskId].status;
        if (status == TaskStatus.Recruiting) return _closeWindow(taskId);
        return status == TaskStatus.Drawing ? _drawReplicas(taskId) : _judge(taskId);
    }

    function _judge(bytes32 taskId) internal returns (bool done) {
        bool allShown = _sealsAreIn(taskId) && _count(taskId, ReplicaStatus.Sealed) == 0;
        bool may = allShown || block.timestamp > replicationBooks[taskId].revealUntil;
        done = _try(keeper, address(market), abi.encodeCall(market.judgeReplicas, (taskId)));
        assertEq(done, may, "8: anyone counts when nobody is waited for, and only then");
        if (!done) return false;
        _bookTimeouts(taskId);
        uint256 revealed = _count(taskId, ReplicaStatus.Revealed);
        uint256 agreeing = _bookMost(taskId);
        if (2 * agreeing > replicationBooks[taskId].seats) _bookMajority(taskId, agreeing == revealed);
        else _bookDisagreement(taskId);
        _bookFarewell(taskId);
    }

    /// @dev Who was outvoted is wrong; if the court said otherwise of one, all who have another result than it.
    function _settleReplicas(bytes32 taskId) internal returns (bool done) {
        ReplicationBook storage round = replicationBooks[taskId];
        bool may = block.timestamp > round.settleAfter && round.openAppeals == 0;
        done = _try(keeper, address(market), abi.encodeCall(market.settleReplicas, (taskId)));
        assertEq(done, may, "8: anyone settles a count after the appeals, and only then");
        if (!done) return false;
        round.settleAfter = 0;
        _bookSettlement(taskId);
        _bookFarewell(taskId);
        ++reached[round.overruled ? "majority slashed" : "count settled"];
    }

    // ---------------------------------------------------------------- Inside: counting

    /// @dev One tip each, all of the same size.
    function _bookTimeouts(bytes32 taskId) private {
        TaskBook storage book = taskBooks[taskId];
        ReplicationBook storage round = replicationBooks[taskId];
        uint256 tip = _tipOf(book, round.seats * (ROUNDS_OF_REPLICAS - book.attempts));
        for (uint256 i; i < round.seated.length; ++i) {
            uint64 nodeId = round.seated[i];
            ReplicaBook storage replica = replicaBooks[taskId][nodeId];
            if (replica.status == ReplicaStatus.Revealed) continue;
            bool isSealed = replica.status == ReplicaStatus.Sealed;
            if (isSealed) _bookReviewed(nodeId, book, round.share);
            else _bookDrop(nodeId, book, round.share);
            _bookTimeout(nodeId);
            _bookTip(taskId, tip);
            (replica.status, replica.excluded) = (ReplicaStatus.TimedOut, true);
            ++reached[isSealed ? "result not shown" : "no result sealed"];
        }
    }

    /// @dev The result that most have, and how many that are.
    function _bookMost(bytes32 taskId) private returns (uint256 most) {
        uint64[] storage seated = replicationBooks[taskId].seated;
        for (uint256 i; i < seated.length; ++i) {
            uint256 agreeing;
            for (uint256 j; j < seated.length; ++j) {
                if (_hasShown(taskId, seated[j], replicaBooks[taskId][seated[i]].result)) ++agreeing;
            }
            if (agreeing <= most || !_hasShown(taskId, seated[i], replicaBooks[taskId][seated[i]].result)) continue;
            (most, replicationBooks[taskId].result) = (agreeing, replicaBooks[taskId][seated[i]].result);
        }
    }

    function _hasShown(bytes32 taskId, uint64 nodeId, bytes32 result) private view returns (bool) {
        ReplicaBook storage replica = replicaBooks[taskId][nodeId];
        return replica.status == ReplicaStatus.Revealed && replica.result == result;
    }

    // ---------------------------------------------------------------- Inside: no majority

    /// @dev Nobody is wrong. Once more from the beginning, then refunded.
    function _bookDisagreement(bytes32 taskId) private {
        TaskBook storage book = taskBooks[taskId];
        ReplicationBook storage round = replicationBooks[taskId];
        for (uint256 i; i < round.seated.length; ++i) {
            if (replicaBooks[taskId][round.seated[i]].status != ReplicaStatus.Revealed) continue;
            _bookConclusion(taskId, round.seated[i], ReplicaStatus.Undecided);
            ++reached["undecided"];
        }
        (round.extended, round.drawBlock, round.sealUntil, round.revealUntil) = (false, 0, 0, 0);
        delete round.candidates;
        delete round.seated;
        if (++book.attempts == ROUNDS_OF_REPLICAS) {
            _bookRefund(taskId, TaskStatus.Expired);
            ++reached["disagreed and refunded"];
        } else {
            (book.status, book.since) = (TaskStatus.Recruiting, block.timestamp + book.acceptWindow);
            ++reached["disagreed and reopened"];
        }
    }

    // ---------------------------------------------------------------- Inside: a majority

    /// @dev Each of it as a task's only provider, for its share and own time. All answer for a day more, unless all agree.
    function _bookMajority(bytes32 taskId, bool unanimous) private {
        TaskBook storage book = taskBooks[taskId];
        ReplicationBook storage round = replicationBooks[taskId];
        for (uint256 i; i < round.seated.length; ++i) {
            ReplicaBook storage replica = replicaBooks[taskId][round.seated[i]];
            if (replica.status != ReplicaStatus.Revealed) continue;
            bool agreed = replica.result == round.result;
            replica.status = agreed ? ReplicaStatus.Agreed : ReplicaStatus.Outvoted;
            if (agreed) _bookEarnings(taskId, round.seated[i], _dueFor(round.share, book.duration, replica.elapsed));
        }
        _bookShare(taskId, book.buyer, book.held);
        _bookEnd(taskId, TaskStatus.Verified);
        if (unanimous) _bookSettlement(taskId);
        else round.settleAfter = block.timestamp + APPEAL_WINDOW;
        ++reached[unanimous ? "unanimous" : "outvoted"];
        if (book.attempts != 0) ++reached["paid in the second round"];
    }

    function _bookSettlement(bytes32 taskId) private {
        TaskBook storage book = taskBooks[taskId];
        ReplicationBook storage round = replicationBooks[taskId];
        for (uint256 i; i < round.seated.length; ++i) {
            uint64 nodeId = round.seated[i];
            ReplicaBook storage replica = replicaBooks[taskId][nodeId];
            if (replica.status == ReplicaStatus.Agreed && !round.overruled) {
                _bookConclusion(taskId, nodeId, ReplicaStatus.Agreed);
                uint256 due = _dueFor(round.share, book.duration, replica.elapsed);
                _bookSuccess(nodeId, book, _feeOf(book, due), 50);
            } else if (replica.status == ReplicaStatus.Outvoted && _isVindicated(taskId, replica.result)) {
                _bookConclusion(taskId, nodeId, ReplicaStatus.Cleared);
                ++reached["cleared by another's appeal"];
            } else if (replica.status == ReplicaStatus.Agreed || replica.status == ReplicaStatus.Outvoted) {
                if (replica.status == ReplicaStatus.Outvoted) {
                    ++reached[round.overruled ? "wrong beside the majority" : "minority slashed"];
                }
                _bookConclusion(taskId, nodeId, ReplicaStatus.Slashed);
            }
        }
    }

    function _isVindicated(bytes32 taskId, bytes32 result) private view returns (bool) {
        uint64[] storage seated = replicationBooks[taskId].seated;
        for (uint256 i; i < seated.length; ++i) {
            ReplicaBook storage replica = replicaBooks[taskId][seated[i]];
            if (replica.status == ReplicaStatus.Vindicated && replica.result == result) return true;
        }
        return false;
    }
}
