// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrowManager} from "src/interfaces/IEscrowManager.sol";
import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {IRewardDistributor} from "src/interfaces/IRewardDistributor.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";
import {Task, TaskRequest, TaskStatus} from "src/types/Task.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";

contract TaskDeliveryTest is MarketFixture {
    uint256 internal constant PRICE = 0.36 ether;
    /// @dev Three quarters of the price: half of the time used, half of the rest paid too.
    uint256 internal constant DUE = 0.27 ether;

    Node internal node;
    address internal buyer;
    address internal keeper = makeAddr("keeper");

    function setUp() public override {
        super.setUp();
        node = activeNode("node");
        buyer = account("buyer", 0);
    }

    // ---------------------------------------------------------------- Results

    function test_AResultStartsTheReview() public {
        bytes32 taskId = acceptedTask(buyer, node);
        skip(DURATION / 2);
        vm.expectEmit(address(market));
        emit ITaskMarketplace.ResultSubmitted(
            taskId, node.id, RESULT, "ipfs://result", uint40(block.timestamp) + REVIEW
        );
        submit(taskId, node);
        assertStatus(taskId, TaskStatus.Completed);
        assertEq(market.taskOf(taskId).submittedAt, block.timestamp);
        assertEq(info(node).running, 0);
        assertEq(info(node).reviewing, 1);
    }

    function test_AResultCountsUntilTheEndOfTheGrace() public {
        bytes32 taskId = acceptedTask(buyer, node);
        skip(DURATION + GRACE);
        submit(taskId, node);
        approve(taskId);
        assertEq(escrow.balanceOf(node.payout, ETH), PRICE * 92 / 100, "and earns no more than the escrow");
    }

    function test_RevertWhen_AResultIsLate() public {
        bytes32 taskId = acceptedTask(buyer, node);
        uint40 until = uint40(block.timestamp) + DURATION + GRACE;
        skipPastResults();
        vm.prank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.DeadlinePassed.selector, taskId, until));
        market.submitResult(taskId, RESULT, "");
    }

    function test_RevertWhen_AnotherNodeDelivers() public {
        Node memory other = activeNode("other");
        bytes32 taskId = acceptedTask(buyer, node);
        vm.prank(other.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.NotNodeOperator.selector, node.id, other.operator));
        market.submitResult(taskId, RESULT, "");
    }

    function test_RevertWhen_AResultIsDeliveredTwice() public {
        bytes32 taskId = completedTask(buyer, node);
        vm.prank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, taskId, TaskStatus.Completed));
        market.submitResult(taskId, RESULT, "");
    }

    // ---------------------------------------------------------------- Paying

    function test_ApprovingPaysProviderTreasuryAndBuyer() public {
        bytes32 taskId = completedTask(buyer, node);
        uint256 fee = DUE * 8 / 100;
        vm.expectEmit(address(escrow));
        emit IEscrowManager.Released(taskId, node.payout, ETH, DUE - fee, fee, buyer, PRICE + 4 * TIP - DUE);
        vm.expectEmit(address(market));
        emit ITaskMarketplace.TaskVerified(taskId, node.id, buyer, DUE, DUE - fee, fee, PRICE - DUE);
        vm.expectEmit(true, true, true, false, address(suite.distributor));
        emit IRewardDistributor.FeeRecorded(suite.distributor.currentEpoch(), node.id, ETH, fee, 0);
        approve(taskId);

        assertStatus(taskId, TaskStatus.Verified);
        assertEq(escrow.balanceOf(node.payout, ETH), DUE - fee);
        assertEq(escrow.balanceOf(feeVault, ETH), fee);
        assertEq(escrow.balanceOf(buyer, ETH), PRICE + 4 * TIP - DUE);
        assertEq(escrow.balanceOf(node.payout, ETH) * 8, escrow.balanceOf(feeVault, ETH) * 92);
        assertEq(info(node).reputation, 5_050);
        assertEq(info(node).reviewing, 0);
        assertEq(registry.openEscrowOf(node.id, ETH), 0);
        assertGt(suite.distributor.weightOf(suite.distributor.currentEpoch(), node.id), 0);
    }

    function test_TokensArePaidLikeEth() public {
        TaskRequest memory asked = request();
        asked.paymentToken = address(dollar);
        asked.pricePerHour = 2e6;
        bytes32 taskId = createTask(buyer, asked);
        accept(taskId, node);
        skip(DURATION);
        submit(taskId, node);
        approve(taskId);
        assertEq(escrow.balanceOf(node.payout, address(dollar)), 1.84e6);
        assertEq(escrow.balanceOf(feeVault, address(dollar)), 0.16e6);
        assertEq(escrow.balanceOf(buyer, address(dollar)), 2e6);
        vm.prank(node.payout);
        escrow.withdraw(address(dollar), node.payout);
        assertEq(dollar.balanceOf(node.payout), 1.84e6);
    }

    function test_RevertWhen_SomebodyElseApproves() public {
        bytes32 taskId = completedTask(buyer, node);
        vm.prank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.NotBuyer.selector, taskId, node.operator));
        market.approveTask(taskId);
    }

    function test_RevertWhen_ATaskIsPaidTwice() public {
        bytes32 taskId = completedTask(buyer, node);
        approve(taskId);
        bytes memory over = abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, taskId, TaskStatus.Verified);
        vm.prank(buyer);
        vm.expectRevert(over);
        market.approveTask(taskId);
        skip(REVIEW + 1);
        vm.expectRevert(over);
        market.finalizeTask(taskId);
    }

    function test_AnyoneFinalizesWhenTheBuyerIsSilent() public {
        bytes32 taskId = completedTask(buyer, node);
        uint40 until = uint40(block.timestamp) + REVIEW;
        skip(REVIEW);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.ReviewWindowOpen.selector, taskId, until));
        market.finalizeTask(taskId);
        skip(1);
        vm.expectEmit(true, true, true, false, address(market));
        emit ITaskMarketplace.TaskVerified(taskId, node.id, keeper, 0, 0, 0, 0);
        vm.prank(keeper);
        market.finalizeTask(taskId);
        assertEq(escrow.balanceOf(node.payout, ETH), DUE * 92 / 100);
    }

    function test_ThePayoutAddressAtSettlementCounts() public {
        bytes32 taskId = completedTask(buyer, node);
        vm.prank(node.owner);
        registry.setPayout(node.id, keeper);
        approve(taskId);
        assertEq(escrow.balanceOf(keeper, ETH), DUE * 92 / 100);
        assertEq(escrow.balanceOf(node.payout, ETH), 0);
    }

    function test_ATokenTakenOffTheListIsStillPaidOut() public {
        bytes32 taskId = completedTask(buyer, node);
        vm.prank(governance);
        market.setPaymentToken(ETH, false, 0);
        approve(taskId);
        assertStatus(taskId, TaskStatus.Verified);
    }

    // ---------------------------------------------------------------- Abandoning

    function test_AnEarlyAbandonReopensTheTaskForOthers() public {
        bytes32 taskId = acceptedTask(buyer, node);
        skip(10 minutes);
        vm.expectEmit(address(market));
        emit ITaskMarketplace.TaskAbandoned(taskId, node.id);
        vm.expectEmit(address(market));
        emit ITaskMarketplace.TaskReopened(taskId, 1, uint40(block.timestamp) + ACCEPT);
        vm.prank(node.operator);
        market.abandonTask(taskId);

        Task memory task = market.taskOf(taskId);
        assertEq(uint8(task.status), uint8(TaskStatus.Open));
        assertEq(task.nodeId, 0);
        assertEq(task.assignedAt, 0);
        assertEq(task.attempts, 1);
        assertTrue(market.isExcluded(taskId, node.id));
        assertEq(info(node).reputation, 4_950);
        assertEq(info(node).stake, 2 * MIN_STAKE, "no slash");
        assertEq(escrow.escrowOf(taskId).amount, PRICE + 4 * TIP, "no tip");
    }

    function test_RevertWhen_AbandoningLate() public {
        bytes32 taskId = acceptedTask(buyer, node);
        uint40 until = uint40(block.timestamp) + 10 minutes;
        skip(10 minutes + 1);
        vm.prank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.AbandonWindowOver.selector, taskId, until));
        market.abandonTask(taskId);
    }

    function test_ALongTaskCanBeAbandonedInItsFirstTenth() public {
        TaskRequest memory asked = request();
        asked.duration = 10 hours;
        bytes32 taskId = createTask(buyer, asked);
        accept(taskId, node);
        skip(1 hours);
        vm.prank(node.operator);
        market.abandonTask(taskId);
        assertStatus(taskId, TaskStatus.Open);
    }

    function test_RevertWhen_AShortTaskIsAbandonedAfterItsDeadline() public {
        TaskRequest memory asked = request();
        asked.duration = 5 minutes; // less than the least abandon window
        bytes32 taskId = createTask(buyer, asked);
        accept(taskId, node);
        uint40 until = uint40(block.timestamp) + 5 minutes;
        skip(5 minutes + 1);
        vm.prank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.AbandonWindowOver.selector, taskId, until));
        market.abandonTask(taskId);
    }

    function test_RevertWhen_AStrangerAbandons() public {
        bytes32 taskId = acceptedTask(buyer, node);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.NotNodeOperator.selector, node.id, buyer));
        market.abandonTask(taskId);
    }

    // ---------------------------------------------------------------- Timing out

    function test_AnyoneTimesOutALateNodeForATip() public {
        bytes32 taskId = acceptedTask(buyer, node);
        skipPastResults();
        vm.expectEmit(address(market));
        emit ITaskMarketplace.TaskTimedOut(taskId, node.id, keeper, TIP);
        vm.expectEmit(address(escrow));
        emit IEscrowManager.TipPaid(taskId, keeper, ETH, TIP);
        vm.expectEmit(address(market));
        emit ITaskMarketplace.TaskReopened(taskId, 1, uint40(block.timestamp) + ACCEPT);
        vm.prank(keeper);
        market.timeoutTask(taskId);

        assertEq(escrow.balanceOf(keeper, ETH), TIP);
        assertEq(escrow.escrowOf(taskId).amount, PRICE + 3 * TIP);
        assertEq(info(node).reputation, 4_800);
        assertEq(info(node).stake, 2 * MIN_STAKE * 95 / 100);
        assertEq(info(node).tasksFailed, 1);
    }

    function test_RevertWhen_TheDeadlineHasNotPassed() public {
        bytes32 taskId = acceptedTask(buyer, node);
        uint40 until = uint40(block.timestamp) + DURATION + GRACE;
        skip(DURATION + GRACE);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.DeadlineNotPassed.selector, taskId, until));
        market.timeoutTask(taskId);
    }

    function test_AnotherNodeFinishesAReopenedTask() public {
        Node memory second = activeNode("second");
        bytes32 taskId = acceptedTask(buyer, node);
        skipPastResults();
        vm.prank(keeper);
        market.timeoutTask(taskId);
        accept(taskId, second);
        skip(DURATION / 2);
        submit(taskId, second);
        approve(taskId);
        assertEq(escrow.balanceOf(second.payout, ETH), DUE * 92 / 100);
        assertEq(escrow.balanceOf(buyer, ETH), PRICE + 3 * TIP - DUE, "the tips that were not needed return");
    }

    function test_TheFourthFailureRefundsTheBuyer() public {
        bytes32 taskId = createTask(buyer);
        for (uint256 i; i < 4; ++i) {
            assertStatus(taskId, TaskStatus.Open);
            Node memory late = activeNode(vm.toString(i));
            accept(taskId, late);
            skipPastResults();
            if (i == 3) {
                vm.expectEmit(address(market));
                emit ITaskMarketplace.TaskExpired(taskId, PRICE);
            }
            vm.prank(keeper);
            market.timeoutTask(taskId);
        }
        assertStatus(taskId, TaskStatus.Expired);
        assertEq(escrow.balanceOf(keeper, ETH), 4 * TIP);
        assertEq(escrow.balanceOf(buyer, ETH), PRICE);
        assertEq(market.taskOf(taskId).attempts, 4);
    }

    function test_ATimeoutAfterAbandonsPaysOneTip() public {
        bytes32 taskId = createTask(buyer);
        for (uint256 i; i < 3; ++i) {
            Node memory early = activeNode(vm.toString(i));
            accept(taskId, early);
            vm.prank(early.operator);
            market.abandonTask(taskId);
        }
        accept(taskId, node);
        skipPastResults();
        vm.prank(keeper);
        market.timeoutTask(taskId);
        assertEq(escrow.balanceOf(keeper, ETH), TIP);
        assertEq(escrow.balanceOf(buyer, ETH), PRICE + 3 * TIP, "the tips that were not needed return");
    }

    function test_AHigherTipLeavesTheDepositsOfOldTasksAlone() public {
        bytes32 taskId = acceptedTask(buyer, node);
        vm.prank(governance);
        market.setPaymentToken(ETH, true, 100 * TIP);
        skipPastResults();
        vm.prank(keeper);
        market.timeoutTask(taskId);
        assertEq(escrow.balanceOf(keeper, ETH), TIP);
    }

    function test_ATipOfOneUnitIsPaidToo() public {
        vm.prank(governance);
        market.setPaymentToken(ETH, true, 1);
        bytes32 taskId = acceptedTask(buyer, node);
        skipPastResults();
        vm.prank(keeper);
        market.timeoutTask(taskId);
        assertEq(escrow.balanceOf(keeper, ETH), 1);
    }

    function test_ATaskWithoutTipsTimesOutToo() public {
        vm.prank(governance);
        market.setPaymentToken(ETH, true, 0);
        bytes32 taskId = acceptedTask(buyer, node);
        skipPastResults();
        vm.prank(keeper);
        market.timeoutTask(taskId);
        assertStatus(taskId, TaskStatus.Open);
        assertEq(escrow.balanceOf(keeper, ETH), 0);
    }

    function test_ABannedNodesTasksTimeOutAtOnceAndCannotBeDelivered() public {
        bytes32 taskId = acceptedTask(buyer, node);
        vm.prank(governance);
        registry.ban(node.id);
        vm.prank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeIsBanned.selector, node.id));
        market.submitResult(taskId, RESULT, "");
        vm.prank(keeper);
        market.timeoutTask(taskId);
        assertStatus(taskId, TaskStatus.Open);
        assertEq(info(node).running, 0);
    }

    function test_RevertWhen_ABannedNodeAbandonsToEscapeTheSlash() public {
        bytes32 taskId = acceptedTask(buyer, node);
        vm.prank(governance);
        registry.ban(node.id);
        vm.prank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeIsBanned.selector, node.id));
        market.abandonTask(taskId);
    }

    function test_AReopenedTaskExpiresWhenNobodyTakesIt() public {
        bytes32 taskId = acceptedTask(buyer, node);
        skipPastResults();
        vm.prank(keeper);
        market.timeoutTask(taskId);
        skip(ACCEPT + 1);
        market.expireTask(taskId);
        assertEq(escrow.balanceOf(buyer, ETH), PRICE + 3 * TIP);
    }
}
