// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {Cause, NodeInfo, NodeStatus, TaskDemand, Verdict} from "src/types/Node.sol";
import {ResourceType} from "src/types/Resource.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";

/// @dev The registry's side of a task, called as the marketplace does.
contract NodeTasksTest is MarketFixture {
    Node internal node;
    address internal buyer = makeAddr("buyer");
    uint32 internal power;

    function setUp() public override {
        super.setUp();
        node = activeNode("node");
        power = uint32(verifier.verifiedPower(node.id));
        vm.startPrank(address(market));
    }

    // ---------------------------------------------------------------- Beginning

    function test_ATaskTakesASlotPowerAndPartOfTheEscrowCap() public {
        _begin(power, 4 ether);
        NodeInfo memory data = info(node);
        assertEq(data.running, 1);
        assertEq(data.runningPower, power);
        assertEq(registry.freeSlots(node.id), 1);
        assertEq(registry.openEscrowOf(node.id, ETH), 4 ether);
    }

    function test_RevertWhen_TheNodeIsNotActive() public {
        vm.stopPrank();
        vm.prank(node.operator);
        registry.setOnline(node.id, false);
        vm.prank(address(market));
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeNotActive.selector, node.id, NodeStatus.Inactive));
        _begin(1, 1);
        vm.prank(address(market));
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotNodeOperator.selector, 99, node.operator));
        registry.beginTask(99, node.operator, buyer, _demand(1, 1));
    }

    function test_RevertWhen_TheResourceIsAnother() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.WrongResourceType.selector, node.id, ResourceType.GPU, ResourceType.CPU
            )
        );
        TaskDemand memory demand = _demand(1, 1);
        demand.resourceType = ResourceType.CPU;
        registry.beginTask(node.id, node.operator, buyer, demand);
    }

    function test_RevertWhen_MoreTrustIsAsked() public {
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.TrustTooLow.selector, node.id, 1, 2));
        TaskDemand memory demand = _demand(1, 1);
        demand.minTrustLevel = 2;
        registry.beginTask(node.id, node.operator, buyer, demand);
    }

    function test_RevertWhen_NoSlotIsFree() public {
        _begin(1, 1);
        _begin(1, 1);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NoFreeSlot.selector, node.id, 2, 2));
        _begin(1, 1);
    }

    function test_RevertWhen_RunningTasksHaveThePower() public {
        _begin(power - 10, 1);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.InsufficientPower.selector, node.id, 10, 11));
        _begin(11, 1);
        _begin(10, 1);
    }

    function test_PowerBeyondWhatASlotHoldsIsAsMuchAsItHolds() public {
        vm.stopPrank();
        tellStanding(node, type(uint56).max, 0, 0);
        vm.startPrank(address(market));
        _begin(type(uint32).max, 1);
        _begin(type(uint32).max, 1);
        assertEq(info(node).runningPower, 2 * uint256(type(uint32).max));
    }

    function test_RevertWhen_SomebodyElsesOperatorDelivers() public {
        _begin(1, 1);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotNodeOperator.selector, node.id, buyer));
        registry.endExecution(node.id, buyer, 1);
        registry.endExecution(node.id, node.owner, 1);
    }

    function test_RevertWhen_OpenEscrowExceedsTheCapOfItsToken() public {
        _begin(1, 9 ether);
        vm.expectRevert(
            abi.encodeWithSelector(INodeRegistry.EscrowCapExceeded.selector, node.id, 10 ether + 1, 10 ether)
        );
        _begin(1, 1 ether + 1);
        TaskDemand memory demand = _demand(1, 20_000e6);
        demand.token = address(dollar);
        registry.beginTask(node.id, node.operator, buyer, demand);
        assertEq(registry.openEscrowOf(node.id, address(dollar)), 20_000e6, "another token has its own cap");
    }

    // ---------------------------------------------------------------- Ending

    function test_AResultFreesSlotAndPowerButNotTheEscrow() public {
        _begin(power, 4 ether);
        registry.endExecution(node.id, node.operator, power);
        NodeInfo memory data = info(node);
        assertEq(data.running, 0);
        assertEq(data.runningPower, 0);
        assertEq(data.reviewing, 1);
        assertEq(registry.freeSlots(node.id), 2);
        assertEq(registry.openEscrowOf(node.id, ETH), 4 ether);
    }

    function test_RevertWhen_ABannedNodeDelivers() public {
        _begin(1, 1);
        vm.stopPrank();
        vm.prank(governance);
        registry.ban(node.id);
        vm.prank(address(market));
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeIsBanned.selector, node.id));
        registry.endExecution(node.id, node.operator, 1);
    }

    function test_APaidTaskRaisesReputation() public {
        _deliver(1 ether);
        vm.expectEmit(address(registry));
        emit INodeRegistry.ReputationChanged(node.id, Cause.TaskVerified, 50, 5_050);
        registry.settleTask(node.id, buyer, ETH, 1 ether, 0.001 ether);
        NodeInfo memory data = info(node);
        assertEq(data.reputation, 5_050);
        assertEq(data.reviewing, 0);
        assertEq(data.tasksVerified, 1);
        assertEq(registry.openEscrowOf(node.id, ETH), 0);
    }

    function test_ASmallFeeDoesNotCount() public {
        _deliver(1 ether);
        registry.settleTask(node.id, buyer, ETH, 1 ether, 0.001 ether - 1);
        assertEq(info(node).reputation, 5_000);
        assertEq(info(node).tasksVerified, 0);
    }

    function test_OneTaskABuyerAndDayCounts() public {
        _settle(buyer);
        skip(1 days - 1);
        _settle(buyer);
        assertEq(info(node).reputation, 5_050);
        _settle(makeAddr("another buyer"));
        assertEq(info(node).reputation, 5_100);
        skip(1);
        _settle(buyer);
        assertEq(info(node).reputation, 5_150);
        assertEq(info(node).tasksVerified, 3);
    }

    function test_AnAbandonedTaskCostsReputationOnly() public {
        _begin(power, 1 ether);
        vm.expectEmit(address(registry));
        emit INodeRegistry.ReputationChanged(node.id, Cause.TaskAbandoned, -50, 4_950);
        registry.failTask(node.id, power, ETH, 1 ether, Cause.TaskAbandoned);
        NodeInfo memory data = info(node);
        assertEq(data.stake, 2 * MIN_STAKE);
        assertEq(data.running, 0);
        assertEq(data.runningPower, 0);
        assertEq(data.tasksFailed, 1);
        assertEq(registry.openEscrowOf(node.id, ETH), 0);
    }

    function test_ReputationStaysWithinItsBounds() public {
        for (uint256 i; i < 26; ++i) {
            _begin(1, 1);
            if (i == 25) {
                vm.expectEmit(address(registry));
                emit INodeRegistry.ReputationChanged(node.id, Cause.TaskAbandoned, 0, 0);
            }
            registry.failTask(node.id, 1, ETH, 1, i == 25 ? Cause.TaskAbandoned : Cause.TaskTimedOut);
            vm.stopPrank();
            stake(node, 20e18); // keeps the node above the minimum
            vm.startPrank(address(market));
        }
        assertEq(info(node).reputation, 0);
        for (uint160 i; i < 201; ++i) {
            _settle(address(i + 1));
        }
        assertEq(info(node).reputation, 10_000);
    }

    // ---------------------------------------------------------------- Callers

    function test_RevertWhen_SomebodyElseCalls() public {
        vm.stopPrank();
        bytes memory refusal = abi.encodeWithSelector(INodeRegistry.NotMarketplace.selector, address(this));
        vm.expectRevert(refusal);
        _begin(1, 1);
        vm.expectRevert(refusal);
        registry.endExecution(node.id, node.operator, 1);
        vm.expectRevert(refusal);
        registry.settleTask(node.id, buyer, ETH, 1, 1);
        vm.expectRevert(refusal);
        registry.failTask(node.id, 1, ETH, 1, Cause.TaskTimedOut);
        vm.expectRevert(refusal);
        registry.settleDispute(node.id, buyer, ETH, 1, 1, Verdict.Won);
    }

    function _begin(uint32 needed, uint96 price) private {
        registry.beginTask(node.id, node.operator, buyer, _demand(needed, price));
    }

    function _demand(uint32 needed, uint96 price) private pure returns (TaskDemand memory) {
        return TaskDemand({
            resourceType: ResourceType.GPU,
            minTrustLevel: 1,
            minPower: needed,
            maxAuditAge: 0,
            token: ETH,
            escrow: price
        });
    }

    function _deliver(uint96 price) private {
        _begin(1, price);
        registry.endExecution(node.id, node.operator, 1);
    }

    function _settle(address from) private {
        _deliver(1);
        registry.settleTask(node.id, from, ETH, 1, 0.001 ether);
    }
}
