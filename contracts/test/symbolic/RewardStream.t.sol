// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Earnings, RewardStream, RewardStreams} from "src/staking/RewardStream.sol";

/// @notice The reward accumulator from every state that its own rules allow: a stream whose end is at most `DURATION` away,
/// and a remainder that one unit of weight can't have caused. Funds have 120 bits: with the scale of 1e36 that is where
/// 256 bits end, and a coin with 18 decimals has 40 of them to spare.
contract RewardStreamSymbolicTest is Test {
    using RewardStreams for RewardStream;

    uint256 internal constant SCALE = RewardStreams.SCALE;
    uint256 internal constant NOW = 1_800_000_000;

    RewardStream internal stream;
    Earnings internal one;
    Earnings internal other;

    function check_AStreamReleasesAtMostWhatIsLeft(uint120 left, uint40 elapsed, uint40 remaining, uint128 weight)
        public
    {
        _stream(left, 0, elapsed, remaining);
        (uint256 released,) = stream.released(weight);
        assert(released <= left);
    }

    function check_AtItsEndNothingIsLeft(uint120 left, uint40 elapsed, uint40 remaining, uint128 weight) public {
        vm.assume(weight != 0 && elapsed != 0 && elapsed >= remaining);
        _stream(left, 0, elapsed, remaining);
        (uint256 released,) = stream.released(weight);
        assert(released == left);
    }

    /// @dev Released in proportion to time: what comes of the first part is never more than its share.
    function check_NothingFlowsAheadOfTime(uint120 left, uint40 elapsed, uint40 remaining, uint128 weight) public {
        vm.assume(weight != 0 && elapsed < remaining);
        _stream(left, 0, elapsed, remaining);
        (uint256 released,) = stream.released(weight);
        assert(released * remaining <= uint256(left) * elapsed);
        assert((released + 1) * remaining > uint256(left) * elapsed || elapsed == 0);
    }

    function check_WhileNobodyIsStakedTheStreamStandsStill(uint120 left, uint32 elapsed, uint32 remaining) public {
        vm.assume(left != 0);
        _stream(left, 0, elapsed, remaining);
        stream.advance(0);
        assert(stream.undistributed == left && stream.owed == 0);
        assert(stream.endsAt - stream.updatedAt == remaining);
    }

    /// @dev funded x SCALE = undistributed x SCALE + remainder + accumulator x weight, before and after.
    function check_AReleaseIsAttributedToTheUnit(
        uint120 left,
        uint40 elapsed,
        uint40 remaining,
        uint128 weight,
        uint128 rest
    ) public {
        vm.assume(weight != 0);
        _stream(left, rest, elapsed, remaining);
        stream.advance(weight);
        assert(uint256(stream.undistributed) + stream.owed == left);
        assert(stream.rewardPerWeight * weight + stream.remainder == uint256(stream.owed) * SCALE + rest);
    }

    /// @dev Two positions that make up the whole weight; it holds for more by adding them up one by one.
    function check_ThePositionsEarnWhatWasReleased(uint120 left, uint128 mine, uint128 theirs) public {
        vm.assume(mine != 0 && uint256(mine) + theirs <= type(uint128).max);
        _stream(left, 0, 1, 1);
        stream.advance(uint256(mine) + theirs);
        stream.settle(one, mine);
        stream.settle(other, theirs);
        assert(one.earned + other.earned + stream.remainder == uint256(left) * SCALE);
    }

    function check_ASettlementIsNotRepeated(uint120 left, uint128 weight) public {
        vm.assume(weight != 0);
        _stream(left, 0, 1, 1);
        stream.advance(weight);
        stream.settle(one, weight);
        uint256 earned = one.earned;
        stream.settle(one, weight);
        assert(one.earned == earned);
    }

    function check_TakingPaysWholeUnitsAndKeepsTheFraction(uint248 earned, uint128 owed) public {
        vm.assume(earned / SCALE <= owed);
        one.earned = earned;
        stream.owed = owed;
        uint256 amount = stream.take(one);
        assert(amount * SCALE + one.earned == earned);
        assert(one.earned < SCALE);
        assert(stream.owed + amount == owed);
    }

    function check_TheFractionOfWhoLeavesStaysInThePool(uint248 earned, uint128 rest) public {
        one.earned = earned;
        stream.remainder = rest;
        stream.handOver(one);
        assert(one.earned + stream.remainder == uint256(earned) + rest);
        assert(one.earned % SCALE == 0);
    }

    /// @dev The new end is between the old one and the longest: nobody can hold a stream back or pull it forward.
    function check_ANewRewardEndsBetweenBothEnds(uint120 left, uint120 amount, uint24 remaining) public {
        vm.assume(left != 0 && amount != 0 && remaining <= RewardStreams.DURATION);
        _stream(left, 0, 0, remaining);
        stream.add(amount);
        uint256 after_ = stream.endsAt - NOW;
        assert(stream.undistributed == uint256(left) + amount);
        assert(after_ >= remaining && after_ <= RewardStreams.DURATION);
    }

    function check_TheViewSaysWhatTakingPays(uint120 left, uint40 elapsed, uint40 remaining, uint128 weight) public {
        vm.assume(weight != 0);
        _stream(left, 0, elapsed, remaining);
        uint256 claimable = stream.claimable(one, weight, weight);
        stream.advance(weight);
        stream.settle(one, weight);
        assert(stream.take(one) == claimable);
    }

    /// @dev A stream last brought up to date `elapsed` seconds ago, that then had `remaining` seconds to go.
    function _stream(uint120 left, uint128 rest, uint40 elapsed, uint40 remaining) private {
        vm.assume(elapsed <= 400 days && remaining <= 400 days && remaining != 0);
        vm.warp(NOW);
        stream.funded = left;
        stream.undistributed = left;
        stream.remainder = rest;
        stream.updatedAt = uint40(NOW) - elapsed;
        stream.endsAt = uint40(NOW) - elapsed + remaining;
    }
}
