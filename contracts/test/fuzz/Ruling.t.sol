// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Ruling} from "src/court/Ruling.sol";

contract RulingTest is Test {
    /// @dev The plain twin: counts, for each candidate, how many votes are smaller and how many are larger.
    function _rank(uint16[] memory votes, uint256 rank) private pure returns (uint16) {
        for (uint256 i; i < votes.length; ++i) {
            uint256 smaller;
            uint256 equal;
            for (uint256 j; j < votes.length; ++j) {
                if (votes[j] < votes[i]) ++smaller;
                if (votes[j] == votes[i]) ++equal;
            }
            if (smaller <= rank && rank < smaller + equal) return votes[i];
        }
        revert("no such rank");
    }

    function _votes(uint16[15] memory raw, uint256 count) private pure returns (uint16[] memory votes) {
        votes = new uint16[](bound(count, 1, 15));
        for (uint256 i; i < votes.length; ++i) {
            votes[i] = raw[i] % 10_001;
        }
    }

    function testFuzz_TheMiddleVotesAreThoseOfTheSortedList(uint16[15] memory raw, uint256 count) public pure {
        uint16[] memory votes = _votes(raw, count);
        uint16 expectedLow = _rank(votes, (votes.length - 1) / 2);
        uint16 expectedHigh = _rank(votes, votes.length / 2);
        (uint16 low, uint16 high) = Ruling.middle(votes);
        assertEq(low, expectedLow);
        assertEq(high, expectedHigh);
        if (votes.length % 2 == 1) assertEq(low, high);
        for (uint256 i = 1; i < votes.length; ++i) {
            assertLe(votes[i - 1], votes[i], "sorted");
        }
    }

    /// @dev Less than half of the votes can't carry the ruling beyond the others'.
    function testFuzz_AMinorityMovesTheRulingWithinTheOthersVotes(uint16[15] memory raw, uint256 count, uint256 bad)
        public
        pure
    {
        uint16[] memory votes = _votes(raw, count);
        bad = bound(bad, 0, (votes.length - 1) / 2);
        uint16 lowest = 10_000;
        uint16 highest;
        for (uint256 i = bad; i < votes.length; ++i) {
            if (votes[i] < lowest) lowest = votes[i];
            if (votes[i] > highest) highest = votes[i];
        }
        (uint16 low, uint16 high) = Ruling.middle(votes);
        uint16 share = Ruling.shareOf(low, high);
        assertGe(share, lowest);
        assertLe(share, highest);
    }

    function testFuzz_EveryRulingHasACoherentVote(uint16[15] memory raw, uint256 count, uint16 tolerance) public pure {
        uint16[] memory votes = _votes(raw, count);
        tolerance = uint16(bound(tolerance, 0, 5_000));
        (uint16 low, uint16 high) = Ruling.middle(votes);
        uint256 coherent;
        for (uint256 i; i < votes.length; ++i) {
            bool near = votes[i] >= low ? votes[i] <= high || votes[i] - high <= tolerance : low - votes[i] <= tolerance;
            assertEq(Ruling.isCoherent(votes[i], low, high, tolerance), near);
            if (near) ++coherent;
        }
        assertGe(coherent, votes.length % 2 == 1 ? 1 : 2);
        uint16 share = Ruling.shareOf(low, high);
        assertLe(low, share);
        assertLe(share, high);
    }

    function testFuzz_TheFeesLostAreOneFeeWhateverTheProviderHad(uint96 fee, uint96 providerFee, uint16 share)
        public
        pure
    {
        share = uint16(bound(share, 0, 10_000));
        providerFee = uint96(bound(providerFee, 0, fee));
        (uint256 fromBuyer, uint256 fromProvider) = Ruling.feesLost(fee, providerFee, share);
        assertEq(fromBuyer + fromProvider, fee);
        assertLe(fromProvider, providerFee);
        if (share == 0) assertEq(fromProvider, providerFee);
        if (share == 10_000) assertEq(fromProvider, 0);
    }

    function testFuzz_AnAppealIsWonByMoreThanTheTolerance(uint16 before, uint16 share, uint16 tolerance) public pure {
        before = uint16(bound(before, 0, 10_000));
        share = uint16(bound(share, 0, 10_000));
        tolerance = uint16(bound(tolerance, 0, 5_000));
        int256 moved = int256(uint256(share)) - int256(uint256(before));
        assertEq(Ruling.appealWon(true, before, share, tolerance), moved > int256(uint256(tolerance)));
        assertEq(Ruling.appealWon(false, before, share, tolerance), -moved > int256(uint256(tolerance)));
    }
}
