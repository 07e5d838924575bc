// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Ruling} from "src/court/Ruling.sol";
import {BPS} from "src/libraries/Shares.sol";

/// @notice What votes decide, for every vote. Three jurors take every order of their votes; for seven the sort has 5,040
/// courses, so there the first five are sorted already, as the sort itself leaves them, and the last two come in anywhere.
contract RulingSymbolicTest is Test {
    /// @custom:halmos --loop 4
    function check_TheMedianOfThreeHasOneOnEachSide(uint16 a, uint16 b, uint16 c) public pure {
        uint16[] memory votes = new uint16[](3);
        (votes[0], votes[1], votes[2]) = (a, b, c);
        (uint16 low, uint16 high) = Ruling.middle(votes);
        assert(low == high);
        assert(low == a || low == b || low == c);
        assert(_count(a <= low, b <= low, c <= low) >= 2);
        assert(_count(a >= low, b >= low, c >= low) >= 2);
    }

    /// @dev Fewer than the majority of three can't push the ruling past what an honest one voted.
    /// @custom:halmos --loop 4
    function check_OneLiarAmongThreeMovesTheRulingBetweenTheOthers(uint16 a, uint16 b, uint16 liar) public pure {
        vm.assume(a <= b);
        uint16[] memory votes = new uint16[](3);
        (votes[0], votes[1], votes[2]) = (liar, b, a);
        (uint16 median,) = Ruling.middle(votes);
        assert(median >= a && median <= b);
    }

    /// @custom:halmos --loop 16
    function check_TheMedianOfSevenIsTheFourth(uint16[5] memory sorted, uint16 x, uint16 y) public pure {
        uint16[] memory votes = new uint16[](7);
        for (uint256 i; i < 5; ++i) {
            if (i != 0) vm.assume(sorted[i - 1] <= sorted[i]);
            votes[i] = sorted[i];
        }
        (votes[5], votes[6]) = (x, y);
        (uint16 low, uint16 high) = Ruling.middle(votes);
        assert(low == high);
        // Two votes move the middle of five by one place at most.
        assert(low >= sorted[1] && low <= sorted[3]);
        if (x <= sorted[2] && y >= sorted[2]) assert(low == sorted[2]);
        if (x <= sorted[1] && y <= sorted[1]) assert(low == sorted[1]);
        if (x >= sorted[3] && y >= sorted[3]) assert(low == sorted[3]);
    }

    function check_TheShareLiesBetweenTheMiddleVotes(uint16 low, uint16 high) public pure {
        vm.assume(low <= high);
        uint16 share = Ruling.shareOf(low, high);
        assert(low <= share && share <= high);
        assert(uint256(high) - share >= uint256(share) - low && uint256(high) - share <= uint256(share) - low + 1);
    }

    /// @dev Whoever voted the ruling itself never pays for it.
    function check_TheRulingIsCoherentWithItself(uint16 vote, uint16 low, uint16 high, uint16 tolerance) public pure {
        vm.assume(low <= vote && vote <= high);
        assert(Ruling.isCoherent(vote, low, high, tolerance));
    }

    function check_WhoIsFarOffIsNotCoherent(uint16 vote, uint16 low, uint16 high, uint16 tolerance) public pure {
        vm.assume(low <= high);
        bool far = uint256(vote) + tolerance < low || uint256(high) + tolerance < vote;
        assert(Ruling.isCoherent(vote, low, high, tolerance) != far);
    }

    function check_TheJuryGetsOneCaseFee(uint96 fee, uint96 providerFee, uint16 share) public pure {
        vm.assume(share <= BPS && providerFee <= fee);
        (uint256 fromBuyer, uint256 fromProvider) = Ruling.feesLost(fee, providerFee, share);
        assert(fromBuyer + fromProvider == fee);
    }

    /// @dev As far as its stake paid it in.
    function check_AProviderLosesItsPartOfTheCaseFee(uint96 fee, uint96 providerFee, uint16 share) public pure {
        vm.assume(share <= BPS && providerFee <= fee);
        (, uint256 fromProvider) = Ruling.feesLost(fee, providerFee, share);
        assert(fromProvider <= providerFee && fromProvider * BPS <= uint256(fee) * (BPS - share));
    }

    function check_WhoWinsAllLosesNoCaseFee(uint96 fee, uint96 providerFee) public pure {
        vm.assume(providerFee <= fee);
        (, uint256 fromProvider) = Ruling.feesLost(fee, providerFee, uint16(BPS));
        assert(fromProvider == 0);
        (, fromProvider) = Ruling.feesLost(fee, providerFee, 0);
        assert(fromProvider == providerFee);
    }

    function _count(bool a, bool b, bool c) private pure returns (uint256) {
        return (a ? 1 : 0) + (b ? 1 : 0) + (c ? 1 : 0);
    }
}
