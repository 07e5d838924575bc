// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IReplicas} from "../interfaces/IReplicas.sol";
import {Replica, ReplicaAppeal, ReplicaRound, ReplicaStatus} from "../types/Replica.sol";
import {TaskRecord} from "../types/TaskRecord.sol";
import {MarketBase} from "./MarketBase.sol";

/// @title What the parts of a replicated task share
abstract contract ReplicasBase is IReplicas, MarketBase {
    /// @notice The most seats of a task: they fill one slot.
    uint256 public constant MAX_SEATS = 7;

    /// @custom:storage-location erc7201:aiigo.storage.Replicas
    struct ReplicaStorage {
        // slots 0 to 5
        mapping(bytes32 taskId => ReplicaRound) rounds;
        /// @dev Nobody ever reads all of a list: it has no bound.
        mapping(bytes32 taskId => mapping(uint256 round => uint32[] nodeIds)) candidates;
        /// @dev Of the last draw, as many as the task has.
        mapping(bytes32 taskId => uint32[MAX_SEATS] nodeIds) seats;
        mapping(bytes32 taskId => mapping(address owner => uint8 round)) applied;
        mapping(bytes32 taskId => mapping(uint64 nodeId => Replica)) replicas;
        mapping(bytes32 appealId => ReplicaAppeal) appeals;
    }

    // keccak256(abi.encode(uint256(keccak256("aiigo.storage.Replicas")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant REPLICAS_LOCATION = 0x2112cd3c49298ef5b46bf5813e3e474ad54482100de288ec3ad8d7e0a77f9400;

    /// @dev Rounds are counted from 1.
    function _roundOf(TaskRecord storage task) internal view returns (uint8) {
        return task.attempts + 1;
    }

    /// @dev A seat's part of the escrow, exactly.
    function _shareOf(TaskRecord storage task) internal view returns (uint88) {
        return task.escrow / task.replicas;
    }

    function _replicaIn(bytes32 taskId, uint64 nodeId, ReplicaStatus status)
        internal
        view
        returns (Replica storage replica)
    {
        replica = _replicas().replicas[taskId][nodeId];
        if (replica.status != status) revert WrongReplicaStatus(taskId, nodeId, replica.status);
    }

    function _replicas() internal pure returns (ReplicaStorage storage $) {
        assembly ("memory-safe") {
            $.slot := REPLICAS_LOCATION
        }
    }
}
