// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Locked AIIGO that earns streams of rewards and keeps its votes
/// @notice A position's weight grows with its lock from 1x to 2x at one year. Staked tokens vote as their owner delegates
/// (ERC-5805); the pool itself never votes. Rewards come in a few listed tokens, each with its own stream; the token
/// address zero is ETH.
interface IStakingPool {
    struct Position {
        address owner;
        uint128 amount; // AIIGO wei
        uint128 weight; // amount x 1..2
        uint40 unlocksAt;
        uint128 frozen; // part of the amount: a juror's, while the court needs it
    }

    event Staked(uint256 indexed positionId, address indexed owner, uint256 amount, uint256 weight, uint40 unlocksAt);
    event WeightReset(uint256 indexed positionId, uint256 weight);
    event Unstaked(uint256 indexed positionId, address indexed owner, uint256 amount, uint256 penaltyBurned);
    /// @dev `frozen` is the position's total after the change.
    event StakeFrozen(uint256 indexed positionId, uint256 amount, uint256 frozen);
    event StakeUnfrozen(uint256 indexed positionId, uint256 amount, uint256 frozen);
    /// @dev `left` and `weight` are the position's after the seizure; nothing left: it is closed.
    event StakeSeized(uint256 indexed positionId, address indexed to, uint256 amount, uint256 left, uint256 weight);
    event RewardTokenListed(address indexed token);
    event RewardClaimed(uint256 indexed positionId, address indexed owner, address indexed token, uint256 amount);
    /// @dev `rate` is in token units per second x 1e18, until `endsAt`.
    event RewardStreamed(address indexed from, address indexed token, uint256 amount, uint256 rate, uint40 endsAt);
    /// @dev `apy` as of `getAPY`, after a change of the stream or of the total weight.
    event APYUpdated(address indexed token, uint256 apy);

    error ZeroAmount();
    error LockTooLong(uint256 lock);
    error UnknownPosition(uint256 positionId);
    error NotPositionOwner(uint256 positionId, address caller);
    error LockNotOver(uint256 positionId, uint40 unlocksAt);
    error StakeIsFrozen(uint256 positionId, uint256 frozen);
    error NotEnoughFree(uint256 positionId, uint256 free, uint256 amount);
    error NotEnoughFrozen(uint256 positionId, uint256 frozen, uint256 amount);
    error NotCourt(address caller);
    error NotRewarder(address caller);
    error NotRewardToken(address token);
    error AlreadyListed(address token);
    error TooManyRewardTokens(uint256 limit);
    error WrongValue(uint256 sent, uint256 required);
    error TokenTookFee(address token, uint256 received, uint256 expected);
    error NothingToClaim(uint256 positionId, address token);
    error TransferFailed(address to, uint256 amount);

    /// @notice Opens a position of the caller's AIIGO (approved before), locked for `lock` seconds, at most 365 days.
    function stake(uint256 amount, uint256 lock) external returns (uint256 positionId);
    /// @notice Closes a position and pays its AIIGO rewards; those in other tokens stay claimable. Before the lock is over
    /// 5% of the amount is burned. Refused while a part is frozen.
    function unstake(uint256 positionId) external;
    /// @notice Pays the owner what a position earned in one token, also after it was closed.
    function claim(uint256 positionId, address token) external returns (uint256 amount);
    /// @notice Anyone, after the lock: sets the weight back to 1x.
    function resetWeight(uint256 positionId) external;
    /// @notice Adds to a token's stream; only those who fund it (distributor, fee vault, treasury). ETH is sent along.
    function notifyReward(address token, uint256 amount) external payable;

    /// @notice Court: binds a part of a position. It goes on earning and voting, but can't be unstaked.
    function freeze(uint256 positionId, uint256 amount) external;
    /// @notice Court: releases a frozen part.
    function unfreeze(uint256 positionId, uint256 amount) external;
    /// @notice Court: takes a frozen part out of a position and sends it to `to`. Weight shrinks in proportion.
    function seize(uint256 positionId, uint256 amount, address to) external;

    /// @notice Governance: rewards may come in `token` from now on. A listing is for ever; the token must move exactly the
    /// amount asked for and not rebase.
    function listRewardToken(address token) external;

    function positionOf(uint256 positionId) external view returns (Position memory);
    function claimable(uint256 positionId, address token) external view returns (uint256);
    function totalStaked() external view returns (uint256);
    function totalWeight() external view returns (uint256);
    function stakedOf(address account) external view returns (uint256);
    function rewardTokens() external view returns (address[] memory);
    function isRewardToken(address token) external view returns (bool);
    /// @notice Token units a year that 1e18 of weight (one AIIGO at 1x) earns at the present rate, which the stream keeps
    /// until its end. In AIIGO: the yield, 1e18 = 100%; a year's lock doubles it.
    function getAPY(address token) external view returns (uint256);
    /// @notice All that was ever paid into a token's stream.
    function funded(address token) external view returns (uint256);
    /// @notice Funded rewards that the stream has not released yet.
    function undistributed(address token) external view returns (uint256);
    /// @notice Released rewards that were not paid out yet. Of each token the pool holds undistributed + owed; of AIIGO
    /// totalStaked besides.
    function owed(address token) external view returns (uint256);
    /// @notice When the stream ends if somebody is staked until then; it stands still while nobody is.
    function streamEndsAt(address token) external view returns (uint40);
}
