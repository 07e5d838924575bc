// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {VotesUpgradeable} from "@openzeppelin/contracts-upgradeable/governance/utils/VotesUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {AIIGOToken} from "./AIIGOToken.sol";
import {IStakingPool} from "./interfaces/IStakingPool.sol";

/// @title Locked AIIGO that earns a stream of rewards and keeps its votes
/// @dev Rewards are exact: what a division leaves over is carried to the next one, so that at any time
///
///     funded x SCALE = undistributed x SCALE + remainder + sum of what the positions earned x SCALE
///
/// A stream releases `undistributed x elapsed / time left`: at its end nothing is left. While nobody is staked it
/// stands still. Rewards flow by the second to the weights of that second, so a stake that leaves in the block it came
/// gets nothing.
///
/// Assumes that the token moves exactly the amount asked for and calls nobody, as AIIGOToken does.
contract StakingPool is IStakingPool, VotesUpgradeable, OwnableUpgradeable, UUPSUpgradeable {
    using SafeCast for uint256;
    using SafeERC20 for AIIGOToken;

    struct StoredPosition {
        // slot 0
        address owner;
        uint40 unlocksAt;
        // slot 1
        uint128 amount;
        uint128 weight;
        // slot 2
        uint256 rewardPerWeightPaid;
        // slot 3
        uint256 earned; // settled, unclaimed rewards, AIIGO wei x SCALE
    }

    /// @custom:storage-location erc7201:aiigo.storage.StakingPool
    struct PoolStorage {
        // slot 0
        uint128 totalStaked;
        uint128 totalWeight;
        // slot 1
        uint128 undistributed; // funded, not released yet
        uint128 owed; // released, not paid yet
        // slot 2
        uint40 updatedAt;
        uint40 endsAt; // of the stream
        uint64 lastPositionId;
        // slot 3
        uint256 rewardPerWeight; // AIIGO wei x SCALE per unit of weight
        // slot 4
        uint256 remainder; // released, not attributed yet, AIIGO wei x SCALE
        // slots 5, 6
        mapping(uint256 positionId => StoredPosition) positions;
        mapping(address account => uint256) staked;
    }

    // keccak256(abi.encode(uint256(keccak256("aiigo.storage.StakingPool")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE_LOCATION = 0x362be98e7e50b6e7b7cd5c54bc6ee05d33b799f79b188e502e562a52b8358700;

    /// @notice The longest lock, seconds; it doubles the weight.
    uint256 public constant MAX_LOCK = 365 days;
    /// @notice Seconds over which a reward is streamed.
    uint256 public constant STREAM_DURATION = 7 days;
    /// @notice What leaving before the end of the lock costs, basis points of the amount.
    uint256 public constant EARLY_EXIT_BPS = 500;

    uint256 private constant BPS = 10_000;
    uint256 private constant SCALE = 1e18;

    AIIGOToken public immutable token;
    /// @notice May fund rewards: the RewardDistributor.
    address public immutable distributor;
    /// @notice May fund rewards: the timelock.
    address public immutable treasury;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(AIIGOToken token_, address distributor_, address treasury_) {
        token = token_;
        distributor = distributor_;
        treasury = treasury_;
        _disableInitializers();
    }

    /// @param owner_ Authorizes upgrades, nothing else: the timelock.
    function initialize(address owner_) external initializer {
        __Ownable_init(owner_);
        __EIP712_init("AIIGO StakingPool", "1");
    }

    // ---------------------------------------------------------------- positions

    /// @inheritdoc IStakingPool
    function stake(uint256 amount, uint256 lock) external returns (uint256 positionId) {
        if (amount == 0) revert ZeroAmount();
        if (lock > MAX_LOCK) revert LockTooLong(lock);
        PoolStorage storage $ = _storage();
        _advance($);

        uint128 weight = (amount + amount * lock / MAX_LOCK).toUint128();
        uint128 amount128 = amount.toUint128();
        uint40 unlocksAt = (block.timestamp + lock).toUint40();
        positionId = ++$.lastPositionId;
        $.positions[positionId] = StoredPosition({
            owner: msg.sender,
            unlocksAt: unlocksAt,
            amount: amount128,
            weight: weight,
            rewardPerWeightPaid: $.rewardPerWeight,
            earned: 0
        });
        $.totalStaked += amount128;
        $.totalWeight += weight;
        $.staked[msg.sender] += amount;
        emit Staked(positionId, msg.sender, amount, weight, unlocksAt);

        _transferVotingUnits(address(0), msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IStakingPool
    function unstake(uint256 positionId) external {
        PoolStorage storage $ = _storage();
        StoredPosition storage position = _ownPosition($, positionId);
        _advance($);
        uint256 reward = _takeReward($, position);

        uint128 amount = position.amount;
        uint256 penalty = block.timestamp < position.unlocksAt ? uint256(amount) * EARLY_EXIT_BPS / BPS : 0;
        $.remainder += position.earned; // less than one wei: it goes to those who stay
        $.totalStaked -= amount;
        $.totalWeight -= position.weight;
        $.staked[msg.sender] -= amount;
        delete $.positions[positionId];
        if (reward > 0) emit RewardClaimed(positionId, msg.sender, reward);
        emit Unstaked(positionId, msg.sender, amount, penalty);

        _transferVotingUnits(msg.sender, address(0), amount);
        if (penalty > 0) token.burn(penalty);
        token.safeTransfer(msg.sender, amount - penalty + reward);
    }

    /// @inheritdoc IStakingPool
    function claim(uint256 positionId) external returns (uint256 amount) {
        PoolStorage storage $ = _storage();
        StoredPosition storage position = _ownPosition($, positionId);
        _advance($);
        amount = _takeReward($, position);
        if (amount == 0) revert NothingToClaim(positionId);
        emit RewardClaimed(positionId, msg.sender, amount);

        token.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IStakingPool
    function resetWeight(uint256 positionId) external {
        PoolStorage storage $ = _storage();
        StoredPosition storage position = _position($, positionId);
        if (block.timestamp < position.unlocksAt) revert LockNotOver(positionId, position.unlocksAt);
        uint128 amount = position.amount;
        uint128 extra = position.weight - amount;
        if (extra == 0) return;
        _advance($);
        _settle($, position);
        position.weight = amount;
        $.totalWeight -= extra;
        emit WeightReset(positionId, amount);
    }

    // ---------------------------------------------------------------- rewards

    /// @inheritdoc IStakingPool
    function notifyReward(uint256 amount) external {
        if (msg.sender != distributor && msg.sender != treasury) revert NotRewarder(msg.sender);
        if (amount == 0) revert ZeroAmount();
        PoolStorage storage $ = _storage();
        _advance($);
        uint128 undistributed_ = (uint256($.undistributed) + amount).toUint128();
        uint40 endsAt = (block.timestamp + STREAM_DURATION).toUint40();
        $.undistributed = undistributed_;
        $.endsAt = endsAt;
        emit RewardStreamed(msg.sender, amount, uint256(undistributed_) * SCALE / STREAM_DURATION, endsAt);

        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IStakingPool
    function positionOf(uint256 positionId) external view returns (Position memory) {
        StoredPosition storage position = _position(_storage(), positionId);
        return Position({
            owner: position.owner,
            amount: position.amount,
            weight: position.weight,
            unlocksAt: position.unlocksAt,
            rewardPerWeightPaid: position.rewardPerWeightPaid,
            owed: position.earned / SCALE
        });
    }

    /// @inheritdoc IStakingPool
    function claimable(uint256 positionId) external view returns (uint256) {
        PoolStorage storage $ = _storage();
        StoredPosition storage position = _position($, positionId);
        (uint256 released,) = _released($);
        uint256 rewardPerWeight = $.rewardPerWeight;
        if (released > 0) rewardPerWeight += (released * SCALE + $.remainder) / $.totalWeight;
        return (position.earned + position.weight * (rewardPerWeight - position.rewardPerWeightPaid)) / SCALE;
    }

    /// @inheritdoc IStakingPool
    function totalStaked() external view returns (uint256) {
        return _storage().totalStaked;
    }

    /// @inheritdoc IStakingPool
    function totalWeight() external view returns (uint256) {
        return _storage().totalWeight;
    }

    /// @inheritdoc IStakingPool
    function stakedOf(address account) external view returns (uint256) {
        return _storage().staked[account];
    }

    /// @inheritdoc IStakingPool
    function undistributed() external view returns (uint256) {
        PoolStorage storage $ = _storage();
        (uint256 released,) = _released($);
        return $.undistributed - released;
    }

    /// @inheritdoc IStakingPool
    function owed() external view returns (uint256) {
        PoolStorage storage $ = _storage();
        (uint256 released,) = _released($);
        return $.owed + released;
    }

    /// @inheritdoc IStakingPool
    function streamEndsAt() external view returns (uint40 endsAt) {
        (, endsAt) = _released(_storage());
    }

    /// @dev Timestamps (ERC-6372), as the token.
    function clock() public view override returns (uint48) {
        return block.timestamp.toUint48();
    }

    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    // ---------------------------------------------------------------- internals

    /// @dev What the stream released since the last update, and when it ends: later, if nobody was there to receive it.
    function _released(PoolStorage storage $) private view returns (uint256 released, uint40 endsAt) {
        endsAt = $.endsAt;
        uint256 left = $.undistributed;
        uint256 elapsed = block.timestamp - $.updatedAt;
        if (left == 0 || elapsed == 0) return (0, endsAt);
        if ($.totalWeight == 0) return (0, (endsAt + elapsed).toUint40());
        uint256 remaining = endsAt - $.updatedAt;
        released = elapsed < remaining ? left * elapsed / remaining : left;
    }

    /// @dev Brings the accumulator to the present. Comes before any change of a weight.
    function _advance(PoolStorage storage $) private {
        (uint256 released, uint40 endsAt) = _released($);
        $.endsAt = endsAt;
        $.updatedAt = block.timestamp.toUint40();
        if (released == 0) return;
        $.undistributed -= released.toUint128();
        $.owed += released.toUint128();
        uint256 total = released * SCALE + $.remainder;
        $.rewardPerWeight += total / $.totalWeight;
        $.remainder = total % $.totalWeight;
    }

    function _settle(PoolStorage storage $, StoredPosition storage position) private {
        uint256 rewardPerWeight = $.rewardPerWeight;
        position.earned += position.weight * (rewardPerWeight - position.rewardPerWeightPaid);
        position.rewardPerWeightPaid = rewardPerWeight;
    }

    /// @dev Settles a position and takes the whole wei it earned; the fraction stays with it.
    function _takeReward(PoolStorage storage $, StoredPosition storage position) private returns (uint256 amount) {
        _settle($, position);
        amount = position.earned / SCALE;
        position.earned %= SCALE;
        $.owed -= amount.toUint128();
    }

    function _position(PoolStorage storage $, uint256 positionId) private view returns (StoredPosition storage found) {
        found = $.positions[positionId];
        if (found.owner == address(0)) revert UnknownPosition(positionId);
    }

    function _ownPosition(PoolStorage storage $, uint256 positionId) private view returns (StoredPosition storage own) {
        own = _position($, positionId);
        if (own.owner != msg.sender) revert NotPositionOwner(positionId, msg.sender);
    }

    function _getVotingUnits(address account) internal view override returns (uint256) {
        return _storage().staked[account];
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}

    function _storage() private pure returns (PoolStorage storage $) {
        assembly ("memory-safe") {
            $.slot := STORAGE_LOCATION
        }
    }
}
