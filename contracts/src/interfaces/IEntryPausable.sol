// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A contract whose entry can be paused: what begins stops, what was begun can always be ended
/// @notice The guardian pauses, and can only prolong a pause; the owner (the timelock) also shortens and lifts it. A pause
/// lapses by itself.
interface IEntryPausable {
    /// @dev `until` in the past: the pause was lifted.
    event EntryPaused(uint40 until);

    error EntryIsPaused(uint40 until);

    /// @notice Guardian or owner: refuses entry before `until`, Unix time. Of the guardian an earlier end than the present
    /// one changes nothing.
    function pauseEntry(uint40 until) external;
    /// @notice Entry is refused before this Unix time.
    function entryPausedUntil() external view returns (uint40);
}
