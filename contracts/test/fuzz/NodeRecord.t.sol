// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Reputation} from "src/libraries/Reputation.sol";
import {Cause, NodeStatus} from "src/types/Node.sol";
import {NodeRecord} from "src/types/NodeRecord.sol";

contract NodeRecordFuzzTest is Test {
    NodeRecord internal node;

    function testFuzz_ASlashTakesItsShareOfStakeAndUnbonding(uint96 stake, uint96 unbonding, uint16 bps) public {
        bps = uint16(bound(bps, 0, 10_000));
        node.stake = stake;
        node.unbonding = unbonding;
        uint256 total = uint256(stake) + unbonding;

        uint256 slashed = node.slash(bps);

        assertEq(slashed, total * bps / 10_000);
        assertEq(uint256(node.stake) + node.unbonding, total - slashed, "nothing appears or vanishes");
        assertEq(node.unbonding, unbonding - uint256(unbonding) * bps / 10_000);
        assertLe(node.stake, stake);
    }

    function testFuzz_AnAmountComesOutOfTheStakeFirst(uint96 stake, uint96 unbonding, uint256 amount) public {
        node.stake = stake;
        node.unbonding = unbonding;
        uint256 total = uint256(stake) + unbonding;

        uint256 taken = node.takeStake(amount);

        assertEq(taken, amount < total ? amount : total);
        assertEq(uint256(node.stake) + node.unbonding, total - taken, "nothing appears or vanishes");
        assertEq(node.stake, amount < stake ? stake - amount : 0);
        if (node.stake != 0) assertEq(node.unbonding, unbonding);
    }

    function testFuzz_WhatCountedSinceTheReview(uint32 verified, uint32 failed, uint32 verifiedThen, uint32 failedThen)
        public
    {
        node.verifiedAtReview = uint32(bound(verifiedThen, 0, verified));
        node.failedAtReview = uint32(bound(failedThen, 0, failed));
        (node.tasksVerified, node.tasksFailed) = (verified, failed);
        (uint256 failures, uint256 counted) = node.sinceReview();
        assertEq(failures, failed - node.failedAtReview);
        assertEq(counted - failures, verified - node.verifiedAtReview);
    }

    function testFuzz_SlotsAreWholeMinimums(uint96 stake, uint96 minStake, uint16 running, uint16 reviewing) public {
        minStake = uint96(bound(minStake, 1, type(uint96).max));
        node.stake = stake;
        node.running = running;
        node.reviewing = reviewing;
        uint256 slots = node.slots(minStake);
        assertLe(slots * minStake, stake);
        assertLe(slots + reviewing, type(uint16).max, "every running task can come under review");
        assertEq(node.freeSlots(minStake), slots > running ? slots - running : 0);
    }

    function testFuzz_StatusFollowsFromWhatIsStored(
        bool verified,
        bool online,
        bool banned,
        uint96 stake,
        uint96 min,
        uint40 reviewUntil
    ) public {
        vm.warp(1_800_000_000);
        node.owner = address(1);
        node.reviewUntil = reviewUntil;
        node.online = online;
        bool present = online && reviewUntil < block.timestamp;
        (node.verified, node.banned, node.stake) = (verified, banned, stake);
        NodeStatus status = node.status(min);
        assertEq(status == NodeStatus.Active, verified && present && !banned && stake >= min);
        assertEq(status == NodeStatus.Slashed, banned);
        assertEq(status == NodeStatus.Pending, !banned && !verified);
        assertEq(status == NodeStatus.Verified, !banned && verified && stake < min);
        assertEq(status == NodeStatus.Inactive, !banned && verified && stake >= min && !present);
    }

    function testFuzz_ReputationStaysWithinItsBounds(uint16 reputation, uint8 cause) public pure {
        reputation = uint16(bound(reputation, 0, Reputation.MAX));
        Cause because = Cause(bound(cause, 0, uint8(type(Cause).max)));
        (uint16 next, int256 delta) = Reputation.moved(reputation, because);
        assertLe(next, Reputation.MAX);
        assertEq(int256(uint256(next)), int256(uint256(reputation)) + delta);
        int256 full = Reputation.deltaOf(because);
        if (delta != full) assertTrue(next == 0 || next == Reputation.MAX, "cut short at a bound only");
        if (because == Cause.Misuse) assertEq(delta, 0, "the ban says it all");
    }
}
