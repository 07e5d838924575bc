// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {VestingWallet} from "@openzeppelin/contracts/finance/VestingWallet.sol";
import {VestingWalletCliff} from "@openzeppelin/contracts/finance/VestingWalletCliff.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

/// @title A genesis allocation that vests linearly after a cliff
/// @notice Nothing is released before the cliff; at the cliff the time since the start counts. Unvested tokens do not
/// vote: the wallet delegates them to the governor's vote sink and can never delegate to anyone else.
contract TokenVesting is VestingWalletCliff {
    /// @param token The AIIGO token, deployed before this wallet.
    /// @param voteSink The address whose votes the governor leaves out of the quorum.
    /// @param beneficiary The wallet's owner, who is paid by `release`.
    /// @param startsAt Unix time in seconds.
    /// @param durationSeconds From the start to full vesting.
    /// @param cliffSeconds From the start to the first release, at most the duration.
    constructor(
        IVotes token,
        address voteSink,
        address beneficiary,
        uint64 startsAt,
        uint64 durationSeconds,
        uint64 cliffSeconds
    ) VestingWallet(beneficiary, startsAt, durationSeconds) VestingWalletCliff(cliffSeconds) {
        token.delegate(voteSink);
    }
}
