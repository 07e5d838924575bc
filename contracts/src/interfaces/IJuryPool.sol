// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Who can be drawn as a juror
/// @notice A juror opts in with one position of the staking pool, which weighs as much as its amount. Joining, leaving and
/// reweighing count from the next epoch on; a jury is drawn by the weights of an epoch that began before its random block
/// was known. The whole position is frozen as long as it belongs to a juror, and answers for all seats together: no number
/// of cases makes a juror unfit for the next.
interface IJuryPool {
    /// @dev A juror's membership: one slot.
    struct Membership {
        uint64 positionId; // zero: none
        uint16 leaf; // of the stake tree
        bool active; // false: left, the position is still held
        uint40 heldUntil; // from then on the position of one who left can be released
        uint32 seats; // that it holds in open cases
        uint96 weight; // AIIGO wei
    }

    /// @dev `fromEpoch` is the first epoch in which the change counts.
    event JurorJoined(address indexed juror, uint256 indexed positionId, uint256 weight, uint48 fromEpoch);
    event JurorReweighed(address indexed juror, uint256 indexed positionId, uint256 weight, uint48 fromEpoch);
    event JurorLeft(address indexed juror, uint256 indexed positionId, uint48 fromEpoch, uint40 heldUntil);
    event PositionReleased(address indexed juror, uint256 indexed positionId);

    error NotPositionOwner(uint256 positionId, address caller);
    error PositionTooSmall(uint256 positionId, uint256 amount, uint256 required);
    error AlreadyJuror(address account, uint256 positionId);
    error NotJuror(address account);
    error StillJuror(address account);
    error PositionHeld(uint256 positionId, uint40 until);
    error SeatsHeld(address juror, uint256 seats);

    /// @notice Opts in with a position of the caller's, of at least the least amount. It can't be unstaked before it was
    /// released.
    function joinJury(uint256 positionId) external;
    /// @notice Opts out: nobody is drawn by this position from the next epoch on. Seats that were or are drawn from earlier
    /// epochs stay; the position is held for the hold period, so that nobody who sees the random block escapes the draw, and
    /// nobody judges with stake that it has for a moment.
    function leaveJury() external;
    /// @notice Anyone: lets the position of one who left go, once its last seat is over.
    function releasePosition(address juror) external;
    /// @notice Anyone: weighs a juror by what its position holds now (a penalty has made it smaller).
    function reweighJuror(address juror) external;

    function membershipOf(address juror) external view returns (Membership memory);
    /// @notice The juror whose membership holds the position; zero: none.
    function jurorOf(uint256 positionId) external view returns (address);
    /// @notice The sum of the weights that are drawn from in `epoch`.
    function totalWeightIn(uint48 epoch) external view returns (uint256);
    /// @notice The present epoch: Unix time / epoch length.
    function currentEpoch() external view returns (uint48);
    /// @notice Seconds; never changes.
    function epochLength() external view returns (uint32);
}
