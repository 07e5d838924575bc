// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {IKeeperTips} from "../interfaces/IKeeperTips.sol";
import {IProofOfWorkVerifier} from "../interfaces/IProofOfWorkVerifier.sol";
import {PowSolution} from "../libraries/PowSolution.sol";
import {Task} from "../types/Task.sol";
import {ActivityLog} from "./ActivityLog.sol";
import {MISSES_TO_OFFLINE, NodeAudits} from "./NodeAudits.sol";
import {VerifierBase} from "./VerifierBase.sol";

/// @title What nodes do in a round: answer, be excused, or miss it
/// @dev A node's rounds are accounted in their order, each once: whatever happens to a node first records the misses of
/// earlier rounds that nobody reported. A late report so never changes more than a prompt one would have, and costs at
/// most `MISSES_TO_OFFLINE` steps: with the third miss in a row the node would have been taken offline, and what it missed
/// after that is not held against it.
abstract contract RoundAnswers is VerifierBase {
    // ---------------------------------------------------------------- Answering

    /// @inheritdoc IProofOfWorkVerifier
    function submitRoundSolution(uint64 round, uint64 nodeId, bytes calldata nonces) external {
        _answer(_beforeDeadline(round), nodeId, nonces);
    }

    /// @inheritdoc IProofOfWorkVerifier
    function postSolutionRoot(uint64 round, bytes32 root) external {
        _beforeDeadline(round);
        if (root == 0) revert InvalidRoot();
        mapping(address poster => bytes32) storage roots = _storage().solutionRoots[round];
        if (roots[msg.sender] != 0) revert RootPostedAlready(round, msg.sender);
        roots[msg.sender] = root;
        emit SolutionRootPosted(round, msg.sender, root);
    }

    /// @inheritdoc IProofOfWorkVerifier
    function submitCommittedSolution(
        uint64 round,
        uint64 nodeId,
        bytes calldata nonces,
        address poster,
        bytes32[] calldata proof
    ) external {
        Round memory current = _beforeFinished(round);
        bytes32 root = _storage().solutionRoots[round][poster];
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(nodeId, keccak256(nonces)))));
        if (root == 0 || !MerkleProof.verifyCalldata(proof, root, leaf)) revert NotUnderRoot(nodeId, root);
        _answer(current, nodeId, nonces);
    }

    // ---------------------------------------------------------------- Not answering

    /// @inheritdoc IProofOfWorkVerifier
    function excuse(uint64 round, uint64 nodeId, bytes32 taskId) external {
        Round memory current = _beforeFinished(round);
        NodeAudits memory audits = _dueIn(round, nodeId);
        if (_isExcused(audits, round)) revert AlreadyExcused(nodeId, round);
        if (!_wasExecuting(nodeId, taskId, current.openedAt)) revert TaskIsNoExcuse(nodeId, taskId);

        uint256 misses = _accountUntil(nodeId, audits, round - 1);
        // casting is safe: below four billion rounds
        // forge-lint: disable-next-line(unsafe-typecast)
        audits.state.lastRound = uint32(round - 1);
        audits.state.excused = true;
        _store(nodeId, _storage().audits[nodeId], audits);
        emit ExcuseRecorded(nodeId, round, taskId);
        _recordMisses(nodeId, misses, audits.state.missesInRow);
    }

    /// @inheritdoc IProofOfWorkVerifier
    function reportMissedRound(uint64 round, uint64[] calldata nodeIds) external returns (uint256 missed) {
        Round storage current = _storage().round;
        if (round > current.number || (round == current.number && block.timestamp <= current.finishesAt)) {
            revert RoundNotOver(round);
        }
        for (uint256 i; i < nodeIds.length; ++i) {
            missed += _report(round, nodeIds[i]);
        }
        for (uint256 i; i < missed; ++i) {
            keeperTips.tip(IKeeperTips.Duty.ReportMissed, msg.sender);
        }
    }

    // ---------------------------------------------------------------- Views

    /// @inheritdoc IProofOfWorkVerifier
    function dutyOf(uint64 round, uint64 nodeId) external view returns (Duty) {
        VerifierStorage storage $ = _storage();
        if (round == 0 || round > $.round.number || !$.activity[nodeId].wasActive(round)) return Duty.None;
        NodeAudits memory audits = _auditsOf(nodeId);
        if (audits.state.lastRound >= round) return Duty.Accounted;
        return _isExcused(audits, round) ? Duty.Excused : Duty.Due;
    }

    /// @inheritdoc IProofOfWorkVerifier
    function auditsOf(uint64 nodeId) external view returns (Audits memory seen) {
        NodeAudits memory audits = _auditsOf(nodeId);
        for (uint256 i; i < seen.results.length; ++i) {
            seen.results[i] = audits.results.rateAt(i);
        }
        seen.count = audits.state.count;
        seen.hashRate = audits.state.hashRate;
        seen.validUntil = audits.state.validUntil;
        seen.lastAuditAt = audits.state.lastAuditAt;
        seen.passed = audits.state.passed;
        seen.lastRound = audits.state.lastRound;
        seen.missesInRow = audits.state.missesInRow;
        seen.excuseWait = audits.state.excuseWait;
        seen.excused = audits.state.excused;
    }

    /// @inheritdoc IProofOfWorkVerifier
    function solutionRootOf(uint64 round, address poster) external view returns (bytes32) {
        return _storage().solutionRoots[round][poster];
    }

    // ---------------------------------------------------------------- Inside

    function _answer(Round memory round, uint64 nodeId, bytes calldata nonces) private {
        _checkOperator(nodeId);
        NodeAudits memory audits = _dueIn(round.number, nodeId);
        bytes32 largest = PowSolution.largestHash(nodeSeed(nodeId, round.seed), nonces);
        // casting is safe: the window was a uint32 when the round opened
        // forge-lint: disable-next-line(unsafe-typecast)
        uint64 hashRate = PowSolution.hashRate(largest, uint32(round.deadline - round.openedAt));

        uint256 misses = _accountUntil(nodeId, audits, round.number - 1);
        uint8 missesInRow = audits.state.missesInRow;
        bool passed = uint256(hashRate) * 2 >= _hashRate(nodeId, audits.state);
        if (passed) audits.pass(round.number, hashRate, round.openedAt, _validUntil(round.openedAt));
        else audits.miss(round.number);
        _store(nodeId, _storage().audits[nodeId], audits);

        uint64 power = _power(nodeId, audits.state);
        if (passed) {
            emit AuditPassed(nodeId, round.number, largest, hashRate, power, audits.state.validUntil);
        } else {
            emit AuditMissed(nodeId, round.number, hashRate, power, audits.state.missesInRow);
        }
        _recordMisses(nodeId, misses, missesInRow);
        registry.recordAudit(nodeId, passed, !passed && audits.state.missesInRow >= MISSES_TO_OFFLINE);
    }

    function _report(uint64 round, uint64 nodeId) private returns (uint256 misses) {
        NodeAudits memory audits = _auditsOf(nodeId);
        uint256 before = audits.state.lastRound;
        misses = _accountUntil(nodeId, audits, round);
        if (audits.state.lastRound == before) return 0;
        _store(nodeId, _storage().audits[nodeId], audits);
        _recordMisses(nodeId, misses, audits.state.missesInRow);
    }

    /// @dev Accounts the rounds up to `last`, all of them over, in which the node was due and that are not accounted yet.
    function _accountUntil(uint64 nodeId, NodeAudits memory audits, uint64 last) private returns (uint256 misses) {
        ActivityLog storage activity = _storage().activity[nodeId];
        while (audits.state.lastRound < last) {
            uint64 round = activity.firstActive(uint64(audits.state.lastRound) + 1, last);
            if (round == 0) return misses;
            if (_isExcused(audits, round)) {
                bool leftOut = audits.excuse(round);
                emit AuditExcused(nodeId, round, leftOut, _power(nodeId, audits.state));
                continue;
            }
            audits.miss(round);
            ++misses;
            emit AuditMissed(nodeId, round, 0, _power(nodeId, audits.state), audits.state.missesInRow);
            if (audits.state.missesInRow >= MISSES_TO_OFFLINE) {
                // casting is safe: below four billion rounds
                // forge-lint: disable-next-line(unsafe-typecast)
                audits.state.lastRound = uint32(last);
            }
        }
    }

    /// @dev After everything is stored: the registry notes at once that a node goes offline. Only the last of several misses
    /// can be the one that takes it there.
    function _recordMisses(uint64 nodeId, uint256 misses, uint8 missesInRow) private {
        for (uint256 i = 1; i <= misses; ++i) {
            registry.recordAudit(nodeId, false, i == misses && missesInRow >= MISSES_TO_OFFLINE);
        }
    }

    /// @param stored Where they lie: with it given, the optimizer writes each slot once.
    function _store(uint64 nodeId, NodeAudits storage stored, NodeAudits memory audits) private {
        stored.state = audits.state;
        stored.results = audits.results;
        _tellStanding(nodeId, audits.state);
    }

    function _auditsOf(uint64 nodeId) private view returns (NodeAudits memory) {
        return _storage().audits[nodeId];
    }

    function _dueIn(uint64 round, uint64 nodeId) private view returns (NodeAudits memory audits) {
        if (!_storage().activity[nodeId].wasActive(round)) revert NodeNotDue(nodeId, round);
        audits = _auditsOf(nodeId);
        if (audits.state.lastRound >= round) revert AlreadyAccounted(nodeId, round);
    }

    /// @dev Not if it should have been over before the round opened: nobody may keep a dead task as an excuse.
    function _wasExecuting(uint64 nodeId, bytes32 taskId, uint40 openedAt) private view returns (bool) {
        Task memory task = marketplace.taskOf(taskId);
        uint96 floor = _storage().excuseFloors[task.paymentToken];
        return task.nodeId == nodeId && task.assignedAt < openedAt
            && uint256(task.assignedAt) + task.duration >= openedAt
            && (task.submittedAt == 0 || task.submittedAt >= openedAt) && floor != 0 && task.escrow >= floor;
    }

    /// @dev The mark is for the round after the last one accounted.
    function _isExcused(NodeAudits memory audits, uint64 round) private pure returns (bool) {
        return audits.state.excused && uint64(audits.state.lastRound) + 1 == round;
    }

    function _beforeDeadline(uint64 round) private view returns (Round memory current) {
        current = _current(round);
        if (block.timestamp > current.deadline) revert RoundDeadlinePassed(round, current.deadline);
    }

    function _beforeFinished(uint64 round) private view returns (Round memory current) {
        current = _current(round);
        if (block.timestamp > current.finishesAt) revert RoundDeadlinePassed(round, current.finishesAt);
    }

    function _current(uint64 round) private view returns (Round memory current) {
        current = _storage().round;
        // Round zero challenged nobody.
        if (round != current.number || round == 0) revert RoundNotCurrent(round, current.number);
    }
}
