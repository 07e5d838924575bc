// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {IProofOfWorkVerifier} from "src/interfaces/IProofOfWorkVerifier.sol";
import {Cause, NodeInfo, NodeStatus, TaskDemand} from "src/types/Node.sol";
import {ResourceType} from "src/types/Resource.sol";
import {Standing} from "src/types/Standing.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";

/// @dev What the verifier tells the registry, and what the registry tells the verifier.
contract NodeActivityTest is MarketFixture {
    Node internal node;

    function setUp() public override {
        super.setUp();
        node = activeNode("node");
    }

    // ---------------------------------------------------------------- Audits

    function test_AuditsMoveReputation() public {
        vm.startPrank(address(verifier));
        vm.expectEmit(address(registry));
        emit INodeRegistry.ReputationChanged(node.id, Cause.AuditPassed, 10, 5_010);
        registry.recordAudit(node.id, true, false);
        vm.expectEmit(address(registry));
        emit INodeRegistry.ReputationChanged(node.id, Cause.AuditMissed, -200, 4_810);
        registry.recordAudit(node.id, false, false);
        assertTrue(registry.isActive(node.id));
    }

    function test_TooManyMissesTakeANodeOffline() public {
        vm.startPrank(address(verifier));
        vm.expectEmit(address(registry));
        emit INodeRegistry.OnlineChanged(node.id, false);
        vm.expectEmit(address(registry));
        emit INodeRegistry.BidEpochRaised(node.id, 1);
        vm.expectCall(address(verifier), abi.encodeCall(verifier.noteActivity, (node.id, false)));
        registry.recordAudit(node.id, false, true);
        assertEq(uint8(registry.statusOf(node.id)), uint8(NodeStatus.Inactive));

        registry.recordAudit(node.id, false, true);
        assertEq(registry.bidEpochOf(node.id), 1, "it is offline already");
        vm.stopPrank();
        goOnline(node);
        assertTrue(registry.isActive(node.id));
    }

    function test_RevertWhen_SomebodyElseRecordsAnAudit() public {
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotVerifier.selector, address(this)));
        registry.recordAudit(node.id, true, false);
        vm.prank(address(verifier));
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.UnknownNode.selector, 99));
        registry.recordAudit(99, true, false);
    }

    function test_RevertWhen_SomebodyElseTellsWhatANodeProved() public {
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotVerifier.selector, address(this)));
        registry.recordStanding(node.id, Standing(1, 1, 1, 1, 1, 1));
    }

    function test_ABannedNodesAuditsDoNotRevert() public {
        vm.prank(governance);
        registry.ban(node.id);
        vm.prank(address(verifier));
        registry.recordAudit(node.id, false, true);
        assertEq(info(node).reputation, 4_800);
    }

    // ---------------------------------------------------------------- Every change is told

    function test_TheVerifierHearsOfTheFirstActivity() public {
        Node memory fresh = register("fresh", ResourceType.GPU);
        prove(fresh, EFFORT);
        goOnline(fresh);
        stake(fresh, MIN_STAKE - 1);
        _expectNote(fresh.id, true);
        stake(fresh, 1);
    }

    function test_VerifyingMayBeTheLastStep() public {
        Node memory fresh = register("fresh", ResourceType.GPU);
        goOnline(fresh);
        stake(fresh, MIN_STAKE);
        _expectNote(fresh.id, true);
        prove(fresh, EFFORT);
    }

    function test_GoingOfflineAndComingBack() public {
        _expectNote(node.id, false);
        vm.prank(node.operator);
        registry.setOnline(node.id, false);
        _expectNote(node.id, true);
        goOnline(node);
    }

    function test_UnstakingBelowTheMinimum() public {
        vm.startPrank(node.owner);
        registry.unstake(node.id, MIN_STAKE);
        _expectNote(node.id, false);
        registry.unstake(node.id, 1);
    }

    function test_ASlashBelowTheMinimum() public {
        vm.prank(node.owner);
        registry.unstake(node.id, MIN_STAKE);
        _begin();
        _expectNote(node.id, false);
        vm.prank(address(market));
        registry.failTask(node.id, 1, ETH, 1, Cause.TaskTimedOut);
        assertFalse(registry.isActive(node.id));
    }

    function test_ABan() public {
        _expectNote(node.id, false);
        vm.prank(governance);
        registry.ban(node.id);
    }

    function test_AReviewAndItsEnd() public {
        _failTenTimes();
        _expectNote(node.id, false);
        registry.putUnderReview(node.id);
        _expectNote(node.id, true);
        vm.prank(governance);
        registry.endReview(node.id);
    }

    function test_WhatChangesNothingIsNotTold() public {
        vm.expectCall(address(verifier), abi.encodePacked(verifier.noteActivity.selector), 0);
        stake(node, 1);
        vm.prank(node.owner);
        registry.unstake(node.id, 1);
        registry.syncActivity(node.id);
        _begin();
        vm.startPrank(address(market));
        registry.endExecution(node.id, node.operator, 1);
        registry.settleTask(node.id, address(1), ETH, 1, 1 ether);
    }

    // ---------------------------------------------------------------- What still runs

    /// @dev Else one machine could work for nodes that take turns being Active, each due in other rounds.
    function test_WhoLeavesIsActiveForTheVerifierUntilItsTasksHaveEnded() public {
        _begin();
        _begin();
        _expectNotes(1);
        vm.prank(node.operator);
        registry.setOnline(node.id, false);
        assertFalse(registry.isActive(node.id));
        _deliver();
        _expectInactivity();
        _deliver();
    }

    function test_ATaskThatFailsEndsTheWorkToo() public {
        vm.prank(node.owner);
        registry.unstake(node.id, 1);
        _begin();
        vm.prank(node.owner);
        registry.unstake(node.id, 2 * MIN_STAKE - 1);
        _expectInactivity();
        vm.prank(address(market));
        registry.failTask(node.id, 1, ETH, 1, Cause.TaskAbandoned);
    }

    function test_WhoComesBackWhileItsTasksRunGoesOn() public {
        _begin();
        _expectNotes(0);
        vm.startPrank(node.operator);
        registry.setOnline(node.id, false);
        registry.setOnline(node.id, true);
        vm.stopPrank();
        _deliver();
    }

    function test_ABanEndsWhatRuns() public {
        _begin();
        _expectNotes(1);
        _expectInactivity();
        vm.prank(governance);
        registry.ban(node.id);
        vm.prank(address(market));
        registry.failTask(node.id, 1, ETH, 1, Cause.TaskTimedOut);
    }

    // ---------------------------------------------------------------- Silent changes

    function test_AnyoneTellsWhatAParameterChanged() public {
        _setMinStake(3 * MIN_STAKE);
        assertFalse(registry.isActive(node.id));
        _expectNote(node.id, false);
        registry.syncActivity(node.id);
        _setMinStake(MIN_STAKE);
        _expectNote(node.id, true);
        registry.syncActivity(node.id);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.UnknownNode.selector, 99));
        registry.syncActivity(99);
    }

    /// @dev The usual end of a task looks for nothing that it did not change.
    function test_ADeliveryDoesNotTellWhatAParameterChanged() public {
        _begin();
        _setMinStake(3 * MIN_STAKE);
        _expectNotes(0);
        _deliver();
    }

    /// @dev Else a node could be active, and leave, between two rounds, and be due in neither.
    function test_ActivityThatBeganSilentlyIsToldBeforeItsEnd() public {
        _failTenTimes();
        registry.putUnderReview(node.id);
        skip(14 days + 1);
        _expectNote(node.id, true);
        _expectNote(node.id, false);
        vm.prank(node.operator);
        registry.setOnline(node.id, false);
    }

    function test_WhoTakesATaskIsTold() public {
        _failTenTimes();
        registry.putUnderReview(node.id);
        skip(14 days + 1);
        _expectNote(node.id, true);
        _begin();
    }

    // ---------------------------------------------------------------- The facts in one place

    function test_NodeInfoHasTheVerifiersWord() public {
        tellStanding(node, 77, 12, 345);
        NodeInfo memory data = info(node);
        assertEq(data.verifiedPower, 77);
        assertEq(data.challengesPassed, 12);
        assertEq(data.lastAuditAt, 345);
    }

    // ---------------------------------------------------------------- Inside

    function _expectNote(uint64 nodeId, bool active) private {
        vm.expectCall(address(verifier), abi.encodeCall(verifier.noteActivity, (nodeId, active)), 1);
    }

    function _expectNotes(uint64 count) private {
        vm.expectCall(address(verifier), abi.encodePacked(verifier.noteActivity.selector), count);
    }

    function _expectInactivity() private {
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.ActivityChanged(node.id, 1, false);
    }

    function _deliver() private {
        vm.prank(address(market));
        registry.endExecution(node.id, node.operator, 1);
    }

    function _setMinStake(uint96 minStake) private {
        INodeRegistry.Parameters memory changed = registry.parameters();
        changed.minStake = minStake;
        vm.prank(governance);
        registry.setParameters(changed);
    }

    function _begin() private {
        vm.prank(address(market));
        registry.beginTask(node.id, node.operator, address(1), TaskDemand(ResourceType.GPU, 1, 1, 0, ETH, 1));
    }

    function _failTenTimes() private {
        for (uint256 i; i < 10; ++i) {
            _begin();
            vm.prank(address(market));
            registry.failTask(node.id, 1, ETH, 1, Cause.TaskAbandoned);
        }
    }
}
