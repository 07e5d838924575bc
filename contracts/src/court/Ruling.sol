// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BPS} from "../libraries/Shares.sol";

/// @title What votes decide: the ruling, who voted as it, and what it costs the parties
/// @dev The ruling is the median. Of an even number of votes it is the mean of the two middle ones, so that a juror's
/// silence moves the ruling to neither side; and those two, with everything between them, count as coherent, so that every
/// ruling has a coherent juror and nobody pays for being one half of a tie.
library Ruling {
    /// @notice The two middle votes; the same one twice if their number is odd. Sorts `votes` in place.
    /// @param votes At least one, and few: insertion sort.
    function middle(uint16[] memory votes) internal pure returns (uint16 low, uint16 high) {
        uint256 count = votes.length;
        for (uint256 i = 1; i < count; ++i) {
            uint16 vote = votes[i];
            uint256 j = i;
            for (; j != 0 && votes[j - 1] > vote; --j) {
                votes[j] = votes[j - 1];
            }
            votes[j] = vote;
        }
        return (votes[(count - 1) / 2], votes[count / 2]);
    }

    /// @notice The provider's share: the mean of the two middle votes, rounded down.
    function shareOf(uint16 low, uint16 high) internal pure returns (uint16) {
        // casting is safe: not above the larger one
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint16((uint256(low) + high) / 2);
    }

    /// @notice Whether a vote lies between the middle votes or at most `tolerance` away from them.
    function isCoherent(uint16 vote, uint16 low, uint16 high, uint16 tolerance) internal pure returns (bool) {
        return uint256(vote) + tolerance >= low && vote <= uint256(high) + tolerance;
    }

    /// @notice What the parties pay the jury, together one case fee: the loser; in between, each side for what it lost. The
    /// buyer's side answers for what the provider's stake lacked: no case is judged for nothing.
    /// @param fee What the buyer's side gave.
    /// @param providerFee What the provider's stake gave: at most as much.
    function feesLost(uint96 fee, uint96 providerFee, uint16 share)
        internal
        pure
        returns (uint256 fromBuyer, uint256 fromProvider)
    {
        uint256 lost = uint256(fee) * (BPS - share) / BPS;
        fromProvider = lost < providerFee ? lost : providerFee;
        fromBuyer = fee - fromProvider;
    }

    /// @notice Whether an appeal moved the ruling to the appellant's side by more than what votes may differ anyway.
    function appealWon(bool byProvider, uint16 before, uint16 share, uint16 tolerance) internal pure returns (bool) {
        return byProvider ? share > uint256(before) + tolerance : uint256(share) + tolerance < before;
    }
}
