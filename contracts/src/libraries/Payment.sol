// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title What a task costs and what its provider earns
library Payment {
    /// @dev Amounts due are multiples of this, so that every share in basis points is exact.
    uint256 internal constant DUE_UNIT = 10_000;

    /// @dev Half of it, the least that can be due, is one unit: no delivered task is worth nothing.
    uint256 internal constant MIN_ESCROW = 2 * DUE_UNIT;

    /// @notice Price x duration, rounded up once. At most 2^96 x 2^32.
    function escrowFor(uint96 pricePerHour, uint32 duration) internal pure returns (uint256) {
        return Math.ceilDiv(uint256(pricePerHour) * duration, 1 hours);
    }

    /// @notice The elapsed time and half of the unused: going slow never pays more per second than going fast.
    function dueFor(uint96 escrow, uint32 duration, uint256 elapsed) internal pure returns (uint256 due) {
        due = elapsed >= duration ? escrow : uint256(escrow) * (duration + elapsed) / (2 * uint256(duration));
        return wholeUnits(due);
    }

    /// @notice The part of an amount that can be due.
    function wholeUnits(uint256 amount) internal pure returns (uint256) {
        return amount - amount % DUE_UNIT;
    }
}
