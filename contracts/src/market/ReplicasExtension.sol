// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IReplicas} from "../interfaces/IReplicas.sol";
import {Replica, ReplicaRound, ReplicaSeat, Replication} from "../types/Replica.sol";
import {TaskRecord} from "../types/TaskRecord.sol";
import {MarketBase, Neighbours} from "./MarketBase.sol";
import {ReplicasAppeals} from "./ReplicasAppeals.sol";
import {ReplicasDraw} from "./ReplicasDraw.sol";

/// @title The market's fourth room: replicated tasks
/// @dev Runs by delegatecall, through the rooms before it, on TaskMarketplace's storage and in its name.
///
/// Assumes what TaskMarketplace does, and that the entropy source answers the same to everybody. Liveness: whoever waits,
/// the buyer or a node, calls drawReplicas, judgeReplicas and settleReplicas; each is open to anyone, as is
/// releaseCandidates.
contract ReplicasExtension is ReplicasAppeals {
    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(Neighbours memory neighbours, address entropySource_)
        MarketBase(neighbours)
        ReplicasDraw(entropySource_)
    {}

    /// @inheritdoc IReplicas
    function replicationOf(bytes32 taskId) external view returns (Replication memory replication) {
        TaskRecord storage task = _storage().tasks[taskId];
        if (task.replicas < 2) return replication;
        ReplicaRound memory round = _replicas().rounds[taskId];
        replication.round = _roundOf(task);
        replication.extended = round.extended;
        replication.overruled = round.overruled;
        replication.openAppeals = round.openAppeals;
        // casting is safe: nodes are counted in 32 bits, and none applies twice in a round
        // forge-lint: disable-next-line(unsafe-typecast)
        replication.candidates = uint32(_replicas().candidates[taskId][replication.round].length);
        replication.share = _shareOf(task);
        replication.drawBlock = round.drawBlock;
        replication.sealUntil = round.sealUntil;
        replication.revealUntil = round.revealUntil;
        replication.settleAfter = round.settleAfter;
        if (round.sealUntil != 0) replication.seats = _seatsOf(taskId, task.replicas);
    }

    /// @inheritdoc IReplicas
    function replicaOf(bytes32 taskId, uint64 nodeId) external view returns (Replica memory) {
        return _replicas().replicas[taskId][nodeId];
    }

    /// @inheritdoc IReplicas
    function candidatesOf(bytes32 taskId, uint256 offset, uint256 limit)
        external
        view
        returns (uint64[] memory nodeIds)
    {
        uint32[] storage candidates = _replicas().candidates[taskId][_roundOf(_storage().tasks[taskId])];
        uint256 length = Math.min(Math.saturatingSub(candidates.length, offset), limit);
        nodeIds = new uint64[](length);
        for (uint256 i; i < length; ++i) {
            nodeIds[i] = candidates[offset + i];
        }
    }

    function _seatsOf(bytes32 taskId, uint256 count) private view returns (ReplicaSeat[] memory seats) {
        uint32[MAX_SEATS] memory nodes = _replicas().seats[taskId];
        seats = new ReplicaSeat[](count);
        for (uint256 i; i < count; ++i) {
            Replica memory replica = _replicas().replicas[taskId][nodes[i]];
            seats[i] = ReplicaSeat({
                nodeId: nodes[i], status: replica.status, digest: replica.digest, elapsed: replica.elapsed
            });
        }
    }
}
