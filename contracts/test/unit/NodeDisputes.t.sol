// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {NodeRegistry} from "src/NodeRegistry.sol";
import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";

import {Cause, NodeInfo, NodeStatus, TaskDemand, Verdict} from "src/types/Node.sol";
import {ResourceType} from "src/types/Resource.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";

/// @dev What a dispute does to a node: its end, as the marketplace reports it, and the case fee, as the court moves it.
contract NodeDisputesTest is MarketFixture {
    Node internal node;
    address internal buyer = makeAddr("buyer");
    address internal court;

    function setUp() public override {
        super.setUp();
        node = activeNode("node");
        court = NodeRegistry(payable(address(registry))).court();
    }

    // ---------------------------------------------------------------- The end of a dispute

    function test_ALostDisputeIsAFailureAndASlash() public {
        _deliver(1 ether);
        vm.prank(node.owner);
        registry.unstake(node.id, 50e18);
        uint256 supply = token.totalSupply();
        vm.expectEmit(address(registry));
        emit INodeRegistry.ReputationChanged(node.id, Cause.DisputeLost, -500, 4_500);
        vm.expectEmit(address(registry));
        emit INodeRegistry.StakeSlashed(node.id, Cause.DisputeLost, 10e18, 142.5e18, 47.5e18);
        _settle(1 ether, 0.001 ether, Verdict.Lost);
        NodeInfo memory data = info(node);
        assertEq(data.tasksFailed, 1);
        assertEq(data.tasksVerified, 0);
        assertEq(data.reviewing, 0);
        assertEq(registry.openEscrowOf(node.id, ETH), 0);
        assertEq(supply - token.totalSupply(), 10e18, "burned whole");
    }

    function test_ALostDisputeMayEndActivity() public {
        _deliver(1);
        vm.prank(node.owner);
        registry.unstake(node.id, MIN_STAKE);
        vm.expectCall(address(verifier), abi.encodeCall(verifier.noteActivity, (node.id, false)));
        _settle(1, 0, Verdict.Lost);
        assertEq(uint8(registry.statusOf(node.id)), uint8(NodeStatus.Verified));
    }

    function test_AWonDisputeCountsLikeAPaidTask() public {
        _deliver(1 ether);
        vm.expectEmit(address(registry));
        emit INodeRegistry.ReputationChanged(node.id, Cause.DisputeWon, 100, 5_100);
        _settle(1 ether, 0.001 ether, Verdict.Won);
        NodeInfo memory data = info(node);
        assertEq(data.tasksVerified, 1);
        assertEq(data.stake, 2 * MIN_STAKE);
        assertEq(registry.openEscrowOf(node.id, ETH), 0);

        _deliver(1 ether);
        _settle(1 ether, 0.001 ether, Verdict.Won);
        assertEq(info(node).tasksVerified, 1, "one a buyer and day");
        skip(1 days);
        _deliver(1 ether);
        _settle(1 ether, 0.001 ether - 1, Verdict.Won);
        assertEq(info(node).reputation, 5_100, "a small fee does not count");
        assertEq(info(node).reviewing, 0);
    }

    function test_ASplitMovesNothing() public {
        _deliver(1 ether);
        NodeInfo memory before = info(node);
        _settle(1 ether, 1 ether, Verdict.Split);
        before.reviewing = 0;
        assertEq(abi.encode(info(node)), abi.encode(before));
        assertEq(registry.openEscrowOf(node.id, ETH), 0);
    }

    function test_RevertWhen_StakeIsWithdrawnDuringADispute() public {
        _deliver(1);
        vm.startPrank(node.owner);
        registry.unstake(node.id, 2 * MIN_STAKE);
        skip(60 days);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeIsBusy.selector, node.id, 1));
        registry.withdrawStake(node.id);
        vm.stopPrank();
        _settle(1, 0, Verdict.Lost);
        vm.prank(node.owner);
        registry.withdrawStake(node.id);
        assertEq(token.balanceOf(address(registry)), 0);
    }

    function test_ABannedNodesDisputeEnds() public {
        _deliver(1);
        vm.prank(governance);
        registry.ban(node.id);
        _settle(1, 0, Verdict.Lost);
        assertEq(info(node).unbonding, 95e18, "misuse took half, the dispute five percent of the rest");
    }

    // ---------------------------------------------------------------- Case fees

    function test_TheCourtTakesAndReturnsACaseFee() public {
        vm.expectEmit(address(registry));
        emit INodeRegistry.CaseFeeTaken(node.id, 30e18, 170e18, 0);
        assertEq(_take(30e18), 30e18);
        assertEq(token.balanceOf(address(registry)), 170e18);

        vm.startPrank(court);
        token.approve(address(registry), 30e18);
        vm.expectEmit(address(registry));
        emit INodeRegistry.CaseFeeReturned(node.id, 30e18, 200e18, 0);
        registry.returnCaseFee(node.id, 30e18);
        assertEq(token.balanceOf(address(registry)), 200e18);
    }

    function test_NobodyEscapesACaseFeeByUnstaking() public {
        vm.prank(node.owner);
        registry.unstake(node.id, 150e18);
        uint40 readyAt = info(node).unbondingReadyAt;
        assertEq(_take(80e18), 80e18);
        NodeInfo memory data = info(node);
        assertEq(data.stake, 0);
        assertEq(data.unbonding, 120e18);
        assertEq(data.unbondingReadyAt, readyAt);
        assertEq(_take(500e18), 120e18, "all that is left");
        assertEq(_take(1), 0);
        assertEq(token.balanceOf(address(registry)), 0);
    }

    function test_ACaseFeeMayEndActivityAndItsReturnBringItBack() public {
        vm.expectCall(address(verifier), abi.encodeCall(verifier.noteActivity, (node.id, false)));
        _take(MIN_STAKE + 1);
        assertFalse(registry.isActive(node.id));
        vm.startPrank(court);
        token.approve(address(registry), 1);
        vm.expectCall(address(verifier), abi.encodeCall(verifier.noteActivity, (node.id, true)));
        registry.returnCaseFee(node.id, 1);
        assertTrue(registry.isActive(node.id));
    }

    function test_ABannedNodesCaseFeeReturnsToWhatUnbonds() public {
        _take(20e18);
        vm.prank(governance);
        registry.ban(node.id);
        assertEq(info(node).unbonding, 90e18);
        vm.startPrank(court);
        token.approve(address(registry), 20e18);
        registry.returnCaseFee(node.id, 20e18);
        assertEq(info(node).unbonding, 110e18);
        assertEq(info(node).stake, 0);
    }

    function test_RevertWhen_SomebodyElseMovesCaseFees() public {
        address[3] memory others = [node.owner, address(market), buyer];
        for (uint256 i; i < others.length; ++i) {
            bytes memory refusal = abi.encodeWithSelector(INodeRegistry.NotCourt.selector, others[i]);
            vm.startPrank(others[i]);
            vm.expectRevert(refusal);
            registry.takeCaseFee(node.id, 1);
            vm.expectRevert(refusal);
            registry.returnCaseFee(node.id, 1);
            vm.stopPrank();
        }
        vm.startPrank(court);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.UnknownNode.selector, 99));
        registry.takeCaseFee(99, 1);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.UnknownNode.selector, 99));
        registry.returnCaseFee(99, 1);
    }

    // ---------------------------------------------------------------- Inside

    function _take(uint256 amount) private returns (uint256) {
        vm.prank(court);
        return registry.takeCaseFee(node.id, amount);
    }

    function _deliver(uint96 price) private {
        vm.startPrank(address(market));
        registry.beginTask(node.id, node.operator, buyer, TaskDemand(ResourceType.GPU, 1, 1, 0, ETH, price));
        registry.endExecution(node.id, node.operator, 1);
        vm.stopPrank();
    }

    function _settle(uint96 price, uint256 fee, Verdict verdict) private {
        vm.prank(address(market));
        registry.settleDispute(node.id, buyer, ETH, price, fee, verdict);
    }
}
