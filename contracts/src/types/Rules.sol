// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev ITaskMarketplace.Parameters in one slot, with what every entry reads beside it.
struct Rules {
    uint16 feeBps;
    uint24 grace;
    uint24 minDuration;
    uint24 maxDuration;
    uint24 maxAcceptWindow;
    uint24 minReviewWindow;
    uint24 maxReviewWindow;
    uint24 minAbandonWindow;
    uint40 entryPausedUntil;
}
