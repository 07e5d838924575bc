// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

import {AIIGOToken} from "src/AIIGOToken.sol";
import {StakingPool} from "src/StakingPool.sol";

import {SuiteTest} from "../SuiteTest.sol";
import {Dollar} from "./Tokens.sol";

/// @dev A payment token whose issuer can bar accounts.
contract BarringDollar is ERC20("BarringDollar", "BUSD") {
    error Barred(address account);

    mapping(address account => bool) public barred;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function bar(address account) external {
        barred[account] = true;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (barred[from]) revert Barred(from);
        if (barred[to]) revert Barred(to);
        super._update(from, to, value);
    }
}

/// @title The pool as it gets deployed, with dollars listed, and words for what stakers do
abstract contract PoolFixture is SuiteTest {
    address internal constant ETH = address(0);
    uint256 internal constant WEEK = 7 days;

    AIIGOToken internal aiigo;
    StakingPool internal pool;
    Dollar internal dollar;
    address internal timelock;
    address internal court;
    address internal alice;
    address internal bob;

    function setUp() public virtual override {
        super.setUp();
        aiigo = suite.token;
        pool = suite.pool;
        timelock = address(suite.timelock);
        court = pool.court();
        dollar = new Dollar();
        vm.prank(timelock);
        pool.listRewardToken(address(dollar));
        alice = staker("alice");
        bob = staker("bob");
    }

    function staker(string memory name) internal returns (address who) {
        who = account(name, 1_000_000e18);
        vm.prank(who);
        aiigo.approve(address(pool), type(uint256).max);
    }

    function stake(address who, uint256 amount, uint256 lock) internal returns (uint256) {
        vm.prank(who);
        return pool.stake(amount, lock);
    }

    /// @dev From the treasury, whatever the token.
    function fund(address token, uint256 amount) internal {
        if (token == ETH) {
            vm.deal(timelock, timelock.balance + amount);
            vm.prank(timelock);
            pool.notifyReward{value: amount}(ETH, amount);
            return;
        }
        if (token != address(aiigo)) Dollar(token).mint(timelock, amount);
        vm.startPrank(timelock);
        Dollar(token).approve(address(pool), amount);
        pool.notifyReward(token, amount);
        vm.stopPrank();
    }

    function freeze(uint256 id, uint256 amount) internal {
        vm.prank(court);
        pool.freeze(id, amount);
    }
}
