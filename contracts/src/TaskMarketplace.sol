// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IEscrowManager} from "./interfaces/IEscrowManager.sol";
import {INodeRegistry} from "./interfaces/INodeRegistry.sol";
import {IRewardDistributor} from "./interfaces/IRewardDistributor.sol";
import {ITaskMarketplace} from "./interfaces/ITaskMarketplace.sol";
import {Payment} from "./libraries/Payment.sol";
import {RequestRules} from "./libraries/RequestRules.sol";
import {MAX_FEE_BPS} from "./libraries/Shares.sol";
import {Cause, NodeStatus} from "./types/Node.sol";
import {Task, TaskRequest, TaskStatus} from "./types/Task.sol";

/// @title Where buyers' tasks meet providers' machines
/// @dev A task's escrow entry holds its price and the deposit for timeout tips; what is above `task.escrow` are the tips
/// that are left. Every ending closes the entry, so unspent tips go back to the buyer.
///
/// Assumes that registry, escrow and rewards are the suite's own and call nobody else. Liveness: the buyer, a provider or
/// a keeper calls expireTask, timeoutTask or finalizeTask once a deadline has passed; each is open to anyone.
contract TaskMarketplace is ITaskMarketplace, OwnableUpgradeable, UUPSUpgradeable, ReentrancyGuardTransient {
    using RequestRules for TaskRequest;

    /// @custom:storage-location erc7201:aiigo.storage.TaskMarketplace
    struct MarketStorage {
        // slot 0
        Parameters parameters;
        // slots 1 to 5
        mapping(bytes32 taskId => Task) tasks;
        mapping(bytes32 taskId => mapping(uint64 nodeId => bool)) excluded;
        mapping(uint64 nodeId => Commitment) commitments;
        mapping(address buyer => uint256) nonces;
        mapping(address token => PaymentToken) paymentTokens;
    }

    // keccak256(abi.encode(uint256(keccak256("aiigo.storage.TaskMarketplace")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE_LOCATION = 0x48eed7071ed9169fd4d55921c64bf37dc9f25faea6455403ece0e7ff1e39ca00;

    /// @notice Assignments that may fail before the buyer is refunded: the first and one after each of three reopenings.
    uint8 public constant MAX_ATTEMPTS = 4;
    /// @notice Seconds in which a commitment can be opened.
    uint40 public constant COMMITMENT_LIFETIME = 60;
    /// @notice Upper bounds of what governance can set, seconds.
    uint256 public constant MAX_DURATION = 90 days;
    uint256 public constant MAX_GRACE = 1 days;
    uint256 public constant MAX_ACCEPT_WINDOW = 30 days;
    uint256 public constant MAX_REVIEW_WINDOW = 30 days;

    INodeRegistry public immutable registry;
    IEscrowManager public immutable escrowManager;
    IRewardDistributor public immutable rewards;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(address registry_, address escrow_, address rewards_) {
        registry = INodeRegistry(registry_);
        escrowManager = IEscrowManager(escrow_);
        rewards = IRewardDistributor(rewards_);
        _disableInitializers();
    }

    /// @param owner_ Governance: the timelock.
    function initialize(address owner_, Parameters calldata parameters_, TokenConfig[] calldata tokens)
        external
        initializer
    {
        __Ownable_init(owner_);
        _setParameters(parameters_);
        for (uint256 i; i < tokens.length; ++i) {
            _setPaymentToken(tokens[i].token, true, tokens[i].timeoutTip);
        }
    }

    // ---------------------------------------------------------------- Buyers

    /// @inheritdoc ITaskMarketplace
    function createTask(TaskRequest calldata request) external payable nonReentrant returns (bytes32 taskId) {
        MarketStorage storage $ = _storage();
        uint16 feeBps = $.parameters.feeBps;
        request.check($.parameters);
        if (!$.paymentTokens[request.paymentToken].allowed) revert TokenNotAllowed(request.paymentToken);
        (uint96 escrow, uint256 tipDeposit) = quote(request);
        taskId = taskIdOf(msg.sender, $.nonces[msg.sender]++, request.specHash);
        uint40 acceptBy = uint40(block.timestamp) + request.acceptWindow;

        Task storage task = $.tasks[taskId];
        task.buyer = msg.sender;
        task.status = TaskStatus.Open;
        task.resourceType = request.resourceType;
        task.minTrustLevel = request.minTrustLevel;
        task.escrow = escrow;
        task.duration = request.duration;
        task.minPower = request.minPower;
        task.acceptBy = acceptBy;
        task.acceptWindow = request.acceptWindow;
        task.feeBps = feeBps;
        task.paymentToken = request.paymentToken;
        // casting is safe: at most MAX_REVIEW_WINDOW, 43200 minutes
        // forge-lint: disable-next-line(unsafe-typecast)
        task.reviewWindow = uint16(request.reviewWindow / 1 minutes);
        emit TaskCreated(taskId, msg.sender, request.specHash, request, escrow, tipDeposit, feeBps, acceptBy);
        escrowManager.deposit{value: msg.value}(taskId, request.paymentToken, msg.sender, escrow + tipDeposit);
    }

    /// @inheritdoc ITaskMarketplace
    function cancelTask(bytes32 taskId) external {
        Task storage task = _inStatus(taskId, TaskStatus.Open);
        _checkBuyer(taskId, task);
        task.status = TaskStatus.Cancelled;
        emit TaskCancelled(taskId, task.escrow);
        escrowManager.refund(taskId, task.buyer);
    }

    /// @inheritdoc ITaskMarketplace
    function approveTask(bytes32 taskId) external {
        Task storage task = _inStatus(taskId, TaskStatus.Completed);
        _checkBuyer(taskId, task);
        _settle(taskId, task);
    }

    // ---------------------------------------------------------------- Providers

    /// @inheritdoc ITaskMarketplace
    function commitAccept(uint64 nodeId, bytes20 digest) external {
        _checkOperator(nodeId);
        if (digest == 0) revert NoCommitment(nodeId);
        if (registry.freeSlots(nodeId) == 0) revert NodeHasNoFreeSlot(nodeId);
        uint40 expiresAt = uint40(block.timestamp) + COMMITMENT_LIFETIME;
        _storage().commitments[nodeId] =
            Commitment({digest: digest, blockNumber: uint48(block.number), expiresAt: expiresAt});
        emit AcceptCommitted(nodeId, msg.sender, digest, expiresAt);
    }

    /// @inheritdoc ITaskMarketplace
    function acceptTask(bytes32 taskId, uint64 nodeId, bytes32 salt) external {
        _checkOperator(nodeId);
        Task storage task = _inStatus(taskId, TaskStatus.Open);
        if (block.timestamp > task.acceptBy) revert AcceptWindowOver(taskId, task.acceptBy);
        MarketStorage storage $ = _storage();
        _openSeal($.commitments[nodeId], nodeId, commitmentHash(taskId, nodeId, salt, msg.sender));
        if ($.excluded[taskId][nodeId]) revert NodeExcluded(taskId, nodeId);
        _checkNotBuyers(taskId, task.buyer, nodeId);

        task.status = TaskStatus.InProgress;
        task.nodeId = nodeId;
        task.assignedAt = uint40(block.timestamp);
        emit TaskAccepted(taskId, nodeId, msg.sender, task.assignedAt + task.duration);
        registry.beginTask(nodeId, task.resourceType, task.minTrustLevel, task.minPower, task.paymentToken, task.escrow);
    }

    /// @inheritdoc ITaskMarketplace
    function abandonTask(bytes32 taskId) external {
        Task storage task = _inStatus(taskId, TaskStatus.InProgress);
        uint64 nodeId = task.nodeId;
        _checkOperator(nodeId);
        uint40 until = _abandonableUntil(task);
        if (block.timestamp > until) revert AbandonWindowOver(taskId, until);
        emit TaskAbandoned(taskId, nodeId);
        _endAttempt(taskId, task, Cause.TaskAbandoned, 0);
    }

    /// @inheritdoc ITaskMarketplace
    function submitResult(bytes32 taskId, bytes32 resultHash, string calldata resultURI) external {
        Task storage task = _inStatus(taskId, TaskStatus.InProgress);
        uint64 nodeId = task.nodeId;
        _checkOperator(nodeId);
        uint40 until = _resultsUntil(task);
        if (block.timestamp > until) revert DeadlinePassed(taskId, until);
        task.status = TaskStatus.Completed;
        task.submittedAt = uint40(block.timestamp);
        emit ResultSubmitted(taskId, nodeId, resultHash, resultURI, _reviewUntil(task));
        registry.endExecution(nodeId, task.minPower);
    }

    // ---------------------------------------------------------------- Anyone, once a deadline has passed

    /// @inheritdoc ITaskMarketplace
    function finalizeTask(bytes32 taskId) external {
        Task storage task = _inStatus(taskId, TaskStatus.Completed);
        uint40 until = _reviewUntil(task);
        if (block.timestamp <= until) revert ReviewWindowOpen(taskId, until);
        _settle(taskId, task);
    }

    /// @inheritdoc ITaskMarketplace
    function timeoutTask(bytes32 taskId) external {
        Task storage task = _inStatus(taskId, TaskStatus.InProgress);
        uint64 nodeId = task.nodeId;
        uint40 until = _resultsUntil(task);
        // A ban ends what the node runs, so nobody needs to wait.
        if (block.timestamp <= until && registry.statusOf(nodeId) != NodeStatus.Slashed) {
            revert DeadlineNotPassed(taskId, until);
        }
        uint256 tipsLeft = escrowManager.escrowOf(taskId).amount - task.escrow;
        // One timeout, one tip: what abandons did not use is the buyer's, else giving a task back would raise the next tip.
        uint256 tip =
            Math.min(tipsLeft / (MAX_ATTEMPTS - task.attempts), _storage().paymentTokens[task.paymentToken].timeoutTip);
        emit TaskTimedOut(taskId, nodeId, msg.sender, tip);
        _endAttempt(taskId, task, Cause.TaskTimedOut, tip);
    }

    /// @inheritdoc ITaskMarketplace
    function expireTask(bytes32 taskId) external {
        Task storage task = _inStatus(taskId, TaskStatus.Open);
        if (block.timestamp <= task.acceptBy) revert AcceptWindowOpen(taskId, task.acceptBy);
        _expire(taskId, task);
    }

    // ---------------------------------------------------------------- Governance

    /// @inheritdoc ITaskMarketplace
    function setParameters(Parameters calldata parameters_) external onlyOwner {
        _setParameters(parameters_);
    }

    /// @inheritdoc ITaskMarketplace
    function setPaymentToken(address token, bool allowed, uint96 timeoutTip) external onlyOwner {
        _setPaymentToken(token, allowed, timeoutTip);
    }

    // ---------------------------------------------------------------- Views

    /// @inheritdoc ITaskMarketplace
    function parameters() external view returns (Parameters memory) {
        return _storage().parameters;
    }

    /// @inheritdoc ITaskMarketplace
    function paymentToken(address token) external view returns (PaymentToken memory) {
        return _storage().paymentTokens[token];
    }

    /// @inheritdoc ITaskMarketplace
    function taskOf(bytes32 taskId) external view returns (Task memory) {
        return _storage().tasks[taskId];
    }

    /// @inheritdoc ITaskMarketplace
    function commitmentOf(uint64 nodeId) external view returns (Commitment memory) {
        Commitment memory last = _storage().commitments[nodeId];
        if (last.digest == 0) delete last; // opened: the rest of the slot means nothing
        return last;
    }

    /// @inheritdoc ITaskMarketplace
    function isExcluded(bytes32 taskId, uint64 nodeId) external view returns (bool) {
        return _storage().excluded[taskId][nodeId];
    }

    /// @inheritdoc ITaskMarketplace
    function nonceOf(address buyer) external view returns (uint256) {
        return _storage().nonces[buyer];
    }

    /// @inheritdoc ITaskMarketplace
    function taskIdOf(address buyer, uint256 nonce, bytes32 specHash) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), buyer, nonce, specHash));
    }

    /// @inheritdoc ITaskMarketplace
    function commitmentHash(bytes32 taskId, uint64 nodeId, bytes32 salt, address operator)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(taskId, nodeId, salt, operator));
    }

    /// @inheritdoc ITaskMarketplace
    function quote(TaskRequest calldata request) public view returns (uint96 escrow, uint256 tipDeposit) {
        escrow = SafeCast.toUint96(Payment.escrowFor(request.pricePerHour, request.duration));
        tipDeposit = uint256(_storage().paymentTokens[request.paymentToken].timeoutTip) * MAX_ATTEMPTS;
    }

    /// @inheritdoc ITaskMarketplace
    function dueFor(uint96 escrow, uint32 duration, uint256 elapsed) external pure returns (uint256) {
        return Payment.dueFor(escrow, duration, elapsed);
    }

    // ---------------------------------------------------------------- Inside: a task's course

    /// @dev Uses a commitment up. Its slot stays non-zero, so that the node's next one costs 17,000 gas less.
    function _openSeal(Commitment storage commitment, uint64 nodeId, bytes32 sealedHash) private {
        Commitment memory made = commitment;
        // casting is safe: the digest is defined as the first 20 bytes
        // forge-lint: disable-next-line(unsafe-typecast)
        if (made.digest == 0 || made.digest != bytes20(sealedHash)) revert NoCommitment(nodeId);
        if (block.number <= made.blockNumber) revert CommitmentTooFresh(nodeId);
        if (block.timestamp > made.expiresAt) revert CommitmentLapsed(nodeId, made.expiresAt);
        commitment.digest = 0;
    }

    /// @dev An assignment ended without a result: the node never gets this task again, and the buyer another acceptance
    /// window or the money.
    function _endAttempt(bytes32 taskId, Task storage task, Cause cause, uint256 tip) private {
        uint64 nodeId = task.nodeId;
        uint8 attempts = task.attempts + 1;
        _storage().excluded[taskId][nodeId] = true;
        task.attempts = attempts;
        task.nodeId = 0;
        task.assignedAt = 0;
        task.status = TaskStatus.Open;
        registry.failTask(nodeId, task.minPower, task.paymentToken, task.escrow, cause);
        if (tip != 0) escrowManager.payTip(taskId, msg.sender, tip);
        if (attempts == MAX_ATTEMPTS) {
            _expire(taskId, task);
        } else {
            task.acceptBy = uint40(block.timestamp) + task.acceptWindow;
            emit TaskReopened(taskId, attempts, task.acceptBy);
        }
    }

    function _expire(bytes32 taskId, Task storage task) private {
        task.status = TaskStatus.Expired;
        emit TaskExpired(taskId, task.escrow);
        escrowManager.refund(taskId, task.buyer);
    }

    function _settle(bytes32 taskId, Task storage task) private {
        task.status = TaskStatus.Verified;
        (uint64 nodeId, address buyer, address token, uint96 escrow) =
            (task.nodeId, task.buyer, task.paymentToken, task.escrow);
        uint256 due = Payment.dueFor(escrow, task.duration, task.submittedAt - task.assignedAt);
        uint256 fee = escrowManager.release(taskId, registry.payoutOf(nodeId), buyer, due, task.feeBps);
        emit TaskVerified(taskId, nodeId, msg.sender, due, due - fee, fee, escrow - due);
        registry.settleTask(nodeId, buyer, token, escrow, fee);
        rewards.recordFee(nodeId, token, fee);
    }

    // ---------------------------------------------------------------- Inside: deadlines and checks

    function _resultsUntil(Task storage task) private view returns (uint40) {
        return task.assignedAt + task.duration + _storage().parameters.grace;
    }

    function _reviewUntil(Task storage task) private view returns (uint40) {
        return task.submittedAt + uint40(task.reviewWindow) * 1 minutes;
    }

    /// @dev Never after the deadline: who is late must not choose the smaller penalty.
    function _abandonableUntil(Task storage task) private view returns (uint40) {
        uint256 window = Math.max(task.duration / 10, _storage().parameters.minAbandonWindow);
        // casting is safe: at most the duration, a uint32
        // forge-lint: disable-next-line(unsafe-typecast)
        return task.assignedAt + uint40(Math.min(window, task.duration));
    }

    function _inStatus(bytes32 taskId, TaskStatus status) private view returns (Task storage task) {
        task = _storage().tasks[taskId];
        if (task.status != status) revert WrongStatus(taskId, task.status);
    }

    function _checkBuyer(bytes32 taskId, Task storage task) private view {
        if (msg.sender != task.buyer) revert NotBuyer(taskId, msg.sender);
    }

    function _checkOperator(uint64 nodeId) private view {
        if (!registry.isOperator(nodeId, msg.sender)) revert NotNodeOperator(nodeId, msg.sender);
    }

    function _checkNotBuyers(bytes32 taskId, address buyer, uint64 nodeId) private view {
        if (registry.isOperator(nodeId, buyer) || registry.payoutOf(nodeId) == buyer) {
            revert BuyerOwnsNode(taskId, nodeId);
        }
    }

    function _setParameters(Parameters calldata parameters_) private {
        if (
            parameters_.feeBps > MAX_FEE_BPS || parameters_.grace > MAX_GRACE || parameters_.minDuration == 0
                || parameters_.minDuration > parameters_.maxDuration || parameters_.maxDuration > MAX_DURATION
                || parameters_.maxAcceptWindow == 0 || parameters_.maxAcceptWindow > MAX_ACCEPT_WINDOW
                || parameters_.minReviewWindow > parameters_.maxReviewWindow
                || parameters_.maxReviewWindow > MAX_REVIEW_WINDOW || parameters_.minReviewWindow == 0
                || parameters_.minReviewWindow % 1 minutes != 0 || parameters_.maxReviewWindow % 1 minutes != 0
        ) revert InvalidParameters();
        // Stake must not leave before the longest review is over. While the suite is being deployed the registry may have
        // no code yet; it makes the same check when it starts.
        if (address(registry).code.length != 0 && registry.parameters().unbondingPeriod < parameters_.maxReviewWindow) {
            revert InvalidParameters();
        }
        _storage().parameters = parameters_;
        emit MarketParametersChanged(parameters_);
    }

    function _setPaymentToken(address token, bool allowed, uint96 timeoutTip) private {
        if (token != address(0) && token.code.length == 0) revert TokenNotAllowed(token);
        _storage().paymentTokens[token] = PaymentToken({allowed: allowed, timeoutTip: timeoutTip});
        emit PaymentTokenChanged(token, allowed, timeoutTip);
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}

    function _storage() private pure returns (MarketStorage storage $) {
        assembly ("memory-safe") {
            $.slot := STORAGE_LOCATION
        }
    }
}
