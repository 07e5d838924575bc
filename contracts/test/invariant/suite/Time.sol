// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TaskStatus} from "src/types/Task.sol";

import {ReplicaBooks} from "./ReplicaBooks.sol";

/// @title Time passes: mostly minutes, now and then until something is due
abstract contract Time is ReplicaBooks {
    function timePasses(uint256 seed) external acts {
        uint256 kind = _random(seed, "kind") % 16;
        uint256 time = _random(seed, "time");
        if (kind < 8) skip(time % 10 minutes);
        else if (kind < 12) skip(time % 3 hours);
        else if (kind < 13) _waitUntil(_deadlineOfTask(seed) + time % 2);
        else if (kind == 13) _waitUntil(_deadlineOfReplicas(seed) + time % 2);
        else if (kind == 14) _waitUntil(_deadlineOfCase(seed) + time % 2);
        else skip(time % 16 == 0 ? 8 days : time % 1 days);
        vm.roll(block.number + time % 50);
    }

    function _deadlineOfTask(uint256 seed) private view returns (uint256) {
        if (live.length == 0) return 0;
        TaskBook storage book = taskBooks[live[_random(seed, "task") % live.length]];
        if (book.status == TaskStatus.Open) return book.since;
        if (book.status == TaskStatus.InProgress) return book.since + book.time + GRACE;
        return book.status == TaskStatus.Completed ? book.since + book.reviewWindow : 0;
    }

    function _deadlineOfReplicas(uint256 seed) private view returns (uint256) {
        if (replications.length == 0) return 0;
        bytes32 taskId = replications[_random(seed, "replicated") % replications.length];
        ReplicationBook storage round = replicationBooks[taskId];
        if (taskBooks[taskId].status == TaskStatus.Recruiting) return taskBooks[taskId].since;
        if (taskBooks[taskId].status != TaskStatus.Replicating) return round.settleAfter;
        return block.timestamp <= round.sealUntil && !_sealsAreIn(taskId) ? round.sealUntil : round.revealUntil;
    }

    function _deadlineOfCase(uint256 seed) private view returns (uint256) {
        return cases.length == 0 ? 0 : court.caseOf(cases[_random(seed, "case") % cases.length]).deadline;
    }
}
