// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IReplicas} from "../interfaces/IReplicas.sol";
import {ITaskMarketplace} from "../interfaces/ITaskMarketplace.sol";
import {Replica, ReplicaRound, ReplicaStatus} from "../types/Replica.sol";
import {TaskStatus} from "../types/Task.sol";
import {TaskRecord} from "../types/TaskRecord.sol";
import {ReplicasDraw} from "./ReplicasDraw.sol";

/// @title What a drawn node does: commits to its result while nobody shows one, then shows it
abstract contract ReplicasWork is ReplicasDraw {
    /// @inheritdoc IReplicas
    function sealReplica(bytes32 taskId, uint64 nodeId, bytes32 sealedHash) external {
        TaskRecord storage task = _inStatus(taskId, TaskStatus.Replicating);
        Replica storage replica = _replicaIn(taskId, nodeId, ReplicaStatus.Drawn);
        ReplicaRound storage round = _replicas().rounds[taskId];
        uint40 until = round.sealUntil;
        if (block.timestamp > until) revert ITaskMarketplace.DeadlinePassed(taskId, until);
        replica.digest = sealedHash;
        replica.status = ReplicaStatus.Sealed;
        // casting is safe: at most the duration and the grace
        // forge-lint: disable-next-line(unsafe-typecast)
        replica.elapsed = uint24(block.timestamp - task.since);
        uint8 sealedSeats = round.sealedSeats + 1;
        round.sealedSeats = sealedSeats;
        emit ReplicaSealed(taskId, nodeId, sealedHash);
        if (sealedSeats == task.replicas) {
            uint40 revealUntil = uint40(block.timestamp) + REVEAL_WINDOW;
            round.revealUntil = revealUntil;
            emit ReplicasAllSealed(taskId, revealUntil);
        }
        // It asks whether the caller acts for the node, and frees its slot.
        registry.endExecution(nodeId, msg.sender, task.minPower);
    }

    /// @inheritdoc IReplicas
    function revealReplica(bytes32 taskId, uint64 nodeId, bytes32 resultHash, string calldata resultURI, bytes32 salt)
        external
    {
        TaskRecord storage task = _inStatus(taskId, TaskStatus.Replicating);
        Replica storage replica = _replicaIn(taskId, nodeId, ReplicaStatus.Sealed);
        ReplicaRound storage round = _replicas().rounds[taskId];
        if (!_sealsAreIn(task, round)) revert ITaskMarketplace.DeadlineNotPassed(taskId, round.sealUntil);
        if (block.timestamp > round.revealUntil) revert ITaskMarketplace.DeadlinePassed(taskId, round.revealUntil);
        // The seal names its maker, who acted for the node then. Whoever knows what is in it is them.
        if (replica.digest != replicaSeal(taskId, nodeId, resultHash, salt, msg.sender)) {
            revert WrongReveal(taskId, nodeId);
        }
        replica.digest = resultHash;
        replica.status = ReplicaStatus.Revealed;
        round.revealedSeats += 1;
        emit ReplicaRevealed(taskId, nodeId, resultHash, resultURI);
    }

    /// @inheritdoc IReplicas
    function replicaSeal(bytes32 taskId, uint64 nodeId, bytes32 resultHash, bytes32 salt, address operator)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(taskId, nodeId, resultHash, salt, operator));
    }

    /// @dev Whether nobody can commit any more.
    function _sealsAreIn(TaskRecord storage task, ReplicaRound storage round) internal view returns (bool) {
        return round.sealedSeats == task.replicas || block.timestamp > round.sealUntil;
    }
}
