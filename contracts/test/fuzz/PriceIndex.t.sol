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

    function test_TheLastOfAWeightIsForgottenAfterEightyEightHalvings() public pure {
        PriceIndex memory index = PriceIndex(1, type(uint88).max, uint40(NOW));
        assertEq(index.weightAt(NOW + 87 days), 1);
        assertEq(index.weightAt(NOW + 88 days), 0);
    }

    function test_ASettlementMovesThePriceByFivePercentAnHourForADayAtMost() public pure {
        PriceIndex memory index = PriceIndex(100e9, 1 ether, uint40(NOW));
        assertEq(index.settle(10_000e9, 1 ether, NOW + 30 minutes).price, 102.5e9);
        assertEq(index.settle(10_000e9, 1 ether, NOW + 1 hours).price, 105e9);
        assertEq(index.settle(10_000e9, 1 ether, NOW + 1 days).price, 220e9);
        assertEq(index.settle(10_000e9, 1 ether, NOW + 3 days).price, 220e9);
        assertEq(index.settle(1, 1 ether, NOW + 1 hours).price, 95e9);
    }

    function test_ASettlementWeighsATenthOfThePastAtMost() public pure {
        PriceIndex memory index = PriceIndex(100e9, 1 ether, uint40(NOW));
        assertEq(index.settle(100e9, 5 ether, NOW).weight, 1.1 ether);
        assertEq(index.settle(100e9, 0.02 ether, NOW).weight, 1.02 ether);
        // A small past counts a unit, a forgotten one leaves all to the new price.
        index.weight = 5;
        assertEq(index.settle(100e9, 5 ether, NOW).weight, 6);
        index.weight = 1;
        assertEq(index.settle(100e9, 5 ether, NOW).weight, 2);
        assertEq(index.settle(100e9, 5 ether, NOW + 2 days).weight, 5 ether);
    }

    /// @dev Zero says that there was none.
    function test_APriceIsNeverZero() public pure {
        PriceIndex memory index = PriceIndex(0, 0, 0).settle(0, 1 ether, NOW);
        assertEq(index.price, 1);
        assertEq(index.settle(1_000e9, 1 ether, NOW).price, 1);
        assertEq(index.settle(1_000e9, 1 ether, NOW).weight, 1.1 ether);
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
