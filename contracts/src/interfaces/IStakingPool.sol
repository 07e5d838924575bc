// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Locked AIIGO that earns a stream of rewards and keeps its votes
/// @notice A position's weight grows with its lock from 1x to 2x at one year. Staked tokens vote as their owner delegates
/// (ERC-5805); the pool itself never votes.
interface IStakingPool {
    struct Position {
        address owner;
        uint128 amount; // AIIGO wei
        uint128 weight; // amount x 1..2
        uint40 unlocksAt;
        uint256 rewardPerWeightPaid; // accumulator at the last settlement
        uint256 owed; // settled, unclaimed rewards, AIIGO wei; `claimable` adds what came since
    }

    event Staked(uint256 indexed positionId, address indexed owner, uint256 amount, uint256 weight, uint40 unlocksAt);
    event WeightReset(uint256 indexed positionId, uint256 weight);
    event Unstaked(uint256 indexed positionId, address indexed owner, uint256 amount, uint256 penaltyBurned);
    event RewardClaimed(uint256 indexed positionId, address indexed owner, uint256 amount);
    /// @dev `rate` is in AIIGO wei per second, scaled as the accumulator.
    event RewardStreamed(address indexed from, uint256 amount, uint256 rate, uint40 endsAt);

    error ZeroAmount();
    error LockTooLong(uint256 lock);
    error UnknownPosition(uint256 positionId);
    error NotPositionOwner(uint256 positionId, address caller);
    error LockNotOver(uint256 positionId, uint40 unlocksAt);
    error NotRewarder(address caller);
    error NothingToClaim(uint256 positionId);

    /// @notice Opens a position of the caller's AIIGO (approved before), locked for `lock` seconds, at most 365 days.
    function stake(uint256 amount, uint256 lock) external returns (uint256 positionId);
    /// @notice Closes a position and pays its rewards. Before the lock is over 5% of the amount is burned.
    function unstake(uint256 positionId) external;
    function claim(uint256 positionId) external returns (uint256 amount);
    /// @notice Anyone, after the lock: sets the weight back to 1x.
    function resetWeight(uint256 positionId) external;
    /// @notice Adds to the reward stream; only those who fund it (the distributor and the treasury).
    function notifyReward(uint256 amount) external;

    function positionOf(uint256 positionId) external view returns (Position memory);
    function claimable(uint256 positionId) external view returns (uint256);
    function totalStaked() external view returns (uint256);
    function totalWeight() external view returns (uint256);
    function stakedOf(address account) external view returns (uint256);
    /// @notice Funded rewards that the stream has not released yet, AIIGO wei.
    function undistributed() external view returns (uint256);
    /// @notice Released rewards that were not paid out yet, AIIGO wei. The pool holds totalStaked + undistributed + owed.
    function owed() external view returns (uint256);
    /// @notice When the stream ends if somebody is staked until then; it stands still while nobody is.
    function streamEndsAt() external view returns (uint40);
}
