// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IEntropySource} from "../interfaces/IEntropySource.sol";
import {IReplicas} from "../interfaces/IReplicas.sol";
import {ITaskMarketplace} from "../interfaces/ITaskMarketplace.sol";
import {TaskDemand} from "../types/Node.sol";
import {Replica, ReplicaRound, ReplicaStatus} from "../types/Replica.sol";
import {TaskStatus} from "../types/Task.sol";
import {TaskRecord} from "../types/TaskRecord.sol";
import {ReplicasBase} from "./ReplicasBase.sol";

/// @title Who works on a replicated task: open applications, and a draw that nobody can aim
/// @dev Applying, drawing and every release cost the same however many have applied.
abstract contract ReplicasDraw is ReplicasBase {
    /// @notice Blocks from fixing the candidates to the block whose randomness draws: beyond every proposer that anybody can
    /// know by then: who proposes the last of an epoch's 32 slots knows those of the next two epochs.
    uint256 public constant DRAW_DELAY = 97;
    /// @notice Seconds to reveal, after all have committed or can't any more.
    uint40 public constant REVEAL_WINDOW = 1 hours;

    /// @notice Where the randomness of the block that draws comes from.
    IEntropySource public immutable entropySource;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(address entropySource_) {
        entropySource = IEntropySource(entropySource_);
    }

    // ---------------------------------------------------------------- Providers

    /// @inheritdoc IReplicas
    function applyForReplica(bytes32 taskId, uint64 nodeId) external {
        TaskRecord storage task = _recruiting(taskId);
        _checkEntry(_storage().rules.entryPausedUntil);
        if (_storage().excluded[taskId][nodeId]) revert ITaskMarketplace.NodeExcluded(taskId, nodeId);
        ReplicaStorage storage $ = _replicas();
        address owner = registry.ownerOf(nodeId);
        uint8 round = _roundOf(task);
        if ($.applied[taskId][owner] == round) revert OwnerHasApplied(taskId, owner);
        $.applied[taskId][owner] = round;
        Replica storage replica = $.replicas[taskId][nodeId];
        // Not drawn in the first round, and nobody has freed it since.
        if (replica.status == ReplicaStatus.Applied) _release(taskId, task, nodeId, replica);
        uint32[] storage candidates = $.candidates[taskId][round];
        replica.index = SafeCast.toUint32(candidates.length);
        replica.round = round;
        replica.status = ReplicaStatus.Applied;
        candidates.push(SafeCast.toUint32(nodeId));
        emit ReplicaApplied(taskId, nodeId, msg.sender, round);
        TaskDemand memory demand = _demand(taskId, task);
        demand.escrow = _shareOf(task);
        registry.beginTask(nodeId, msg.sender, task.buyer, demand);
    }

    /// @inheritdoc IReplicas
    function withdrawApplication(bytes32 taskId, uint64 nodeId) external {
        TaskRecord storage task = _recruiting(taskId);
        _checkOperator(nodeId);
        Replica storage replica = _replicaIn(taskId, nodeId, ReplicaStatus.Applied);
        // One of the first round is in no list any more.
        if (replica.round == _roundOf(task)) _leaveList(taskId, replica);
        _release(taskId, task, nodeId, replica);
    }

    // ---------------------------------------------------------------- Anyone

    /// @inheritdoc IReplicas
    function releaseCandidates(bytes32 taskId, uint64[] calldata nodeIds) external {
        TaskRecord storage task = _storage().tasks[taskId];
        bool waiting = task.status == TaskStatus.Recruiting || task.status == TaskStatus.Drawing;
        uint8 present = _roundOf(task);
        for (uint256 i; i < nodeIds.length; ++i) {
            Replica storage replica = _replicas().replicas[taskId][nodeIds[i]];
            if (replica.status != ReplicaStatus.Applied || (waiting && replica.round == present)) continue;
            _release(taskId, task, nodeIds[i], replica);
        }
    }

    /// @inheritdoc IReplicas
    function drawReplicas(bytes32 taskId, bytes calldata header) external {
        TaskRecord storage task = _storage().tasks[taskId];
        if (task.status == TaskStatus.Recruiting) _closeWindow(taskId, task);
        else _draw(taskId, _inStatus(taskId, TaskStatus.Drawing), header);
    }

    // ---------------------------------------------------------------- Inside: candidates

    function _recruiting(bytes32 taskId) private view returns (TaskRecord storage task) {
        task = _inStatus(taskId, TaskStatus.Recruiting);
        if (block.timestamp > task.since) revert ITaskMarketplace.AcceptWindowOver(taskId, task.since);
    }

    /// @dev The last one takes its place.
    function _leaveList(bytes32 taskId, Replica storage replica) private {
        ReplicaStorage storage $ = _replicas();
        uint32[] storage candidates = $.candidates[taskId][replica.round];
        uint32 index = replica.index;
        uint32 last = candidates[candidates.length - 1];
        candidates[index] = last;
        $.replicas[taskId][last].index = index;
        candidates.pop();
    }

    function _release(bytes32 taskId, TaskRecord storage task, uint64 nodeId, Replica storage replica) private {
        replica.status = ReplicaStatus.Released;
        emit ReplicaReleased(taskId, nodeId);
        registry.releaseTask(nodeId, task.minPower, _tokenOf(task.tokenId), _shareOf(task));
    }

    function _closeWindow(bytes32 taskId, TaskRecord storage task) private {
        if (block.timestamp <= task.since) revert ITaskMarketplace.AcceptWindowOpen(taskId, task.since);
        uint256 candidates = _replicas().candidates[taskId][_roundOf(task)].length;
        ReplicaRound storage round = _replicas().rounds[taskId];
        if (candidates >= task.replicas) {
            task.status = TaskStatus.Drawing;
            _fixDraw(taskId, task, round);
        } else if (round.extended) {
            _expire(taskId, task);
        } else {
            round.extended = true;
            uint40 acceptBy = uint40(block.timestamp) + task.acceptWindow;
            task.since = acceptBy;
            emit ReplicaWindowExtended(taskId, candidates, acceptBy);
        }
    }

    // ---------------------------------------------------------------- Inside: the draw

    function _fixDraw(bytes32 taskId, TaskRecord storage task, ReplicaRound storage round) private {
        uint48 drawBlock = SafeCast.toUint48(block.number + DRAW_DELAY);
        uint8 number = _roundOf(task);
        round.drawBlock = drawBlock;
        emit ReplicaDrawFixed(taskId, number, _replicas().candidates[taskId][number].length, drawBlock);
    }

    function _draw(bytes32 taskId, TaskRecord storage task, bytes calldata header) private {
        ReplicaRound storage round = _replicas().rounds[taskId];
        uint48 drawBlock = round.drawBlock;
        if (block.number <= drawBlock) revert DrawBlockNotOver(taskId, drawBlock);
        try entropySource.hashOfBlock(drawBlock) {
            _seat(taskId, task, round, entropySource.randomnessOf(drawBlock, header));
        } catch (bytes memory reason) {
            // Only for the chain's own answer: who sends too little gas must not get another draw.
            if (bytes4(reason) != IEntropySource.BlockHashUnavailable.selector) {
                assembly ("memory-safe") {
                    revert(add(reason, 32), mload(reason))
                }
            }
            _fixDraw(taskId, task, round);
        }
    }

    function _seat(bytes32 taskId, TaskRecord storage task, ReplicaRound storage round, bytes32 randomness) private {
        ReplicaStorage storage $ = _replicas();
        uint8 number = _roundOf(task);
        uint32[] storage candidates = $.candidates[taskId][number];
        uint256[] memory indices = _choose(candidates.length, task.replicas, randomness, taskId, number);
        uint64[] memory drawn = new uint64[](indices.length);
        uint32[MAX_SEATS] memory seats;
        for (uint256 i; i < indices.length; ++i) {
            uint32 nodeId = candidates[indices[i]];
            (drawn[i], seats[i]) = (nodeId, nodeId);
            $.replicas[taskId][nodeId].status = ReplicaStatus.Drawn;
        }
        $.seats[taskId] = seats;
        uint40 sealUntil = uint40(block.timestamp) + task.duration + _storage().rules.grace;
        task.status = TaskStatus.Replicating;
        task.since = uint40(block.timestamp);
        round.sealUntil = sealUntil;
        round.revealUntil = sealUntil + REVEAL_WINDOW;
        emit ReplicasDrawn(taskId, number, randomness, drawn, sealUntil);
    }

    /// @dev Floyd's sample: `seats` distinct numbers below `candidates`, every set as likely, with as many steps as seats. In
    /// step i the number is below candidates - seats + i + 1; if it was taken before, the largest possible one is taken.
    function _choose(uint256 candidates, uint256 seats, bytes32 randomness, bytes32 taskId, uint8 round)
        private
        pure
        returns (uint256[] memory chosen)
    {
        chosen = new uint256[](seats);
        for (uint256 i; i < seats; ++i) {
            uint256 largest = candidates - seats + i;
            uint256 number = uint256(keccak256(abi.encode(randomness, taskId, round, i))) % (largest + 1);
            for (uint256 j; j < i; ++j) {
                if (chosen[j] == number) {
                    number = largest; // no earlier step could choose it
                    break;
                }
            }
            chosen[i] = number;
        }
    }

    // ---------------------------------------------------------------- Inside: no result

    /// @dev Whoever still is a candidate can be released from now on.
    function _expire(bytes32 taskId, TaskRecord storage task) internal {
        task.status = TaskStatus.Expired;
        emit ITaskMarketplace.TaskExpired(taskId, task.escrow);
        escrowManager.refund(taskId, task.buyer);
    }
}
