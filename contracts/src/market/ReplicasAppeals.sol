// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IArbitrable} from "../interfaces/IArbitrable.sol";
import {IDisputeCourtCore} from "../interfaces/IDisputeCourtCore.sol";
import {IMarketDisputes} from "../interfaces/IMarketDisputes.sol";
import {IReplicas} from "../interfaces/IReplicas.sol";
import {ITaskMarketplace} from "../interfaces/ITaskMarketplace.sol";
import {RequestRules} from "../libraries/RequestRules.sol";
import {BPS} from "../libraries/Shares.sol";
import {Verdict} from "../types/Node.sol";
import {Replica, ReplicaAppeal, ReplicaRound, ReplicaStatus} from "../types/Replica.sol";
import {TaskRecord} from "../types/TaskRecord.sol";
import {ReplicasVerdict} from "./ReplicasVerdict.sol";

/// @title An outvoted node takes the majority to court: it may be the only honest one
/// @dev Each seat has its own case, so that nobody is slashed for how another one argued. Money was paid and stays so; what
/// the court decides is whose stake burns. Never paused.
abstract contract ReplicasAppeals is IArbitrable, ReplicasVerdict {
    modifier onlyCourt() {
        if (msg.sender != court) revert IMarketDisputes.NotCourt(msg.sender);
        _;
    }

    /// @inheritdoc IReplicas
    function appealReplica(bytes32 taskId, uint64 nodeId, string calldata evidenceURI)
        external
        nonReentrant
        returns (uint256 caseId)
    {
        _checkOperator(nodeId);
        Replica storage replica = _replicaIn(taskId, nodeId, ReplicaStatus.Outvoted);
        ReplicaRound storage round = _replicas().rounds[taskId];
        uint40 until = round.settleAfter;
        if (block.timestamp > until) revert AppealWindowOver(taskId, until);
        uint256 length = bytes(evidenceURI).length;
        if (length == 0 || length > RequestRules.MAX_URI_LENGTH) revert ITaskMarketplace.InvalidRequest("evidenceURI");

        replica.status = ReplicaStatus.Appealed;
        round.openAppeals += 1;
        bytes32 appealId = appealIdOf(taskId, nodeId);
        _replicas().appeals[appealId] = ReplicaAppeal({taskId: taskId, nodeId: nodeId});
        uint64 respondent = _respondent(taskId);
        caseId = IDisputeCourtCore(court).openCase(appealId, registry.ownerOf(nodeId), msg.sender, respondent);
        emit ReplicaAppealed(taskId, nodeId, caseId, appealId, respondent, msg.sender, evidenceURI);
    }

    /// @inheritdoc IArbitrable
    /// @dev The provider's side is the majority's.
    function rule(bytes32 taskId, uint16 providerShareBps, address[] calldata) external onlyCourt {
        if (providerShareBps == 0) _end(taskId, ReplicaStatus.Vindicated, Verdict.Split);
        else if (providerShareBps == BPS) _end(taskId, ReplicaStatus.Slashed, Verdict.Lost);
        else _end(taskId, ReplicaStatus.Cleared, Verdict.Split);
    }

    /// @inheritdoc IArbitrable
    function closeWithoutRuling(bytes32 taskId) external onlyCourt {
        _end(taskId, ReplicaStatus.Cleared, Verdict.Split);
    }

    /// @inheritdoc IReplicas
    function appealIdOf(bytes32 taskId, uint64 nodeId) public pure returns (bytes32) {
        return keccak256(abi.encode(taskId, nodeId));
    }

    // ---------------------------------------------------------------- Inside

    function _end(bytes32 appealId, ReplicaStatus status, Verdict verdict) private {
        ReplicaAppeal memory appeal = _replicas().appeals[appealId];
        // Of what nobody appealed, and of an appeal that is over, it has another status.
        _replicaIn(appeal.taskId, appeal.nodeId, ReplicaStatus.Appealed);
        ReplicaRound storage round = _replicas().rounds[appeal.taskId];
        round.openAppeals -= 1;
        if (status == ReplicaStatus.Vindicated) round.overruled = true;
        TaskRecord storage task = _storage().tasks[appeal.taskId];
        _conclude(appeal.taskId, task, appeal.nodeId, status, verdict);
    }

    /// @dev The first of the majority: its stake risks the case fee, and its keys are a party.
    function _respondent(bytes32 taskId) private view returns (uint64) {
        uint32[MAX_SEATS] memory nodes = _replicas().seats[taskId];
        uint256 i;
        while (_replicas().replicas[taskId][nodes[i]].status != ReplicaStatus.Agreed) ++i;
        return nodes[i];
    }
}
