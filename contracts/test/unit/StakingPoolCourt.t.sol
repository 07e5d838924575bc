// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IStakingPool} from "src/interfaces/IStakingPool.sol";

import {PoolFixture} from "../utils/PoolFixture.sol";

/// @title What the court can do with a juror's stake
contract StakingPoolCourtTest is PoolFixture {
    address private constant JURORS = address(0xC0);

    uint256 private _id;

    function setUp() public override {
        super.setUp();
        _id = stake(alice, 10_000e18, 365 days);
    }

    function _seize(uint256 amount) private {
        vm.prank(court);
        pool.seize(_id, amount, JURORS);
    }

    // ---------------------------------------------------------------- freeze

    function test_FrozenStakeStaysUntilItIsReleased() public {
        vm.expectEmit(address(pool));
        emit IStakingPool.StakeFrozen(_id, 1_000e18, 1_000e18);
        freeze(_id, 1_000e18);
        vm.expectEmit(address(pool));
        emit IStakingPool.StakeFrozen(_id, 500e18, 1_500e18);
        freeze(_id, 500e18);
        assertEq(pool.positionOf(_id).frozen, 1_500e18);
        skipTime(366 days);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.StakeIsFrozen.selector, _id, 1_500e18));
        vm.prank(alice);
        pool.unstake(_id);
        vm.expectEmit(address(pool));
        emit IStakingPool.StakeUnfrozen(_id, 1_500e18, 0);
        vm.prank(court);
        pool.unfreeze(_id, 1_500e18);
        vm.prank(alice);
        pool.unstake(_id);
        assertEq(aiigo.balanceOf(alice), 1_000_000e18);
    }

    function test_FrozenStakeEarnsAndVotes() public {
        vm.prank(alice);
        pool.delegate(alice);
        freeze(_id, 10_000e18);
        fund(ETH, 7 ether);
        skipTime(1 days);
        assertEq(pool.claimable(_id, ETH), 1 ether);
        assertEq(pool.getVotes(alice), 10_000e18);
        vm.prank(alice);
        pool.claim(_id, ETH);
    }

    function test_RevertWhen_MoreIsFrozenThanIsFree() public {
        freeze(_id, 9_000e18);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.NotEnoughFree.selector, _id, 1_000e18, 1_000e18 + 1));
        freeze(_id, 1_000e18 + 1);
    }

    function test_RevertWhen_MoreIsReleasedOrSeizedThanIsFrozen() public {
        freeze(_id, 10e18);
        bytes memory refused = abi.encodeWithSelector(IStakingPool.NotEnoughFrozen.selector, _id, 10e18, 11e18);
        vm.startPrank(court);
        vm.expectRevert(refused);
        pool.unfreeze(_id, 11e18);
        vm.expectRevert(refused);
        pool.seize(_id, 11e18, JURORS);
    }

    function test_RevertWhen_NothingIsFrozenReleasedOrSeized() public {
        vm.startPrank(court);
        vm.expectRevert(IStakingPool.ZeroAmount.selector);
        pool.freeze(_id, 0);
        vm.expectRevert(IStakingPool.ZeroAmount.selector);
        pool.unfreeze(_id, 0);
        vm.expectRevert(IStakingPool.ZeroAmount.selector);
        pool.seize(_id, 0, JURORS);
    }

    function test_RevertWhen_ThePositionIsGone() public {
        vm.prank(alice);
        pool.unstake(_id);
        bytes memory unknown = abi.encodeWithSelector(IStakingPool.UnknownPosition.selector, _id);
        vm.startPrank(court);
        vm.expectRevert(unknown);
        pool.freeze(_id, 1);
        vm.expectRevert(unknown);
        pool.unfreeze(_id, 1);
        vm.expectRevert(unknown);
        pool.seize(_id, 1, JURORS);
    }

    function test_RevertWhen_AnyoneElseTouchesAStake() public {
        bytes memory refused = abi.encodeWithSelector(IStakingPool.NotCourt.selector, bob);
        vm.startPrank(bob);
        vm.expectRevert(refused);
        pool.freeze(_id, 1);
        vm.expectRevert(refused);
        pool.unfreeze(_id, 1);
        vm.expectRevert(refused);
        pool.seize(_id, 1, bob);
    }

    // ---------------------------------------------------------------- seize

    function test_ASeizureTakesAmountWeightAndVotes() public {
        vm.prank(alice);
        pool.delegate(alice);
        freeze(_id, 1_000e18);
        vm.expectEmit(address(pool));
        emit IStakingPool.StakeSeized(_id, JURORS, 100e18, 9_900e18, 19_800e18);
        _seize(100e18);
        IStakingPool.Position memory position = pool.positionOf(_id);
        assertEq(position.amount, 9_900e18);
        assertEq(position.weight, 19_800e18);
        assertEq(position.frozen, 900e18);
        assertEq(pool.totalStaked(), 9_900e18);
        assertEq(pool.totalWeight(), 19_800e18);
        assertEq(pool.stakedOf(alice), 9_900e18);
        assertEq(pool.getVotes(alice), 9_900e18);
        assertEq(aiigo.balanceOf(JURORS), 100e18);
        assertEq(aiigo.balanceOf(address(pool)), 9_900e18);
    }

    function test_WhatWasEarnedBeforeASeizureIsKept() public {
        stake(bob, 20_000e18, 0);
        freeze(_id, 5_000e18);
        fund(address(aiigo), 700e18);
        fund(ETH, 14 ether);
        skipTime(1 days);
        _seize(5_000e18);
        assertEq(pool.claimable(_id, address(aiigo)), 50e18);
        assertEq(pool.claimable(_id, ETH), 1 ether);
        skipTime(1 days);
        // From now on a third.
        assertApproxEqAbs(pool.claimable(_id, ETH), 1 ether + uint256(2 ether) / 3, 1);
    }

    function test_ASeizureThatLeavesAUnitKeepsTheFractionThatWasEarned() public {
        vm.prank(alice);
        pool.unstake(_id);
        _id = stake(alice, 2, 0);
        stake(bob, 2, 0);
        fund(ETH, WEEK); // a unit a second
        freeze(_id, 1);
        skipTime(1); // half a unit for each
        _seize(1);
        skipTime(2); // a third of two for the one that is left
        assertEq(pool.claimable(_id, ETH), 1);
    }

    function test_ASeizureOfAllClosesThePositionButNotItsRewards() public {
        stake(bob, 1e18, 0);
        freeze(_id, 10_000e18);
        fund(address(aiigo), 700e18);
        fund(ETH, 7 ether);
        skipTime(1 days);
        uint256 earned = pool.claimable(_id, address(aiigo));
        uint256 etherEarned = pool.claimable(_id, ETH);
        _seize(10_000e18);
        skipTime(1 days);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.UnknownPosition.selector, _id));
        pool.positionOf(_id);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.UnknownPosition.selector, _id));
        pool.unstake(_id);
        assertEq(pool.claim(_id, address(aiigo)), earned);
        assertEq(pool.claim(_id, ETH), etherEarned);
        vm.stopPrank();
        assertEq(pool.totalStaked(), 1e18);
        assertEq(pool.totalWeight(), 1e18);
    }

    function test_ASeizureChangesTheYield() public {
        fund(address(aiigo), 700e18);
        freeze(_id, 5_000e18);
        uint256 yield = pool.getAPY(address(aiigo));
        vm.expectEmit(address(pool));
        emit IStakingPool.APYUpdated(address(aiigo), 2 * yield);
        _seize(5_000e18);
    }

    // ---------------------------------------------------------------- any amount

    function testFuzz_WeightStaysOneToTwoTimesTheAmount(uint256 amount, uint256 lock, uint256[4] memory parts) public {
        amount = bound(amount, 4, 900_000e18);
        uint256 id = stake(alice, amount, bound(lock, 0, 365 days));
        uint256 others = pool.totalWeight() - pool.positionOf(id).weight;
        uint256 taken;
        for (uint256 i; i < parts.length && taken < amount; ++i) {
            uint256 part = bound(parts[i], 1, amount - taken);
            vm.startPrank(court);
            pool.freeze(id, part);
            pool.seize(id, part, JURORS);
            vm.stopPrank();
            taken += part;
            if (taken == amount) break;
            IStakingPool.Position memory position = pool.positionOf(id);
            assertEq(position.amount, amount - taken);
            assertGe(position.weight, position.amount);
            assertLe(position.weight, 2 * uint256(position.amount));
            assertEq(pool.totalWeight(), others + position.weight);
        }
        assertEq(aiigo.balanceOf(JURORS), taken);
        assertEq(pool.totalStaked(), 10_000e18 + amount - taken);
    }

    function testFuzz_FrozenIsNeverMoreThanTheAmount(uint256 amount, uint256 frozen, uint256 released) public {
        amount = bound(amount, 1, 900_000e18);
        frozen = bound(frozen, 1, amount);
        released = bound(released, 1, frozen);
        uint256 id = stake(alice, amount, 0);
        freeze(id, frozen);
        vm.prank(court);
        pool.unfreeze(id, released);
        assertEq(pool.positionOf(id).frozen, frozen - released);
        if (released < frozen) {
            vm.expectRevert(abi.encodeWithSelector(IStakingPool.StakeIsFrozen.selector, id, frozen - released));
        }
        vm.prank(alice);
        pool.unstake(id);
    }

    function testFuzz_RewardsBeforeAndAfterASeizureFollowTheWeights(
        uint256 seized,
        uint256 reward,
        uint256 before,
        uint256 afterwards
    ) public {
        seized = bound(seized, 1, 10_000e18 - 1);
        reward = bound(reward, 1e6, 100_000e18);
        before = bound(before, 1, WEEK - 1);
        afterwards = bound(afterwards, 0, WEEK - before);
        uint256 other = stake(bob, 10_000e18, 0);
        fund(ETH, reward);
        freeze(_id, seized);
        skipTime(before);
        uint256 first = pool.owed(ETH);
        assertApproxEqAbs(pool.claimable(_id, ETH), first * 2 / 3, 1);
        _seize(seized);
        uint256 weight = pool.positionOf(_id).weight;
        skipTime(afterwards);
        uint256 second = pool.owed(ETH) - first;
        uint256 mine = first * 2 / 3 + second * weight / (weight + 10_000e18);
        assertApproxEqAbs(pool.claimable(_id, ETH), mine, 2);
        assertLe(pool.claimable(_id, ETH) + pool.claimable(other, ETH), pool.owed(ETH));
    }
}
