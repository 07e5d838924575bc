// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @dev Rewards in one token on their way to the weights of the pool.
struct RewardStream {
    // slot 0
    uint128 undistributed; // funded, not released yet
    uint128 owed; // released, not paid yet
    // slot 1
    uint128 funded; // ever; that it fits bounds every other number here
    uint40 updatedAt;
    uint40 endsAt;
    // slot 2
    uint256 rewardPerWeight; // token units x SCALE per unit of weight
    // slot 3
    uint256 remainder; // released, not attributed yet, token units x SCALE
}

/// @dev What a position has of one token.
struct Earnings {
    uint256 rewardPerWeightPaid; // accumulator at the last settlement
    uint256 earned; // settled, unclaimed, token units x SCALE
}

/// @title The arithmetic of a reward stream
/// @dev Exact: what a division leaves over is carried to the next one, so that at any time
///
///     funded x SCALE = (paid + undistributed) x SCALE + remainder + sum of what the positions earned x SCALE
///
/// A stream releases `undistributed x elapsed / time left`: at its end nothing is left. While nobody is staked it
/// stands still. Nothing here overflows: a position's weight is part of the total weight for as long as it earns, so
/// what it earns is at most funded x SCALE < 2^248.
library RewardStreams {
    using SafeCast for uint256;

    /// @dev So large that a reward of a coin with six decimals moves the accumulator every second.
    uint256 internal constant SCALE = 1e36;
    /// @dev Seconds over which a new reward is streamed.
    uint256 internal constant DURATION = 7 days;
    uint256 private constant RATE_SCALE = 1e18;

    /// @dev What was released since the last update, and when the stream ends: later, if nobody was there to receive it.
    function released(RewardStream storage self, uint256 totalWeight)
        internal
        view
        returns (uint256 amount, uint40 endsAt)
    {
        endsAt = self.endsAt;
        uint256 left = self.undistributed;
        uint256 elapsed = block.timestamp - self.updatedAt;
        if (left == 0 || elapsed == 0) return (0, endsAt);
        if (totalWeight == 0) return (0, (endsAt + elapsed).toUint40());
        uint256 remaining = endsAt - self.updatedAt;
        amount = elapsed < remaining ? left * elapsed / remaining : left;
    }

    /// @dev Brings the stream to the present. Comes before any change of a weight.
    function advance(RewardStream storage self, uint256 totalWeight) internal {
        (uint256 amount, uint40 endsAt) = released(self, totalWeight);
        self.endsAt = endsAt;
        self.updatedAt = block.timestamp.toUint40();
        if (amount == 0) return;
        self.undistributed -= amount.toUint128();
        self.owed += amount.toUint128();
        uint256 total = amount * SCALE + self.remainder;
        self.rewardPerWeight += total / totalWeight;
        self.remainder = total % totalWeight;
    }

    /// @dev Adds to a stream that was brought to the present. Its new end is the mean of both ends, weighted by amount:
    /// many tiny rewards can't hold back a large one.
    function add(RewardStream storage self, uint256 amount) internal {
        self.funded = (self.funded + amount).toUint128();
        uint256 left = self.undistributed;
        uint256 remaining = left == 0 ? 0 : self.endsAt - block.timestamp;
        remaining = (left * remaining + amount * DURATION) / (left + amount);
        self.undistributed = (left + amount).toUint128();
        self.endsAt = (block.timestamp + remaining).toUint40();
    }

    /// @dev Moves what a weight earned since its last settlement to its earnings. The stream is at the present.
    function settle(RewardStream storage self, Earnings storage earnings, uint256 weight) internal {
        uint256 rewardPerWeight = self.rewardPerWeight;
        earnings.earned += weight * (rewardPerWeight - earnings.rewardPerWeightPaid);
        earnings.rewardPerWeightPaid = rewardPerWeight;
    }

    /// @dev Takes the whole units of settled earnings; the fraction stays.
    function take(RewardStream storage self, Earnings storage earnings) internal returns (uint256 amount) {
        amount = earnings.earned / SCALE;
        earnings.earned %= SCALE;
        self.owed -= amount.toUint128();
    }

    /// @dev The fraction of a unit that a closed position leaves goes to those who stay.
    function handOver(RewardStream storage self, Earnings storage earnings) internal {
        uint256 fraction = earnings.earned % SCALE;
        earnings.earned -= fraction;
        self.remainder += fraction;
    }

    /// @dev What a weight could take now.
    function claimable(RewardStream storage self, Earnings storage earnings, uint256 weight, uint256 totalWeight)
        internal
        view
        returns (uint256)
    {
        (uint256 amount,) = released(self, totalWeight);
        uint256 rewardPerWeight = self.rewardPerWeight;
        if (amount > 0) rewardPerWeight += (amount * SCALE + self.remainder) / totalWeight;
        return (earnings.earned + weight * (rewardPerWeight - earnings.rewardPerWeightPaid)) / SCALE;
    }

    /// @dev Token units a second x 1e18, of a stream at the present.
    function rate(RewardStream storage self) internal view returns (uint256) {
        uint256 left = self.undistributed;
        // At the end nothing is left.
        return left == 0 ? 0 : left * RATE_SCALE / (self.endsAt - block.timestamp);
    }

    /// @dev Token units a year per 1e18 of weight at the present rate.
    function yearly(RewardStream storage self, uint256 totalWeight) internal view returns (uint256) {
        (uint256 amount, uint40 endsAt) = released(self, totalWeight);
        uint256 left = self.undistributed - amount;
        if (left == 0 || totalWeight == 0) return 0;
        return Math.mulDiv(left, 365 days * RATE_SCALE, (endsAt - block.timestamp) * totalWeight);
    }
}
