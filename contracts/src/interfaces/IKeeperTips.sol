// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Pays keepers for the gas of duties that nobody else would pay for
/// @notice In ETH, from this contract's own balance, which governance funds. Each duty has a price and a budget a week, so
/// that no duty takes another's. Tips are credited and pulled: a tip never fails the transaction that earned it.
interface IKeeperTips {
    enum Duty {
        OpenRound,
        ReportMissed,
        Draw,
        Finalize
    }

    /// @dev ETH wei.
    struct Terms {
        uint72 amount; // a tip
        uint72 weeklyBudget; // of the duty
    }

    event TipCredited(Duty indexed duty, address indexed to, uint256 amount);
    event TipWithdrawn(address indexed account, address indexed to, uint256 amount);
    event TipTermsChanged(Duty indexed duty, uint256 amount, uint256 weeklyBudget);
    event TipsFunded(address indexed from, uint256 amount);
    event TipsReclaimed(address indexed to, uint256 amount);

    error NotTipper(address caller);
    error NotTreasury(address caller);
    error ZeroAddress();
    error NothingToWithdraw(address account);
    error NotEnoughFree(uint256 amount, uint256 free);
    error TransferFailed(address to, uint256 amount);

    /// @notice Verifier, court or marketplace: `to` did a duty. Credits the tip if the week's budget and the balance allow
    /// it, else does nothing; never reverts for these callers.
    function tip(Duty duty, address to) external;
    /// @notice Sends all of the caller's tips to `to`.
    function withdraw(address to) external returns (uint256 amount);
    /// @notice Treasury: what a duty is worth from now on. What was spent this week stays spent.
    function setTerms(Duty duty, Terms calldata terms) external;
    /// @notice Treasury: takes back what nobody has earned.
    function reclaim(uint256 amount) external;

    function termsOf(Duty duty) external view returns (Terms memory);
    /// @notice What is left of a duty's budget in the present week, ETH wei.
    function budgetLeft(Duty duty) external view returns (uint256);
    function tipsOf(address account) external view returns (uint256);
    /// @notice Credited and not withdrawn, ETH wei: never more than the balance.
    function totalOwed() external view returns (uint256);
}
