// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Payment} from "src/libraries/Payment.sol";

contract PaymentFuzzTest is Test {
    function testFuzz_TheEscrowIsThePriceRoundedUpOnce(uint96 price, uint32 duration) public pure {
        uint256 exact = uint256(price) * duration;
        uint256 escrow = Payment.escrowFor(price, duration);
        assertGe(escrow * 3600, exact);
        assertLt(escrow * 3600, exact + 3600);
    }

    function testFuzz_DueIsAMultipleOfItsUnitAndAtMostTheEscrow(uint96 escrow, uint32 duration, uint256 elapsed)
        public
        pure
    {
        duration = uint32(bound(duration, 1, type(uint32).max));
        elapsed = bound(elapsed, 0, 2 * uint256(duration));
        uint256 due = Payment.dueFor(escrow, duration, elapsed);
        assertEq(due % 10_000, 0);
        assertLe(due, escrow);
    }

    /// @dev Elapsed time plus half of the unused, to less than a unit.
    function testFuzz_DueIsTheElapsedTimeAndHalfOfTheUnused(uint96 escrow, uint32 duration, uint256 elapsed)
        public
        pure
    {
        duration = uint32(bound(duration, 1, type(uint32).max));
        elapsed = bound(elapsed, 0, duration);
        uint256 due = Payment.dueFor(escrow, duration, elapsed);
        uint256 twice = uint256(escrow) * (2 * elapsed + (duration - elapsed));
        assertLe(due * 2 * duration, twice);
        assertGt((due + 10_000) * 2 * duration, twice);
    }

    function testFuzz_LateResultsEarnTheWholeEscrow(uint96 escrow, uint32 duration, uint256 elapsed) public pure {
        elapsed = bound(elapsed, duration, type(uint256).max);
        assertEq(Payment.dueFor(escrow, duration, elapsed), escrow - escrow % 10_000);
    }

    function testFuzz_GoingSlowNeverPaysMorePerSecond(uint96 escrow, uint32 duration, uint256 fast, uint256 slow)
        public
        pure
    {
        duration = uint32(bound(duration, 2, type(uint32).max));
        fast = bound(fast, 1, duration - 1);
        slow = bound(slow, fast + 1, duration);
        uint256 dueFast = Payment.dueFor(escrow, duration, fast);
        uint256 dueSlow = Payment.dueFor(escrow, duration, slow);
        assertGe(dueSlow, dueFast, "but never less in all");
        assertGe((dueFast + 10_000) * slow, dueSlow * fast, "per second, but for the rounding");
    }

    function testFuzz_NoDeliveredTaskIsWorthNothing(uint96 escrow, uint32 duration, uint256 elapsed) public pure {
        escrow = uint96(bound(escrow, Payment.MIN_ESCROW, type(uint96).max));
        duration = uint32(bound(duration, 1, type(uint32).max));
        assertGe(Payment.dueFor(escrow, duration, elapsed), 10_000);
    }
}
