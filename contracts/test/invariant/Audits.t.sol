// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProofOfWorkVerifier} from "src/interfaces/IProofOfWorkVerifier.sol";

import {AuditFixture} from "../utils/AuditFixture.sol";
import {Node} from "../utils/MarketFixture.sol";
import {AuditHandler} from "./AuditHandler.sol";

/// @title What holds of audits whatever anybody does
/// forge-config: default.invariant.runs = 10
/// forge-config: default.invariant.depth = 100
/// forge-config: default.invariant.fail-on-revert = true
contract AuditInvariantTest is AuditFixture {
    AuditHandler internal handler;

    function setUp() public override {
        super.setUp();
        handler = new AuditHandler(suite, dollar, faucet);
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: handler.actions()}));
    }

    /// @dev All in one, so that one campaign serves them all.
    function invariant_AuditsAreAccounted() public view {
        _roundsAreAnsweredAtMostOnceByWhoIsDue(3);
        _powerIsNeverMoreThanTheMeanOfTheResults();
    }

    function afterInvariant() public view {
        _roundsAreAnsweredAtMostOnceByWhoIsDue(type(uint64).max);
    }

    /// @dev That no answer comes after its deadline is asserted where it is given.
    function _roundsAreAnsweredAtMostOnceByWhoIsDue(uint64 back) private view {
        uint64 last = currentRound();
        for (uint256 i; i < handler.nodeCount(); ++i) {
            uint64 id = handler.nodeAt(i).id;
            for (uint64 round = last > back ? last - back : 1; round <= last; ++round) {
                uint256 answers = handler.answers(id, round);
                assertLe(answers, 1, "answered twice");
                bool due = verifier.dutyOf(round, id) != IProofOfWorkVerifier.Duty.None;
                assertEq(due, handler.wasActive(id, round), "due is who was Active since the round before");
                if (answers == 1) assertTrue(due);
            }
        }
    }

    function _powerIsNeverMoreThanTheMeanOfTheResults() private view {
        for (uint256 i; i < handler.nodeCount(); ++i) {
            Node memory node = handler.nodeAt(i);
            IProofOfWorkVerifier.Audits memory audits = auditsOf(node);
            assertEq(info(node).verifiedPower, verifier.verifiedPower(node.id), "the registry was told");
            assertEq(info(node).challengesPassed, audits.passed);
            if (audits.count == 0) continue;
            uint256 sum;
            for (uint256 j; j < audits.count; ++j) {
                sum += audits.results[j];
            }
            assertLe(uint256(audits.hashRate) * audits.count, sum, "audited");
            assertLe(verifier.verifiedHashRate(node.id), audits.hashRate, "lapsed or readmitted");
            assertEq(audits.passed, handler.passes(node.id), "each pass is counted once");
            assertLe(audits.lastRound, currentRound());
        }
    }

    /// @dev A fixed course through all actions: shows that they reach what they are there to reach.
    function test_TheActionsReachEveryState() public {
        bytes4[] memory actions = handler.actions();
        for (uint256 i; i < 500; ++i) {
            bytes4 action = actions[uint256(keccak256(abi.encode("action", i))) % actions.length];
            bytes32 first = keccak256(abi.encode("first", i));
            bytes memory arguments = action == handler.switchOnline.selector
                ? abi.encode(first, i % 3 == 0)
                : abi.encode(first, keccak256(abi.encode("second", i)));
            (bool done, bytes memory reason) = address(handler).call(bytes.concat(action, arguments));
            assertTrue(done, string(reason));
        }
        invariant_AuditsAreAccounted();
        afterInvariant();
        string[12] memory states = [
            "opened",
            "opened without preimage",
            "answered",
            "refused",
            "too weak",
            "committed",
            "answered under a root",
            "excused",
            "missed",
            "online",
            "offline",
            "proven"
        ];
        for (uint256 i; i < states.length; ++i) {
            assertGt(handler.reached(states[i]), 0, states[i]);
        }
    }
}
