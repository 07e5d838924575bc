// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {IProofOfWorkVerifier} from "src/interfaces/IProofOfWorkVerifier.sol";
import {ResourceType} from "src/types/Resource.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";
import {Pow} from "../utils/Pow.sol";

contract ProofOfWorkVerifierTest is MarketFixture {
    Node internal node;
    address internal stranger = makeAddr("stranger");

    function setUp() public override {
        super.setUp();
        node = register("node", ResourceType.CPU);
    }

    // ---------------------------------------------------------------- Issuing

    function test_OwnerOrOperatorOpensAChallenge() public {
        uint40 openedAt = uint40(block.timestamp);
        bytes32 seed = keccak256(abi.encode(suite.entropy.entropy(), 1));
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.ChallengeIssued(node.id, 1, seed, openedAt, openedAt + WINDOW);
        vm.prank(node.owner);
        assertEq(verifier.issueChallenge(node.id), 1);

        IProofOfWorkVerifier.Challenge memory challenge = verifier.challengeOf(node.id);
        assertEq(challenge.seed, seed);
        assertEq(challenge.openedAt, openedAt);
        assertEq(challenge.deadline, openedAt + WINDOW);
        assertEq(challenge.id, 1);
        assertTrue(challenge.open);
    }

    function test_RevertWhen_AStrangerAsksOrAnswers() public {
        bytes memory refusal = abi.encodeWithSelector(IProofOfWorkVerifier.NotNodeOperator.selector, node.id, stranger);
        vm.prank(stranger);
        vm.expectRevert(refusal);
        verifier.issueChallenge(node.id);
        _issue();
        bytes memory answer = solution(node, 1);
        vm.prank(stranger);
        vm.expectRevert(refusal);
        verifier.submitSolution(node.id, answer);
    }

    function test_RevertWhen_AChallengeIsOpen() public {
        uint40 deadline = uint40(block.timestamp) + WINDOW;
        _issue();
        skip(WINDOW);
        vm.prank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.ChallengeOpen.selector, node.id, deadline));
        verifier.issueChallenge(node.id);
    }

    function test_RevertWhen_TheNodeIsActiveOrBanned() public {
        Node memory active = activeNode("active");
        bytes memory refusal = abi.encodeWithSelector(IProofOfWorkVerifier.NodeNotChallengeable.selector, active.id);
        vm.prank(active.operator);
        vm.expectRevert(refusal);
        verifier.issueChallenge(active.id);
        vm.prank(governance);
        registry.ban(active.id);
        vm.prank(active.operator);
        vm.expectRevert(refusal);
        verifier.issueChallenge(active.id);
    }

    function test_NoTwoChallengesShareASeed() public {
        Node memory other = register("other", ResourceType.CPU);
        _issue();
        vm.prank(other.operator);
        verifier.issueChallenge(other.id);
        bytes32 seed = verifier.challengeOf(node.id).seed;
        assertNotEq(seed, verifier.challengeOf(other.id).seed);
        assertNotEq(verifier.nodeSeed(node.id, seed), verifier.nodeSeed(other.id, seed));
        assertEq(
            verifier.nodeSeed(node.id, seed), keccak256(abi.encode(block.chainid, address(verifier), seed, node.id))
        );
    }

    // ---------------------------------------------------------------- Answering

    function test_AFirstSolutionVerifiesTheNodeAndItsPower() public {
        _issue();
        bytes memory answer = solution(node, EFFORT);
        bytes32 seed = verifier.nodeSeed(node.id, verifier.challengeOf(node.id).seed);
        bytes32 largest = Pow.largestHash(seed, Pow.unpack(answer));
        assertEq(verifier.largestHashOf(seed, answer), largest);
        uint64 rate = verifier.calculateComputePower(largest, WINDOW);
        assertGt(rate, 20, "64 x 4 hashes in 10 s");
        uint64 verifiedRate = rate * 41 / 100;
        uint64 power = verifiedRate * 1_000 / 2; // a CPU's TFLOPS is 2 hashes/s here

        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.ChallengePassed(node.id, 1, largest, rate, power);
        vm.expectEmit(address(registry));
        emit INodeRegistry.NodeVerified(node.id);
        _answer(answer);

        assertEq(verifier.verifiedHashRate(node.id), verifiedRate);
        assertEq(verifier.verifiedPower(node.id), power);
        assertEq(info(node).verifiedPower, power);
        assertFalse(verifier.challengeOf(node.id).open);
    }

    function test_TheLastBlockOfTheWindowCounts() public {
        _issue();
        bytes memory answer = solution(node, 1);
        skip(WINDOW);
        _answer(answer);
    }

    function test_RevertWhen_TheWindowIsOver() public {
        uint40 deadline = uint40(block.timestamp) + WINDOW;
        _issue();
        bytes memory answer = solution(node, 1);
        skip(WINDOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.DeadlinePassed.selector, node.id, deadline));
        _answer(answer);
    }

    function test_RevertWhen_AChallengeIsAnsweredTwice() public {
        bytes memory closed = abi.encodeWithSelector(IProofOfWorkVerifier.NoOpenChallenge.selector, node.id);
        vm.expectRevert(closed);
        _answer(new bytes(512));
        _issue();
        bytes memory answer = solution(node, 1);
        _answer(answer);
        vm.expectRevert(closed);
        _answer(answer);
    }

    function test_RevertWhen_ASolutionIsMalformed() public {
        _issue();
        bytes memory answer = solution(node, 1);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.WrongSolutionLength.selector, 520));
        _answer(bytes.concat(answer, bytes8(type(uint64).max)));
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.WrongSolutionLength.selector, 0));
        _answer("");

        uint64[] memory nonces = Pow.unpack(answer);
        nonces[63] = nonces[62];
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.NoncesNotIncreasing.selector, 63));
        _answer(Pow.pack(nonces));
        nonces[1] = nonces[0];
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.NoncesNotIncreasing.selector, 1));
        _answer(Pow.pack(nonces));
        assertTrue(verifier.challengeOf(node.id).open, "a bad answer does not use the challenge up");
    }

    function test_ALaterResultNeverRaisesThePower() public {
        prove(node, 4);
        uint64 first = verifier.verifiedPower(node.id);
        prove(node, 16);
        assertEq(verifier.verifiedPower(node.id), first);
        prove(node, 1);
        uint64 lowest = verifier.verifiedPower(node.id);
        assertLt(lowest, first);
        prove(node, 4);
        assertEq(verifier.verifiedPower(node.id), lowest);
    }

    function test_AWindowChangedMeanwhileDoesNotChangeAnOpenChallenge() public {
        _issue();
        IProofOfWorkVerifier.Parameters memory changed = verifier.parameters();
        changed.window = 1;
        vm.prank(governance);
        verifier.setParameters(changed);
        bytes memory answer = solution(node, 4);
        skip(WINDOW);
        _answer(answer);
        assertLt(verifier.verifiedHashRate(node.id), 40, "measured by the ten seconds it had");
    }

    function test_RevertWhen_ABannedNodeProvesItself() public {
        _issue();
        bytes memory answer = solution(node, 1);
        vm.prank(governance);
        registry.ban(node.id);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeIsBanned.selector, node.id));
        _answer(answer);
    }

    // ---------------------------------------------------------------- Missing

    function test_AnyoneReportsAMissAndTheNodeCoolsDownFromTheDeadline() public {
        uint40 deadline = uint40(block.timestamp) + WINDOW;
        _issue();
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.ChallengeOpen.selector, node.id, deadline));
        verifier.reportMissed(node.id);

        skip(WINDOW + 9 minutes);
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.ChallengeMissed(node.id, 1);
        vm.prank(stranger);
        verifier.reportMissed(node.id);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.NoOpenChallenge.selector, node.id));
        verifier.reportMissed(node.id);

        vm.prank(node.operator);
        vm.expectRevert(
            abi.encodeWithSelector(IProofOfWorkVerifier.CoolingDown.selector, node.id, deadline + 10 minutes)
        );
        verifier.issueChallenge(node.id);
        skip(1 minutes);
        _issue();
        assertEq(verifier.challengeOf(node.id).id, 2);
    }

    function test_AnUnreportedMissIsReportedByTheNextChallenge() public {
        _issue();
        skip(WINDOW + 1);
        vm.prank(node.operator);
        vm.expectRevert();
        verifier.issueChallenge(node.id);
        skip(10 minutes);
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.ChallengeMissed(node.id, 1);
        _issue();
    }

    // ---------------------------------------------------------------- Standing and activity

    function test_OnlyTheRegistryNotesActivity() public {
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.NotRegistry.selector, address(this)));
        verifier.noteActivity(node.id, true);
        vm.startPrank(address(registry));
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.ActivityChanged(node.id, 1, true);
        verifier.noteActivity(node.id, true);
        vm.recordLogs();
        verifier.noteActivity(node.id, true);
        assertEq(vm.getRecordedLogs().length, 0, "known already");
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.ActivityChanged(node.id, 1, false);
        verifier.noteActivity(node.id, false);
        vm.stopPrank();
    }

    function test_BeforeTheFirstAuditOnboardingIsTheStanding() public {
        prove(node, EFFORT);
        assertEq(info(node).verifiedPower, verifier.verifiedPower(node.id));
        assertEq(info(node).challengesPassed, 0);
        assertEq(info(node).lastAuditAt, 0);
    }

    function test_AnyoneTellsTheRegistryOfANewCalibration() public {
        prove(node, EFFORT);
        uint64 power = verifier.verifiedPower(node.id);
        IProofOfWorkVerifier.Parameters memory changed = verifier.parameters();
        for (uint256 i; i < 5; ++i) {
            changed.hashesPerTflops[i] *= 2;
        }
        vm.prank(governance);
        verifier.setParameters(changed);
        assertEq(info(node).verifiedPower, power);
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.StandingTold(node.id, power / 2);
        verifier.syncStanding(node.id);
        assertEq(info(node).verifiedPower, power / 2);
        assertEq(verifier.verifiedPower(node.id), power / 2);
    }

    // ---------------------------------------------------------------- Governance

    function test_OnlyGovernanceSetsParameters() public {
        IProofOfWorkVerifier.Parameters memory changed = verifier.parameters();
        changed.cooldown = 1 hours;
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", address(this)));
        verifier.setParameters(changed);
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.VerifierParametersChanged(changed);
        vm.prank(governance);
        verifier.setParameters(changed);
        assertEq(verifier.parameters().cooldown, 1 hours);
        assertEq(verifier.parameters().hashesPerTflops[4], 16);
    }

    function test_RevertWhen_ParametersMakeNoSense() public {
        IProofOfWorkVerifier.Parameters memory bad = verifier.parameters();
        bad.window = 0;
        _expectInvalid(bad);
        bad.window = 1 hours + 1;
        _expectInvalid(bad);
        bad.window = WINDOW;
        bad.cooldown = 7 days + 1;
        _expectInvalid(bad);
        bad.cooldown = 0;
        bad.hashesPerTflops[3] = 0;
        _expectInvalid(bad);
    }

    function _expectInvalid(IProofOfWorkVerifier.Parameters memory bad) private {
        vm.prank(governance);
        vm.expectRevert(IProofOfWorkVerifier.InvalidParameters.selector);
        verifier.setParameters(bad);
    }

    function _issue() private {
        vm.prank(node.operator);
        verifier.issueChallenge(node.id);
    }

    function _answer(bytes memory nonces) private {
        vm.prank(node.operator);
        verifier.submitSolution(node.id, nonces);
    }
}
