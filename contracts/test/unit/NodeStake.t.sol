// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {Cause, NodeStatus} from "src/types/Node.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";

contract NodeStakeTest is MarketFixture {
    Node internal node;
    address internal buyer;

    function setUp() public override {
        super.setUp();
        node = activeNode("node");
        buyer = account("buyer", 0);
    }

    // ---------------------------------------------------------------- Staking

    function test_StakeBacksOneTaskPerMinimum() public {
        assertEq(registry.freeSlots(node.id), 2);
        vm.startPrank(node.owner);
        token.approve(address(registry), MIN_STAKE);
        vm.expectEmit(address(registry));
        emit INodeRegistry.StakeAdded(node.id, node.owner, MIN_STAKE, 3 * MIN_STAKE);
        registry.stakeForNode(node.id, MIN_STAKE);
        vm.stopPrank();
        assertEq(registry.freeSlots(node.id), 3);
        assertEq(token.balanceOf(address(registry)), 3 * MIN_STAKE);
        assertEq(info(node).stake, 3 * MIN_STAKE);
    }

    function test_RevertWhen_SomebodyElseStakes() public {
        address[2] memory others = [node.operator, buyer];
        for (uint256 i; i < others.length; ++i) {
            bytes memory refusal = abi.encodeWithSelector(INodeRegistry.NotNodeOwner.selector, node.id, others[i]);
            vm.startPrank(others[i]);
            vm.expectRevert(refusal);
            registry.stakeForNode(node.id, 1);
            vm.expectRevert(refusal);
            registry.unstake(node.id, 1);
            vm.expectRevert(refusal);
            registry.withdrawStake(node.id);
            vm.stopPrank();
        }
    }

    function test_RevertWhen_NothingIsStakedOrUnstaked() public {
        vm.startPrank(node.owner);
        vm.expectRevert(INodeRegistry.ZeroAmount.selector);
        registry.stakeForNode(node.id, 0);
        vm.expectRevert(INodeRegistry.ZeroAmount.selector);
        registry.unstake(node.id, 0);
    }

    // ---------------------------------------------------------------- Unbonding

    function test_UnstakingUnbondsAndAFurtherCallRestartsThePeriod() public {
        uint40 first = uint40(block.timestamp + 14 days);
        vm.startPrank(node.owner);
        vm.expectEmit(address(registry));
        emit INodeRegistry.UnbondingStarted(node.id, 50e18, 150e18, 50e18, first);
        registry.unstake(node.id, 50e18);
        skip(10 days);
        vm.expectEmit(address(registry));
        emit INodeRegistry.UnbondingStarted(node.id, 30e18, 120e18, 80e18, first + 10 days);
        registry.unstake(node.id, 30e18);
        vm.stopPrank();
        assertEq(info(node).unbondingReadyAt, first + 10 days);
        assertEq(registry.freeSlots(node.id), 1);
    }

    function test_WhatUnbondedIsPaidToTheOwner() public {
        vm.startPrank(node.owner);
        registry.unstake(node.id, 150e18);
        skip(14 days);
        uint256 before = token.balanceOf(node.owner);
        vm.expectEmit(address(registry));
        emit INodeRegistry.StakeWithdrawn(node.id, node.owner, 150e18, 0);
        registry.withdrawStake(node.id);
        assertEq(token.balanceOf(node.owner) - before, 150e18);
        assertEq(token.balanceOf(address(registry)), 50e18);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NothingUnbonding.selector, node.id));
        registry.withdrawStake(node.id);
    }

    function test_RevertWhen_UnbondingIsNotOver() public {
        vm.startPrank(node.owner);
        registry.unstake(node.id, 1);
        uint40 readyAt = uint40(block.timestamp + 14 days);
        skip(14 days - 1);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.UnbondingNotReady.selector, node.id, readyAt));
        registry.withdrawStake(node.id);
    }

    function test_RevertWhen_MoreIsUnstakedThanStaked() public {
        vm.prank(node.owner);
        vm.expectRevert(
            abi.encodeWithSelector(INodeRegistry.InsufficientStake.selector, node.id, 2 * MIN_STAKE, 2 * MIN_STAKE + 1)
        );
        registry.unstake(node.id, 2 * MIN_STAKE + 1);
    }

    function test_RevertWhen_ATaskRunsOrIsUnderReview() public {
        bytes32 taskId = acceptedTask(buyer, node);
        bytes memory busy = abi.encodeWithSelector(INodeRegistry.NodeIsBusy.selector, node.id, 1);
        vm.prank(node.owner);
        registry.unstake(node.id, 2 * MIN_STAKE);
        submit(taskId, node);
        skip(14 days);
        vm.prank(node.owner);
        vm.expectRevert(busy);
        registry.withdrawStake(node.id);

        market.finalizeTask(taskId);
        vm.prank(node.owner);
        registry.withdrawStake(node.id);
        assertEq(token.balanceOf(address(registry)), 0);
    }

    function test_RevertWhen_WithdrawingWhileATaskRuns() public {
        vm.prank(node.owner);
        registry.unstake(node.id, MIN_STAKE);
        skip(14 days);
        acceptedTask(buyer, node);
        vm.prank(node.owner);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeIsBusy.selector, node.id, 1));
        registry.withdrawStake(node.id);
    }

    // ---------------------------------------------------------------- Slashing

    function test_ATimeoutBurnsFivePercentOfStakeAndUnbonding() public {
        bytes32 taskId = acceptedTask(buyer, node);
        vm.prank(node.owner);
        registry.unstake(node.id, 150e18);
        skipPastResults();
        uint256 supply = token.totalSupply();
        vm.expectEmit(address(registry));
        emit INodeRegistry.ReputationChanged(node.id, Cause.TaskTimedOut, -200, 4_800);
        vm.expectEmit(address(registry));
        emit INodeRegistry.StakeSlashed(node.id, Cause.TaskTimedOut, 10e18, 47.5e18, 142.5e18);
        market.timeoutTask(taskId);
        assertEq(supply - token.totalSupply(), 10e18, "burned whole");
        assertEq(token.balanceOf(address(registry)), 190e18);
    }

    function test_MisuseBurnsHalfBansAndUnbondsTheRest() public {
        vm.prank(node.owner);
        registry.unstake(node.id, 50e18);
        skip(5 days);
        uint40 readyAt = uint40(block.timestamp + 14 days);
        vm.expectEmit(address(registry));
        emit INodeRegistry.NodeBanned(node.id);
        vm.expectEmit(address(registry));
        emit INodeRegistry.StakeSlashed(node.id, Cause.Misuse, 100e18, 75e18, 25e18);
        vm.expectEmit(address(registry));
        emit INodeRegistry.UnbondingStarted(node.id, 75e18, 0, 100e18, readyAt);
        vm.prank(governance);
        registry.ban(node.id);
        assertEq(uint8(registry.statusOf(node.id)), uint8(NodeStatus.Slashed));
        assertEq(registry.trustLevelOf(node.id), 0);

        skip(14 days);
        vm.prank(node.owner);
        registry.withdrawStake(node.id);
        assertEq(token.balanceOf(address(registry)), 0, "the rest can leave");
    }

    function test_ABanWithoutStakeLeavesTheUnbondingsTimeAlone() public {
        vm.prank(node.owner);
        registry.unstake(node.id, 2 * MIN_STAKE);
        uint40 readyAt = info(node).unbondingReadyAt;
        skip(1 days);
        vm.prank(governance);
        registry.ban(node.id);
        assertEq(info(node).unbonding, MIN_STAKE);
        assertEq(info(node).unbondingReadyAt, readyAt);
    }

    function test_RevertWhen_ABannedNodeComesBack() public {
        vm.prank(governance);
        registry.ban(node.id);
        bytes memory banned = abi.encodeWithSelector(INodeRegistry.NodeIsBanned.selector, node.id);
        vm.startPrank(node.owner);
        vm.expectRevert(banned);
        registry.stakeForNode(node.id, 1);
        vm.expectRevert(banned);
        registry.setOnline(node.id, false);
        vm.stopPrank();
        vm.prank(governance);
        vm.expectRevert(banned);
        registry.ban(node.id);
        vm.prank(address(verifier));
        vm.expectRevert(banned);
        registry.markVerified(node.id);
    }

    function test_RevertWhen_SomebodyElseBans() public {
        vm.prank(node.owner);
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", node.owner));
        registry.ban(node.id);
        vm.prank(governance);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.UnknownNode.selector, 99));
        registry.ban(99);
    }
}
