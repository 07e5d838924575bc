// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";

import {IEntryPausable} from "../interfaces/IEntryPausable.sol";

/// @title Who may pause a contract's entry, and how
/// @dev The contract keeps the time itself, in a slot that entry reads anyway, so that the check costs no storage access.
abstract contract EntryPausable is IEntryPausable, OwnableUpgradeable {
    /// @notice The suite's Guardian contract.
    address public immutable guardian;

    constructor(address guardian_) {
        guardian = guardian_;
    }

    /// @inheritdoc IEntryPausable
    function pauseEntry(uint40 until) external {
        if (msg.sender != guardian) _checkOwner();
        else if (until <= entryPausedUntil()) return;
        _setEntryPausedUntil(until);
        emit EntryPaused(until);
    }

    /// @inheritdoc IEntryPausable
    function entryPausedUntil() public view virtual returns (uint40);

    function _setEntryPausedUntil(uint40 until) internal virtual;

    /// @dev For entry functions, with what they have read from their slot.
    function _checkEntry(uint40 until) internal view {
        if (block.timestamp < until) revert EntryIsPaused(until);
    }
}
