// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBonusRoots} from "./IBonusRoots.sol";

/// @title Mints the community's 40% inside a four-year linear schedule, by weekly epochs
/// @notice A node's base reward is pro rata to the fees that its tasks really paid in an epoch, and never more than a
/// rate of AIIGO per unit of fee that governance keeps below the market price, so that wash trading loses. Bonuses add at
/// most a tenth.
interface IRewardDistributor is IBonusRoots {
    /// @dev A token's rate at the start: AIIGO wei per 1e18 smallest units of fee.
    struct RateConfig {
        address token;
        uint256 rate;
    }

    /// @dev AIIGO wei.
    struct EpochInfo {
        uint256 totalWeight; // all fees of the epoch at their rates: the most that base rewards can be
        uint256 providerBudget; // the most that base rewards can be for want of budget; known when it is closed
        bool closed;
    }

    /// @dev Epoch e runs from start + e x epochLength, in seconds.
    event ScheduleStarted(uint40 start, uint40 epochLength, uint40 duration, uint256 total);
    event FeeRecorded(uint256 indexed epoch, uint64 indexed nodeId, address indexed token, uint256 fee, uint256 weight);
    /// @dev budget = stakerReward + what providers may get: providerBudget for base rewards, a tenth of it for bonuses.
    event EpochClosed(
        uint256 indexed epoch, uint256 budget, uint256 providerBudget, uint256 stakerReward, uint256 totalWeight
    );
    event BaseRewardClaimed(uint256 indexed epoch, uint64 indexed nodeId, address indexed payout, uint256 amount);
    event RateChanged(address indexed token, uint256 rate, uint40 expiresAt);
    event StakerShareChanged(uint16 stakerShareBps);

    error NotMarketplace(address caller);
    error EpochNotOver(uint256 epoch, uint256 endsAt);
    error EpochNotClosed(uint256 epoch);
    error EpochAlreadyClosed(uint256 epoch);
    error PreviousEpochOpen(uint256 epoch);
    error NothingToClaim(uint256 epoch, uint64 nodeId);
    error InvalidParameters();

    /// @notice Marketplace: a task of `nodeId` paid `fee` of `token`. Never reverts for lack of a rate.
    function recordFee(uint64 nodeId, address token, uint256 fee) external;
    /// @notice Anyone, once the epoch is over: fixes its budget, streams the stakers' share, rolls the unspent rest over.
    function closeEpoch(uint256 epoch) external;
    /// @notice Anyone: mints a node's base reward of a closed epoch to its payout address.
    function claimBaseReward(uint256 epoch, uint64 nodeId) external returns (uint256 amount);
    /// @notice Governance: AIIGO wei of base reward per 1e18 smallest units of fee in `token`; other tokens than AIIGO
    /// expire. Bonuses come on top, so keep it below 10/22 of the market price: together at most half of the fee.
    function setRate(address token, uint256 rate) external;
    function setStakerShare(uint16 stakerShareBps) external;

    function epochOf(uint256 epoch) external view returns (EpochInfo memory);
    function currentEpoch() external view returns (uint256);
    /// @notice The first epoch that is not closed: closing goes in order.
    function nextEpochToClose() external view returns (uint256);
    function epochLength() external view returns (uint256);
    function stakerShareBps() external view returns (uint16);
    function epochStart(uint256 epoch) external view returns (uint256);
    /// @notice AIIGO wei that may have been minted by `timestamp`.
    function scheduleAt(uint256 timestamp) external view returns (uint256);
    function minted() external view returns (uint256);
    /// @notice All that closed epochs gave away, claimed or not, AIIGO wei: minted <= committed <= schedule.
    function committed() external view returns (uint256);
    /// @notice The most that providers can get of one epoch, AIIGO wei: twice what an epoch's own release gives them.
    function maxProviderBudget() external view returns (uint256);
    /// @notice The rate that counts now: zero once it expired.
    function rateOf(address token) external view returns (uint256 rate, uint40 expiresAt);
    /// @notice AIIGO wei at the governance rate for the fees of a node in an epoch: the most its base reward can be.
    function weightOf(uint256 epoch, uint64 nodeId) external view returns (uint256);
    /// @notice What a node can still claim of an epoch, or could if it ended now, in AIIGO wei. For an open epoch behind
    /// other open ones it leaves out what those will roll over.
    function baseRewardOf(uint256 epoch, uint64 nodeId) external view returns (uint256);
}
