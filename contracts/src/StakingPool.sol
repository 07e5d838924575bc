// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {VotesUpgradeable} from "@openzeppelin/contracts-upgradeable/governance/utils/VotesUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {AIIGOToken} from "./AIIGOToken.sol";
import {EntryPausable} from "./governance/EntryPausable.sol";
import {IStakingPool} from "./interfaces/IStakingPool.sol";
import {BPS} from "./libraries/Shares.sol";
import {Earnings, RewardStream, RewardStreams} from "./staking/RewardStream.sol";

/// @title Locked AIIGO that earns streams of rewards and keeps its votes
/// @dev Rewards flow by the second to the weights of that second, so a stake that leaves in the block it came gets
/// nothing; the arithmetic is `RewardStream`'s. Every change of a weight first brings every stream to the present: the
/// number of listed tokens is small and fixed.
///
/// Assumes that AIIGO moves exactly the amount asked for and calls nobody, as AIIGOToken does. Another listed token that
/// turns against its holders stops its own claims and nothing else: no other function calls it.
contract StakingPool is IStakingPool, VotesUpgradeable, EntryPausable, UUPSUpgradeable, ReentrancyGuardTransient {
    using RewardStreams for RewardStream;
    using SafeCast for uint256;
    using SafeERC20 for AIIGOToken;
    using SafeERC20 for IERC20;

    /// @dev Without an amount it is closed; its owner may still claim what it earned in other tokens.
    struct StoredPosition {
        // slot 0
        address owner;
        uint40 unlocksAt;
        // slot 1
        uint128 amount;
        uint128 weight;
        // slot 2
        uint128 frozen;
    }

    /// @custom:storage-location erc7201:aiigo.storage.StakingPool
    struct PoolStorage {
        // slot 0
        uint128 totalStaked;
        uint128 totalWeight;
        // slot 1
        uint64 lastPositionId;
        uint40 entryPausedUntil;
        // slot 2
        address[] rewardTokens;
        // slots 3 to 7
        mapping(uint256 positionId => StoredPosition) positions;
        mapping(address account => uint256) staked;
        mapping(address token => RewardStream) streams;
        mapping(uint256 positionId => mapping(address token => Earnings)) earnings;
        mapping(address token => bool) listed;
    }

    // keccak256(abi.encode(uint256(keccak256("aiigo.storage.StakingPool")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE_LOCATION = 0x362be98e7e50b6e7b7cd5c54bc6ee05d33b799f79b188e502e562a52b8358700;

    /// @notice The longest lock, seconds; it doubles the weight.
    uint256 public constant MAX_LOCK = 365 days;
    /// @notice Seconds over which a reward is streamed.
    uint256 public constant STREAM_DURATION = RewardStreams.DURATION;
    /// @notice What leaving before the end of the lock costs, basis points of the amount.
    uint256 public constant EARLY_EXIT_BPS = 500;
    /// @notice Tokens that can ever be listed, AIIGO and ETH among them.
    uint256 public constant MAX_REWARD_TOKENS = 5;

    address private constant ETH = address(0);

    AIIGOToken public immutable token;
    /// @notice May fund rewards: the RewardDistributor.
    address public immutable distributor;
    /// @notice May fund rewards: the FeeVault.
    address public immutable feeVault;
    /// @notice May fund rewards: the timelock.
    address public immutable treasury;
    /// @notice Freezes and seizes jurors' stakes.
    address public immutable court;

    modifier onlyCourt() {
        _checkCourt();
        _;
    }

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(
        AIIGOToken token_,
        address distributor_,
        address feeVault_,
        address treasury_,
        address court_,
        address guardian_
    ) EntryPausable(guardian_) {
        token = token_;
        distributor = distributor_;
        feeVault = feeVault_;
        treasury = treasury_;
        court = court_;
        _disableInitializers();
    }

    /// @param owner_ Lists tokens, authorizes upgrades, ends pauses: the timelock.
    function initialize(address owner_) external initializer {
        __Ownable_init(owner_);
        __EIP712_init("AIIGO StakingPool", "1");
        _list(address(token));
        _list(ETH);
    }

    // ---------------------------------------------------------------- positions

    /// @inheritdoc IStakingPool
    function stake(uint256 amount, uint256 lock) external nonReentrant returns (uint256 positionId) {
        if (amount == 0) revert ZeroAmount();
        if (lock > MAX_LOCK) revert LockTooLong(lock);
        PoolStorage storage $ = _storage();
        _checkEntry($.entryPausedUntil);

        uint128 weight = (amount + amount * lock / MAX_LOCK).toUint128();
        uint128 amount128 = amount.toUint128();
        uint40 unlocksAt = (block.timestamp + lock).toUint40();
        positionId = ++$.lastPositionId;
        _settle($, positionId, 0);
        $.positions[positionId] =
            StoredPosition({owner: msg.sender, unlocksAt: unlocksAt, amount: amount128, weight: weight, frozen: 0});
        $.totalStaked += amount128;
        $.totalWeight += weight;
        $.staked[msg.sender] += amount;
        emit Staked(positionId, msg.sender, amount, weight, unlocksAt);
        _announceYields($);

        _transferVotingUnits(address(0), msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IStakingPool
    function unstake(uint256 positionId) external nonReentrant {
        PoolStorage storage $ = _storage();
        StoredPosition storage position = _position($, positionId);
        if (position.owner != msg.sender) revert NotPositionOwner(positionId, msg.sender);
        if (position.frozen != 0) revert StakeIsFrozen(positionId, position.frozen);
        _settle($, positionId, position.weight);
        uint256 reward = $.streams[address(token)].take($.earnings[positionId][address(token)]);

        uint128 amount = position.amount;
        uint256 penalty = block.timestamp < position.unlocksAt ? uint256(amount) * EARLY_EXIT_BPS / BPS : 0;
        _reduce($, positionId, position, amount);
        if (reward > 0) emit RewardClaimed(positionId, msg.sender, address(token), reward);
        emit Unstaked(positionId, msg.sender, amount, penalty);
        _announceYields($);

        _transferVotingUnits(msg.sender, address(0), amount);
        if (penalty > 0) token.burn(penalty);
        token.safeTransfer(msg.sender, amount - penalty + reward);
    }

    /// @inheritdoc IStakingPool
    function claim(uint256 positionId, address rewardToken) external nonReentrant returns (uint256 amount) {
        PoolStorage storage $ = _storage();
        StoredPosition storage position = _everOpened($, positionId);
        if (position.owner != msg.sender) revert NotPositionOwner(positionId, msg.sender);
        RewardStream storage stream = _stream($, rewardToken);
        Earnings storage earnings = $.earnings[positionId][rewardToken];
        stream.advance($.totalWeight);
        stream.settle(earnings, position.weight);
        amount = stream.take(earnings);
        if (amount == 0) revert NothingToClaim(positionId, rewardToken);
        emit RewardClaimed(positionId, msg.sender, rewardToken, amount);

        if (rewardToken == ETH) {
            (bool sent,) = msg.sender.call{value: amount}("");
            if (!sent) revert TransferFailed(msg.sender, amount);
        } else {
            IERC20(rewardToken).safeTransfer(msg.sender, amount);
        }
    }

    /// @inheritdoc IStakingPool
    function resetWeight(uint256 positionId) external {
        PoolStorage storage $ = _storage();
        StoredPosition storage position = _position($, positionId);
        if (block.timestamp < position.unlocksAt) revert LockNotOver(positionId, position.unlocksAt);
        uint128 amount = position.amount;
        uint128 weight = position.weight;
        if (weight == amount) return;
        _settle($, positionId, weight);
        position.weight = amount;
        $.totalWeight -= weight - amount;
        emit WeightReset(positionId, amount);
        _announceYields($);
    }

    // ---------------------------------------------------------------- the court

    /// @inheritdoc IStakingPool
    function freeze(uint256 positionId, uint256 amount) external onlyCourt {
        if (amount == 0) revert ZeroAmount();
        StoredPosition storage position = _position(_storage(), positionId);
        uint256 frozen = position.frozen;
        uint256 free = position.amount - frozen;
        if (amount > free) revert NotEnoughFree(positionId, free, amount);
        // casting is safe: at most the position's amount
        // forge-lint: disable-next-line(unsafe-typecast)
        position.frozen = uint128(frozen + amount);
        emit StakeFrozen(positionId, amount, frozen + amount);
    }

    /// @inheritdoc IStakingPool
    function unfreeze(uint256 positionId, uint256 amount) external onlyCourt {
        StoredPosition storage position = _position(_storage(), positionId);
        uint256 left = _unfreeze(position, positionId, amount);
        emit StakeUnfrozen(positionId, amount, left);
    }

    /// @inheritdoc IStakingPool
    function seize(uint256 positionId, uint256 amount, address to) external onlyCourt nonReentrant {
        PoolStorage storage $ = _storage();
        StoredPosition storage position = _position($, positionId);
        address owner_ = position.owner;
        _unfreeze(position, positionId, amount);
        _settle($, positionId, position.weight);
        _reduce($, positionId, position, amount.toUint128());
        emit StakeSeized(positionId, to, amount, position.amount, position.weight);
        _announceYields($);

        _transferVotingUnits(owner_, address(0), amount);
        token.safeTransfer(to, amount);
    }

    // ---------------------------------------------------------------- rewards

    /// @inheritdoc IStakingPool
    function notifyReward(address rewardToken, uint256 amount) external payable nonReentrant {
        if (msg.sender != distributor && msg.sender != feeVault && msg.sender != treasury) {
            revert NotRewarder(msg.sender);
        }
        if (amount == 0) revert ZeroAmount();
        uint256 value = rewardToken == ETH ? amount : 0;
        if (msg.value != value) revert WrongValue(msg.value, value);
        PoolStorage storage $ = _storage();
        RewardStream storage stream = _stream($, rewardToken);
        uint256 weight = $.totalWeight;
        stream.advance(weight);
        stream.add(amount);
        emit RewardStreamed(msg.sender, rewardToken, amount, stream.rate(), stream.endsAt);
        emit APYUpdated(rewardToken, stream.yearly(weight));

        if (rewardToken != ETH) _pull(rewardToken, amount);
    }

    /// @inheritdoc IStakingPool
    function listRewardToken(address rewardToken) external onlyOwner {
        _list(rewardToken);
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
            frozen: position.frozen
        });
    }

    /// @inheritdoc IStakingPool
    function claimable(uint256 positionId, address rewardToken) external view returns (uint256) {
        PoolStorage storage $ = _storage();
        uint256 weight = _everOpened($, positionId).weight;
        return _stream($, rewardToken).claimable($.earnings[positionId][rewardToken], weight, $.totalWeight);
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
    function rewardTokens() external view returns (address[] memory) {
        return _storage().rewardTokens;
    }

    /// @inheritdoc IStakingPool
    function isRewardToken(address rewardToken) external view returns (bool) {
        return _storage().listed[rewardToken];
    }

    /// @inheritdoc IStakingPool
    function getAPY(address rewardToken) external view returns (uint256) {
        PoolStorage storage $ = _storage();
        return _stream($, rewardToken).yearly($.totalWeight);
    }

    /// @inheritdoc IStakingPool
    function funded(address rewardToken) external view returns (uint256) {
        return _stream(_storage(), rewardToken).funded;
    }

    /// @inheritdoc IStakingPool
    function undistributed(address rewardToken) external view returns (uint256) {
        PoolStorage storage $ = _storage();
        RewardStream storage stream = _stream($, rewardToken);
        (uint256 released,) = stream.released($.totalWeight);
        return stream.undistributed - released;
    }

    /// @inheritdoc IStakingPool
    function owed(address rewardToken) external view returns (uint256) {
        PoolStorage storage $ = _storage();
        RewardStream storage stream = _stream($, rewardToken);
        (uint256 released,) = stream.released($.totalWeight);
        return stream.owed + released;
    }

    /// @inheritdoc IStakingPool
    function streamEndsAt(address rewardToken) external view returns (uint40 endsAt) {
        PoolStorage storage $ = _storage();
        (, endsAt) = _stream($, rewardToken).released($.totalWeight);
    }

    /// @inheritdoc EntryPausable
    function entryPausedUntil() public view override returns (uint40) {
        return _storage().entryPausedUntil;
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

    /// @dev Brings every stream to the present and a position's earnings with it. Comes before any change of a weight.
    function _settle(PoolStorage storage $, uint256 positionId, uint256 weight) private {
        uint256 weightOfAll = $.totalWeight;
        uint256 count = $.rewardTokens.length;
        for (uint256 i; i < count; ++i) {
            address rewardToken = $.rewardTokens[i];
            RewardStream storage stream = $.streams[rewardToken];
            stream.advance(weightOfAll);
            stream.settle($.earnings[positionId][rewardToken], weight);
        }
    }

    /// @dev Takes `amount` and its share of the weight out of a settled position; of all of it, closes it.
    function _reduce(PoolStorage storage $, uint256 positionId, StoredPosition storage position, uint128 amount)
        private
    {
        uint128 before = position.amount;
        uint128 weight = position.weight;
        uint128 left = before - amount;
        // casting is safe: at most the weight. A weight is one to two times its amount, before and after.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint128 weightLeft = uint128(uint256(weight) * left / before);
        position.amount = left;
        position.weight = weightLeft;
        $.totalStaked -= amount;
        $.totalWeight -= weight - weightLeft;
        $.staked[position.owner] -= amount;
        if (left > 0) return;
        uint256 count = $.rewardTokens.length;
        for (uint256 i; i < count; ++i) {
            address rewardToken = $.rewardTokens[i];
            $.streams[rewardToken].handOver($.earnings[positionId][rewardToken]);
        }
    }

    function _unfreeze(StoredPosition storage position, uint256 positionId, uint256 amount)
        private
        returns (uint256 left)
    {
        if (amount == 0) revert ZeroAmount();
        uint256 frozen = position.frozen;
        if (amount > frozen) revert NotEnoughFrozen(positionId, frozen, amount);
        left = frozen - amount;
        // casting is safe: less than before
        // forge-lint: disable-next-line(unsafe-typecast)
        position.frozen = uint128(left);
    }

    /// @dev Streams that have ended yield nothing and say nothing.
    function _announceYields(PoolStorage storage $) private {
        uint256 count = $.rewardTokens.length;
        uint256 weight = $.totalWeight;
        for (uint256 i; i < count; ++i) {
            address rewardToken = $.rewardTokens[i];
            RewardStream storage stream = $.streams[rewardToken];
            if (stream.undistributed > 0) emit APYUpdated(rewardToken, stream.yearly(weight));
        }
    }

    function _list(address rewardToken) private {
        PoolStorage storage $ = _storage();
        if ($.listed[rewardToken]) revert AlreadyListed(rewardToken);
        if ($.rewardTokens.length == MAX_REWARD_TOKENS) revert TooManyRewardTokens(MAX_REWARD_TOKENS);
        $.listed[rewardToken] = true;
        $.rewardTokens.push(rewardToken);
        emit RewardTokenListed(rewardToken);
    }

    function _pull(address rewardToken, uint256 amount) private {
        uint256 before = IERC20(rewardToken).balanceOf(address(this));
        IERC20(rewardToken).safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = IERC20(rewardToken).balanceOf(address(this)) - before;
        if (received != amount) revert TokenTookFee(rewardToken, received, amount);
    }

    function _position(PoolStorage storage $, uint256 positionId) private view returns (StoredPosition storage found) {
        found = $.positions[positionId];
        if (found.amount == 0) revert UnknownPosition(positionId);
    }

    function _everOpened(PoolStorage storage $, uint256 positionId)
        private
        view
        returns (StoredPosition storage found)
    {
        found = $.positions[positionId];
        if (found.owner == address(0)) revert UnknownPosition(positionId);
    }

    function _stream(PoolStorage storage $, address rewardToken) private view returns (RewardStream storage) {
        if (!$.listed[rewardToken]) revert NotRewardToken(rewardToken);
        return $.streams[rewardToken];
    }

    function _checkCourt() private view {
        if (msg.sender != court) revert NotCourt(msg.sender);
    }

    function _setEntryPausedUntil(uint40 until) internal override {
        _storage().entryPausedUntil = until;
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
