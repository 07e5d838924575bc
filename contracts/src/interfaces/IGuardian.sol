// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Stops entry in an emergency, and reward roots that are wrong
/// @notice One account, chosen by governance, may pause entry for 14 days, once in 60, and veto a pending reward root:
/// nothing else. It can't end a pause, move funds or change anything.
interface IGuardian {
    event GuardianChanged(address indexed guardian);
    event Paused(address indexed guardian, uint40 until);
    /// @dev A target refused: the others are paused all the same.
    event TargetNotPaused(address indexed target, bytes reason);

    error NotGuardian(address caller);
    error NotTimelock(address caller);
    error ZeroAddress();
    error PausedRecently(uint40 nextPauseAt);

    /// @notice Guardian: refuses entry to every target for 14 days from now.
    function pause() external;
    /// @notice Guardian: drops a pending reward root; its bond is burned.
    function vetoRoot(uint256 rootId) external;
    /// @notice Timelock: another guardian, or nobody.
    function setGuardian(address guardian) external;

    function guardian() external view returns (address);
    /// @notice No pause before this Unix time.
    function nextPauseAt() external view returns (uint40);
    function targets() external view returns (address[] memory);
}
