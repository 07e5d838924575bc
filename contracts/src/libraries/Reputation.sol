// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Cause} from "../types/Node.sol";

/// @title How a node's reputation moves
library Reputation {
    uint16 internal constant START = 5_000;
    uint16 internal constant MAX = 10_000;

    /// @notice What `cause` moves before the bounds are applied.
    function deltaOf(Cause cause) internal pure returns (int256) {
        if (cause == Cause.TaskVerified) return 50;
        if (cause == Cause.TaskTimedOut) return -200;
        if (cause == Cause.TaskAbandoned) return -50;
        if (cause == Cause.AuditPassed) return 10;
        if (cause == Cause.AuditMissed) return -200;
        if (cause == Cause.DisputeLost) return -500;
        if (cause == Cause.DisputeWon) return 100;
        return 0; // misuse: the ban says it all
    }

    /// @notice The reputation after `cause`, within 0..MAX, and the change that was left of the delta.
    function moved(uint16 reputation, Cause cause) internal pure returns (uint16 next, int256 delta) {
        int256 target = int256(uint256(reputation)) + deltaOf(cause);
        if (target < 0) target = 0;
        if (target > int256(uint256(MAX))) target = int256(uint256(MAX));
        // casting is safe: 0 <= target <= MAX
        // forge-lint: disable-next-line(unsafe-typecast)
        next = uint16(uint256(target));
        delta = target - int256(uint256(reputation));
    }
}
