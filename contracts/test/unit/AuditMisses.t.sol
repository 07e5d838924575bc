// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDisputeCourt} from "src/interfaces/IDisputeCourt.sol";
import {IKeeperTips} from "src/interfaces/IKeeperTips.sol";
import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {IProofOfWorkVerifier} from "src/interfaces/IProofOfWorkVerifier.sol";
import {NodeStatus} from "src/types/Node.sol";
import {Task, TaskRequest, TaskStatus} from "src/types/Task.sol";

import {AuditFixture} from "../utils/AuditFixture.sol";
import {Node} from "../utils/MarketFixture.sol";

contract AuditMissesTest is AuditFixture {
    Node internal node;
    address internal buyer;
    address internal keeper = makeAddr("keeper");

    function setUp() public override {
        super.setUp();
        node = activeNode("node");
        buyer = account("buyer", 0);
        vm.deal(buyer, 1_000 ether);
    }

    // ---------------------------------------------------------------- Reporting

    function test_AnyoneReportsTheMissesOfARound() public {
        Node memory diligent = activeNode("diligent");
        Node memory lazy = activeNode("lazy");
        openRound();
        answer(diligent, EFFORT);
        skipRound();
        uint64[] memory ids = new uint64[](5);
        (ids[0], ids[1], ids[2], ids[3], ids[4]) = (node.id, diligent.id, lazy.id, 999, node.id);
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.AuditMissed(node.id, 1, 0, 0, 1);
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.AuditMissed(lazy.id, 1, 0, 0, 1);
        vm.expectCall(address(registry), abi.encodeCall(INodeRegistry.recordAudit, (node.id, false, false)), 1);
        vm.expectCall(address(registry), abi.encodeCall(INodeRegistry.recordAudit, (lazy.id, false, false)), 1);
        vm.expectCall(
            address(suite.keeperTips), abi.encodeCall(IKeeperTips.tip, (IKeeperTips.Duty.ReportMissed, keeper)), 2
        );
        vm.prank(keeper);
        assertEq(verifier.reportMissedRound(1, ids), 2, "who has answered, is unknown or was reported is skipped");
        assertDuty(1, node, IProofOfWorkVerifier.Duty.Accounted);
        assertEq(auditsOf(node).count, 1);
        assertEq(auditsOf(node).missesInRow, 1);
        vm.prank(keeper);
        assertEq(verifier.reportMissedRound(1, ids), 0);
    }

    function test_RevertWhen_TheRoundIsNotOver() public {
        openRound();
        vm.warp(verifier.currentRound().finishesAt);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundNotOver.selector, 1));
        report(1, node);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundNotOver.selector, 2));
        report(2, node);
        skip(1);
        assertEq(report(1, node), 1);
    }

    function test_RoundZeroIsNobodysMiss() public {
        skip(2 days);
        assertEq(report(0, node), 0);
    }

    function test_AMissCountsAsZero() public {
        uint64[3] memory rates = [pass(node, 6), pass(node, 6), pass(node, 6)];
        miss(node);
        assertEq(auditsOf(node).hashRate, (uint256(rates[0]) + rates[1] + rates[2]) * 90 / 400);
        assertEq(auditsOf(node).passed, 3);
    }

    function test_TheThirdMissInARowTakesTheNodeOffline() public {
        pass(node, EFFORT);
        miss(node);
        miss(node);
        assertEq(uint8(info(node).status), uint8(NodeStatus.Active));
        vm.expectCall(address(registry), abi.encodeCall(INodeRegistry.recordAudit, (node.id, false, true)), 2);
        miss(node);
        assertEq(uint8(info(node).status), uint8(NodeStatus.Inactive));
        assertEq(auditsOf(node).missesInRow, 3);

        goOnline(node);
        miss(node);
        assertEq(uint8(info(node).status), uint8(NodeStatus.Inactive), "and so does every further one");
        goOnline(node);
        pass(node, EFFORT);
        assertEq(auditsOf(node).missesInRow, 0);
        miss(node);
        assertEq(uint8(info(node).status), uint8(NodeStatus.Active));
    }

    // ---------------------------------------------------------------- Misses that nobody reported

    function test_AnAnswerFirstRecordsUnreportedMisses() public {
        uint64 first = pass(node, EFFORT);
        openRound();
        openRound();
        skipRound();
        openRound();
        vm.expectEmit(true, true, true, false, address(verifier));
        emit IProofOfWorkVerifier.AuditMissed(node.id, 2, 0, 0, 1);
        vm.expectEmit(true, true, true, false, address(verifier));
        emit IProofOfWorkVerifier.AuditMissed(node.id, 3, 0, 0, 2);
        uint64 last = answer(node, EFFORT);
        IProofOfWorkVerifier.Audits memory audits = auditsOf(node);
        assertEq(audits.results[0], last);
        assertEq(audits.results[1], 0);
        assertEq(audits.results[2], 0);
        assertEq(audits.results[3], first);
        assertEq(audits.missesInRow, 0);
        skipRound();
        assertEq(report(4, node), 0, "nothing is left to report");
        assertEq(report(2, node), 0);
    }

    function test_ALateReportRecordsTheRoundsInTheirOrder() public {
        openRound();
        openRound();
        assertEq(report(1, node), 1);
        assertEq(auditsOf(node).lastRound, 1);
        openRound();
        assertEq(report(2, node), 1);
        assertEq(report(1, node), 0);
    }

    function test_ALateReportCostsNoMoreThanAPromptOne() public {
        pass(node, EFFORT);
        for (uint256 i; i < 20; ++i) {
            openRound();
        }
        skipRound();
        assertEq(report(currentRound(), node), 3, "with the third it would have been offline");
        assertEq(auditsOf(node).missesInRow, 3);
        assertEq(auditsOf(node).lastRound, 21);
        assertEq(uint8(info(node).status), uint8(NodeStatus.Inactive));
    }

    function test_AnAnswerAfterThreeUnreportedMissesCountsButTheNodeHasToComeBack() public {
        for (uint256 i; i < 6; ++i) {
            openRound();
        }
        answer(node, EFFORT);
        assertEq(auditsOf(node).count, 4);
        assertEq(auditsOf(node).missesInRow, 0);
        assertEq(uint8(info(node).status), uint8(NodeStatus.Inactive));
    }

    function test_RoundsInWhichTheNodeWasNotDueAreNoMisses() public {
        pass(node, EFFORT);
        goOffline(node);
        openRound();
        skipRound();
        assertEq(report(2, node), 1, "it was active before");
        openRound();
        openRound();
        skipRound();
        assertEq(report(4, node), 0);
        goOnline(node);
        openRound();
        skipRound();
        assertEq(report(5, node), 1);
    }

    // ---------------------------------------------------------------- Excuses

    function test_ABusyNodeIsExcused() public {
        uint64 rate = pass(node, EFFORT);
        bytes32 taskId = _busy();
        uint64 round = openRound();
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.ExcuseRecorded(node.id, round, taskId);
        vm.prank(keeper);
        verifier.excuse(round, node.id, taskId);
        assertDuty(round, node, IProofOfWorkVerifier.Duty.Excused);
        skipRound();
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.AuditExcused(node.id, round, true, powerFor(uint256(rate) * 82 / 100));
        assertEq(report(round, node), 0, "no miss");
        assertDuty(round, node, IProofOfWorkVerifier.Duty.Accounted);
        assertEq(auditsOf(node).count, 1);
        assertEq(auditsOf(node).missesInRow, 0);
        assertEq(auditsOf(node).excuseWait, 3);
    }

    function test_AnExcusedNodeMayAnswerAllTheSame() public {
        bytes32 taskId = _busy();
        openRound();
        verifier.excuse(1, node.id, taskId);
        answer(node, EFFORT);
        assertEq(auditsOf(node).passed, 1);
        assertEq(auditsOf(node).excuseWait, 0, "the excuse was not needed");
        assertFalse(auditsOf(node).excused);
    }

    function test_OnceInFourARoundIsLeftOutElseItCountsAsZero() public {
        uint64[3] memory rates = [pass(node, EFFORT), pass(node, EFFORT), pass(node, EFFORT)];
        _excusedRound(true);
        assertEq(auditsOf(node).count, 3);
        _excusedRound(false);
        assertEq(auditsOf(node).hashRate, (uint256(rates[0]) + rates[1] + rates[2]) * 90 / 400);
        pass(node, EFFORT);
        _excusedRound(false);
        _excusedRound(true);
        assertEq(auditsOf(node).passed, 4);
    }

    function test_AnExcuseNeverEndsTheRunOfMisses() public {
        pass(node, EFFORT);
        pass(node, EFFORT);
        miss(node);
        miss(node);
        _excusedRound(true);
        assertEq(auditsOf(node).missesInRow, 2);
        miss(node);
        assertEq(auditsOf(node).missesInRow, 3);
        assertEq(uint8(info(node).status), uint8(NodeStatus.Inactive));
    }

    function test_AnExcuseFirstRecordsUnreportedMisses() public {
        openRound();
        bytes32 taskId = _busy();
        openRound();
        vm.expectCall(address(registry), abi.encodeCall(INodeRegistry.recordAudit, (node.id, false, false)), 1);
        verifier.excuse(2, node.id, taskId);
        assertEq(auditsOf(node).lastRound, 1);
        assertEq(auditsOf(node).missesInRow, 1);
        assertDuty(2, node, IProofOfWorkVerifier.Duty.Excused);
        assertDuty(1, node, IProofOfWorkVerifier.Duty.Accounted);
    }

    function test_AnExcuseThatNobodySettledIsSettledByTheNextAnswer() public {
        pass(node, EFFORT);
        bytes32 taskId = _busy();
        openRound();
        verifier.excuse(2, node.id, taskId);
        pass(node, EFFORT);
        assertEq(auditsOf(node).count, 2);
        assertEq(auditsOf(node).passed, 2);
        assertEq(auditsOf(node).excuseWait, 2);
        assertFalse(auditsOf(node).excused);
    }

    function test_ATaskDeliveredDuringTheRoundExcuses() public {
        bytes32 taskId = _busy();
        openRound();
        submit(taskId, node);
        verifier.excuse(1, node.id, taskId);
    }

    /// @dev A dispute moves neither the assignment nor the result.
    function test_ADisputeNeitherEndsNorProlongsAnExcuse() public {
        bytes32 taskId = _busy();
        openRound();
        submit(taskId, node);
        _dispute(taskId);
        verifier.excuse(1, node.id, taskId);
        uint64 round = openRound();
        assertStatus(taskId, TaskStatus.Disputed);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.TaskIsNoExcuse.selector, node.id, taskId));
        verifier.excuse(round, node.id, taskId);
    }

    function test_RevertWhen_TheTaskIsNoExcuse() public {
        Node memory other = activeNode("other");
        bytes32 delivered = _busy();
        submit(delivered, node);
        bytes32 small = _executing(node, 0.00005 ether, ETH);
        bytes32 others = _executing(other, 0.001 ether, ETH);
        bytes32 dollars = _executing(other, 1e6, address(dollar));
        bytes32 open = createTask(buyer);
        openRound();
        bytes32 afterwards = _busy();
        bytes32[5] memory tasks = [delivered, small, others, open, afterwards];
        for (uint256 i; i < tasks.length; ++i) {
            _expectNoExcuse(node, tasks[i]);
        }
        _expectNoExcuse(node, "no task");
        _expectNoExcuse(other, dollars);
        IProofOfWorkVerifier.ExcuseFloor memory floor =
            IProofOfWorkVerifier.ExcuseFloor({token: address(dollar), minEscrow: 20e6});
        vm.prank(governance);
        verifier.setExcuseFloor(floor);
        verifier.excuse(1, other.id, dollars);
    }

    function _expectNoExcuse(Node memory who, bytes32 taskId) private {
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.TaskIsNoExcuse.selector, who.id, taskId));
        verifier.excuse(1, who.id, taskId);
    }

    function test_RevertWhen_TheTaskShouldHaveBeenOver() public {
        bytes32 taskId = acceptedTask(buyer, node);
        openRound(); // a day later
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.TaskIsNoExcuse.selector, node.id, taskId));
        verifier.excuse(1, node.id, taskId);
    }

    function test_RevertWhen_NothingIsLeftToExcuse() public {
        Node memory late = register("late", request().resourceType);
        bytes32 taskId = _busy();
        openRound();
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.NodeNotDue.selector, late.id, 1));
        verifier.excuse(1, late.id, taskId);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundNotCurrent.selector, 2, 1));
        verifier.excuse(2, node.id, taskId);
        verifier.excuse(1, node.id, taskId);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.AlreadyExcused.selector, node.id, 1));
        verifier.excuse(1, node.id, taskId);
        answer(node, EFFORT);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.AlreadyAccounted.selector, node.id, 1));
        verifier.excuse(1, node.id, taskId);
        uint40 finishesAt = verifier.currentRound().finishesAt;
        skipRound();
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundDeadlinePassed.selector, 1, finishesAt));
        verifier.excuse(1, node.id, taskId);
    }

    // ---------------------------------------------------------------- Inside

    /// @dev A task that the node executes for five days from now.
    function _busy() private returns (bytes32) {
        return _executing(node, 0.001 ether, ETH);
    }

    function _dispute(bytes32 taskId) private {
        Task memory task = market.taskOf(taskId);
        uint256 fee = IDisputeCourt(address(suite.court)).parameters().caseFee;
        vm.prank(faucet);
        token.transfer(buyer, fee);
        vm.startPrank(buyer);
        token.approve(address(suite.court), fee);
        uint256 due = market.dueFor(task.escrow, task.duration, task.submittedAt - task.assignedAt);
        market.disputeTask{value: due / 50}(taskId, "ipfs://evidence");
        vm.stopPrank();
    }

    function _executing(Node memory who, uint96 pricePerHour, address paidIn) private returns (bytes32 taskId) {
        TaskRequest memory asked = request();
        (asked.duration, asked.pricePerHour, asked.paymentToken) = (5 days, pricePerHour, paidIn);
        taskId = createTask(buyer, asked);
        accept(taskId, who);
    }

    /// @dev A round that the node doesn't answer because of a task.
    function _excusedRound(bool leftOut) private {
        bytes32 taskId = _busy();
        uint64 round = openRound();
        verifier.excuse(round, node.id, taskId);
        skipRound();
        uint256 misses = auditsOf(node).missesInRow;
        uint64 newest = auditsOf(node).results[0];
        uint8 wait = auditsOf(node).excuseWait;
        assertEq(report(round, node), 0, "no miss");
        assertEq(auditsOf(node).missesInRow, misses);
        assertEq(auditsOf(node).results[0], leftOut ? newest : 0);
        assertEq(auditsOf(node).excuseWait, leftOut ? 3 : wait - 1);
        submit(taskId, node);
    }
}
