// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BPS} from "./Shares.sol";

/// @title What a ruling pays
/// @dev Due amounts are multiples of 10,000: the provider's part of them and the jurors' 2% are exact. What is rounded is
/// rounded down; the rest is the buyer's.
library DisputeSplit {
    /// @dev Of what is due: the disputer's bond.
    uint256 internal constant BOND_BPS = 200;
    /// @dev Of what is due: to the coherent jurors.
    uint256 internal constant JUROR_BPS = 200;

    struct Amounts {
        uint256 provider; // its part, less the fee and the jurors' share of it
        uint256 fee;
        uint256 jurors;
        uint256 bondToProvider;
    }

    function bondFor(uint256 due) internal pure returns (uint256) {
        return due * BOND_BPS / BPS;
    }

    /// @param share The provider's, basis points.
    /// @param feeBps The protocol's share of the provider's part, `rebateBps` of which return to the buyer.
    function ruled(uint256 due, uint256 bond, uint256 share, uint256 feeBps, uint256 rebateBps)
        internal
        pure
        returns (Amounts memory amounts)
    {
        // Rounded down on purpose: what doesn't divide is the buyer's.
        uint256 part = due * share / BPS;
        // slither-disable-next-line divide-before-multiply
        amounts.provider = part * (BPS - feeBps - JUROR_BPS) / BPS;
        // slither-disable-next-line divide-before-multiply
        amounts.fee = part * (feeBps - rebateBps) / BPS;
        amounts.jurors = due * JUROR_BPS / BPS;
        amounts.bondToProvider = bond * share / BPS;
    }

    /// @notice Without a ruling: an even split, no fees, the bond goes back.
    function even(uint256 due) internal pure returns (Amounts memory amounts) {
        amounts.provider = due / 2;
    }
}
