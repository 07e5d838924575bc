// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {Cause, NodeStatus, TaskDemand} from "src/types/Node.sol";
import {ResourceType} from "src/types/Resource.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";

/// @dev A node that fails too often is suspended, by anyone, for a time.
contract NodeReviewTest is MarketFixture {
    Node internal node;
    address internal watcher = makeAddr("watcher");
    uint160 private _buyers;

    function setUp() public override {
        super.setUp();
        node = activeNode("node");
    }

    function test_AnyoneSuspendsANodeThatFailsTooOften() public {
        _counted(8, 3);
        (uint256 failed, uint256 counted) = registry.failuresOf(node.id);
        assertEq(failed, 3);
        assertEq(counted, 11);
        uint40 until = uint40(block.timestamp + 14 days);
        vm.expectEmit(address(registry));
        emit INodeRegistry.ReviewStarted(node.id, watcher, until, 3, 11);
        _review();
        assertEq(info(node).reviewUntil, until);
        _assertStatus(NodeStatus.Inactive);
        assertFalse(registry.isActive(node.id));

        vm.prank(address(market));
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeNotActive.selector, node.id, NodeStatus.Inactive));
        registry.beginTask(node.id, node.operator, address(1), _demand());
    }

    function test_RevertWhen_AFifthFails() public {
        _counted(8, 2);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotFailing.selector, node.id, 2, 10));
        _review();
        _counted(0, 1);
        _review();
    }

    function test_RevertWhen_TooFewTasksCounted() public {
        _counted(0, 9);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotFailing.selector, node.id, 9, 9));
        _review();
        _counted(0, 1);
        _review();
    }

    function test_RunningTasksGoOnDuringAReview() public {
        _counted(0, 10);
        _begin();
        _review();
        vm.startPrank(address(market));
        registry.endExecution(node.id, node.operator, 1);
        registry.settleTask(node.id, address(1), ETH, 1, 0.001 ether);
        assertEq(info(node).tasksVerified, 1);
    }

    function test_AReviewEndsByItselfAndCountersRestart() public {
        _counted(0, 10);
        _review();
        skip(14 days);
        _assertStatus(NodeStatus.Inactive);
        vm.expectRevert(
            abi.encodeWithSelector(INodeRegistry.NodeUnderReview.selector, node.id, uint40(block.timestamp))
        );
        _review();
        skip(1);
        _assertStatus(NodeStatus.Active);
        (uint256 failed, uint256 counted) = registry.failuresOf(node.id);
        assertEq(failed + counted, 0);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotFailing.selector, node.id, 0, 0));
        _review();
        _counted(0, 10);
        _review();
    }

    function test_GovernanceEndsAReview() public {
        _counted(0, 10);
        _begin();
        _review();
        vm.prank(address(market));
        registry.failTask(node.id, 1, ETH, 1, Cause.TaskAbandoned);
        vm.expectEmit(address(registry));
        emit INodeRegistry.ReviewEnded(node.id);
        vm.prank(governance);
        registry.endReview(node.id);
        _assertStatus(NodeStatus.Active);
        (, uint256 counted) = registry.failuresOf(node.id);
        assertEq(counted, 0, "counters restart again");
    }

    function test_RevertWhen_NobodysReviewIsEnded() public {
        vm.prank(governance);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotUnderReview.selector, node.id));
        registry.endReview(node.id);
        _counted(0, 10);
        _review();
        vm.prank(node.owner);
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", node.owner));
        registry.endReview(node.id);
        skip(14 days + 1);
        vm.prank(governance);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotUnderReview.selector, node.id));
        registry.endReview(node.id);
    }

    function test_RevertWhen_ABannedOrUnknownNodeIsReviewed() public {
        _counted(0, 10);
        vm.prank(governance);
        registry.ban(node.id);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeIsBanned.selector, node.id));
        _review();
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.UnknownNode.selector, 99));
        registry.putUnderReview(99);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.UnknownNode.selector, 99));
        registry.failuresOf(99);
    }

    function test_AReviewedNodeStillLeaves() public {
        _counted(0, 10);
        _review();
        vm.startPrank(node.owner);
        registry.setOnline(node.id, false);
        registry.unstake(node.id, 2 * MIN_STAKE);
        skip(14 days);
        registry.withdrawStake(node.id);
        assertEq(token.balanceOf(address(registry)), 0);
    }

    // ---------------------------------------------------------------- Inside

    function _review() private {
        vm.prank(watcher);
        registry.putUnderReview(node.id);
    }

    function _counted(uint256 verified, uint256 failed) private {
        for (uint256 i; i < verified + failed; ++i) {
            _begin();
            vm.startPrank(address(market));
            if (i < failed) {
                registry.failTask(node.id, 1, ETH, 1, Cause.TaskAbandoned);
            } else {
                registry.endExecution(node.id, node.operator, 1);
                registry.settleTask(node.id, address(++_buyers), ETH, 1, 0.001 ether);
            }
            vm.stopPrank();
        }
    }

    function _begin() private {
        vm.prank(address(market));
        registry.beginTask(node.id, node.operator, address(1), _demand());
    }

    function _demand() private pure returns (TaskDemand memory) {
        return TaskDemand(ResourceType.GPU, 1, 1, 0, ETH, 1);
    }

    function _assertStatus(NodeStatus expected) private view {
        assertEq(uint8(registry.statusOf(node.id)), uint8(expected));
    }
}
