// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Payment} from "src/libraries/Payment.sol";
import {BPS} from "src/libraries/Shares.sol";

/// @notice What a task costs and what is due for it, for every price, escrow and duration that the types can hold. Times of
/// execution are bounded by 2^32 seconds, as durations are: beyond the duration nothing changes any more.
contract PaymentSymbolicTest is Test {
    function check_TheEscrowIsThePriceRoundedUpOnce(uint96 price, uint32 duration) public pure {
        uint256 exact = uint256(price) * duration;
        uint256 escrow = Payment.escrowFor(price, duration);
        assert(escrow * 3600 >= exact);
        assert(escrow * 3600 < exact + 3600);
    }

    function check_AHigherPriceNeverCostsLess(uint96 price, uint96 higher, uint32 duration) public pure {
        vm.assume(price <= higher);
        assert(Payment.escrowFor(price, duration) <= Payment.escrowFor(higher, duration));
    }

    function check_MoreTimeNeverCostsLess(uint96 price, uint32 duration, uint32 longer) public pure {
        vm.assume(duration <= longer);
        assert(Payment.escrowFor(price, duration) <= Payment.escrowFor(price, longer));
    }

    function check_DueIsAtMostTheEscrow(uint96 escrow, uint32 duration, uint32 elapsed) public pure {
        vm.assume(duration != 0);
        assert(Payment.dueFor(escrow, duration, elapsed) <= escrow);
    }

    function check_DueIsAMultipleOfItsUnit(uint96 escrow, uint32 duration, uint32 elapsed) public pure {
        vm.assume(duration != 0);
        assert(Payment.dueFor(escrow, duration, elapsed) % 10_000 == 0);
    }

    function check_DueGrowsWithTheTime(uint96 escrow, uint32 duration, uint32 elapsed, uint32 later) public pure {
        vm.assume(duration != 0 && elapsed <= later);
        assert(Payment.dueFor(escrow, duration, elapsed) <= Payment.dueFor(escrow, duration, later));
    }

    function check_DueGrowsWithTheEscrow(uint96 escrow, uint96 more, uint32 duration, uint32 elapsed) public pure {
        vm.assume(duration != 0 && escrow <= more);
        assert(Payment.dueFor(escrow, duration, elapsed) <= Payment.dueFor(more, duration, elapsed));
    }

    /// @dev Elapsed time plus half of the unused, to less than a unit.
    function check_DueIsTheElapsedTimeAndHalfOfTheUnused(uint96 escrow, uint32 duration, uint32 elapsed) public pure {
        vm.assume(duration != 0 && elapsed < duration);
        uint256 due = Payment.dueFor(escrow, duration, elapsed);
        uint256 twice = uint256(escrow) * (uint256(duration) + elapsed);
        assert(due * 2 * duration <= twice);
        assert((due + 10_000) * 2 * duration > twice);
    }

    function check_ALateResultEarnsTheWholeEscrow(uint96 escrow, uint32 duration, uint256 elapsed) public pure {
        vm.assume(elapsed >= duration);
        assert(Payment.dueFor(escrow, duration, elapsed) == escrow - escrow % 10_000);
    }

    function check_NoDeliveredTaskIsWorthNothing(uint96 escrow, uint32 duration, uint32 elapsed) public pure {
        vm.assume(duration != 0 && escrow >= Payment.MIN_ESCROW);
        assert(Payment.dueFor(escrow, duration, elapsed) >= 10_000);
    }

    /// @dev Every share in basis points of what is due, a multiple of 10,000, is a whole number: splitting it loses nothing.
    function check_EveryShareOfWhatIsDueIsExact(uint80 units, uint16 bps) public pure {
        vm.assume(bps <= BPS);
        uint256 due = units * Payment.DUE_UNIT;
        assert(due * bps % BPS == 0);
        assert(due * bps / BPS + due * (BPS - bps) / BPS == due);
    }
}
