// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {Vm} from "forge-std/Vm.sol";

import {AIIGOToken} from "src/AIIGOToken.sol";
import {StakingPool} from "src/StakingPool.sol";
import {IStakingPool} from "src/interfaces/IStakingPool.sol";

import {SuiteTest} from "../SuiteTest.sol";

contract StakingPoolTest is SuiteTest {
    uint256 private constant WEEK = 7 days;

    AIIGOToken private _token;
    StakingPool private _pool;
    address private _treasury;
    address private _alice;
    address private _bob;

    function setUp() public override {
        super.setUp();
        _token = suite.token;
        _pool = suite.pool;
        _treasury = address(suite.timelock);
        _alice = _staker("alice");
        _bob = _staker("bob");
    }

    function _staker(string memory name) private returns (address who) {
        who = account(name, 1_000_000e18);
        vm.prank(who);
        _token.approve(address(_pool), type(uint256).max);
    }

    function _stake(address who, uint256 amount, uint256 lock) private returns (uint256) {
        vm.prank(who);
        return _pool.stake(amount, lock);
    }

    function _fund(uint256 amount) private {
        vm.startPrank(_treasury);
        _token.approve(address(_pool), amount);
        _pool.notifyReward(address(_token), amount);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- stake

    function test_StakeOpensAPosition() public {
        vm.expectEmit(address(_pool));
        emit IStakingPool.Staked(1, _alice, 100e18, 150e18, uint40(START + 182.5 days));
        uint256 id = _stake(_alice, 100e18, 182.5 days);
        IStakingPool.Position memory position = _pool.positionOf(id);
        assertEq(position.owner, _alice);
        assertEq(position.amount, 100e18);
        assertEq(position.weight, 150e18);
        assertEq(position.unlocksAt, START + 182.5 days);
        assertEq(position.frozen, 0);
        assertEq(_pool.totalStaked(), 100e18);
        assertEq(_pool.totalWeight(), 150e18);
        assertEq(_pool.stakedOf(_alice), 100e18);
        assertEq(_token.balanceOf(address(_pool)), 100e18);
    }

    function test_WeightIsOneToTwoOverAYear() public {
        assertEq(_pool.positionOf(_stake(_alice, 100e18, 0)).weight, 100e18);
        assertEq(_pool.positionOf(_stake(_alice, 100e18, 365 days)).weight, 200e18);
        assertEq(_pool.stakedOf(_alice), 200e18);
    }

    function test_RevertWhen_StakingNothing() public {
        vm.expectRevert(IStakingPool.ZeroAmount.selector);
        _stake(_alice, 0, 0);
    }

    function test_RevertWhen_TheLockIsLongerThanAYear() public {
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.LockTooLong.selector, 365 days + 1));
        _stake(_alice, 1, 365 days + 1);
    }

    // ---------------------------------------------------------------- rewards

    function test_AStreamEndsAfterAWeekWithNothingLeft() public {
        uint256 id = _stake(_alice, 100e18, 0);
        vm.startPrank(_treasury);
        _token.approve(address(_pool), 700e18);
        vm.expectEmit(address(_pool));
        emit IStakingPool.RewardStreamed(_treasury, address(_token), 700e18, 700e18 * 1e18 / WEEK, uint40(START + WEEK));
        _pool.notifyReward(address(_token), 700e18);
        vm.stopPrank();
        skipTime(1 days);
        assertEq(_pool.claimable(id, address(_token)), 100e18);
        skipTime(30 days);
        assertEq(_pool.claimable(id, address(_token)), 700e18);
        assertEq(_pool.undistributed(address(_token)), 0);
        assertEq(_pool.owed(address(_token)), 700e18);
    }

    function test_RewardsFollowTheWeights() public {
        uint256 one = _stake(_alice, 100e18, 0);
        uint256 two = _stake(_bob, 100e18, 365 days);
        _fund(300e18);
        skipTime(WEEK);
        assertEq(_pool.claimable(one, address(_token)), 100e18);
        assertEq(_pool.claimable(two, address(_token)), 200e18);
    }

    function test_ALaterStakeEarnsOnlyFromThenOn() public {
        uint256 early = _stake(_alice, 100e18, 0);
        _fund(700e18);
        skipTime(3 days);
        uint256 late = _stake(_bob, 100e18, 0);
        assertEq(_pool.claimable(late, address(_token)), 0);
        skipTime(4 days);
        assertEq(_pool.claimable(early, address(_token)), 500e18);
        assertEq(_pool.claimable(late, address(_token)), 200e18);
    }

    function test_ANewPositionHasEarnedNothing() public {
        _stake(_alice, 1, 0);
        _fund(700e18);
        skipTime(6 days);
        uint256 late = _stake(_bob, 1, 0);
        assertEq(_pool.claimable(late, address(_token)), 0);
        skipTime(1 days);
        assertEq(_pool.claimable(late, address(_token)), 50e18);
    }

    function test_TheFractionOfAClosedPositionGoesToThoseWhoStay() public {
        uint256 one = _stake(_alice, 1, 0);
        uint256 two = _stake(_bob, 1, 0);
        _fund(WEEK); // a unit a second: half of it for each
        skipTime(1);
        vm.prank(_alice);
        _pool.unstake(one);
        skipTime(1);
        assertEq(_pool.claimable(two, address(_token)), 2);
    }

    function test_AStakeThatLeavesInItsBlockGetsNothing() public {
        _stake(_alice, 1e18, 0);
        _fund(700e18);
        skipTime(6 days);
        uint256 before = _token.balanceOf(_bob);
        uint256 id = _stake(_bob, 1_000_000e18, 0);
        vm.prank(_bob);
        _pool.unstake(id);
        assertEq(_token.balanceOf(_bob), before);
    }

    function test_TheStreamStandsStillWhileNobodyIsStaked() public {
        _fund(700e18);
        skipTime(100 days);
        assertEq(_pool.undistributed(address(_token)), 700e18);
        assertEq(_pool.streamEndsAt(address(_token)), START + 100 days + WEEK);
        uint256 id = _stake(_alice, 1e18, 0);
        assertEq(_pool.claimable(id, address(_token)), 0);
        skipTime(1 days);
        assertEq(_pool.claimable(id, address(_token)), 100e18);
        vm.prank(_alice);
        _pool.unstake(id);
        skipTime(50 days);
        id = _stake(_bob, 1e18, 0);
        skipTime(6 days);
        assertEq(_pool.claimable(id, address(_token)), 600e18);
    }

    function test_EachSecondReleasesItsPart() public {
        uint256 id = _stake(_alice, 1e18, 0);
        _fund(WEEK); // a unit a second
        skipTime(1);
        assertEq(_pool.owed(address(_token)), 1);
        assertEq(_pool.undistributed(address(_token)), WEEK - 1);
        assertEq(_pool.claimable(id, address(_token)), 1);
        vm.prank(_alice);
        assertEq(_pool.claim(id, address(_token)), 1);
    }

    function test_TheSmallestStakeEarnsAndHasAYield() public {
        uint256 id = _stake(_alice, 1, 0);
        _fund(WEEK);
        assertEq(_pool.getAPY(address(_token)), 365 days * 1e18);
        skipTime(1);
        assertEq(_pool.claimable(id, address(_token)), 1);
    }

    function test_AStreamOfOneUnitHasAYieldToo() public {
        _stake(_alice, 1, 0);
        _fund(1);
        vm.expectEmit(address(_pool));
        emit IStakingPool.APYUpdated(address(_token), uint256(1e18) * 365 days / (2 * WEEK));
        _stake(_bob, 1, 0);
    }

    function test_AnEmptyStreamDoesNotMove() public {
        skipTime(1 days);
        assertEq(_pool.streamEndsAt(address(_token)), 0);
    }

    function test_WhatAClosedPositionEarnedIsShownWhenNobodyIsLeft() public {
        uint256 id = _stake(_alice, 100e18, 0);
        vm.deal(_treasury, 7 ether);
        vm.prank(_treasury);
        _pool.notifyReward{value: 7 ether}(address(0), 7 ether);
        skipTime(1 days);
        vm.prank(_alice);
        _pool.unstake(id);
        assertEq(_pool.totalWeight(), 0);
        assertEq(_pool.claimable(id, address(0)), 1 ether);
    }

    function test_ANewRewardJoinsTheRestOfTheStream() public {
        uint256 id = _stake(_alice, 100e18, 0);
        _fund(700e18);
        skipTime(5 days);
        _fund(500e18);
        // 200 had two days left, 500 come for a week: the ends meet by weight.
        uint256 remaining = (uint256(200) * 2 days + 500 * WEEK) / 700;
        assertEq(_pool.streamEndsAt(address(_token)), START + 5 days + remaining);
        assertEq(_pool.undistributed(address(_token)), 700e18);
        skipTime(1 days);
        assertEq(_pool.claimable(id, address(_token)), 500e18 + uint256(700e18) * 1 days / remaining);
        skipTime(remaining - 1 days);
        assertEq(_pool.claimable(id, address(_token)), 1_200e18);
    }

    function test_TinyRewardsDoNotHoldAStreamBack() public {
        _stake(_alice, 100e18, 0);
        _fund(700e18);
        uint40 end = _pool.streamEndsAt(address(_token));
        for (uint256 i; i < 50; ++i) {
            skipTime(1 hours);
            _fund(1);
        }
        assertEq(_pool.streamEndsAt(address(_token)), end);
    }

    function test_TheDistributorAndTheTreasuryFund() public {
        _fund(1e18);
        address distributor = address(suite.distributor);
        vm.prank(faucet);
        _token.transfer(distributor, 1e18);
        vm.startPrank(distributor);
        _token.approve(address(_pool), 1e18);
        _pool.notifyReward(address(_token), 1e18);
        vm.stopPrank();
        assertEq(_pool.undistributed(address(_token)), 2e18);
    }

    function test_RevertWhen_AnyoneElseFunds() public {
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.NotRewarder.selector, _alice));
        vm.prank(_alice);
        _pool.notifyReward(address(_token), 1e18);
    }

    function test_RevertWhen_FundingNothing() public {
        vm.expectRevert(IStakingPool.ZeroAmount.selector);
        vm.prank(_treasury);
        _pool.notifyReward(address(_token), 0);
    }

    // ---------------------------------------------------------------- claim

    function test_ClaimPaysTheOwner() public {
        uint256 id = _stake(_alice, 100e18, 0);
        _fund(700e18);
        skipTime(2 days);
        uint256 before = _token.balanceOf(_alice);
        vm.expectEmit(address(_pool));
        emit IStakingPool.RewardClaimed(id, _alice, address(_token), 200e18);
        vm.prank(_alice);
        assertEq(_pool.claim(id, address(_token)), 200e18);
        assertEq(_token.balanceOf(_alice), before + 200e18);
        assertEq(_pool.claimable(id, address(_token)), 0);
        assertEq(_pool.owed(address(_token)), 0);
        skipTime(5 days);
        assertEq(_pool.claimable(id, address(_token)), 500e18);
    }

    function test_RevertWhen_ThereIsNothingToClaim() public {
        uint256 id = _stake(_alice, 100e18, 0);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.NothingToClaim.selector, id, address(_token)));
        vm.prank(_alice);
        _pool.claim(id, address(_token));
    }

    function test_RevertWhen_AnotherAccountClaims() public {
        uint256 id = _stake(_alice, 100e18, 0);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.NotPositionOwner.selector, id, _bob));
        vm.prank(_bob);
        _pool.claim(id, address(_token));
    }

    function test_RevertWhen_ThePositionIsUnknown() public {
        bytes memory unknown = abi.encodeWithSelector(IStakingPool.UnknownPosition.selector, 7);
        vm.expectRevert(unknown);
        _pool.claim(7, address(_token));
        vm.expectRevert(unknown);
        _pool.unstake(7);
        vm.expectRevert(unknown);
        _pool.resetWeight(7);
        vm.expectRevert(unknown);
        _pool.positionOf(7);
        vm.expectRevert(unknown);
        _pool.claimable(7, address(_token));
    }

    // ---------------------------------------------------------------- unstake

    function test_UnstakeAfterTheLockReturnsAllOfItAndTheRewards() public {
        uint256 before = _token.balanceOf(_alice);
        uint256 id = _stake(_alice, 100e18, 73 days);
        _fund(700e18);
        skipTime(73 days);
        uint256 reward = _pool.claimable(id, address(_token));
        assertApproxEqAbs(reward, 700e18, 1_000);
        vm.expectEmit(address(_pool));
        emit IStakingPool.RewardClaimed(id, _alice, address(_token), reward);
        vm.expectEmit(address(_pool));
        emit IStakingPool.Unstaked(id, _alice, 100e18, 0);
        vm.prank(_alice);
        _pool.unstake(id);
        assertEq(_token.balanceOf(_alice), before + reward);
        assertEq(_pool.totalStaked() + _pool.totalWeight() + _pool.stakedOf(_alice), 0);
        assertEq(_token.balanceOf(address(_pool)), 700e18 - reward);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.UnknownPosition.selector, id));
        vm.prank(_alice);
        _pool.unstake(id);
    }

    function test_LeavingASecondEarlyBurnsFivePercent() public {
        uint256 before = _token.balanceOf(_alice);
        uint256 supply = _token.totalSupply();
        uint256 id = _stake(_alice, 100e18, 30 days);
        skipTime(30 days - 1);
        vm.expectEmit(address(_pool));
        emit IStakingPool.Unstaked(id, _alice, 100e18, 5e18);
        vm.prank(_alice);
        _pool.unstake(id);
        assertEq(_token.balanceOf(_alice), before - 5e18);
        assertEq(_token.totalSupply(), supply - 5e18);
    }

    function test_APenaltyOfOneUnitIsBurnedToo() public {
        uint256 supply = _token.totalSupply();
        uint256 id = _stake(_alice, 20, 1 days);
        vm.prank(_alice);
        _pool.unstake(id);
        assertEq(_token.totalSupply(), supply - 1);
        assertEq(_token.balanceOf(address(_pool)), 0);
    }

    function test_LeavingOnTimeWithoutRewardsBurnsAndPaysNothing() public {
        uint256 id = _stake(_alice, 100e18, 0);
        vm.expectCall(address(_token), abi.encodeWithSelector(_token.burn.selector), 0);
        vm.recordLogs();
        vm.prank(_alice);
        _pool.unstake(id);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            assertNotEq(logs[i].topics[0], IStakingPool.RewardClaimed.selector);
            assertNotEq(logs[i].topics[0], IStakingPool.APYUpdated.selector, "no stream, no yield");
        }
    }

    function test_ARewardOfOneUnitIsPaidToo() public {
        uint256 id = _stake(_alice, 1, 0);
        vm.startPrank(_treasury);
        _token.approve(address(_pool), 1);
        vm.expectEmit(address(_pool));
        emit IStakingPool.RewardStreamed(_treasury, address(_token), 1, uint256(1e18) / WEEK, uint40(START + WEEK));
        vm.expectEmit(address(_pool));
        emit IStakingPool.APYUpdated(address(_token), uint256(1e18) * 365 days / WEEK);
        _pool.notifyReward(address(_token), 1);
        vm.stopPrank();
        skipTime(WEEK);
        assertEq(_pool.claimable(id, address(_token)), 1);
        vm.expectEmit(address(_pool));
        emit IStakingPool.RewardClaimed(id, _alice, address(_token), 1);
        vm.prank(_alice);
        _pool.unstake(id);
    }

    function test_RevertWhen_AnotherAccountUnstakes() public {
        uint256 id = _stake(_alice, 100e18, 0);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.NotPositionOwner.selector, id, _bob));
        vm.prank(_bob);
        _pool.unstake(id);
    }

    // ---------------------------------------------------------------- weights

    function test_AnyoneResetsAnExpiredLock() public {
        uint256 id = _stake(_alice, 100e18, 365 days);
        _stake(_bob, 100e18, 0);
        skipTime(365 days - 7 days);
        _fund(700e18);
        skipTime(7 days);
        uint256 earned = _pool.claimable(id, address(_token));
        vm.expectEmit(address(_pool));
        emit IStakingPool.WeightReset(id, 100e18);
        _pool.resetWeight(id);
        assertEq(_pool.positionOf(id).weight, 100e18);
        assertEq(_pool.totalWeight(), 200e18);
        assertEq(_pool.claimable(id, address(_token)), earned);
        _fund(700e18);
        skipTime(7 days);
        assertApproxEqAbs(_pool.claimable(id, address(_token)), earned + 350e18, 1);
    }

    function test_AResetChangesTheYield() public {
        uint256 id = _stake(_alice, 100e18, 1 days);
        skipTime(1 days);
        _fund(700e18);
        uint256 yearly = uint256(700e18) * 365 days / WEEK;
        vm.expectEmit(address(_pool));
        emit IStakingPool.APYUpdated(address(_token), yearly / 100);
        _pool.resetWeight(id);
    }

    function test_ResettingTwiceChangesNothing() public {
        uint256 id = _stake(_alice, 100e18, 1 days);
        skipTime(1 days);
        _pool.resetWeight(id);
        vm.recordLogs();
        _pool.resetWeight(id);
        assertEq(vm.getRecordedLogs().length, 0);
        assertEq(_pool.totalWeight(), 100e18);
    }

    function test_RevertWhen_TheLockIsNotOver() public {
        uint256 id = _stake(_alice, 100e18, 1 days);
        skipTime(1 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.LockNotOver.selector, id, uint40(START + 1 days)));
        _pool.resetWeight(id);
    }

    // ---------------------------------------------------------------- votes

    function test_StakedTokensVoteAsTheirOwnerDelegates() public {
        vm.startPrank(_alice);
        _token.delegate(_alice);
        _pool.delegate(_bob);
        vm.stopPrank();
        uint256 id = _stake(_alice, 300_000e18, 1 days);
        assertEq(_token.getVotes(_alice), 700_000e18);
        assertEq(_pool.getVotes(_bob), 300_000e18);
        skipTime(1 days);
        assertEq(_pool.getPastTotalSupply(START), 300_000e18);
        assertEq(_pool.getPastVotes(_bob, START), 300_000e18);
        vm.prank(_alice);
        _pool.unstake(id);
        assertEq(_pool.getVotes(_bob), 0);
        assertEq(_token.getVotes(_alice), 1_000_000e18);
        assertEq(_token.getVotes(address(_pool)), 0);
    }

    function test_AStakeThatLeavesInItsBlockNeverVoted() public {
        vm.startPrank(_alice);
        _pool.delegate(_alice);
        _pool.unstake(_pool.stake(1_000_000e18, 0));
        vm.stopPrank();
        skipTime(1);
        assertEq(_pool.getPastVotes(_alice, START), 0);
    }

    function test_ClockIsTime() public view {
        assertEq(_pool.clock(), vm.getBlockTimestamp());
        assertEq(_pool.CLOCK_MODE(), "mode=timestamp");
    }

    // ---------------------------------------------------------------- set-up

    function test_SignedDelegationsNameThePool() public view {
        (, string memory name, string memory version,, address verifying,,) = IERC5267(address(_pool)).eip712Domain();
        assertEq(name, "AIIGO StakingPool");
        assertEq(version, "1");
        assertEq(verifying, address(_pool));
    }

    function test_RevertWhen_InitializedAgain() public {
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        _pool.initialize(_alice);
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        StakingPool(suite.implementations.pool).initialize(_alice);
    }
}
