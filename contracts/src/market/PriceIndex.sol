// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @dev What computing power of one type costs in one token: one slot.
struct PriceIndex {
    uint128 price; // smallest units x PRICE_SCALE per milli-TFLOPS and hour
    uint88 weight; // smallest units of settled value behind the price, decayed
    uint40 updatedAt;
}

using {settle, weightAt} for PriceIndex global;

/// @dev Prices of small machines are fractions of a unit of a token with few decimals.
uint256 constant PRICE_SCALE = 1e9;
/// @dev Seconds in which the weight of past settlements halves.
uint256 constant HALF_LIFE = 1 days;
/// @dev The most that the price moves in one hour, basis points.
uint256 constant MAX_MOVE_BPS = 500;
/// @dev No settlement is heavier than this part of the present weight, basis points.
uint256 constant MAX_WEIGHT_BPS = 1_000;

/// @dev The weight left after the time since the last update: halved once each HALF_LIFE, linear in between.
function weightAt(PriceIndex memory index, uint256 timestamp) pure returns (uint256) {
    uint256 elapsed = timestamp - index.updatedAt;
    uint256 halvings = elapsed / HALF_LIFE;
    if (halvings > 87) return 0;
    uint256 weight = uint256(index.weight) >> halvings;
    return weight - weight * (elapsed % HALF_LIFE) / (2 * HALF_LIFE);
}

/// @notice The index after a task was settled at `price` for `value`.
/// @dev An average weighted by value. What one settlement moves is bounded by its share of the decayed weight (a tenth) and,
/// over any time, by 5% an hour: washing a price takes many fees and many hours.
function settle(PriceIndex memory index, uint256 price, uint256 value, uint256 timestamp)
    pure
    returns (PriceIndex memory next)
{
    if (index.price == 0) {
        // The first settlement says the price: it is for display and estimates only.
        return _pack(price, value, timestamp);
    }
    uint256 past = weightAt(index, timestamp);
    uint256 counted = past == 0 ? value : Math.min(value, Math.max(1, past * MAX_WEIGHT_BPS / 10_000));
    uint256 target = Math.mulDiv(index.price, past, past + counted) + Math.mulDiv(price, counted, past + counted);
    uint256 room = Math.mulDiv(index.price, MAX_MOVE_BPS * Math.min(timestamp - index.updatedAt, 1 days), 10_000 hours);
    target = Math.max(Math.min(target, index.price + room), index.price - Math.min(room, index.price));
    return _pack(target, past + counted, timestamp);
}

function _pack(uint256 price, uint256 weight, uint256 timestamp) pure returns (PriceIndex memory) {
    // Casting is safe: bounded by the minimum; block times have 40 bits for 34,000 years.
    // forge-lint: disable-next-line(unsafe-typecast)
    return PriceIndex(
        uint128(Math.min(Math.max(price, 1), type(uint128).max)),
        uint88(Math.min(weight, type(uint88).max)),
        uint40(timestamp)
    );
}
