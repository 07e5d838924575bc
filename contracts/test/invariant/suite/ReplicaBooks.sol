// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReplicaStatus} from "src/types/Replica.sol";
import {TaskStatus} from "src/types/Task.sol";

import {Books} from "./Books.sol";

/// @title The books of replicated tasks: who has applied, who was drawn, and how far each of them is
abstract contract ReplicaBooks is Books {
    /// @dev What `TaskBook` doesn't say. The round is one more than the attempts.
    struct ReplicationBook {
        uint8 seats;
        bool extended;
        bool overruled;
        uint256 share; // of the price, a seat's
        uint256 drawBlock;
        uint256 sealUntil;
        uint256 revealUntil;
        uint256 settleAfter; // zero: nothing is to be settled
        uint256 openAppeals;
        uint256 waiting; // nodes that hold a slot for an application
        bytes32 result; // of the majority
        uint64[] candidates; // of the present round, by their places
        uint64[] seated; // in the order of their seats
    }

    struct ReplicaBook {
        ReplicaStatus status;
        uint8 round; // that it applied in
        bool excluded;
        bytes32 sealedHash;
        bytes32 result; // what is in the seal; zero: a copied one, which nobody can open
        address maker; // of the seal
        uint256 elapsed;
    }

    struct AppealBook {
        bytes32 taskId;
        uint64 nodeId;
    }

    uint256 internal constant MAX_REPLICATED = 6; // that anybody has to do with
    uint256 internal constant ROUNDS_OF_REPLICAS = 2;
    uint256 internal constant REPLICAS_DRAW_DELAY = 97;

    /// @dev Until they are over, settled, and no node waits any more.
    bytes32[] internal replications;
    mapping(bytes32 taskId => ReplicationBook) internal replicationBooks;
    mapping(bytes32 taskId => mapping(uint64 nodeId => ReplicaBook)) internal replicaBooks;
    mapping(bytes32 taskId => mapping(address owner => uint8 round)) internal appliedIn;
    mapping(bytes32 appealId => AppealBook) internal appealBooks;

    // ---------------------------------------------------------------- Choosing

    /// @dev Some replicated task in `status`, or zero.
    function _replicatedTask(uint256 seed, TaskStatus status) internal view returns (bytes32) {
        uint256 start = _random(seed, "replicated");
        for (uint256 i; i < replications.length; ++i) {
            bytes32 taskId = replications[(start % replications.length + i) % replications.length];
            if (taskBooks[taskId].status == status) return taskId;
        }
        return 0;
    }

    /// @dev Some task that recruits, mostly one for which nodes can still apply.
    function _recruiting(uint256 seed) internal view returns (bytes32) {
        uint256 start = _random(seed, "replicated");
        bool any = _seldom(seed, "any task", 8);
        for (uint256 i; i < replications.length; ++i) {
            bytes32 taskId = replications[(start % replications.length + i) % replications.length];
            TaskBook storage book = taskBooks[taskId];
            if (book.status == TaskStatus.Recruiting && (any || block.timestamp <= book.since)) return taskId;
        }
        return 0;
    }

    /// @dev Some task whose count waits for its settlement, or zero.
    function _unsettled(uint256 seed) internal view returns (bytes32) {
        uint256 start = _random(seed, "replicated");
        for (uint256 i; i < replications.length; ++i) {
            bytes32 taskId = replications[(start % replications.length + i) % replications.length];
            if (replicationBooks[taskId].settleAfter != 0) return taskId;
        }
        return 0;
    }

    function _roundOf(bytes32 taskId) internal view returns (uint8) {
        return taskBooks[taskId].attempts + 1;
    }

    /// @dev How many seats are in `status`.
    function _count(bytes32 taskId, ReplicaStatus status) internal view returns (uint256 count) {
        uint64[] storage seated = replicationBooks[taskId].seated;
        for (uint256 i; i < seated.length; ++i) {
            if (replicaBooks[taskId][seated[i]].status == status) ++count;
        }
    }

    /// @dev Whether nobody can seal any more.
    function _sealsAreIn(bytes32 taskId) internal view returns (bool) {
        return _count(taskId, ReplicaStatus.Drawn) == 0 || block.timestamp > replicationBooks[taskId].sealUntil;
    }

    function _isAppeal(bytes32 id) internal view returns (bool) {
        return appealBooks[id].taskId != 0;
    }

    // ---------------------------------------------------------------- Writing: applications

    function _bookReplication(bytes32 taskId, uint8 seats) internal {
        ReplicationBook storage book = replicationBooks[taskId];
        book.seats = seats;
        book.share = taskBooks[taskId].price / seats;
        replications.push(taskId);
    }

    /// @dev What it still held for the first round is free with it.
    function _bookApplication(bytes32 taskId, uint64 nodeId) internal {
        ReplicationBook storage book = replicationBooks[taskId];
        ReplicaBook storage replica = replicaBooks[taskId][nodeId];
        if (replica.status == ReplicaStatus.Applied) {
            _bookRelease(taskId, nodeId);
            ++reached["applied in both rounds"];
        }
        (replica.status, replica.round) = (ReplicaStatus.Applied, _roundOf(taskId));
        appliedIn[taskId][providers[nodeId - 1].owner] = replica.round;
        book.candidates.push(nodeId);
        book.waiting += 1;
        _bookRun(nodeId, taskBooks[taskId], book.share);
    }

    /// @dev The last candidate takes its place.
    function _bookWithdrawal(bytes32 taskId, uint64 nodeId) internal {
        uint64[] storage list = replicationBooks[taskId].candidates;
        for (uint256 i; i < list.length; ++i) {
            if (list[i] != nodeId) continue;
            list[i] = list[list.length - 1];
            list.pop();
        }
        _bookRelease(taskId, nodeId);
    }

    function _bookRelease(bytes32 taskId, uint64 nodeId) internal {
        ReplicationBook storage book = replicationBooks[taskId];
        replicaBooks[taskId][nodeId].status = ReplicaStatus.Released;
        book.waiting -= 1;
        _bookDrop(nodeId, taskBooks[taskId], book.share);
    }

    // ---------------------------------------------------------------- Writing: the end

    /// @dev A seat's last word: its stake answers no more.
    function _bookConclusion(bytes32 taskId, uint64 nodeId, ReplicaStatus verdict) internal {
        replicaBooks[taskId][nodeId].status = verdict;
        _bookReviewed(nodeId, taskBooks[taskId], replicationBooks[taskId].share);
        if (verdict == ReplicaStatus.Slashed) _bookLoss(nodeId);
    }

    /// @dev The court found for the outvoted node, for the majority, or for neither.
    function _bookAppealEnd(bytes32 appealId, bool won, bool lost) internal {
        AppealBook storage appeal = appealBooks[appealId];
        ReplicationBook storage book = replicationBooks[appeal.taskId];
        book.openAppeals -= 1;
        if (won) book.overruled = true;
        ReplicaStatus verdict = won ? ReplicaStatus.Vindicated : lost ? ReplicaStatus.Slashed : ReplicaStatus.Cleared;
        _bookConclusion(appeal.taskId, appeal.nodeId, verdict);
        ++reached[won ? "appeal won" : lost ? "appeal lost" : "appeal undecided"];
    }

    /// @dev Once nobody has to do with it.
    function _bookFarewell(bytes32 taskId) internal {
        TaskStatus status = taskBooks[taskId].status;
        bool over = status == TaskStatus.Verified || status == TaskStatus.Cancelled || status == TaskStatus.Expired;
        ReplicationBook storage book = replicationBooks[taskId];
        if (!over || book.settleAfter != 0 || book.waiting != 0) return;
        for (uint256 i; i < replications.length; ++i) {
            if (replications[i] != taskId) continue;
            replications[i] = replications[replications.length - 1];
            replications.pop();
            return;
        }
    }
}
