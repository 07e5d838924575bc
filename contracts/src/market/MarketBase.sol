// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {EntryPausable} from "../governance/EntryPausable.sol";
import {IEscrowManager} from "../interfaces/IEscrowManager.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IRewardDistributor} from "../interfaces/IRewardDistributor.sol";
import {ITaskMarketplace} from "../interfaces/ITaskMarketplace.sol";
import {RequestRules} from "../libraries/RequestRules.sol";
import {Payment} from "../libraries/Payment.sol";
import {TaskDemand} from "../types/Node.sol";
import {ResourceType} from "../types/Resource.sol";
import {Rules} from "../types/Rules.sol";
import {TaskRequest, TaskStatus} from "../types/Task.sol";
import {AGREED, Agreement, HAS_TERMS, TaskDispute, TaskRecord, TaskTerms} from "../types/TaskRecord.sol";
import {PriceIndex} from "./PriceIndex.sol";

/// @dev The other contracts of the suite.
struct Neighbours {
    address registry;
    address escrow;
    address rewards;
    address aiigo; // the token
    address guardian;
    address court;
}

/// @title What the rooms of the market share: its storage, its neighbours, its checks
abstract contract MarketBase is EntryPausable, ReentrancyGuardTransient {
    using RequestRules for TaskRequest;

    /// @custom:storage-location erc7201:aiigo.storage.TaskMarketplace
    struct MarketStorage {
        // slot 0
        Rules rules;
        // slots 1 to 6
        mapping(bytes32 taskId => TaskRecord) tasks;
        mapping(bytes32 taskId => TaskTerms) terms;
        mapping(bytes32 taskId => mapping(uint64 nodeId => bool)) excluded;
        mapping(uint64 nodeId => mapping(address sender => ITaskMarketplace.Commitment[16])) commitments;
        mapping(address buyer => uint256) nonces;
        mapping(address token => ITaskMarketplace.PaymentToken) paymentTokens;
        // slot 7: by the id that a task stores; the first is ETH
        address[] tokens;
        // slot 8: by resource type and token id
        mapping(uint256 key => PriceIndex) prices;
        // slots 9 and 10
        mapping(bytes32 taskId => Agreement) agreements;
        mapping(uint64 nodeId => mapping(uint256 word => uint256 bits)) bidNonces;
        // slot 11
        mapping(bytes32 taskId => TaskDispute) disputes;
    }

    // keccak256(abi.encode(uint256(keccak256("aiigo.storage.TaskMarketplace")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE_LOCATION = 0x48eed7071ed9169fd4d55921c64bf37dc9f25faea6455403ece0e7ff1e39ca00;

    /// @notice Assignments that may fail before the buyer is refunded: the first and one after each of three reopenings.
    uint8 public constant MAX_ATTEMPTS = 4;
    /// @dev Draws of a replicated task: the first and one after a round without a majority.
    uint8 internal constant MAX_ROUNDS = 2;

    INodeRegistry public immutable registry;
    IEscrowManager public immutable escrowManager;
    IRewardDistributor public immutable rewards;
    /// @notice Pays a quarter less of the protocol's fee.
    address public immutable aiigo;
    /// @notice Decides disputes.
    address public immutable court;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(Neighbours memory neighbours) EntryPausable(neighbours.guardian) {
        registry = INodeRegistry(neighbours.registry);
        escrowManager = IEscrowManager(neighbours.escrow);
        rewards = IRewardDistributor(neighbours.rewards);
        aiigo = neighbours.aiigo;
        court = neighbours.court;
        _disableInitializers();
    }

    // ---------------------------------------------------------------- Creating

    /// @param value What of the call's ETH is for this task.
    function _create(TaskRequest calldata request, uint256 value) internal returns (bytes32 taskId) {
        MarketStorage storage $ = _storage();
        Rules memory rules = $.rules;
        _checkEntry(rules.entryPausedUntil);
        uint88 escrow = request.check(rules);
        ITaskMarketplace.PaymentToken memory payment = $.paymentTokens[request.paymentToken];
        if (!payment.allowed) revert ITaskMarketplace.TokenNotAllowed(request.paymentToken);
        uint8 replicas = request.replicas;
        uint256 tipDeposit = payment.timeoutTip * _timeoutsOf(replicas);
        taskId = _taskIdOf(msg.sender, $.nonces[msg.sender]++, request.specHash);
        uint40 acceptBy = uint40(block.timestamp) + request.acceptWindow;
        uint8 flags = request.watcher != address(0) || request.maxAuditAge != 0 ? HAS_TERMS : 0;
        // Casting is safe: the rules bound every duration by a uint24, and the longest review has 43200 minutes.
        // forge-lint: disable-start(unsafe-typecast)
        $.tasks[taskId] = TaskRecord({
            buyer: msg.sender,
            nodeId: 0,
            elapsed: 0,
            status: replicas == 1 ? TaskStatus.Open : TaskStatus.Recruiting,
            resourceType: request.resourceType,
            minTrustLevel: request.minTrustLevel,
            attempts: 0,
            flags: flags,
            escrow: escrow,
            duration: uint24(request.duration),
            minPower: request.minPower,
            acceptWindow: uint24(request.acceptWindow),
            reviewWindow: uint16(request.reviewWindow / 1 minutes),
            feeBps: rules.feeBps,
            since: acceptBy,
            tokenId: payment.id,
            replicas: replicas
        });
        // forge-lint: disable-end(unsafe-typecast)
        if (flags != 0) $.terms[taskId] = TaskTerms({watcher: request.watcher, maxAuditAge: request.maxAuditAge});
        emit ITaskMarketplace.TaskCreated(
            taskId, msg.sender, request.specHash, request, escrow, tipDeposit, rules.feeBps, acceptBy
        );
        escrowManager.deposit{value: value}(taskId, request.paymentToken, msg.sender, escrow + tipDeposit);
    }

    /// @dev How often a tip for a timeout may become due.
    function _timeoutsOf(uint256 replicas) internal pure returns (uint256) {
        return replicas == 1 ? MAX_ATTEMPTS : MAX_ROUNDS * replicas;
    }

    function _taskIdOf(address buyer, uint256 nonce, bytes32 specHash) internal view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), buyer, nonce, specHash));
    }

    // ---------------------------------------------------------------- Assigning

    /// @dev Which of a sender's commitments for a node a digest is: its last hex digit.
    function _placeOf(bytes20 digest) internal pure returns (uint256) {
        return uint160(digest) & 15;
    }

    /// @dev A task that a provider can get now.
    function _onOffer(bytes32 taskId) internal view returns (TaskRecord storage task) {
        task = _inStatus(taskId, TaskStatus.Open);
        if (block.timestamp > task.since) revert ITaskMarketplace.AcceptWindowOver(taskId, task.since);
        _checkEntry(_storage().rules.entryPausedUntil);
    }

    /// @dev The registry judges the node and who acts for it.
    /// @param time Seconds to the deadline.
    function _assign(bytes32 taskId, TaskRecord storage task, uint64 nodeId, address operator, uint32 time) internal {
        // Nobody is excluded before the first attempt has failed.
        if (task.attempts != 0 && _storage().excluded[taskId][nodeId]) {
            revert ITaskMarketplace.NodeExcluded(taskId, nodeId);
        }
        task.status = TaskStatus.InProgress;
        task.nodeId = SafeCast.toUint32(nodeId);
        task.since = uint40(block.timestamp);
        emit ITaskMarketplace.TaskAccepted(taskId, nodeId, operator, uint40(block.timestamp) + time);
        registry.beginTask(nodeId, operator, task.buyer, _demand(taskId, task));
    }

    function _demand(bytes32 taskId, TaskRecord storage task) internal view returns (TaskDemand memory) {
        return TaskDemand({
            resourceType: task.resourceType,
            minTrustLevel: task.minTrustLevel,
            minPower: task.minPower,
            maxAuditAge: task.flags & HAS_TERMS != 0 ? _storage().terms[taskId].maxAuditAge : 0,
            token: _tokenOf(task.tokenId),
            escrow: task.escrow
        });
    }

    // ---------------------------------------------------------------- Terms: the request's or the bid's

    /// @dev Seconds from the assignment to the deadline.
    function _timeFor(bytes32 taskId, TaskRecord storage task) internal view returns (uint24) {
        return task.flags & AGREED != 0 ? _storage().agreements[taskId].eta : task.duration;
    }

    /// @dev The most that the work costs, and what its provider earned with it.
    function _dueFor(bytes32 taskId, TaskRecord memory task) internal view returns (uint256 price, uint256 due) {
        if (task.flags & AGREED == 0) {
            return (task.escrow, Payment.dueFor(task.escrow, task.duration, task.elapsed));
        }
        price = _storage().agreements[taskId].price;
        return (price, Payment.wholeUnits(price));
    }

    // ---------------------------------------------------------------- Deadlines and checks

    function _resultsUntil(bytes32 taskId, TaskRecord storage task) internal view returns (uint40) {
        return task.since + _timeFor(taskId, task) + _storage().rules.grace;
    }

    function _reviewUntil(TaskRecord storage task) internal view returns (uint40) {
        return task.since + task.elapsed + uint40(task.reviewWindow) * 1 minutes;
    }

    function _inStatus(bytes32 taskId, TaskStatus status) internal view returns (TaskRecord storage task) {
        task = _storage().tasks[taskId];
        if (task.status != status) revert ITaskMarketplace.WrongStatus(taskId, task.status);
    }

    function _checkBuyer(bytes32 taskId, TaskRecord storage task) internal view {
        if (msg.sender != task.buyer) revert ITaskMarketplace.NotBuyer(taskId, msg.sender);
    }

    function _checkOperator(uint64 nodeId) internal view {
        if (!registry.isOperator(nodeId, msg.sender)) revert ITaskMarketplace.NotNodeOperator(nodeId, msg.sender);
    }

    /// @dev Most tasks are paid in ETH, which needs no look at the list.
    function _tokenOf(uint8 tokenId) internal view returns (address) {
        return tokenId == 0 ? address(0) : _storage().tokens[tokenId];
    }

    function _priceKey(ResourceType resourceType, uint8 tokenId) internal pure returns (uint256) {
        return uint256(resourceType) << 8 | tokenId;
    }

    // ---------------------------------------------------------------- Parameters

    /// @inheritdoc EntryPausable
    function entryPausedUntil() public view override returns (uint40) {
        return _storage().rules.entryPausedUntil;
    }

    function _setEntryPausedUntil(uint40 until) internal override {
        _storage().rules.entryPausedUntil = until;
    }

    function _storage() internal pure returns (MarketStorage storage $) {
        assembly ("memory-safe") {
            $.slot := STORAGE_LOCATION
        }
    }
}
