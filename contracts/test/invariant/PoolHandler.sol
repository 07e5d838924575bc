// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CommonBase} from "forge-std/Base.sol";
import {StdUtils} from "forge-std/StdUtils.sol";

import {AIIGOToken} from "src/AIIGOToken.sol";
import {StakingPool} from "src/StakingPool.sol";

/// @dev Random stakers, funders and time; keeps its own books.
contract PoolHandler is CommonBase, StdUtils {
    AIIGOToken private immutable _token;
    StakingPool private immutable _pool;
    address private immutable _treasury;

    address[] public actors;
    uint256[] public open; // ids of open positions
    uint256 public funded;
    uint256 public paid;
    uint256 public burned;
    uint256 public largestWeight;
    uint256 public closed;

    constructor(AIIGOToken token, StakingPool pool, address treasury, address[] memory actors_) {
        _token = token;
        _pool = pool;
        _treasury = treasury;
        actors = actors_;
        for (uint256 i; i < actors_.length; ++i) {
            vm.prank(actors_[i]);
            token.approve(address(pool), type(uint256).max);
        }
    }

    function stake(uint256 actor, uint256 amount, uint256 lock) external {
        address who = actors[actor % actors.length];
        uint256 balance = _token.balanceOf(who);
        if (balance == 0) return;
        // Small and large stakes alike: the size of the numbers is as random as the numbers.
        amount = bound(amount % 10 ** (actor % 27), 1, balance);
        vm.prank(who);
        open.push(_pool.stake(amount, bound(lock, 0, 365 days)));
        uint256 weight = _pool.totalWeight();
        if (weight > largestWeight) largestWeight = weight;
    }

    function unstake(uint256 index) external {
        if (open.length == 0) return;
        index %= open.length;
        uint256 id = open[index];
        address who = _pool.positionOf(id).owner;
        uint256 amount = _pool.positionOf(id).amount;
        uint256 before = _token.balanceOf(who);
        uint256 supply = _token.totalSupply();
        vm.prank(who);
        _pool.unstake(id);
        uint256 penalty = supply - _token.totalSupply();
        burned += penalty;
        paid += _token.balanceOf(who) - before - (amount - penalty);
        open[index] = open[open.length - 1];
        open.pop();
        ++closed;
    }

    function claim(uint256 index) external {
        if (open.length == 0) return;
        uint256 id = open[index % open.length];
        if (_pool.claimable(id, address(_token)) == 0) return;
        vm.prank(_pool.positionOf(id).owner);
        paid += _pool.claim(id, address(_token));
    }

    function resetWeight(uint256 index) external {
        if (open.length == 0) return;
        uint256 id = open[index % open.length];
        if (block.timestamp < _pool.positionOf(id).unlocksAt) return;
        _pool.resetWeight(id);
    }

    function fund(uint256 amount) external {
        amount = bound(amount % 10 ** (amount % 25), 1, 1_000_000e18);
        vm.startPrank(_treasury);
        _token.approve(address(_pool), amount);
        _pool.notifyReward(address(_token), amount);
        vm.stopPrank();
        funded += amount;
    }

    function wait(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + bound(time, 1, time % 2 == 0 ? 1 days : 100 days));
    }

    function delegate(uint256 actor, uint256 to) external {
        vm.prank(actors[actor % actors.length]);
        _pool.delegate(actors[to % actors.length]);
    }

    function openCount() external view returns (uint256) {
        return open.length;
    }
}
