// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Books} from "./Books.sol";

/// @title What stakers do with their positions, jurors' among them
abstract contract Stakers is Books {
    uint256 internal constant MAX_POSITIONS = 30;

    address[] internal stakers;

    function stakerStakes(uint256 seed) external acts {
        if (positionIds.length >= MAX_POSITIONS) return;
        address staker = stakers[_random(seed, "staker") % stakers.length];
        uint256 amount = _bound(_random(seed, "amount"), 1, _seldom(seed, "dust", 8) ? 1_000 : 50_000e18);
        uint256 lock = _bound(_random(seed, "lock"), 0, [0, 7 days, 30 days, 365 days][_random(seed, "longest") % 4]);
        vm.prank(faucet);
        token.transfer(staker, amount);
        vm.prank(staker);
        token.approve(address(pool), amount);
        bool paused = _isPaused();
        vm.prank(staker);
        try pool.stake(amount, lock) returns (uint256 id) {
            assertFalse(paused, "11: a pause refuses entry");
            _bookPosition(id, staker, amount, lock);
            ++reached["position opened"];
        } catch {
            assertTrue(paused, "a stake was refused");
        }
    }

    function stakerUnstakes(uint256 seed) external acts {
        uint256 id = _position(seed);
        if (id != 0) _unstake(id);
    }

    function stakerClaims(uint256 seed) external acts {
        uint256 id = _position(seed);
        if (id != 0) _claim(id, _paymentTokens()[_random(seed, "token") % 3]);
    }

    function keeperResets(uint256 seed) external acts {
        uint256 id = _position(seed);
        if (id == 0 || positionBooks[id].amount == 0) return;
        uint256 weight = pool.positionOf(id).weight;
        bool may = block.timestamp >= positionBooks[id].unlocksAt;
        bool done = _try(keeper, address(pool), abi.encodeCall(pool.resetWeight, (id)));
        assertEq(done, may, "9: a weight falls after its lock only");
        if (done && weight != pool.positionOf(id).weight) ++reached["weight reset"];
    }

    function stakerDelegates(uint256 seed) external acts {
        address staker = stakers[_random(seed, "staker") % stakers.length];
        vm.prank(staker);
        pool.delegate(stakers[_random(seed, "to") % stakers.length]);
    }

    // ---------------------------------------------------------------- Inside

    function _position(uint256 seed) private view returns (uint256) {
        return positionIds.length == 0 ? 0 : positionIds[_random(seed, "position") % positionIds.length];
    }

    /// @dev Of nothing frozen; before the end of the lock 5% are burned.
    function _unstake(uint256 id) internal returns (bool done) {
        PositionBook storage book = positionBooks[id];
        if (book.amount == 0) return false;
        bool may = pool.positionOf(id).frozen == 0;
        uint256 before = token.balanceOf(book.owner);
        done = _try(book.owner, address(pool), abi.encodeCall(pool.unstake, (id)));
        assertEq(done, may, "4: what is frozen stays, what is not can leave");
        if (!done) {
            ++reached["frozen stake stayed"];
            return false;
        }
        uint256 penalty = block.timestamp < book.unlocksAt ? book.amount * 5 / 100 : 0;
        burned += penalty;
        paid[address(token)] += token.balanceOf(book.owner) - before - (book.amount - penalty);
        book.amount = 0;
        ++reached[penalty == 0 ? "unstaked" : "unstaked early"];
    }

    /// @dev Closed positions leave the list with their last claim.
    function _claim(uint256 id, address rewardToken) internal {
        address owner = positionBooks[id].owner;
        if (pool.claimable(id, rewardToken) != 0) {
            uint256 before = _held(owner, rewardToken);
            vm.prank(owner);
            uint256 amount = pool.claim(id, rewardToken);
            assertEq(_held(owner, rewardToken) - before, amount, "4: what is claimed arrives");
            paid[rewardToken] += amount;
            ++reached["reward claimed"];
        }
        if (positionBooks[id].amount != 0) return;
        address[3] memory tokens = _paymentTokens();
        for (uint256 i; i < 3; ++i) {
            if (pool.claimable(id, tokens[i]) != 0) return;
        }
        for (uint256 i; i < positionIds.length; ++i) {
            if (positionIds[i] != id) continue;
            positionIds[i] = positionIds[positionIds.length - 1];
            positionIds.pop();
            return;
        }
    }
}
