// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {DisputeSplit} from "src/libraries/DisputeSplit.sol";
import {BPS, MAX_FEE_BPS} from "src/libraries/Shares.sol";

/// @notice What a ruling pays, for every share and everything that can be due: multiples of 10,000 that an escrow of 96 bits
/// can hold. The bond is what the disputer really paid, 2% of it.
contract DisputeSplitSymbolicTest is Test {
    uint256 internal constant FEE_BPS = 800;

    /// @dev Nothing but what is there is paid: the buyer's part is what the others leave, and never negative.
    function check_TheSharesFitInWhatIsDue(uint80 units, uint16 share, uint16 feeBps, uint16 rebateBps) public pure {
        vm.assume(rebateBps <= feeBps && feeBps <= MAX_FEE_BPS);
        (uint256 due, DisputeSplit.Amounts memory amounts) = _ruled(units, share, feeBps, rebateBps);
        assert(amounts.provider + amounts.fee + amounts.jurors <= due);
        assert(amounts.bondToProvider <= DisputeSplit.bondFor(due));
    }

    function check_JurorsGetTwoPercentOfWhatIsDue(uint80 units, uint16 share) public pure {
        (uint256 due, DisputeSplit.Amounts memory amounts) = _ruled(units, share, FEE_BPS, 0);
        assert(amounts.jurors * 100 == due * 2);
        assert(DisputeSplit.bondFor(due) * 100 == due * 2);
    }

    /// @dev 90% of the provider's part, to less than a unit.
    function check_TheProviderGetsNineTenthsOfItsPart(uint80 units, uint16 share) public pure {
        (uint256 due, DisputeSplit.Amounts memory amounts) = _ruled(units, share, FEE_BPS, 0);
        uint256 exact = due * share * 9;
        assert(amounts.provider * BPS * 10 <= exact && exact < (amounts.provider + 1) * BPS * 10);
    }

    function check_TheFeeIsEightPercentOfTheProvidersPart(uint80 units, uint16 share) public pure {
        (uint256 due, DisputeSplit.Amounts memory amounts) = _ruled(units, share, FEE_BPS, 0);
        uint256 exact = due * share * 8;
        assert(amounts.fee * BPS * 100 <= exact && exact < (amounts.fee + 1) * BPS * 100);
    }

    /// @dev 98% of the rest, and the units that rounding left: two at most.
    function check_TheBuyerGetsTheRestLessTwoPercent(uint80 units, uint16 share) public pure {
        (uint256 due, DisputeSplit.Amounts memory amounts) = _ruled(units, share, FEE_BPS, 0);
        uint256 rest = due - amounts.provider - amounts.fee - amounts.jurors;
        uint256 exact = due * (BPS - share) * 98;
        assert(rest * BPS * 100 >= exact);
        assert(rest * BPS * 100 < exact + 2 * BPS * 100);
    }

    function check_AProviderWhoWinsAllGetsNineTenths(uint80 units) public pure {
        (uint256 due, DisputeSplit.Amounts memory won) = _ruled(units, 10_000, FEE_BPS, 0);
        assert(won.provider * 100 == due * 90 && won.fee * 100 == due * 8);
    }

    function check_OfABillThatIsUpheldNothingIsLeft(uint80 units) public pure {
        (uint256 due, DisputeSplit.Amounts memory won) = _ruled(units, 10_000, FEE_BPS, 0);
        assert(won.provider + won.fee + won.jurors == due);
        assert(won.bondToProvider == DisputeSplit.bondFor(due));
    }

    function check_AProviderWhoLosesAllGetsNothing(uint80 units) public pure {
        (uint256 due, DisputeSplit.Amounts memory lost) = _ruled(units, 0, FEE_BPS, 0);
        assert(lost.provider == 0 && lost.fee == 0 && lost.bondToProvider == 0 && lost.jurors == due / 50);
    }

    /// @dev The bond follows the share; what is rounded stays with who paid it.
    function check_TheBondIsSplitByTheShare(uint80 units, uint16 share) public pure {
        (uint256 due, DisputeSplit.Amounts memory amounts) = _ruled(units, share, FEE_BPS, 0);
        uint256 bond = DisputeSplit.bondFor(due);
        assert(amounts.bondToProvider * BPS <= bond * share && bond * share < (amounts.bondToProvider + 1) * BPS);
    }

    function check_AHigherShareNeverPaysTheProviderLess(uint80 units, uint16 share, uint16 higher) public pure {
        vm.assume(share <= higher);
        (, DisputeSplit.Amounts memory one) = _ruled(units, share, FEE_BPS, 0);
        (, DisputeSplit.Amounts memory other) = _ruled(units, higher, FEE_BPS, 0);
        assert(one.provider <= other.provider && one.bondToProvider <= other.bondToProvider);
    }

    function check_WithoutARulingBothGetHalf(uint80 units) public pure {
        uint256 due = uint256(units) * 10_000;
        DisputeSplit.Amounts memory amounts = DisputeSplit.even(due);
        assert(amounts.provider * 2 == due);
        assert(amounts.fee == 0 && amounts.jurors == 0 && amounts.bondToProvider == 0);
    }

    function _ruled(uint80 units, uint16 share, uint256 feeBps, uint256 rebateBps)
        private
        pure
        returns (uint256 due, DisputeSplit.Amounts memory amounts)
    {
        vm.assume(share <= BPS);
        due = uint256(units) * 10_000;
        amounts = DisputeSplit.ruled(due, DisputeSplit.bondFor(due), share, feeBps, rebateBps);
    }
}
