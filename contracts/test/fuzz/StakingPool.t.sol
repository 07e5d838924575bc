// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AIIGOToken} from "src/AIIGOToken.sol";
import {StakingPool} from "src/StakingPool.sol";

import {SuiteTest} from "../SuiteTest.sol";

contract StakingPoolFuzzTest is SuiteTest {
    AIIGOToken private _token;
    StakingPool private _pool;
    address private _alice;
    address private _bob;

    function setUp() public override {
        super.setUp();
        _token = suite.token;
        _pool = suite.pool;
        _alice = _staker("alice");
        _bob = _staker("bob");
    }

    function _staker(string memory name) private returns (address who) {
        who = account(name, 40_000_000e18);
        vm.prank(who);
        _token.approve(address(_pool), type(uint256).max);
    }

    function _stake(address who, uint256 amount, uint256 lock) private returns (uint256) {
        vm.prank(who);
        return _pool.stake(amount, lock);
    }

    function _fund(uint256 amount) private {
        vm.startPrank(address(suite.timelock));
        _token.approve(address(_pool), amount);
        _pool.notifyReward(address(_token), amount);
        vm.stopPrank();
    }

    function testFuzz_WeightGrowsLinearlyWithTheLock(uint256 amount, uint256 lock) public {
        amount = bound(amount, 1, 40_000_000e18);
        lock = bound(lock, 0, 365 days);
        uint256 weight = _pool.positionOf(_stake(_alice, amount, lock)).weight;
        assertEq(weight, amount + amount * lock / 365 days);
        assertLe(weight, 2 * amount);
    }

    function testFuzz_LeavingEarlyCostsFivePercentAndLaterNothing(uint256 amount, uint256 lock, uint256 after_) public {
        amount = bound(amount, 1, 40_000_000e18);
        lock = bound(lock, 0, 365 days);
        after_ = bound(after_, 0, 2 * 365 days);
        uint256 before = _token.balanceOf(_alice);
        uint256 supply = _token.totalSupply();
        uint256 id = _stake(_alice, amount, lock);
        skipTime(after_);
        vm.prank(_alice);
        _pool.unstake(id);
        uint256 penalty = after_ < lock ? amount * 5 / 100 : 0;
        assertEq(_token.balanceOf(_alice), before - penalty);
        assertEq(_token.totalSupply(), supply - penalty);
        assertEq(_token.balanceOf(address(_pool)), 0);
    }

    function testFuzz_TheStreamIsLinear(uint256 reward, uint256 elapsed) public {
        reward = bound(reward, 1, 200_000_000e18);
        elapsed = bound(elapsed, 0, 14 days);
        uint256 id = _stake(_alice, 1e18, 0);
        _fund(reward);
        skipTime(elapsed);
        uint256 released = elapsed < 7 days ? reward * elapsed / 7 days : reward;
        assertEq(_pool.owed(address(_token)), released);
        assertEq(_pool.undistributed(address(_token)), reward - released);
        assertApproxEqAbs(_pool.claimable(id, address(_token)), released, 1);
        assertLe(_pool.claimable(id, address(_token)), released);
    }

    /// @dev However often somebody settles in between, the end of the stream pays all of it.
    function testFuzz_SettlingOftenLosesNothing(uint256 reward, uint256[8] memory steps) public {
        reward = bound(reward, 1, 1e18);
        uint256 id = _stake(_alice, 7e18, 0);
        _fund(reward);
        uint256 claimed;
        for (uint256 i; i < steps.length; ++i) {
            skipTime(bound(steps[i], 0, 1 days));
            if (_pool.claimable(id, address(_token)) == 0) continue;
            vm.prank(_alice);
            claimed += _pool.claim(id, address(_token));
        }
        skipTime(7 days);
        assertApproxEqAbs(claimed + _pool.claimable(id, address(_token)), reward, 7);
        assertEq(_pool.undistributed(address(_token)), 0);
    }

    function testFuzz_TwoStakersShareByWeightAndTime(
        uint256 amountA,
        uint256 amountB,
        uint256 lockA,
        uint256 lockB,
        uint256 reward,
        uint256 delay
    ) public {
        amountA = bound(amountA, 1, 40_000_000e18);
        amountB = bound(amountB, 1, 40_000_000e18);
        reward = bound(reward, 1e6, 200_000_000e18);
        delay = bound(delay, 0, 7 days);
        uint256 a = _stake(_alice, amountA, bound(lockA, 0, 365 days));
        _fund(reward);
        skipTime(delay);
        uint256 alone = reward * delay / 7 days;
        uint256 b = _stake(_bob, amountB, bound(lockB, 0, 365 days));
        skipTime(8 days);
        uint256 weightA = _pool.positionOf(a).weight;
        uint256 weightB = _pool.positionOf(b).weight;
        uint256 shareB = (reward - alone) * weightB / (weightA + weightB);
        // The accumulator keeps 18 decimals per unit of weight: what is not attributed yet is at most a few gwei.
        uint256 dust = 2 + (weightA + weightB) / 1e18 * 2;
        assertApproxEqAbs(_pool.claimable(b, address(_token)), shareB, dust);
        assertApproxEqAbs(_pool.claimable(a, address(_token)), reward - shareB, dust);
        assertLe(_pool.claimable(a, address(_token)) + _pool.claimable(b, address(_token)), reward);
    }

    function testFuzz_AFlashStakeEarnsNothing(uint256 amount, uint256 reward, uint256 elapsed) public {
        amount = bound(amount, 1, 40_000_000e18);
        reward = bound(reward, 1, 200_000_000e18);
        _stake(_alice, 1, 0);
        _fund(reward);
        skipTime(bound(elapsed, 0, 8 days));
        uint256 before = _token.balanceOf(_bob);
        vm.startPrank(_bob);
        _pool.unstake(_pool.stake(amount, 0));
        vm.stopPrank();
        assertEq(_token.balanceOf(_bob), before);
    }

    function testFuzz_ResettingTakesNothingThatWasEarned(uint256 amount, uint256 lock, uint256 reward) public {
        amount = bound(amount, 1, 40_000_000e18);
        lock = bound(lock, 1, 365 days);
        uint256 id = _stake(_alice, amount, lock);
        _stake(_bob, 1e18, 365 days);
        _fund(bound(reward, 1, 200_000_000e18));
        skipTime(lock);
        uint256 earned = _pool.claimable(id, address(_token));
        _pool.resetWeight(id);
        assertEq(_pool.claimable(id, address(_token)), earned);
        assertEq(_pool.positionOf(id).weight, amount);
    }
}
