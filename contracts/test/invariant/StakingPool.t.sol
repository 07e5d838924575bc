// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {AIIGOToken} from "src/AIIGOToken.sol";
import {StakingPool} from "src/StakingPool.sol";

import {SuiteTest} from "../SuiteTest.sol";
import {Dollar} from "../utils/Tokens.sol";
import {PoolHandler} from "./PoolHandler.sol";

contract StakingPoolInvariantTest is SuiteTest {
    uint256 private constant ACTORS = 4;

    AIIGOToken private _token;
    StakingPool private _pool;
    PoolHandler private _handler;
    address[] private _actors;
    address[3] private _tokens;

    function setUp() public override {
        super.setUp();
        _token = suite.token;
        _pool = suite.pool;
        Dollar dollar = new Dollar();
        vm.prank(address(suite.timelock));
        _pool.listRewardToken(address(dollar));
        _tokens = [address(_token), address(0), address(dollar)];
        for (uint256 i; i < ACTORS; ++i) {
            _actors.push(account(string.concat("actor ", vm.toString(i)), 20_000_000e18));
        }
        _handler = new PoolHandler(_token, _pool, address(suite.timelock), dollar, _actors);
        targetContract(address(_handler));
    }

    /// @dev One campaign checks all of it: the calls cost more than the checks.
    function invariant_ThePoolsBooksBalance() public view {
        _thePoolHoldsPositionsAndRewardsToTheWei();
        _everyFundedWeiIsPaidOwedOrUndistributed();
        _claimableIsWhatIsOwedButForDust();
        _totalsAreSumsOfPositions();
        _frozenStakeNeverLeaves();
        _everyDelegatedStakeVotesOnce();
    }

    /// @dev DESIGN 2.10, invariant 4, for each token.
    function _thePoolHoldsPositionsAndRewardsToTheWei() private view {
        for (uint256 i; i < 3; ++i) {
            address token = _tokens[i];
            uint256 holdings = token == address(0) ? address(_pool).balance : IERC20(token).balanceOf(address(_pool));
            if (i == 0) holdings -= _pool.totalStaked();
            assertEq(holdings, _pool.undistributed(token) + _pool.owed(token));
        }
    }

    function _everyFundedWeiIsPaidOwedOrUndistributed() private view {
        for (uint256 i; i < 3; ++i) {
            address token = _tokens[i];
            assertEq(_pool.funded(token), _handler.funded(token));
            assertEq(_pool.funded(token), _handler.paid(token) + _pool.owed(token) + _pool.undistributed(token));
        }
    }

    function _claimableIsWhatIsOwedButForDust() private view {
        uint256 open = _handler.openCount();
        uint256 closed = _handler.closedCount();
        for (uint256 i; i < 3; ++i) {
            address token = _tokens[i];
            uint256 claimable;
            for (uint256 j; j < open; ++j) {
                claimable += _pool.claimable(_handler.open(j), token);
            }
            for (uint256 j; j < closed; ++j) {
                claimable += _pool.claimable(_handler.closed(j), token);
            }
            assertLe(claimable, _pool.owed(token));
            // Nobody staked: what is left is less than a unit of each position and the last division's remainder.
            assertLe(_pool.owed(token) - claimable, open + closed + 2);
        }
    }

    function _totalsAreSumsOfPositions() private view {
        uint256 amount;
        uint256 weight;
        uint256[ACTORS] memory staked;
        for (uint256 i; i < _handler.openCount(); ++i) {
            uint256 id = _handler.open(i);
            StakingPool.Position memory position = _pool.positionOf(id);
            amount += position.amount;
            weight += position.weight;
            assertGe(position.weight, position.amount);
            assertLe(position.weight, 2 * uint256(position.amount));
            assertEq(position.frozen, _handler.frozen(id));
            assertLe(position.frozen, position.amount);
            for (uint256 j; j < ACTORS; ++j) {
                if (position.owner == _actors[j]) staked[j] += position.amount;
            }
        }
        assertEq(_pool.totalStaked(), amount);
        assertEq(_pool.totalWeight(), weight);
        for (uint256 j; j < ACTORS; ++j) {
            assertEq(_pool.stakedOf(_actors[j]), staked[j]);
        }
    }

    function _frozenStakeNeverLeaves() private view {
        assertEq(_handler.escapes(), 0);
    }

    function _everyDelegatedStakeVotesOnce() private view {
        uint256 votes;
        uint256 delegated;
        for (uint256 i; i < ACTORS; ++i) {
            votes += _pool.getVotes(_actors[i]);
            if (_pool.delegates(_actors[i]) != address(0)) delegated += _pool.stakedOf(_actors[i]);
        }
        assertEq(votes, delegated);
        assertEq(_token.delegates(address(_pool)), address(0));
    }
}
