// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {MAX_MOVE_BPS, PriceIndex} from "src/market/PriceIndex.sol";

contract PriceIndexTest is Test {
    uint256 internal constant NOW = 1_800_000_000;

    /// @dev However large the wash trade: a tenth of the way at most, and 5% an hour.
    function testFuzz_OneSettlementMovesLittle(uint128 price, uint88 weight, uint40 since, uint256 paid, uint88 value)
        public
        pure
    {
        PriceIndex memory index = _index(price, weight, since);
        paid = bound(paid, 1, 2 ** 150);
        PriceIndex memory next = index.settle(paid, bound(value, 1, type(uint88).max), NOW);
        uint256 hoursPast = (NOW - index.updatedAt + 1 hours - 1) / 1 hours;
        uint256 room = uint256(index.price) * MAX_MOVE_BPS * hoursPast / 10_000 + 1;
        assertLe(next.price, uint256(index.price) + room);
        assertGe(next.price + room, index.price);
        assertGt(next.price, 0);
    }

    function testFuzz_SettlementsAtOnceMoveNothing(uint128 price, uint88 weight, uint256 paid, uint88 value)
        public
        pure
    {
        PriceIndex memory index = PriceIndex(uint128(bound(price, 1, type(uint120).max)), weight, uint40(NOW));
        PriceIndex memory next = index.settle(bound(paid, 1, 2 ** 150), bound(value, 1, type(uint88).max), NOW);
        assertEq(next.price, index.price);
    }

    function testFuzz_TheIndexStaysBetweenItsPricesAndTheNewOne(
        uint128 price,
        uint88 weight,
        uint40 since,
        uint256 paid,
        uint88 value
    ) public pure {
        PriceIndex memory index = _index(price, weight, since);
        paid = bound(paid, 1, type(uint128).max);
        PriceIndex memory next = index.settle(paid, bound(value, 1, type(uint88).max), NOW);
        assertGe(uint256(next.price) + 1, Math.min(paid, index.price)); // two roundings down
        assertLe(next.price, Math.max(paid, index.price));
    }

    function testFuzz_WeightOnlyDecays(uint88 weight, uint32 a, uint32 b) public pure {
        (a, b) = a < b ? (a, b) : (b, a);
        PriceIndex memory index = PriceIndex(1, weight, uint40(NOW));
        assertGe(index.weightAt(NOW + a), index.weightAt(NOW + b));
        assertEq(index.weightAt(NOW), weight);
        assertEq(index.weightAt(NOW + 1 days), weight / 2);
    }

    function test_AWeightDecaysEvenlyWithinAHalfLife() public pure {
        PriceIndex memory index = PriceIndex(1, 16_000, uint40(NOW));
        assertEq(index.weightAt(NOW + 12 hours), 12_000);
        assertEq(index.weightAt(NOW + 18 hours), 10_000);
        assertEq(index.weightAt(NOW + 1 days + 12 hours), 6_000);
        assertEq(index.weightAt(NOW + 2 days), 4_000);
    }

    function test_ManyHonestSettlementsFindThePrice() public pure {
        PriceIndex memory index = PriceIndex(100e9, 1 ether, uint40(NOW));
        for (uint256 i = 1; i <= 200; ++i) {
            index = index.settle(150e9, 1 ether, NOW + i * 1 hours);
        }
        assertApproxEqRel(index.price, 150e9, 0.01e18);
    }

    function _index(uint128 price, uint88 weight, uint40 since) private pure returns (PriceIndex memory) {
        return PriceIndex(uint128(bound(price, 1, type(uint120).max)), weight, uint40(NOW - bound(since, 0, 100 days)));
    }
}
