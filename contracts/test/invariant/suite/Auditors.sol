// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProofOfWorkVerifier} from "src/interfaces/IProofOfWorkVerifier.sol";
import {TaskStatus} from "src/types/Task.sol";

import {Node} from "../../utils/MarketFixture.sol";
import {Books} from "./Books.sol";

/// @title What challenger, nodes and keepers do in audit rounds
abstract contract Auditors is Books {
    mapping(uint64 nodeId => mapping(uint64 round => bytes)) private _committed;
    uint256 private _chains;

    /// @dev When it is due, seldom by waiting for it. Most nodes answer at once.
    function challengerOpens(uint256 seed) external acts {
        bytes32 preimage = _preimage();
        if (verifier.roundDueAt(preimage) > block.timestamp + 12 hours && !_seldom(seed, "wait", 8)) return;
        openRound();
        _observe();
        ++reached["round opened"];
        _answerAll(seed);
    }

    function keeperOpens(uint256 seed) external acts {
        uint256 from = verifier.roundOpenToAnyoneAt();
        if (from > block.timestamp + 3 hours && !_seldom(seed, "wait", 16)) return;
        if (block.timestamp < from) vm.warp(from);
        verifier.openRoundWithoutPreimage();
        _observe();
        ++reached["round opened without preimage"];
        _answerAll(seed);
    }

    /// @dev Somebody, in time or not, due or not, perhaps again.
    function providerAnswers(uint256 seed) external acts {
        Node memory provider = _provider(seed);
        _answer(provider, _work(provider, seed));
    }

    /// @dev A node that was busy when the round opened needn't answer.
    function keeperExcuses(uint256 seed) external acts {
        bytes32 taskId = _task(seed, TaskStatus.InProgress);
        if (taskId != 0) _excuse(taskId);
    }

    function keeperReports(uint256 seed) external acts {
        IProofOfWorkVerifier.Round memory round = verifier.currentRound();
        bool over = block.timestamp > round.finishesAt;
        if (!over && _seldom(seed, "wait", 2)) {
            skipRound();
            _observe();
            over = true;
        }
        uint64[] memory ids = new uint64[](providers.length);
        for (uint64 i; i < ids.length; ++i) {
            ids[i] = i + 1;
        }
        vm.prank(keeper);
        try verifier.reportMissedRound(round.number, ids) returns (uint256 missed) {
            assertTrue(over, "10: nobody has missed a round before its end");
            if (missed != 0) ++reached["missed"];
            for (uint64 i; i < ids.length; ++i) {
                _readReputation(providers[i]);
            }
        } catch {
            assertFalse(over, "a report after the end was refused");
        }
    }

    // ---------------------------------------------------------------- Inside

    /// @dev Without an audit nobody is above level 1.
    function _passFirstRound() internal {
        _preimage();
        openRound();
        for (uint256 i; i < providers.length; ++i) {
            _answer(providers[i], roundSolution(providers[i], 6));
        }
        _observe();
    }

    /// @dev A new chain before the old one is used up.
    function _preimage() private returns (bytes32) {
        if (_chains == 0 || currentRound() >= _chains * (CHAIN_LENGTH - 2)) {
            challenger = verifier.challenger();
            commitChain(bytes32(++_chains));
            skip(1);
        }
        return nextPreimage();
    }

    /// @dev Most nodes answer, one commits to its answer, one is away and perhaps excused.
    function _answerAll(uint256 seed) private {
        uint256 committing = _random(seed, "committing") % (2 * providers.length);
        bytes32 taskId = _excusing();
        uint256 away = taskId == 0 || _seldom(seed, "away", 2)
            ? _random(seed, "who") % providers.length
            : taskBooks[taskId].nodeId - 1;
        for (uint256 i; i < providers.length; ++i) {
            if (i == away) continue;
            if (i == committing) _commit(providers[i], seed);
            else _answer(providers[i], _work(providers[i], _random(seed, vm.toString(i))));
        }
        if (taskId != 0) _excuse(taskId);
        if (committing < providers.length && committing != away) _follow(providers[committing], currentRound(), seed);
    }

    /// @dev A task in ETH that still runs, if there is one.
    function _excusing() private view returns (bytes32) {
        for (uint256 i; i < live.length; ++i) {
            TaskBook storage book = taskBooks[live[i]];
            if (book.status != TaskStatus.InProgress || book.token != ETH) continue;
            if (book.since + book.duration >= block.timestamp) return live[i];
        }
        return 0;
    }

    function _excuse(bytes32 taskId) private {
        IProofOfWorkVerifier.Round memory round = verifier.currentRound();
        Node memory provider = _providerOf(taskId);
        bytes memory call = abi.encodeCall(verifier.excuse, (round.number, provider.id, taskId));
        if (!_try(keeper, address(verifier), call)) return;
        assertLe(block.timestamp, round.finishesAt, "10: nobody is excused after the end");
        assertLt(taskBooks[taskId].since, round.openedAt, "10: a task excuses from later rounds");
        assertTrue(wasActive[provider.id][round.number], "10: who is excused was due");
        _readReputation(provider);
        ++reached["excused"];
    }

    function _commit(Node memory provider, uint256 seed) private {
        IProofOfWorkVerifier.Round memory round = verifier.currentRound();
        bytes memory nonces = _work(provider, seed);
        bytes32 root = keccak256(bytes.concat(keccak256(abi.encode(provider.id, keccak256(nonces)))));
        bytes memory call = abi.encodeCall(verifier.postSolutionRoot, (round.number, root));
        bool done = _try(provider.operator, address(verifier), call);
        assertEq(done, block.timestamp <= round.deadline, "10: hashes are posted until the deadline");
        if (done) _committed[provider.id][round.number] = nonces;
    }

    function _answer(Node memory provider, bytes memory nonces) private {
        IProofOfWorkVerifier.Round memory round = verifier.currentRound();
        bool may = block.timestamp <= round.deadline && _isOwed(provider, round.number);
        bytes memory call = abi.encodeCall(verifier.submitRoundSolution, (round.number, provider.id, nonces));
        bool done = _try(provider.operator, address(verifier), call);
        assertEq(done, may, "10: who is due answers once, in time");
        if (done) _note(provider, round.number, nonces);
        ++reached[done ? "answered" : "answer refused"];
    }

    function _follow(Node memory provider, uint64 number, uint256 seed) private {
        bytes memory nonces = _committed[provider.id][number];
        skip(_random(seed, "late") % (LATE + 2 * WINDOW));
        _observe();
        bool may = block.timestamp <= verifier.currentRound().finishesAt && _isOwed(provider, number);
        bytes memory call = abi.encodeCall(
            verifier.submitCommittedSolution, (number, provider.id, nonces, provider.operator, new bytes32[](0))
        );
        bool done = _try(provider.operator, address(verifier), call);
        assertEq(done, may, "10: a committed answer counts once, until the end");
        if (done) _note(provider, number, nonces);
        if (done) ++reached["answered under a root"];
    }

    /// @dev Of a machine whose power changes: most often strong, sometimes too weak for what it has shown.
    function _work(Node memory provider, uint256 seed) private view returns (bytes memory) {
        return roundSolution(provider, _seldom(seed, "effort", 10) ? 1 : 6);
    }

    /// @dev Due by these books, and no answer so far.
    function _isOwed(Node memory provider, uint64 round) private view returns (bool) {
        return wasActive[provider.id][round] && answers[provider.id][round] == 0 && !_isAccounted(provider, round);
    }

    /// @dev With the third miss in a row a node is taken offline, and rounds until then are not held against it.
    function _isAccounted(Node memory provider, uint64 round) private view returns (bool) {
        return auditsOf(provider).lastRound >= round;
    }

    function _note(Node memory provider, uint64 round, bytes memory nonces) private {
        assertLe(++answers[provider.id][round], 1, "10: a round is answered at most once");
        IProofOfWorkVerifier.Audits memory audits = auditsOf(provider);
        if (audits.results[0] == 0) {
            ++reached["too weak"];
        } else {
            assertEq(audits.results[0], rateOf(provider, nonces), "10: a result is what was shown");
            ++passes[provider.id];
        }
        _readReputation(provider);
    }

    /// @dev How many earlier misses an answer accounts is the verifier's to say: reputation is bounded here, and read.
    function _readReputation(Node memory provider) private {
        uint256 now_ = info(provider).reputation;
        assertLe(now_, nodeBooks[provider.id].reputation + 10, "7: an audit adds ten at most");
        nodeBooks[provider.id].reputation = now_;
    }
}
