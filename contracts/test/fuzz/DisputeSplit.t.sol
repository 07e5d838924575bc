// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {DisputeSplit} from "src/libraries/DisputeSplit.sol";
import {Payment} from "src/libraries/Payment.sol";

contract DisputeSplitTest is Test {
    /// @dev What is left is the buyer's: 98% of its part, the discount, and less than three units of rounding.
    function testFuzz_EveryUnitHasAnOwner(uint88 amount, uint256 share, uint256 feeBps, bool discount) public pure {
        uint256 due = amount - amount % Payment.DUE_UNIT;
        vm.assume(due != 0);
        share = bound(share, 0, 10_000);
        feeBps = bound(feeBps, 0, 1_000);
        uint256 rebateBps = discount ? feeBps / 4 : 0;
        uint256 bond = DisputeSplit.bondFor(due);
        assertEq(bond * 50, due, "2%, exactly");
        DisputeSplit.Amounts memory a = DisputeSplit.ruled(due, bond, share, feeBps, rebateBps);
        assertEq(a.jurors * 50, due, "2%, exactly");
        uint256 part = due / 10_000 * share;
        assertLe(a.provider, part);
        uint256 buyers = due - a.provider - a.fee - a.jurors;
        // Exact values times 10,000, to compare without rounding.
        uint256 exact = (due - part) * 9_800 + part * rebateBps;
        assertGe(buyers * 10_000, exact);
        assertLt(buyers * 10_000, exact + 2 * 10_000);
        assertLe(a.bondToProvider, bond);
        if (share == 0) {
            assertEq(a.provider + a.fee + a.bondToProvider, 0);
            assertEq(buyers, due * 98 / 100);
        }
        if (share == 10_000) {
            assertEq(a.provider, due / 10_000 * (9_800 - feeBps));
            assertEq(a.fee, due / 10_000 * (feeBps - rebateBps));
            assertEq(a.bondToProvider, bond);
        }
    }

    function testFuzz_WithoutARulingItIsHalf(uint88 amount) public pure {
        uint256 due = amount - amount % Payment.DUE_UNIT;
        DisputeSplit.Amounts memory a = DisputeSplit.even(due);
        assertEq(a.provider * 2, due);
        assertEq(a.fee + a.jurors + a.bondToProvider, 0);
    }
}
