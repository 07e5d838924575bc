// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReplicaStatus} from "src/types/Replica.sol";
import {TaskStatus} from "src/types/Task.sol";

import {ReplicaBooks} from "./ReplicaBooks.sol";

/// @title How anyone brings a replicated task from its candidates to its seats, and frees who has none
abstract contract Draws is ReplicaBooks {
    function keeperDrawsReplicas(uint256 seed) external acts {
        bytes32 taskId = _replicatedTask(seed, TaskStatus.Drawing);
        if (taskId != 0) _drawLate(taskId, _seldom(seed, "forget", 16));
    }

    function keeperReleases(uint256) external acts {
        bytes32[] memory all = replications;
        for (uint256 i; i < all.length; ++i) {
            _release(all[i]);
        }
    }

    // ---------------------------------------------------------------- Inside

    /// @dev After the block that draws, now and then so late that the chain has forgotten it.
    function _drawLate(bytes32 taskId, bool tooLate) internal {
        uint256 drawBlock = replicationBooks[taskId].drawBlock;
        _waitForBlock(drawBlock + (tooLate ? 9_000 : 1));
        _drawReplicas(taskId);
    }

    /// @dev Too few candidates: once more, then refunded.
    function _closeWindow(bytes32 taskId) internal returns (bool done) {
        TaskBook storage book = taskBooks[taskId];
        ReplicationBook storage round = replicationBooks[taskId];
        bool may = block.timestamp > book.since;
        done = _try(keeper, address(market), abi.encodeCall(market.drawReplicas, (taskId, "")));
        assertEq(done, may, "8: anyone ends the applications after their window, and only then");
        if (!done) return false;
        if (round.candidates.length >= round.seats) {
            book.status = TaskStatus.Drawing;
            round.drawBlock = block.number + REPLICAS_DRAW_DELAY;
            ++reached["candidates fixed"];
        } else if (round.extended) {
            _bookRefund(taskId, TaskStatus.Expired);
            _bookFarewell(taskId);
            ++reached["too few applied"];
        } else {
            round.extended = true;
            book.since = block.timestamp + book.acceptWindow;
            ++reached["window extended"];
        }
    }

    function _drawReplicas(bytes32 taskId) internal returns (bool done) {
        ReplicationBook storage round = replicationBooks[taskId];
        uint256 number = round.drawBlock;
        bool may = block.number > number;
        bool forgotten = block.number > number + 256;
        bytes memory header = may && !forgotten ? drawHeader(taskId) : bytes("");
        done = _try(keeper, address(market), abi.encodeCall(market.drawReplicas, (taskId, header)));
        assertEq(done, may, "8: anyone draws after the block that draws, and only then");
        if (!done) return false;
        if (forgotten) {
            round.drawBlock = block.number + REPLICAS_DRAW_DELAY;
            ++reached["draw block forgotten"];
        } else {
            _bookSeats(taskId, keccak256(abi.encode("mix", number)));
        }
    }

    /// @dev Seat by seat: a number below the candidates that no later seat needs; if it is taken, the last of them.
    function _bookSeats(bytes32 taskId, bytes32 mix) private {
        TaskBook storage book = taskBooks[taskId];
        ReplicationBook storage round = replicationBooks[taskId];
        for (uint256 i; i < round.seats; ++i) {
            uint256 last = round.candidates.length - round.seats + i;
            uint256 place = uint256(keccak256(abi.encode(mix, taskId, _roundOf(taskId), i))) % (last + 1);
            if (replicaBooks[taskId][round.candidates[place]].status == ReplicaStatus.Drawn) place = last;
            uint64 nodeId = round.candidates[place];
            replicaBooks[taskId][nodeId].status = ReplicaStatus.Drawn;
            round.seated.push(nodeId);
        }
        round.waiting -= round.seats;
        round.sealUntil = block.timestamp + book.duration + GRACE;
        round.revealUntil = round.sealUntil + REVEAL_WINDOW;
        (book.status, book.since) = (TaskStatus.Replicating, block.timestamp);
        ++reached["replicas drawn"];
    }

    /// @dev Everybody is named: who must stay, stays.
    function _release(bytes32 taskId) internal {
        uint64[] memory ids = new uint64[](providers.length);
        for (uint64 i; i < ids.length; ++i) {
            ids[i] = i + 1;
        }
        vm.prank(keeper);
        market.releaseCandidates(taskId, ids);
        TaskStatus status = taskBooks[taskId].status;
        bool waiting = status == TaskStatus.Recruiting || status == TaskStatus.Drawing;
        for (uint64 id = 1; id <= ids.length; ++id) {
            ReplicaBook storage replica = replicaBooks[taskId][id];
            if (replica.status != ReplicaStatus.Applied || (waiting && replica.round == _roundOf(taskId))) continue;
            _bookRelease(taskId, id);
            ++reached["candidate released"];
        }
        _bookFarewell(taskId);
    }
}
