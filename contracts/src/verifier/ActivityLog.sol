// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @dev In which intervals between audit rounds a node was Active at some time: one slot, O(1) to write and to ask.
/// Interval i ends when round i opens; the log remembers 128 of them, up to the last that a change fell into.
struct ActivityLog {
    // slot 0
    uint64 lastInterval; // of the last change
    bool active; // since the last change
    uint128 ring; // bit i % 128: Active at some time of interval i, for the last 128 intervals up to the last change
}

/// @dev Intervals that a log remembers.
uint64 constant REMEMBERED = 128;

using {note, wasActive, firstActive} for ActivityLog global;

/// @dev Records what the node is from now on, in the present interval; false if it is that already.
function note(ActivityLog storage log, uint64 interval, bool active) returns (bool changed) {
    if (active == log.active) return false;
    uint128 ring = log.ring;
    uint64 last = log.lastInterval;
    if (interval > last) {
        // What the node was until now, it was in all of the intervals since, and at the beginning of this one.
        uint128 since = _rotatedLeft(_ones(interval - last), last + 1);
        ring = active ? ring & ~since : ring | since;
    }
    if (active) ring |= uint128(1) << (interval % REMEMBERED);
    (log.lastInterval, log.active, log.ring) = (interval, active, ring);
    return true;
}

/// @dev Whether the node was Active at some time of an interval that has begun; false for what is forgotten.
function wasActive(ActivityLog storage log, uint64 interval) view returns (bool) {
    uint64 last = log.lastInterval;
    if (interval > last) return log.active;
    return last - interval < REMEMBERED && (log.ring >> (interval % REMEMBERED)) & 1 == 1;
}

/// @dev The first interval from `from` to `to`, both included, with activity; zero if there is none. Interval 0 isn't one.
function firstActive(ActivityLog storage log, uint64 from, uint64 to) view returns (uint64) {
    uint64 last = log.lastInterval;
    bool active = log.active;
    if (last >= REMEMBERED && from <= last - REMEMBERED) from = last - REMEMBERED + 1;
    if (from > to) return 0;
    if (from <= last) {
        uint256 asked = Math.min(last, to) - from + 1;
        uint128 bits = _rotatedLeft(log.ring, REMEMBERED - from % REMEMBERED) & _ones(asked);
        // casting is safe: below 128. The lowest set bit is the two's complement's common bit.
        // forge-lint: disable-next-line(unsafe-typecast)
        if (bits != 0) return from + uint64(Math.log2(bits & (~bits + 1)));
        from = last + 1;
    }
    return active && from <= to ? from : 0;
}

/// @dev The `count` lowest bits, at most all.
function _ones(uint256 count) pure returns (uint128) {
    return count >= REMEMBERED ? type(uint128).max : (uint128(1) << count) - 1;
}

function _rotatedLeft(uint128 bits, uint256 by) pure returns (uint128) {
    by %= REMEMBERED;
    return (bits << by) | (bits >> (REMEMBERED - by));
}
