// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProofOfWorkVerifier} from "../interfaces/IProofOfWorkVerifier.sol";
import {PowSolution} from "../libraries/PowSolution.sol";
import {NodeStatus} from "../types/Node.sol";
import {AuditState} from "./NodeAudits.sol";
import {VerifierBase} from "./VerifierBase.sol";

/// @title A challenge for one node, when it asks
/// @dev The result stands for a machine that had the whole window to itself, perhaps a rented one, so only half of its
/// lower bound counts, and before the first audit the lowest one. Afterwards a result only readmits: it can't raise the
/// power above what the audits prove, so the last one counts.
abstract contract Onboarding is VerifierBase {
    /// @inheritdoc IProofOfWorkVerifier
    function issueChallenge(uint64 nodeId) external returns (uint64 challengeId) {
        _checkOperator(nodeId);
        NodeStatus status = registry.statusOf(nodeId);
        if (status == NodeStatus.Active || status == NodeStatus.Slashed) revert NodeNotChallengeable(nodeId);

        VerifierStorage storage $ = _storage();
        Record storage record = $.records[nodeId];
        if (record.stage == Stage.Open) {
            if (block.timestamp <= record.deadline) revert ChallengeOpen(nodeId, record.deadline);
            _miss(nodeId, record);
        }
        if (record.stage == Stage.Missed) {
            // From the deadline, whenever the miss was reported: nobody can make a node wait longer.
            uint40 until = record.deadline + $.parameters.cooldown;
            if (block.timestamp < until) revert CoolingDown(nodeId, until);
        }

        challengeId = ++$.challengeCount;
        bytes32 seed = keccak256(abi.encode(entropySource.entropy(), challengeId));
        uint32 window = $.parameters.window;
        uint40 openedAt = uint40(block.timestamp);
        uint40 deadline = openedAt + window;
        record.seed = seed;
        record.id = challengeId;
        record.deadline = deadline;
        record.window = window;
        record.stage = Stage.Open;
        emit ChallengeIssued(nodeId, challengeId, seed, openedAt, deadline);
    }

    /// @inheritdoc IProofOfWorkVerifier
    function submitSolution(uint64 nodeId, bytes calldata nonces) external {
        _checkOperator(nodeId);
        VerifierStorage storage $ = _storage();
        Record storage record = $.records[nodeId];
        if (record.stage != Stage.Open) revert NoOpenChallenge(nodeId);
        if (block.timestamp > record.deadline) revert DeadlinePassed(nodeId, record.deadline);

        bytes32 largest = PowSolution.largestHash(nodeSeed(nodeId, record.seed), nonces);
        uint64 hashRate = PowSolution.hashRate(largest, record.window);
        AuditState storage stored = $.audits[nodeId].state;
        bool first = !stored.onboarded;
        if (first) (stored.onboarded, stored.resourceType) = (true, registry.resourceTypeOf(nodeId));
        record.stage = Stage.Passed;
        if (first || hashRate < record.hashRate || stored.count != 0) record.hashRate = hashRate;
        record.validUntil = _validUntil(record.deadline - record.window);
        AuditState memory state = _stateOf(nodeId);
        emit ChallengePassed(nodeId, record.id, largest, hashRate, _power(nodeId, state));
        _tellStanding(nodeId, state);
        if (first) registry.markVerified(nodeId);
    }

    /// @inheritdoc IProofOfWorkVerifier
    function reportMissed(uint64 nodeId) external {
        Record storage record = _storage().records[nodeId];
        if (record.stage != Stage.Open) revert NoOpenChallenge(nodeId);
        if (block.timestamp <= record.deadline) revert ChallengeOpen(nodeId, record.deadline);
        _miss(nodeId, record);
    }

    /// @inheritdoc IProofOfWorkVerifier
    function challengeOf(uint64 nodeId) external view returns (Challenge memory) {
        Record storage record = _storage().records[nodeId];
        return Challenge({
            seed: record.seed,
            openedAt: record.deadline - record.window,
            deadline: record.deadline,
            id: record.id,
            open: record.stage == Stage.Open
        });
    }

    function _miss(uint64 nodeId, Record storage record) private {
        record.stage = Stage.Missed;
        emit ChallengeMissed(nodeId, record.id);
    }
}
