// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IKeeperTips} from "./interfaces/IKeeperTips.sol";

/// @title Pays keepers for the gas of duties that nobody else would pay for
/// @dev The balance is never less than what is owed: a tip is credited only out of what is free. Weeks are counted from
/// the Unix epoch. Not upgradeable: the suite's contracts are told of another one by an upgrade.
///
/// Whoever makes duties necessary can also do them (a node that misses a round on purpose), so a tip must stay near the
/// gas that the duty costs; the weekly budget bounds what a wrong price loses.
contract KeeperTips is IKeeperTips {
    /// @dev One slot.
    struct DutyState {
        uint72 amount;
        uint72 weeklyBudget;
        uint72 spent; // in `week`
        uint40 week;
    }

    address public immutable verifier;
    address public immutable court;
    address public immutable marketplace;
    /// @notice Sets the terms: the timelock.
    address public immutable treasury;

    /// @inheritdoc IKeeperTips
    uint256 public totalOwed;
    /// @inheritdoc IKeeperTips
    mapping(address account => uint256) public tipsOf;
    mapping(Duty duty => DutyState) private _duties;

    modifier onlyTreasury() {
        _checkTreasury();
        _;
    }

    /// @param terms One for each duty, in the order of `Duty`.
    constructor(address verifier_, address court_, address marketplace_, address treasury_, Terms[4] memory terms) {
        if (treasury_ == address(0)) revert ZeroAddress();
        verifier = verifier_;
        court = court_;
        marketplace = marketplace_;
        treasury = treasury_;
        for (uint8 i; i < terms.length; ++i) {
            _setTerms(Duty(i), terms[i]);
        }
    }

    /// @notice Anyone may fund it.
    receive() external payable {
        emit TipsFunded(msg.sender, msg.value);
    }

    /// @inheritdoc IKeeperTips
    function tip(Duty duty, address to) external {
        if (msg.sender != verifier && msg.sender != court && msg.sender != marketplace) revert NotTipper(msg.sender);
        DutyState storage state = _duties[duty];
        uint72 amount = state.amount;
        uint40 week = _week();
        uint256 spent = state.week == week ? state.spent : 0;
        uint256 owed = totalOwed;
        if (amount == 0 || to == address(0) || spent + amount > state.weeklyBudget) return;
        if (owed + amount > address(this).balance) return;
        // casting is safe: at most the budget
        // forge-lint: disable-next-line(unsafe-typecast)
        state.spent = uint72(spent) + amount;
        state.week = week;
        totalOwed = owed + amount;
        tipsOf[to] += amount;
        emit TipCredited(duty, to, amount);
    }

    /// @inheritdoc IKeeperTips
    function withdraw(address to) external returns (uint256 amount) {
        if (to == address(0)) revert ZeroAddress();
        amount = tipsOf[msg.sender];
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        delete tipsOf[msg.sender];
        totalOwed -= amount;
        emit TipWithdrawn(msg.sender, to, amount);
        _send(to, amount);
    }

    /// @inheritdoc IKeeperTips
    function setTerms(Duty duty, Terms calldata terms) external onlyTreasury {
        _setTerms(duty, terms);
    }

    /// @inheritdoc IKeeperTips
    function reclaim(uint256 amount) external onlyTreasury {
        uint256 free = address(this).balance - totalOwed;
        if (amount > free) revert NotEnoughFree(amount, free);
        emit TipsReclaimed(treasury, amount);
        _send(treasury, amount);
    }

    /// @inheritdoc IKeeperTips
    function termsOf(Duty duty) external view returns (Terms memory) {
        DutyState storage state = _duties[duty];
        return Terms({amount: state.amount, weeklyBudget: state.weeklyBudget});
    }

    /// @inheritdoc IKeeperTips
    function budgetLeft(Duty duty) external view returns (uint256) {
        DutyState storage state = _duties[duty];
        uint256 spent = state.week == _week() ? state.spent : 0;
        // A budget may have been lowered below what was spent.
        return spent < state.weeklyBudget ? state.weeklyBudget - spent : 0;
    }

    function _setTerms(Duty duty, Terms memory terms) private {
        DutyState storage state = _duties[duty];
        state.amount = terms.amount;
        state.weeklyBudget = terms.weeklyBudget;
        emit TipTermsChanged(duty, terms.amount, terms.weeklyBudget);
    }

    /// @dev Its callers took the amount from the balance of who says where it goes.
    function _send(address to, uint256 amount) private {
        // slither-disable-next-line arbitrary-send-eth
        (bool sent,) = to.call{value: amount}("");
        if (!sent) revert TransferFailed(to, amount);
    }

    function _week() private view returns (uint40) {
        // casting is safe: 40 bits of weeks are longer than 40 bits of seconds
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint40(block.timestamp / 1 weeks);
    }

    function _checkTreasury() private view {
        if (msg.sender != treasury) revert NotTreasury(msg.sender);
    }
}
