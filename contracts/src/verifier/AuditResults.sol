// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @dev The hash rates of a node's last four due rounds, 64 bits each, the newest lowest: one slot.
type AuditResults is uint256;

using {push, rateAt, lowest, sum, lowerBound} for AuditResults global;

/// @dev Results that count.
uint8 constant KEPT = 4;
/// @dev From this many results on their mean counts; before, the lowest.
uint8 constant ENOUGH_FOR_A_MEAN = 3;
/// @dev 95% lower bound of one result, whose relative error is 12.7%: percent.
uint256 constant LOWER_BOUND_OF_ONE = 82;
/// @dev The same of the mean of four, percent.
uint256 constant LOWER_BOUND_OF_MEAN = 90;

/// @dev A fifth result pushes the oldest out.
function push(AuditResults results, uint64 hashRate) pure returns (AuditResults) {
    return AuditResults.wrap((AuditResults.unwrap(results) << 64) | hashRate);
}

/// @dev 0 is the newest.
function rateAt(AuditResults results, uint256 index) pure returns (uint64) {
    // casting is safe: one of four is taken
    // forge-lint: disable-next-line(unsafe-typecast)
    return uint64(AuditResults.unwrap(results) >> (64 * index));
}

/// @dev Of the newest `count`, at least 1.
function lowest(AuditResults results, uint256 count) pure returns (uint256 rate) {
    rate = results.rateAt(0);
    for (uint256 i = 1; i < count; ++i) {
        rate = Math.min(rate, results.rateAt(i));
    }
}

function sum(AuditResults results, uint256 count) pure returns (uint256 total) {
    for (uint256 i; i < count; ++i) {
        total += results.rateAt(i);
    }
}

/// @dev What `count` results, 1 to 4, prove: hashes/s. Never more than their mean.
function lowerBound(AuditResults results, uint256 count) pure returns (uint64) {
    uint256 bound = count < ENOUGH_FOR_A_MEAN
        ? results.lowest(count) * LOWER_BOUND_OF_ONE / 100
        : results.sum(count) * LOWER_BOUND_OF_MEAN / (100 * count);
    // casting is safe: at most the largest of them
    // forge-lint: disable-next-line(unsafe-typecast)
    return uint64(bound);
}
