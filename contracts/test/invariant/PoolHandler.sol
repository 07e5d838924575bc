// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CommonBase} from "forge-std/Base.sol";
import {StdUtils} from "forge-std/StdUtils.sol";

import {AIIGOToken} from "src/AIIGOToken.sol";
import {StakingPool} from "src/StakingPool.sol";
import {IStakingPool} from "src/interfaces/IStakingPool.sol";

import {Dollar} from "../utils/Tokens.sol";

/// @dev Random stakers, funders, courts and time; keeps its own books.
contract PoolHandler is CommonBase, StdUtils {
    AIIGOToken private immutable _token;
    StakingPool private immutable _pool;
    address private immutable _treasury;
    address private immutable _court;
    address[3] private _tokens;

    address[] public actors;
    uint256[] public open; // ids of open positions
    uint256[] public closed;
    mapping(address token => uint256) public funded;
    mapping(address token => uint256) public paid;
    mapping(uint256 id => uint256) public frozen;
    uint256 public burned;
    uint256 public seized;
    uint256 public largestWeight;
    uint256 public escapes; // from frozen positions

    constructor(AIIGOToken token, StakingPool pool, address treasury, Dollar dollar, address[] memory actors_) {
        _token = token;
        _pool = pool;
        _treasury = treasury;
        _court = pool.court();
        _tokens = [address(token), address(0), address(dollar)];
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
        IStakingPool.Position memory position = _pool.positionOf(id);
        uint256 before = _token.balanceOf(position.owner);
        uint256 supply = _token.totalSupply();
        vm.prank(position.owner);
        try _pool.unstake(id) {
            if (frozen[id] > 0) ++escapes;
        } catch {
            return;
        }
        uint256 penalty = supply - _token.totalSupply();
        burned += penalty;
        paid[address(_token)] += _token.balanceOf(position.owner) - before - (position.amount - penalty);
        _close(index);
    }

    function claim(uint256 index, uint256 token) external {
        if (open.length == 0) return;
        _claim(open[index % open.length], _tokens[token % 3], _pool.positionOf(open[index % open.length]).owner);
    }

    /// @dev Whoever owned it: the pool says who may.
    function claimClosed(uint256 index, uint256 token) external {
        if (closed.length == 0) return;
        for (uint256 i; i < actors.length; ++i) {
            _claim(closed[index % closed.length], _tokens[token % 3], actors[i]);
        }
    }

    function resetWeight(uint256 index) external {
        if (open.length == 0) return;
        uint256 id = open[index % open.length];
        if (block.timestamp < _pool.positionOf(id).unlocksAt) return;
        _pool.resetWeight(id);
    }

    function freeze(uint256 index, uint256 amount) external {
        if (open.length == 0) return;
        uint256 id = open[index % open.length];
        uint256 free = _pool.positionOf(id).amount - frozen[id];
        if (free == 0) return;
        amount = amount % 4 == 0 ? free : bound(amount, 1, free);
        vm.prank(_court);
        _pool.freeze(id, amount);
        frozen[id] += amount;
    }

    function unfreeze(uint256 index, uint256 amount) external {
        if (open.length == 0) return;
        uint256 id = open[index % open.length];
        if (frozen[id] == 0) return;
        amount = amount % 2 == 0 ? frozen[id] : bound(amount, 1, frozen[id]);
        vm.prank(_court);
        _pool.unfreeze(id, amount);
        frozen[id] -= amount;
    }

    function seize(uint256 index, uint256 amount) external {
        if (open.length == 0) return;
        index %= open.length;
        uint256 id = open[index];
        if (frozen[id] == 0) return;
        amount = amount % 4 == 0 ? frozen[id] : bound(amount, 1, frozen[id]);
        bool all = amount == _pool.positionOf(id).amount;
        vm.prank(_court);
        _pool.seize(id, amount, _court);
        frozen[id] -= amount;
        seized += amount;
        if (all) _close(index);
    }

    function fund(uint256 token, uint256 amount) external {
        amount = bound(amount % 10 ** (amount % 25), 1, 1_000_000e18);
        address paidIn = _tokens[token % 3];
        funded[paidIn] += amount;
        if (paidIn == address(0)) {
            vm.deal(_treasury, amount);
            vm.prank(_treasury);
            _pool.notifyReward{value: amount}(paidIn, amount);
            return;
        }
        if (paidIn != address(_token)) Dollar(paidIn).mint(_treasury, amount);
        vm.startPrank(_treasury);
        Dollar(paidIn).approve(address(_pool), amount);
        _pool.notifyReward(paidIn, amount);
        vm.stopPrank();
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

    function closedCount() external view returns (uint256) {
        return closed.length;
    }

    function _claim(uint256 id, address token, address owner) private {
        if (_pool.claimable(id, token) == 0) return;
        vm.prank(owner);
        try _pool.claim(id, token) returns (uint256 amount) {
            paid[token] += amount;
        } catch {}
    }

    function _close(uint256 index) private {
        closed.push(open[index]);
        open[index] = open[open.length - 1];
        open.pop();
    }
}
