// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {IProofOfWorkVerifier} from "src/interfaces/IProofOfWorkVerifier.sol";
import {NodeInfo} from "src/types/Node.sol";
import {ResourceType} from "src/types/Resource.sol";
import {TaskRequest} from "src/types/Task.sol";

import {AuditFixture} from "../utils/AuditFixture.sol";
import {Node} from "../utils/MarketFixture.sol";
import {Pow} from "../utils/Pow.sol";

contract AuditAnswersTest is AuditFixture {
    Node internal node;
    address internal stranger = makeAddr("stranger");

    function setUp() public override {
        super.setUp();
        node = activeNode("node");
    }

    // ---------------------------------------------------------------- Who is due

    function test_WhoWasActiveSinceTheLastRoundIsDue() public {
        Node memory pending = register("pending", ResourceType.GPU);
        assertDuty(1, node, IProofOfWorkVerifier.Duty.None);
        openRound();
        assertDuty(1, node, IProofOfWorkVerifier.Duty.Due);
        assertDuty(1, pending, IProofOfWorkVerifier.Duty.None);
        assertDuty(0, node, IProofOfWorkVerifier.Duty.None);
        assertDuty(2, node, IProofOfWorkVerifier.Duty.None);
    }

    function test_GoingOfflineExcusesNobody() public {
        goOffline(node);
        openRound();
        assertDuty(1, node, IProofOfWorkVerifier.Duty.Due);
        answer(node, EFFORT);
        openRound();
        assertDuty(2, node, IProofOfWorkVerifier.Duty.None);
    }

    /// @dev So two nodes whose work overlaps are due in the same round, whenever each was Active.
    function test_WhoExecutesIsDueWhetherActiveOrNot() public {
        TaskRequest memory asked = request();
        (asked.duration, asked.pricePerHour) = (5 days, 0.001 ether);
        bytes32 taskId = createTask(account("buyer", 0), asked);
        accept(taskId, node);
        goOffline(node);
        pass(node, EFFORT);
        pass(node, EFFORT);
        submit(taskId, node);
        pass(node, EFFORT);
        openRound();
        assertDuty(4, node, IProofOfWorkVerifier.Duty.None);
    }

    function test_RevertWhen_TheNodeCameAfterTheRoundOpened() public {
        goOffline(node);
        openRound();
        skipRound();
        openRound();
        goOnline(node);
        bytes memory nonces = roundSolution(node, 1);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.NodeNotDue.selector, node.id, 2));
        submitRound(node, nonces);
        openRound();
        answer(node, 1);
    }

    // ---------------------------------------------------------------- Answering

    function test_ASolutionPassesTheRound() public {
        openRound();
        IProofOfWorkVerifier.Round memory round = verifier.currentRound();
        bytes memory nonces = roundSolution(node, EFFORT);
        uint64 rate = rateOf(node, nonces);
        bytes32 largest = Pow.largestHash(verifier.nodeSeed(node.id, round.seed), Pow.unpack(nonces));
        uint64 power = powerFor(uint256(rate) * 82 / 100);
        uint40 validUntil = round.openedAt + 4 * (INTERVAL + JITTER + REVEAL) + WINDOW;
        skip(WINDOW);
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.AuditPassed(node.id, 1, largest, rate, power, validUntil);
        vm.expectCall(address(registry), abi.encodeCall(INodeRegistry.recordAudit, (node.id, true, false)));
        submitRound(node, nonces);

        IProofOfWorkVerifier.Audits memory audits = auditsOf(node);
        assertEq(audits.results[0], rate);
        assertEq(audits.count, 1);
        assertEq(audits.hashRate, uint256(rate) * 82 / 100);
        assertEq(audits.validUntil, validUntil);
        assertEq(audits.lastAuditAt, round.openedAt);
        assertEq(audits.passed, 1);
        assertEq(audits.lastRound, 1);
        assertEq(audits.missesInRow, 0);
        assertEq(audits.excuseWait, 0);
        assertFalse(audits.excused);
        assertDuty(1, node, IProofOfWorkVerifier.Duty.Accounted);
        assertEq(verifier.verifiedHashRate(node.id), audits.hashRate);
        assertEq(verifier.verifiedPower(node.id), power);
        NodeInfo memory told = info(node);
        assertEq(told.verifiedPower, power);
        assertEq(told.challengesPassed, 1);
        assertEq(told.lastAuditAt, round.openedAt);
    }

    function test_TheOwnerMayAnswerToo() public {
        openRound();
        bytes memory nonces = roundSolution(node, EFFORT);
        vm.prank(node.owner);
        verifier.submitRoundSolution(1, node.id, nonces);
    }

    function test_RevertWhen_AStrangerAnswers() public {
        openRound();
        bytes memory nonces = roundSolution(node, EFFORT);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.NotNodeOperator.selector, node.id, stranger));
        verifier.submitRoundSolution(1, node.id, nonces);
    }

    function test_RevertWhen_TheDeadlineIsOver() public {
        openRound();
        bytes memory nonces = roundSolution(node, EFFORT);
        uint40 deadline = verifier.currentRound().deadline;
        skipWindow();
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundDeadlinePassed.selector, 1, deadline));
        submitRound(node, nonces);
    }

    function test_RevertWhen_ARoundIsAnsweredTwice() public {
        openRound();
        bytes memory nonces = roundSolution(node, EFFORT);
        submitRound(node, nonces);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.AlreadyAccounted.selector, node.id, 1));
        submitRound(node, nonces);
    }

    function test_RevertWhen_TheRoundIsNotTheCurrentOne() public {
        vm.startPrank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundNotCurrent.selector, 0, 0));
        verifier.submitRoundSolution(0, node.id, "");
        vm.stopPrank();
        openRound();
        openRound();
        bytes memory nonces = roundSolution(node, EFFORT);
        vm.startPrank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundNotCurrent.selector, 1, 2));
        verifier.submitRoundSolution(1, node.id, nonces);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundNotCurrent.selector, 3, 2));
        verifier.submitRoundSolution(3, node.id, nonces);
        vm.stopPrank();
    }

    function test_RevertWhen_ASolutionIsMalformedOrAnothers() public {
        Node memory other = activeNode("other");
        openRound();
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.WrongSolutionLength.selector, 8));
        submitRound(node, new bytes(8));
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.NoncesNotIncreasing.selector, 1));
        submitRound(node, new bytes(512));
        // Another node's nonces are as good as random ones: 64 hashes of work.
        submitRound(node, roundSolution(other, 8));
        assertLt(auditsOf(node).results[0], 10);
    }

    // ---------------------------------------------------------------- What results come to

    function test_TheFirstAuditReplacesOnboarding() public {
        uint64 onboarding = verifier.verifiedPower(node.id);
        uint64 rate = pass(node, EFFORT);
        assertGt(verifier.verifiedPower(node.id), onboarding);
        assertEq(verifier.verifiedPower(node.id), powerFor(uint256(rate) * 82 / 100));
    }

    function test_UntilTheThirdAuditTheLowestResultCountsThenTheMeanOfTheLastFour() public {
        uint64[] memory rates = new uint64[](6);
        rates[0] = pass(node, 6);
        rates[1] = pass(node, 4);
        assertEq(auditsOf(node).hashRate, uint256(rates[1]) * 82 / 100);
        rates[2] = pass(node, 5);
        assertEq(auditsOf(node).hashRate, (uint256(rates[0]) + rates[1] + rates[2]) * 90 / 300);
        rates[3] = pass(node, 6);
        assertEq(auditsOf(node).hashRate, (uint256(rates[0]) + rates[1] + rates[2] + rates[3]) * 90 / 400);
        rates[4] = pass(node, 7);
        assertEq(auditsOf(node).hashRate, (uint256(rates[1]) + rates[2] + rates[3] + rates[4]) * 90 / 400);
        assertEq(auditsOf(node).count, 4);
        assertEq(auditsOf(node).passed, 5);
        for (uint256 i; i < 4; ++i) {
            assertEq(auditsOf(node).results[i], rates[4 - i], "the newest first");
        }
        assertEq(verifier.verifiedPower(node.id), powerFor(auditsOf(node).hashRate));
    }

    function test_CalibrationIsByResourceType() public {
        Node memory phone = register("phone", ResourceType.Mobile);
        prove(phone, EFFORT);
        stake(phone, MIN_STAKE);
        goOnline(phone);
        uint64 rate = pass(phone, EFFORT);
        assertEq(verifier.verifiedPower(phone.id), powerFor(uint256(rate) * 82 / 100) / 8);
    }

    function test_AResultBelowHalfOfTheVerifiedPowerIsAMiss() public {
        for (uint256 i; i < 3; ++i) {
            pass(node, 12);
        }
        uint64 verified = verifier.verifiedHashRate(node.id);
        openRound();
        bytes memory nonces = roundSolution(node, 3);
        uint64 rate = rateOf(node, nonces);
        assertLt(rate * 2, verified);
        uint64 power = powerFor(auditsOf(node).hashRate * 3 / 4);
        vm.expectEmit(true, true, true, false, address(verifier));
        emit IProofOfWorkVerifier.AuditMissed(node.id, 4, rate, power, 1);
        vm.expectCall(address(registry), abi.encodeCall(INodeRegistry.recordAudit, (node.id, false, false)));
        submitRound(node, nonces);
        assertEq(auditsOf(node).results[0], 0, "it counts as nothing");
        assertEq(auditsOf(node).missesInRow, 1);
        assertEq(auditsOf(node).passed, 3);
        assertApproxEqAbs(verifier.verifiedHashRate(node.id), uint256(verified) * 3 / 4, 1);
        assertDuty(4, node, IProofOfWorkVerifier.Duty.Accounted);
    }

    function test_HalfOfTheVerifiedPowerIsEnough() public {
        uint64 rate = pass(node, 8);
        uint64 verified = uint64(uint256(rate) * 82 / 100);
        uint64 second = pass(node, 4);
        assertGe(second * 2, verified);
        assertEq(auditsOf(node).passed, 2);
    }

    // ---------------------------------------------------------------- Lapse and readmission

    function test_PowerLapsesWithoutAPassedAuditInFourIntervals() public {
        pass(node, EFFORT);
        uint64 power = verifier.verifiedPower(node.id);
        vm.warp(auditsOf(node).validUntil);
        assertEq(verifier.verifiedPower(node.id), power);
        skip(1);
        assertEq(verifier.verifiedPower(node.id), 0);
        assertEq(verifier.verifiedHashRate(node.id), 0);
        assertEq(info(node).verifiedPower, 0);
        assertEq(info(node).challengesPassed, 1);
    }

    function test_OnboardingPowerLapsesToo() public {
        assertGt(verifier.verifiedPower(node.id), 0);
        uint256 issuedAt = uint256(verifier.challengeOf(node.id).openedAt);
        vm.warp(issuedAt + 4 * (INTERVAL + JITTER + REVEAL) + WINDOW);
        assertGt(verifier.verifiedPower(node.id), 0);
        skip(1);
        assertEq(verifier.verifiedPower(node.id), 0);
    }

    function test_OnboardingReadmitsWithTheLowerOfTheTwo() public {
        pass(node, 8);
        uint64 audited = auditsOf(node).hashRate;
        goOffline(node);
        skip(30 days);
        assertEq(verifier.verifiedPower(node.id), 0);

        prove(node, 4);
        uint64 readmitted = verifier.verifiedHashRate(node.id);
        assertGt(readmitted, 0);
        assertLt(readmitted, audited, "half of its lower bound");
        assertEq(auditsOf(node).count, 1, "it is no audit");
        assertEq(auditsOf(node).passed, 1);

        prove(node, 64);
        assertEq(verifier.verifiedHashRate(node.id), audited, "never more than the audits");
        skip(30 days);
        assertEq(verifier.verifiedHashRate(node.id), 0);

        goOnline(node);
        openRound();
        uint64 rate = answer(node, 8);
        assertEq(verifier.verifiedHashRate(node.id), Math.min(audited, uint256(rate) * 82 / 100));
    }

    function test_OnboardingDoesNotHideAMissedFirstAudit() public {
        miss(node);
        assertEq(verifier.verifiedPower(node.id), 0, "its lowest result");
        goOffline(node);
        prove(node, 64);
        assertEq(verifier.verifiedPower(node.id), 0);
        assertEq(info(node).challengesPassed, 0);
    }

    // ---------------------------------------------------------------- Solutions under a root

    function test_ASolutionFollowsItsRoot() public {
        Node memory other = activeNode("other");
        openRound();
        bytes memory mine = roundSolution(node, EFFORT);
        bytes memory theirs = roundSolution(other, EFFORT);
        bytes32 root = _pair(_leaf(node, mine), _leaf(other, theirs));
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.SolutionRootPosted(1, stranger, root);
        vm.prank(stranger);
        verifier.postSolutionRoot(1, root);
        assertEq(verifier.solutionRootOf(1, stranger), root);

        skipWindow();
        _submitUnder(node, mine, stranger, _leaf(other, theirs));
        vm.warp(verifier.currentRound().finishesAt);
        _submitUnder(other, theirs, stranger, _leaf(node, mine));
        assertEq(auditsOf(node).passed, 1);
        assertEq(auditsOf(other).passed, 1);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.AlreadyAccounted.selector, node.id, 1));
        _submitUnder(node, mine, stranger, _leaf(other, theirs));
    }

    function test_RevertWhen_TheSolutionIsNotUnderTheRoot() public {
        Node memory other = activeNode("other");
        openRound();
        bytes memory mine = roundSolution(node, EFFORT);
        bytes memory better = roundSolution(node, 2 * EFFORT);
        bytes32 sibling = _leaf(other, mine);
        bytes32 root = _pair(_leaf(node, mine), sibling);
        vm.prank(stranger);
        verifier.postSolutionRoot(1, root);
        skipWindow();
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.NotUnderRoot.selector, node.id, root));
        _submitUnder(node, better, stranger, sibling);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.NotUnderRoot.selector, node.id, root));
        _submitUnder(node, mine, stranger, _leaf(node, mine));
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.NotUnderRoot.selector, node.id, bytes32(0)));
        _submitUnder(node, mine, node.operator, sibling);
        _submitUnder(node, mine, stranger, sibling);
    }

    function test_RevertWhen_ARootIsLateOrASecondOrNothing() public {
        openRound();
        vm.startPrank(stranger);
        vm.expectRevert(IProofOfWorkVerifier.InvalidRoot.selector);
        verifier.postSolutionRoot(1, 0);
        verifier.postSolutionRoot(1, "root");
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RootPostedAlready.selector, 1, stranger));
        verifier.postSolutionRoot(1, "root");
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundNotCurrent.selector, 2, 1));
        verifier.postSolutionRoot(2, "root");
        vm.stopPrank();
        uint40 deadline = verifier.currentRound().deadline;
        vm.warp(deadline);
        vm.prank(node.owner);
        verifier.postSolutionRoot(1, "a root of another poster");
        skip(1);
        vm.prank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundDeadlinePassed.selector, 1, deadline));
        verifier.postSolutionRoot(1, "root");
    }

    function test_RevertWhen_ACommittedSolutionIsTooLateOrAStrangers() public {
        openRound();
        bytes memory mine = roundSolution(node, EFFORT);
        bytes32 root = _pair(_leaf(node, mine), "sibling");
        vm.prank(stranger);
        verifier.postSolutionRoot(1, root);
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = "sibling";
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.NotNodeOperator.selector, node.id, stranger));
        verifier.submitCommittedSolution(1, node.id, mine, stranger, proof);
        uint40 finishesAt = verifier.currentRound().finishesAt;
        skipRound();
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundDeadlinePassed.selector, 1, finishesAt));
        _submitUnder(node, mine, stranger, "sibling");
    }

    function _submitUnder(Node memory who, bytes memory nonces, address poster, bytes32 sibling) private {
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = sibling;
        vm.prank(who.operator);
        verifier.submitCommittedSolution(1, who.id, nonces, poster, proof);
    }

    /// @dev A leaf of OpenZeppelin's StandardMerkleTree.
    function _leaf(Node memory who, bytes memory nonces) private pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(who.id, keccak256(nonces)))));
    }

    function _pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(bytes.concat(a, b)) : keccak256(bytes.concat(b, a));
    }
}
