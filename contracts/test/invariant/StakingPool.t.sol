// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AIIGOToken} from "src/AIIGOToken.sol";
import {StakingPool} from "src/StakingPool.sol";

import {SuiteTest} from "../SuiteTest.sol";
import {PoolHandler} from "./PoolHandler.sol";

contract StakingPoolInvariantTest is SuiteTest {
    uint256 private constant ACTORS = 4;

    AIIGOToken private _token;
    StakingPool private _pool;
    PoolHandler private _handler;
    address[] private _actors;

    function setUp() public override {
        super.setUp();
        _token = suite.token;
        _pool = suite.pool;
        for (uint256 i; i < ACTORS; ++i) {
            _actors.push(account(string.concat("actor ", vm.toString(i)), 20_000_000e18));
        }
        _handler = new PoolHandler(_token, _pool, address(suite.timelock), _actors);
        targetContract(address(_handler));
    }

    /// @dev DESIGN 2.10, invariant 4.
    function invariant_ThePoolHoldsPositionsAndRewardsToTheWei() public view {
        assertEq(
            _token.balanceOf(address(_pool)),
            _pool.totalStaked() + _pool.undistributed(address(_token)) + _pool.owed(address(_token))
        );
    }

    function invariant_EveryFundedWeiIsPaidOwedOrUndistributed() public view {
        assertEq(
            _handler.funded(), _handler.paid() + _pool.owed(address(_token)) + _pool.undistributed(address(_token))
        );
    }

    function invariant_ClaimableIsWhatIsOwedButForDust() public view {
        uint256 claimable;
        uint256 count = _handler.openCount();
        for (uint256 i; i < count; ++i) {
            claimable += _pool.claimable(_handler.open(i), address(_token));
        }
        assertLe(claimable, _pool.owed(address(_token)));
        // Nobody staked: what is left is less than a wei of each closed position and the last division's remainder.
        uint256 dust = count + _handler.closed() + _handler.largestWeight() / 1e18 + 1;
        assertLe(_pool.owed(address(_token)) - claimable, dust);
    }

    function invariant_TotalsAreSumsOfPositions() public view {
        uint256 amount;
        uint256 weight;
        uint256[ACTORS] memory staked;
        for (uint256 i; i < _handler.openCount(); ++i) {
            StakingPool.Position memory position = _pool.positionOf(_handler.open(i));
            amount += position.amount;
            weight += position.weight;
            assertGe(position.weight, position.amount);
            assertLe(position.weight, 2 * uint256(position.amount));
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

    function invariant_EveryDelegatedStakeVotesOnce() public view {
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
