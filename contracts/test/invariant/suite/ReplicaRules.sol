// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Replica, ReplicaStatus, Replication} from "src/types/Replica.sol";

import {ReplicaBooks} from "./ReplicaBooks.sol";

/// @title What the books say about replicated tasks
abstract contract ReplicaRules is ReplicaBooks {
    /// @notice 2 and 6. Each count, each seat and each candidate is where the rules have brought it, until nobody waits any more.
    function replicasAreWhereTheRulesBroughtThem() external view {
        for (uint256 i; i < replications.length; ++i) {
            _checkReplication(replications[i]);
            _checkReplicas(replications[i]);
        }
    }

    function _checkReplication(bytes32 taskId) private view {
        ReplicationBook storage book = replicationBooks[taskId];
        Replication memory seen = market.replicationOf(taskId);
        assertEq(seen.round, _roundOf(taskId), "2: the round");
        assertEq(seen.extended, book.extended, "8: whether the window was extended");
        assertEq(seen.overruled, book.overruled, "2: whether the court turned the count");
        assertEq(seen.openAppeals, book.openAppeals, "8: open appeals");
        assertEq(seen.share, book.share, "2: a seat's share");
        assertEq(seen.drawBlock, book.drawBlock, "the block that draws");
        assertEq(seen.sealUntil, book.sealUntil, "8: until when results are sealed");
        assertEq(seen.revealUntil, book.revealUntil, "8: until when results are shown");
        assertEq(seen.settleAfter, book.settleAfter, "8: until when a count is appealed");
        assertEq(seen.seats.length, book.seated.length, "the seats");
        for (uint256 i; i < seen.seats.length; ++i) {
            assertEq(seen.seats[i].nodeId, book.seated[i], "who was drawn");
        }
    }

    function _checkReplicas(bytes32 taskId) private view {
        uint64[] memory list = market.candidatesOf(taskId, 0, type(uint256).max);
        assertEq(abi.encode(list), abi.encode(replicationBooks[taskId].candidates), "6: the candidates");
        for (uint64 id = 1; id <= providers.length; ++id) {
            Replica memory seen = market.replicaOf(taskId, id);
            ReplicaBook storage book = replicaBooks[taskId][id];
            assertEq(uint8(seen.status), uint8(book.status), "2: how far a replica is");
            assertEq(seen.round, book.round, "2: the round of a replica");
            if (seen.status == ReplicaStatus.Applied && seen.round == _roundOf(taskId)) {
                assertEq(list[seen.index], id, "6: a candidate's place");
            }
            if (seen.status == ReplicaStatus.Revealed) assertEq(seen.digest, book.result, "2: a result");
            if (seen.status == ReplicaStatus.Sealed) assertEq(seen.digest, book.sealedHash, "2: a seal");
        }
    }
}
