// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {AIIGOToken} from "./AIIGOToken.sol";
import {INodeRegistry} from "./interfaces/INodeRegistry.sol";
import {IRewardDistributor} from "./interfaces/IRewardDistributor.sol";
import {IStakingPool} from "./interfaces/IStakingPool.sol";
import {BPS} from "./libraries/Shares.sol";
import {BonusRoots} from "./rewards/BonusRoots.sol";

/// @title Mints the community's 40% inside a four-year linear schedule
/// @dev Two lanes share the schedule. The stakers' lane gets its share of what an epoch newly releases; the providers'
/// lane gets the rest and what providers of earlier epochs left, but never more than twice its own release: what piles up
/// is paid out slowly, so an epoch's budget bounds what washing at a wrong rate could take. Each base reward sets a tenth
/// of itself aside for bonuses. With `committed` = all that closed epochs gave away, claimed or not:
///
///     minted <= committed <= scheduleAt(end of the last closed epoch) <= scheduleAt(now)
///
/// Liveness: somebody closes epochs, in order; lateness loses nothing.
contract RewardDistributor is IRewardDistributor, BonusRoots, UUPSUpgradeable {
    using SafeCast for uint256;

    struct Epoch {
        uint256 totalWeight; // AIIGO wei, known when the next epoch has its first fee
        uint256 providerBudget; // AIIGO wei, known when the epoch is closed
    }

    /// @dev The last epoch that had a fee: one slot, all that recording another one reads of time and total.
    struct Running {
        uint184 totalWeight; // AIIGO wei
        uint40 endsAt; // zero: no fee yet
        uint32 epoch;
    }

    /// @dev A node's part in an epoch: one slot.
    struct Share {
        uint248 weight; // AIIGO wei
        bool claimed;
    }

    /// @dev One slot.
    struct Rate {
        uint128 rate; // AIIGO wei per 1e18 smallest units of fee
        uint40 expiresAt;
    }

    /// @custom:storage-location erc7201:aiigo.storage.RewardDistributor
    struct DistributorStorage {
        // slot 0
        uint40 start;
        uint40 epochLength;
        uint16 stakerShareBps;
        uint64 nextEpochToClose;
        // slot 1
        uint128 committed; // AIIGO wei, given away by closed epochs
        uint128 minted; // AIIGO wei
        // slots 2 to 4
        mapping(uint256 epoch => Epoch) epochs;
        mapping(uint256 epoch => mapping(uint64 nodeId => Share)) shares;
        mapping(address token => Rate) rates;
        // slot 5
        Running running;
    }

    // keccak256(abi.encode(uint256(keccak256("aiigo.storage.RewardDistributor")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE_LOCATION = 0xd101304ae7b8c7813ad6801f9bff825ae75322d952263e68e82d35a6406d9000;

    /// @notice AIIGO wei that the whole schedule releases.
    uint256 public constant TOTAL = 400_000_000e18;
    /// @notice Seconds of the schedule.
    uint40 public constant DURATION = 4 * 365 days;
    /// @notice Seconds that a rate lasts unless it is AIIGO's own.
    uint256 public constant RATE_LIFETIME = 30 days;
    /// @notice The most that AIIGO's own rate can be: with bonuses half of the fee, so that paying fees to oneself loses.
    uint256 public constant MAX_AIIGO_RATE = uint256(0.5e18) * 10 / 11;
    /// @notice The providers' budget of an epoch is at most this many times its own release.
    uint256 public constant MAX_ROLL = 2;
    /// @notice Bounds of the epoch length, seconds.
    uint256 public constant MIN_EPOCH = 1 minutes;
    uint256 public constant MAX_EPOCH = 28 days;

    uint256 private constant RATE_UNIT = 1e18;

    address public immutable marketplace;
    IStakingPool public immutable pool;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(AIIGOToken token_, INodeRegistry registry_, address marketplace_, IStakingPool pool_, address guardian_)
        BonusRoots(token_, registry_, guardian_)
    {
        marketplace = marketplace_;
        pool = pool_;
        _disableInitializers();
    }

    /// @param owner_ Governance: the timelock.
    /// @param start Unix time at which the schedule and epoch 0 begin.
    /// @param epochLength_ Seconds.
    /// @param stakerShareBps_ The stakers' part of what an epoch releases, basis points.
    /// @param vetoDelay_ Seconds from posting a bonus root to its finality.
    /// @param rates The first rates; all but AIIGO's expire after RATE_LIFETIME.
    function initialize(
        address owner_,
        uint40 start,
        uint40 epochLength_,
        uint16 stakerShareBps_,
        uint32 vetoDelay_,
        RateConfig[] calldata rates
    ) external initializer {
        if (start == 0 || epochLength_ < MIN_EPOCH || epochLength_ > MAX_EPOCH) {
            revert InvalidParameters();
        }
        __Ownable_init(owner_);
        DistributorStorage storage $ = _storage();
        $.start = start;
        $.epochLength = epochLength_;
        emit ScheduleStarted(start, epochLength_, DURATION, TOTAL);
        _setStakerShare(stakerShareBps_);
        _setVetoDelay(vetoDelay_);
        for (uint256 i; i < rates.length; ++i) {
            _setRate(rates[i].token, rates[i].rate);
        }
    }

    // ---------------------------------------------------------------- epochs

    /// @inheritdoc IRewardDistributor
    function recordFee(uint64 nodeId, address feeToken, uint256 fee) external {
        if (msg.sender != marketplace) revert NotMarketplace(msg.sender);
        DistributorStorage storage $ = _storage();
        Running storage running = $.running;
        if (block.timestamp >= running.endsAt) _beginEpoch($, running);
        uint256 epoch = running.epoch;
        (uint256 rate,) = rateOf(feeToken);
        uint256 weight = Math.mulDiv(fee, rate, RATE_UNIT);
        if (weight > 0) {
            // A fee is a tenth of an escrow of 88 bits at most, and a rate has 128: a billion of the greatest fees fit, so that
            // neither cast fails.
            $.shares[epoch][nodeId].weight += weight.toUint248();
            running.totalWeight += weight.toUint184();
        }
        emit FeeRecorded(epoch, nodeId, feeToken, fee, weight);
    }

    /// @inheritdoc IRewardDistributor
    function closeEpoch(uint256 epoch) external {
        DistributorStorage storage $ = _storage();
        uint256 next = $.nextEpochToClose;
        if (epoch < next) revert EpochAlreadyClosed(epoch);
        if (epoch > next) revert PreviousEpochOpen(next);
        uint256 endsAt = epochStart(epoch + 1);
        if (block.timestamp < endsAt) revert EpochNotOver(epoch, endsAt);

        (uint256 lane, uint256 stakerReward) = _budgets($, epoch, endsAt);
        uint256 providerBudget = _withoutBonuses(lane);
        uint256 totalWeight = _totalWeight($, epoch);
        $.epochs[epoch].providerBudget = providerBudget;
        uint256 base = Math.min(totalWeight, providerBudget);
        // Rounded up, so that it covers each node's tenth of many epochs; never more than the lane.
        uint256 bonuses = Math.ceilDiv(base * MAX_BONUS_BPS, BPS);
        $.committed += (stakerReward + base + bonuses).toUint128();
        ++$.nextEpochToClose;
        emit EpochClosed(epoch, lane + stakerReward, providerBudget, stakerReward, totalWeight);

        if (stakerReward > 0) {
            _mintReward(address(this), stakerReward);
            token.approve(address(pool), stakerReward);
            pool.notifyReward(address(token), stakerReward);
        }
    }

    /// @inheritdoc IRewardDistributor
    function claimBaseReward(uint256 epoch, uint64 nodeId) external returns (uint256 amount) {
        DistributorStorage storage $ = _storage();
        _checkClosed(epoch);
        amount = baseRewardOf(epoch, nodeId);
        if (amount == 0) revert NothingToClaim(epoch, nodeId);
        $.shares[epoch][nodeId].claimed = true;
        _noteBaseReward(nodeId, amount);
        address payout = registry.payoutOf(nodeId);
        emit BaseRewardClaimed(epoch, nodeId, payout, amount);

        _mintReward(payout, amount);
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IRewardDistributor
    function setRate(address feeToken, uint256 rate) external onlyOwner {
        _setRate(feeToken, rate);
    }

    /// @inheritdoc IRewardDistributor
    function setStakerShare(uint16 stakerShareBps_) external onlyOwner {
        _setStakerShare(stakerShareBps_);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IRewardDistributor
    function epochOf(uint256 epoch) external view returns (EpochInfo memory) {
        DistributorStorage storage $ = _storage();
        Epoch storage stored = $.epochs[epoch];
        return EpochInfo({
            totalWeight: _totalWeight($, epoch),
            providerBudget: stored.providerBudget,
            closed: epoch < $.nextEpochToClose
        });
    }

    /// @inheritdoc IRewardDistributor
    function currentEpoch() public view returns (uint256) {
        DistributorStorage storage $ = _storage();
        return block.timestamp < $.start ? 0 : (block.timestamp - $.start) / $.epochLength;
    }

    /// @inheritdoc IRewardDistributor
    function nextEpochToClose() external view returns (uint256) {
        return _storage().nextEpochToClose;
    }

    /// @inheritdoc IRewardDistributor
    function epochLength() external view returns (uint256) {
        return _storage().epochLength;
    }

    /// @inheritdoc IRewardDistributor
    function stakerShareBps() external view returns (uint16) {
        return _storage().stakerShareBps;
    }

    /// @inheritdoc IRewardDistributor
    function epochStart(uint256 epoch) public view returns (uint256) {
        DistributorStorage storage $ = _storage();
        return $.start + epoch * $.epochLength;
    }

    /// @inheritdoc IRewardDistributor
    function scheduleAt(uint256 timestamp) public view returns (uint256) {
        uint256 start = _storage().start;
        if (timestamp <= start) return 0;
        return TOTAL * Math.min(timestamp - start, DURATION) / DURATION;
    }

    /// @inheritdoc IRewardDistributor
    function minted() external view returns (uint256) {
        return _storage().minted;
    }

    /// @inheritdoc IRewardDistributor
    function committed() external view returns (uint256) {
        return _storage().committed;
    }

    /// @inheritdoc IRewardDistributor
    function maxProviderBudget() public view returns (uint256) {
        DistributorStorage storage $ = _storage();
        uint256 release = Math.mulDiv(TOTAL, $.epochLength, DURATION);
        return MAX_ROLL * (release - Math.mulDiv(release, $.stakerShareBps, BPS));
    }

    /// @inheritdoc IRewardDistributor
    function rateOf(address feeToken) public view returns (uint256 rate, uint40 expiresAt) {
        Rate storage stored = _storage().rates[feeToken];
        expiresAt = stored.expiresAt;
        rate = block.timestamp < expiresAt ? stored.rate : 0;
    }

    /// @inheritdoc IRewardDistributor
    function weightOf(uint256 epoch, uint64 nodeId) external view returns (uint256) {
        return _storage().shares[epoch][nodeId].weight;
    }

    /// @inheritdoc IRewardDistributor
    function baseRewardOf(uint256 epoch, uint64 nodeId) public view returns (uint256) {
        DistributorStorage storage $ = _storage();
        Share storage share = $.shares[epoch][nodeId];
        uint256 weight = share.weight;
        if (weight == 0 || share.claimed) return 0;
        Epoch storage stored = $.epochs[epoch];
        uint256 providerBudget = stored.providerBudget;
        if (epoch >= $.nextEpochToClose) {
            (uint256 lane,) = _budgets($, epoch, Math.min(block.timestamp, epochStart(epoch + 1)));
            providerBudget = _withoutBonuses(lane);
        }
        return Math.min(weight, Math.mulDiv(providerBudget, weight, _totalWeight($, epoch)));
    }

    // ---------------------------------------------------------------- internals

    /// @dev The first fee of an epoch lays the last one's total down.
    function _beginEpoch(DistributorStorage storage $, Running storage running) private {
        if (running.totalWeight != 0) $.epochs[running.epoch].totalWeight = running.totalWeight;
        uint256 epoch = currentEpoch();
        $.running = Running({totalWeight: 0, endsAt: epochStart(epoch + 1).toUint40(), epoch: epoch.toUint32()});
    }

    function _totalWeight(DistributorStorage storage $, uint256 epoch) private view returns (uint256) {
        return epoch == $.running.epoch ? $.running.totalWeight : $.epochs[epoch].totalWeight;
    }

    /// @dev The two lanes of an open epoch that ends at `endsAt`.
    function _budgets(DistributorStorage storage $, uint256 epoch, uint256 endsAt)
        private
        view
        returns (uint256 lane, uint256 stakerReward)
    {
        uint256 before = scheduleAt(epochStart(epoch));
        uint256 released = scheduleAt(endsAt) - before;
        stakerReward = Math.mulDiv(released, $.stakerShareBps, BPS);
        lane = released - stakerReward;
        // What earlier epochs left: the next epoch to close may use it, as far as the limit goes.
        if (epoch == $.nextEpochToClose) lane += before - $.committed;
        lane = Math.min(lane, maxProviderBudget());
    }

    /// @dev The part of the providers' lane that base rewards may fill: a tenth of them fits in beside them.
    function _withoutBonuses(uint256 lane) private pure returns (uint256) {
        return lane * BPS / (BPS + MAX_BONUS_BPS);
    }

    function _setRate(address feeToken, uint256 rate) private {
        bool own = feeToken == address(token);
        if (rate > (own ? MAX_AIIGO_RATE : type(uint128).max)) revert InvalidParameters();
        uint40 expiresAt = own ? type(uint40).max : (block.timestamp + RATE_LIFETIME).toUint40();
        _storage().rates[feeToken] = Rate({rate: rate.toUint128(), expiresAt: expiresAt});
        emit RateChanged(feeToken, rate, expiresAt);
    }

    function _setStakerShare(uint16 stakerShareBps_) private {
        if (stakerShareBps_ > BPS) revert InvalidParameters();
        _storage().stakerShareBps = stakerShareBps_;
        emit StakerShareChanged(stakerShareBps_);
    }

    function _mintReward(address to, uint256 amount) internal override {
        _storage().minted += amount.toUint128();
        token.mint(to, amount);
    }

    function _checkClosed(uint256 epoch) internal view override {
        if (epoch >= _storage().nextEpochToClose) revert EpochNotClosed(epoch);
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}

    function _storage() private pure returns (DistributorStorage storage $) {
        assembly ("memory-safe") {
            $.slot := STORAGE_LOCATION
        }
    }
}
