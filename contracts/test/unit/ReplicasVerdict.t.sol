// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {IEscrowManager} from "src/interfaces/IEscrowManager.sol";
import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {IReplicas} from "src/interfaces/IReplicas.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";
import {Cause, TokenLimits} from "src/types/Node.sol";
import {ReplicaStatus} from "src/types/Replica.sol";
import {Task, TaskRequest, TaskStatus} from "src/types/Task.sol";

import {Node} from "../utils/MarketFixture.sol";
import {ReplicasFixture} from "../utils/ReplicasFixture.sol";

contract ReplicasVerdictTest is ReplicasFixture {
    address internal keeper;

    function setUp() public override {
        super.setUp();
        gather(5);
        keeper = makeAddr("keeper");
    }

    // ---------------------------------------------------------------- A majority

    function test_AUnanimousResultIsPaidAtOnce() public {
        bytes32 taskId = drawn(3);
        skip(DURATION / 2);
        work(taskId, three(RESULT, RESULT, RESULT));
        uint256 due = uint256(SHARE) * 3 / 4; // half of the unused time is paid, too
        for (uint256 i; i < 3; ++i) {
            vm.expectEmit(address(market));
            emit IReplicas.ReplicaPaid(taskId, seat(taskId, i).id, due, due * 92 / 100, due * 8 / 100);
        }
        vm.expectEmit(address(market));
        emit IReplicas.ReplicasVerified(
            taskId, keeper, 3 * due, 3 * due * 92 / 100, 3 * due * 8 / 100, 3 * (SHARE - due)
        );
        for (uint256 i; i < 3; ++i) {
            vm.expectEmit(address(market));
            emit IReplicas.ReplicaSettled(taskId, seat(taskId, i).id, ReplicaStatus.Agreed);
        }
        _judge(taskId);

        assertStatus(taskId, TaskStatus.Verified);
        for (uint256 i; i < 3; ++i) {
            Node memory node = seat(taskId, i);
            assertEq(escrow.balanceOf(node.payout, ETH), due * 92 / 100);
            assertEq(info(node).reputation, 5_050);
            assertEq(info(node).tasksVerified, 1);
            assertIdle(node);
        }
        assertEq(escrow.balanceOf(feeVault, ETH), 3 * due * 8 / 100);
        assertEq(escrow.balanceOf(client, ETH), 3 * (SHARE - due) + 6 * TIP);
        assertEq(escrow.escrowOf(taskId).amount, 0);
        Task memory task = market.taskOf(taskId);
        assertEq(task.acceptBy, 0);
        assertEq(task.assignedAt, block.timestamp - DURATION / 2);
        assertEq(task.submittedAt, block.timestamp);
        vm.expectRevert(abi.encodeWithSelector(IReplicas.NothingToSettle.selector, taskId));
        market.settleReplicas(taskId);
    }

    /// @dev Who only reads events has to see every wei and who got it.
    function test_TheSplitNamesEachOfItsShares() public {
        bytes32 taskId = drawn(3);
        uint256 held = escrow.escrowOf(taskId).amount;
        work(taskId, three(RESULT, WRONG, RESULT));
        vm.recordLogs();
        _judge(taskId);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 sum;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != IEscrowManager.PaymentSplit.selector) continue;
            (address[] memory accounts, uint256[] memory amounts) = abi.decode(logs[i].data, (address[], uint256[]));
            assertEq(accounts.length, 4, "two of the majority, the treasury, the buyer");
            assertEq(amounts.length, 4);
            for (uint256 j; j < amounts.length; ++j) {
                assertNotEq(accounts[j], address(0));
                sum += amounts[j];
            }
        }
        assertEq(sum, held);
    }

    function test_TheFeesCountForRewardsAndNobodyIsTipped() public {
        bytes32 taskId = drawn(3);
        work(taskId, three(RESULT, RESULT, RESULT));
        uint256 epoch = suite.distributor.currentEpoch();
        vm.expectCall(address(escrow), abi.encodeWithSelector(escrow.payTip.selector), 0);
        _judge(taskId);
        for (uint256 i; i < 3; ++i) {
            assertGt(suite.distributor.weightOf(epoch, seat(taskId, i).id), 0);
        }
    }

    function test_EachIsPaidForItsOwnTime() public {
        bytes32 taskId = drawn(3);
        sealResult(taskId, seat(taskId, 0), RESULT);
        skip(DURATION / 2);
        sealResult(taskId, seat(taskId, 1), RESULT);
        skip(DURATION / 2 + GRACE);
        sealResult(taskId, seat(taskId, 2), RESULT);
        for (uint256 i; i < 3; ++i) {
            reveal(taskId, seat(taskId, i), RESULT);
        }
        _judge(taskId);
        assertEq(escrow.balanceOf(seat(taskId, 0).payout, ETH), uint256(SHARE) / 2 * 92 / 100);
        assertEq(escrow.balanceOf(seat(taskId, 1).payout, ETH), uint256(SHARE) * 3 / 4 * 92 / 100);
        assertEq(escrow.balanceOf(seat(taskId, 2).payout, ETH), uint256(SHARE) * 92 / 100);
    }

    function test_AMajorityIsPaidAtOnceAndAMinorityLosesAfterADay() public {
        bytes32 taskId = drawn(3);
        work(taskId, three(RESULT, WRONG, RESULT));
        Node memory loser = seat(taskId, 1);
        uint40 settleAfter = uint40(block.timestamp) + APPEAL_WINDOW;
        vm.expectEmit(address(market));
        emit IReplicas.ReplicasJudged(taskId, 1, RESULT, 2, settleAfter);
        vm.expectEmit(address(market));
        emit IReplicas.ReplicaOutvoted(taskId, loser.id, WRONG);
        _judge(taskId);
        assertStatus(taskId, TaskStatus.Verified);
        assertEq(roundOf(taskId).settleAfter, settleAfter);
        assertReplica(taskId, seat(taskId, 0), ReplicaStatus.Agreed);
        assertReplica(taskId, loser, ReplicaStatus.Outvoted);
        uint256 due = uint256(SHARE) / 2;
        assertEq(escrow.balanceOf(seat(taskId, 0).payout, ETH), due * 92 / 100);
        assertEq(escrow.balanceOf(seat(taskId, 2).payout, ETH), due * 92 / 100);
        assertEq(escrow.balanceOf(loser.payout, ETH), 0);
        assertEq(escrow.balanceOf(client, ETH), 3 * uint256(SHARE) - 2 * due + 6 * TIP);
        assertEq(escrow.escrowOf(taskId).amount, 0);
        assertEq(info(loser).stake, LEVEL_TWO_STAKE);
        assertEq(info(seat(taskId, 0)).tasksVerified, 0);

        vm.warp(settleAfter);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.ReviewWindowOpen.selector, taskId, settleAfter));
        market.settleReplicas(taskId);
        skip(1);
        vm.expectEmit(address(market));
        emit IReplicas.ReplicaSettled(taskId, loser.id, ReplicaStatus.Slashed);
        vm.expectEmit(address(registry));
        emit INodeRegistry.ReputationChanged(loser.id, Cause.DisputeLost, -500, 4_500);
        market.settleReplicas(taskId);

        assertReplica(taskId, loser, ReplicaStatus.Slashed);
        assertEq(info(loser).stake, LEVEL_TWO_STAKE * 95 / 100);
        assertEq(info(loser).tasksFailed, 1);
        assertEq(info(seat(taskId, 0)).tasksVerified, 1);
        assertEq(info(seat(taskId, 2)).reputation, 5_050);
        for (uint256 i; i < 3; ++i) {
            assertIdle(seat(taskId, i));
        }
        vm.expectRevert(abi.encodeWithSelector(IReplicas.NothingToSettle.selector, taskId));
        market.settleReplicas(taskId);
    }

    function test_NobodysStakeLeavesBeforeTheSettlement() public {
        bytes32 taskId = drawn(3);
        work(taskId, three(RESULT, WRONG, RESULT));
        _judge(taskId);
        for (uint256 i; i < 3; ++i) {
            Node memory node = seat(taskId, i);
            vm.startPrank(node.owner);
            registry.unstake(node.id, LEVEL_TWO_STAKE);
            skip(14 days);
            vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeIsBusy.selector, node.id, 1));
            registry.withdrawStake(node.id);
            vm.stopPrank();
        }
        market.settleReplicas(taskId);
        assertEq(info(seat(taskId, 1)).unbonding, LEVEL_TWO_STAKE * 95 / 100);
    }

    /// @dev What a buyer does with a single task's result.
    function test_RevertWhen_TheBuyerDisputesOrApprovesAReplicatedTask() public {
        bytes32 taskId = drawn(3);
        for (uint256 i; i < 2; ++i) {
            TaskStatus status = statusOf(taskId);
            bytes memory refusal = abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, taskId, status);
            vm.startPrank(client);
            vm.expectRevert(refusal);
            market.disputeTask(taskId, "ipfs://evidence");
            vm.expectRevert(refusal);
            market.approveTask(taskId);
            vm.expectRevert(refusal);
            market.timeoutTask(taskId);
            vm.expectRevert(refusal);
            market.cancelTask(taskId);
            vm.stopPrank();
            if (i == 1) break;
            work(taskId, three(RESULT, WRONG, RESULT));
            _judge(taskId);
        }
    }

    /// @dev The price is not divisible by anything, in a token with six decimals.
    function test_OddAmountsInATokenArePaidToTheUnit() public {
        TaskRequest memory asked = replicated(3);
        (asked.paymentToken, asked.pricePerHour) = (address(dollar), 12_345_677);
        asked.duration = 3_601;
        bytes32 taskId = createTask(client, asked);
        uint256 share = (uint256(12_345_677) * 3_601 + 3_599) / 3_600;
        assertEq(escrow.escrowOf(taskId).amount, 3 * share + 6 * 0.5e6);
        for (uint256 i; i < 3; ++i) {
            enlist(taskId, crowd[i]);
            assertEq(registry.openEscrowOf(crowd[i].id, address(dollar)), share);
        }
        draw(taskId);
        uint256[3] memory elapsed = [uint256(17), 1_000, 3_601 + GRACE];
        for (uint256 i; i < 3; ++i) {
            skip(i == 0 ? elapsed[0] : elapsed[i] - elapsed[i - 1]);
            sealResult(taskId, seat(taskId, i), RESULT);
        }
        for (uint256 i; i < 3; ++i) {
            reveal(taskId, seat(taskId, i), RESULT);
        }
        _judge(taskId);
        uint256 paid = escrow.balanceOf(client, address(dollar)) + escrow.balanceOf(feeVault, address(dollar));
        for (uint256 i; i < 3; ++i) {
            uint256 due = elapsed[i] >= 3_601 ? share : share * (3_601 + elapsed[i]) / 7_202;
            due -= due % 10_000;
            assertEq(escrow.balanceOf(seat(taskId, i).payout, address(dollar)), due * 92 / 100);
            assertEq(registry.openEscrowOf(seat(taskId, i).id, address(dollar)), 0);
            paid += due * 92 / 100;
        }
        assertEq(paid, 3 * share + 6 * 0.5e6);
    }

    function test_ADiscountReturnsWhenPayingInAiigo() public {
        vm.startPrank(governance);
        market.setPaymentToken(address(token), true, 1e18);
        registry.setTokenLimits(address(token), TokenLimits(1e18, 10_000e18, 10_000e18, 10_000e18, 10_000e18));
        vm.stopPrank();
        account("client", 1_000e18);
        TaskRequest memory asked = replicated(3);
        (asked.paymentToken, asked.pricePerHour) = (address(token), 100e18);
        vm.startPrank(client);
        token.approve(address(escrow), 306e18);
        bytes32 taskId = market.createTask(asked);
        vm.stopPrank();
        for (uint256 i; i < 3; ++i) {
            enlist(taskId, crowd[i]);
        }
        draw(taskId);
        skip(DURATION);
        work(taskId, three(RESULT, RESULT, RESULT));
        _judge(taskId);
        assertEq(escrow.balanceOf(seat(taskId, 0).payout, address(token)), 92e18);
        assertEq(escrow.balanceOf(feeVault, address(token)), 18e18);
        assertEq(escrow.balanceOf(client, address(token)), 6e18 + 6e18);
    }

    // ---------------------------------------------------------------- Silent seats

    function test_WhoDoesNotCommitTimesOut() public {
        bytes32 taskId = drawn(3);
        work(taskId, three(RESULT, RESULT, 0));
        Node memory silent = seat(taskId, 2);
        vm.expectEmit(address(market));
        emit IReplicas.ReplicaTimedOut(taskId, silent.id, keeper, TIP);
        vm.expectEmit(address(registry));
        emit INodeRegistry.ReputationChanged(silent.id, Cause.TaskTimedOut, -200, 4_800);
        _judge(taskId);
        assertStatus(taskId, TaskStatus.Verified);
        assertEq(escrow.balanceOf(keeper, ETH), TIP);
        assertEq(info(silent).stake, LEVEL_TWO_STAKE * 95 / 100);
        assertTrue(market.isExcluded(taskId, silent.id));
        assertReplica(taskId, silent, ReplicaStatus.TimedOut);
        assertIdle(silent);
        assertEq(escrow.balanceOf(seat(taskId, 0).payout, ETH), uint256(SHARE) / 2 * 92 / 100);
    }

    function test_ATipOfOneUnitIsPaidToo() public {
        vm.prank(governance);
        market.setPaymentToken(ETH, true, 1);
        bytes32 taskId = drawn(3);
        work(taskId, three(RESULT, RESULT, 0));
        _judge(taskId);
        assertEq(escrow.balanceOf(keeper, ETH), 1);
    }

    /// @dev What the buyer set aside is for every seat of every round.
    function test_ATipRaisedLaterTakesNoMoreThanASeatsPart() public {
        bytes32 taskId = drawn(3);
        vm.prank(governance);
        market.setPaymentToken(ETH, true, 4 * TIP);
        work(taskId, three(RESULT, RESULT, 0));
        _judge(taskId);
        assertEq(escrow.balanceOf(keeper, ETH), TIP);
        assertEq(escrow.balanceOf(client, ETH), 5 * TIP + 2 * uint256(SHARE));
    }

    function test_WhoDoesNotRevealTimesOut() public {
        bytes32 taskId = drawn(3);
        for (uint256 i; i < 3; ++i) {
            sealResult(taskId, seat(taskId, i), RESULT);
        }
        reveal(taskId, seat(taskId, 0), RESULT);
        reveal(taskId, seat(taskId, 1), RESULT);
        uint40 until = roundOf(taskId).revealUntil;
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.DeadlineNotPassed.selector, taskId, until));
        market.judgeReplicas(taskId);
        skip(1);
        Node memory silent = seat(taskId, 2);
        vm.expectEmit(address(registry));
        emit INodeRegistry.ReputationChanged(silent.id, Cause.TaskTimedOut, -200, 4_800);
        _judge(taskId);
        assertEq(info(silent).stake, LEVEL_TWO_STAKE * 95 / 100);
        assertEq(escrow.balanceOf(keeper, ETH), TIP);
        assertReplica(taskId, silent, ReplicaStatus.TimedOut);
        assertIdle(silent);
        assertStatus(taskId, TaskStatus.Verified);
    }

    function test_ABannedSeatTimesOutAndTheOthersArePaid() public {
        bytes32 taskId = drawn(3);
        Node memory banned = seat(taskId, 0);
        vm.prank(governance);
        registry.ban(banned.id);
        work(taskId, three(0, RESULT, RESULT));
        _judge(taskId);
        assertStatus(taskId, TaskStatus.Verified);
        assertEq(info(banned).running, 0);
    }

    // ---------------------------------------------------------------- No majority

    function test_NoMajorityReopensOnceThenRefunds() public {
        bytes32 taskId = drawn(3);
        work(taskId, three(RESULT, WRONG, keccak256("third")));
        Node[3] memory first = [seat(taskId, 0), seat(taskId, 1), seat(taskId, 2)];
        vm.expectEmit(address(market));
        emit IReplicas.ReplicasDisagreed(taskId, 1, 3);
        vm.expectEmit(address(market));
        emit IReplicas.ReplicasReopened(taskId, 2, uint40(block.timestamp) + ACCEPT);
        _judge(taskId);
        assertStatus(taskId, TaskStatus.Recruiting);
        assertEq(roundOf(taskId).round, 2);
        assertEq(roundOf(taskId).candidates, 0);
        assertEq(roundOf(taskId).seats.length, 0);
        for (uint256 i; i < 3; ++i) {
            assertEq(info(first[i]).stake, LEVEL_TWO_STAKE);
            assertEq(info(first[i]).reputation, 5_000);
            assertReplica(taskId, first[i], ReplicaStatus.Undecided);
            assertIdle(first[i]);
        }

        for (uint256 i; i < crowd.length; ++i) {
            enlist(taskId, crowd[i]);
            assertEq(info(crowd[i]).running, 1, "an earlier application is not held twice");
        }
        draw(taskId);
        work(taskId, three(RESULT, WRONG, keccak256("third")));
        vm.expectEmit(address(market));
        emit ITaskMarketplace.TaskExpired(taskId, 3 * SHARE);
        _judge(taskId);
        assertStatus(taskId, TaskStatus.Expired);
        assertEq(escrow.balanceOf(client, ETH), 3 * SHARE + 6 * TIP);
        market.releaseCandidates(taskId, everybody());
        for (uint256 i; i < crowd.length; ++i) {
            assertEq(info(crowd[i]).stake, LEVEL_TWO_STAKE);
            assertIdle(crowd[i]);
        }
    }

    function test_HalfOfTheSeatsIsNoMajority() public {
        bytes32 taskId = drawn(5);
        bytes32[] memory results = new bytes32[](5);
        (results[0], results[1]) = (RESULT, RESULT);
        work(taskId, results);
        _judge(taskId);
        assertStatus(taskId, TaskStatus.Recruiting);
        assertEq(escrow.balanceOf(keeper, ETH), 3 * TIP);
    }

    function test_NobodyCommittedIsJudgedAtTheDeadline() public {
        bytes32 taskId = drawn(3);
        Node[3] memory silent = [seat(taskId, 0), seat(taskId, 1), seat(taskId, 2)];
        vm.warp(roundOf(taskId).sealUntil);
        vm.expectRevert(
            abi.encodeWithSelector(ITaskMarketplace.DeadlineNotPassed.selector, taskId, block.timestamp + REVEAL_WINDOW)
        );
        market.judgeReplicas(taskId);
        skip(1);
        _judge(taskId);
        assertStatus(taskId, TaskStatus.Recruiting);
        for (uint256 i; i < 3; ++i) {
            assertEq(info(silent[i]).stake, LEVEL_TWO_STAKE * 95 / 100);
            vm.prank(silent[i].operator);
            vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.NodeExcluded.selector, taskId, silent[i].id));
            market.applyForReplica(taskId, silent[i].id);
        }
    }

    /// @dev Who was not drawn holds its slot until anyone says so, also while the second round recruits.
    function test_ACandidateOfTheFirstRoundIsReleasedInTheSecond() public {
        bytes32 taskId = drawn(3);
        work(taskId, three(RESULT, WRONG, keccak256("third")));
        _judge(taskId);
        market.releaseCandidates(taskId, everybody());
        for (uint256 i; i < crowd.length; ++i) {
            assertIdle(crowd[i]);
        }
    }

    function test_ALeftoverOfTheFirstRoundIsTakenBackWithoutTouchingTheSecond() public {
        bytes32 taskId = drawn(3);
        work(taskId, three(RESULT, WRONG, keccak256("third")));
        _judge(taskId);
        Node memory fresh = trustedNode("fresh");
        enlist(taskId, fresh);
        for (uint256 i; i < crowd.length; ++i) {
            if (statusIn(taskId, crowd[i]) != ReplicaStatus.Applied) continue;
            vm.prank(crowd[i].operator);
            market.withdrawApplication(taskId, crowd[i].id);
            assertIdle(crowd[i]);
        }
        assertOnly(market.candidatesOf(taskId, 0, 10), fresh);
        assertEq(market.replicaOf(taskId, fresh.id).index, 0);
    }

    function test_ASeatOfTheFirstRoundIsNoneInTheSecond() public {
        bytes32 taskId = drawn(3);
        Node memory old = seat(taskId, 0);
        work(taskId, three(RESULT, WRONG, keccak256("third")));
        _judge(taskId);
        for (uint256 i; i < crowd.length; ++i) {
            if (crowd[i].id != old.id) enlist(taskId, crowd[i]);
        }
        draw(taskId);
        vm.prank(old.operator);
        vm.expectRevert(wrongReplica(taskId, old, ReplicaStatus.Undecided));
        market.sealReplica(taskId, old.id, RESULT);
    }

    function test_TwoFailedRoundsPayEveryTip() public {
        crowd.push(trustedNode("sixth"));
        bytes32 taskId = drawn(3);
        for (uint256 i; i < 2; ++i) {
            vm.warp(uint256(roundOf(taskId).sealUntil) + 1);
            _judge(taskId);
            if (i == 1) break;
            for (uint256 j; j < crowd.length; ++j) {
                if (!market.isExcluded(taskId, crowd[j].id)) enlist(taskId, crowd[j]);
            }
            draw(taskId);
        }
        assertStatus(taskId, TaskStatus.Expired);
        assertEq(escrow.balanceOf(keeper, ETH), 6 * TIP);
        assertEq(escrow.balanceOf(client, ETH), 3 * SHARE);
    }

    function test_RevertWhen_JudgingWhatIsNotBeingDone() public {
        bytes32 taskId = applied(3);
        bytes memory refusal =
            abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, taskId, TaskStatus.Recruiting);
        vm.expectRevert(refusal);
        market.judgeReplicas(taskId);
        vm.expectRevert(abi.encodeWithSelector(IReplicas.NothingToSettle.selector, taskId));
        market.settleReplicas(taskId);
    }

    function test_OnlyTheMarketReleasesAndFails() public {
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotMarketplace.selector, address(this)));
        registry.releaseTask(crowd[0].id, 1, ETH, 1);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotMarketplace.selector, address(this)));
        registry.failReviewed(crowd[0].id, ETH, 1, Cause.TaskTimedOut);
    }

    // ---------------------------------------------------------------- Inside

    function _judge(bytes32 taskId) private {
        vm.prank(keeper);
        market.judgeReplicas(taskId);
    }
}
