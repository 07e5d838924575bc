// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IMarketExtension} from "../interfaces/IMarketExtension.sol";
import {ITaskMarketplace} from "../interfaces/ITaskMarketplace.sol";
import {Payment} from "../libraries/Payment.sol";
import {RequestRules} from "../libraries/RequestRules.sol";
import {Extendable} from "../proxy/Extendable.sol";
import {ResourceType} from "../types/Resource.sol";
import {Task, TaskRequest, TaskStatus} from "../types/Task.sol";
import {AGREED, Agreement, TaskRecord, TaskTerms} from "../types/TaskRecord.sol";
import {MarketBase, Neighbours} from "./MarketBase.sol";
import {MarketSettings} from "./MarketSettings.sol";
import {PRICE_SCALE, PriceIndex} from "./PriceIndex.sol";

/// @title The market's second room: batches, settings and what is read
/// @dev Runs by delegatecall from TaskMarketplace, on its storage and in its name. What it doesn't know either, it passes on.
contract MarketExtension is IMarketExtension, MarketSettings, Extendable {
    using RequestRules for TaskRequest;

    /// @notice The most tasks that one transaction creates.
    uint256 public constant MAX_BATCH = 64;

    /// @param deals The third room.
    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(Neighbours memory neighbours, address deals) MarketBase(neighbours) Extendable(deals) {}

    /// @inheritdoc IMarketExtension
    function initialize(
        address owner_,
        ITaskMarketplace.Parameters calldata parameters_,
        ITaskMarketplace.TokenConfig[] calldata tokens
    ) external initializer {
        __Ownable_init(owner_);
        _setParameters(parameters_);
        _setPaymentToken(address(0), false, 0); // its id is zero
        for (uint256 i; i < tokens.length; ++i) {
            _setPaymentToken(tokens[i].token, true, tokens[i].timeoutTip);
        }
    }

    // ---------------------------------------------------------------- Buyers

    /// @inheritdoc IMarketExtension
    /// @dev A permit calls only an allowed token, under the guard; what all tasks spend is counted against the value once.
    // slither-disable-next-line reentrancy-eth,msg-value-loop
    function createTasks(TaskRequest[] calldata requests, TokenPermit[] calldata permits)
        external
        payable
        nonReentrant
        returns (bytes32[] memory taskIds)
    {
        if (requests.length > MAX_BATCH) revert ITaskMarketplace.BatchTooLarge(requests.length);
        for (uint256 i; i < permits.length; ++i) {
            _permit(permits[i]);
        }
        taskIds = new bytes32[](requests.length);
        uint256 spent;
        for (uint256 i; i < requests.length; ++i) {
            uint256 value = requests[i].paymentToken == address(0) ? _costOf(requests[i]) : 0;
            spent += value;
            if (spent > msg.value) revert ITaskMarketplace.WrongPayment(msg.value, spent);
            taskIds[i] = _create(requests[i], value);
        }
        if (spent != msg.value) revert ITaskMarketplace.WrongPayment(msg.value, spent);
    }

    // ---------------------------------------------------------------- Governance

    /// @inheritdoc IMarketExtension
    function setParameters(ITaskMarketplace.Parameters calldata parameters_) external onlyOwner {
        _setParameters(parameters_);
    }

    /// @inheritdoc IMarketExtension
    function setPaymentToken(address token, bool allowed, uint96 timeoutTip) external onlyOwner {
        _setPaymentToken(token, allowed, timeoutTip);
    }

    // ---------------------------------------------------------------- Views

    /// @inheritdoc IMarketExtension
    function parameters() external view returns (ITaskMarketplace.Parameters memory) {
        return _toParameters(_storage().rules);
    }

    /// @inheritdoc IMarketExtension
    function taskOf(bytes32 taskId) external view returns (Task memory) {
        MarketStorage storage $ = _storage();
        TaskRecord memory record = $.tasks[taskId];
        TaskTerms memory terms = $.terms[taskId];
        Agreement memory agreement;
        if (record.flags & AGREED != 0) agreement = $.agreements[taskId];
        bool running = record.status == TaskStatus.InProgress || record.status == TaskStatus.Replicating;
        bool delivered = record.status == TaskStatus.Completed || record.status == TaskStatus.Verified
            || record.status == TaskStatus.Disputed || record.status == TaskStatus.Resolved;
        return Task({
            buyer: record.buyer,
            watcher: terms.watcher,
            nodeId: record.nodeId,
            status: record.status,
            resourceType: record.resourceType,
            minTrustLevel: record.minTrustLevel,
            replicas: record.replicas,
            attempts: record.attempts,
            escrow: record.escrow,
            duration: record.duration,
            minPower: record.minPower,
            maxAuditAge: terms.maxAuditAge,
            acceptBy: running || delivered ? 0 : record.since,
            acceptWindow: record.acceptWindow,
            feeBps: record.feeBps,
            paymentToken: _tokenOf(record.tokenId),
            assignedAt: running || delivered ? record.since : 0,
            submittedAt: delivered ? record.since + record.elapsed : 0,
            reviewWindow: record.reviewWindow,
            agreedPrice: agreement.price,
            agreedEta: agreement.eta
        });
    }

    /// @inheritdoc IMarketExtension
    function paymentToken(address token) external view returns (ITaskMarketplace.PaymentToken memory) {
        return _storage().paymentTokens[token];
    }

    /// @inheritdoc IMarketExtension
    function paymentTokens() external view returns (address[] memory) {
        return _storage().tokens;
    }

    /// @inheritdoc IMarketExtension
    function commitmentOf(uint64 nodeId, address sender, bytes20 digest)
        external
        view
        returns (ITaskMarketplace.Commitment memory)
    {
        return _storage().commitments[nodeId][sender][_placeOf(digest)];
    }

    /// @inheritdoc IMarketExtension
    function isExcluded(bytes32 taskId, uint64 nodeId) external view returns (bool) {
        return _storage().excluded[taskId][nodeId];
    }

    /// @inheritdoc IMarketExtension
    function nonceOf(address buyer) external view returns (uint256) {
        return _storage().nonces[buyer];
    }

    /// @inheritdoc IMarketExtension
    function taskIdOf(address buyer, uint256 nonce, bytes32 specHash) external view returns (bytes32) {
        return _taskIdOf(buyer, nonce, specHash);
    }

    /// @inheritdoc IMarketExtension
    function quote(TaskRequest calldata request) external view returns (uint96 escrow, uint256 tipDeposit) {
        escrow = SafeCast.toUint96(request.priceOf());
        tipDeposit = _tipDeposit(request);
    }

    /// @inheritdoc IMarketExtension
    function dueFor(uint96 escrow, uint32 duration, uint256 elapsed) external pure returns (uint256) {
        return Payment.dueFor(escrow, duration, elapsed);
    }

    /// @inheritdoc IMarketExtension
    function priceIndexOf(ResourceType resourceType, address token)
        public
        view
        returns (uint128 price, uint256 weight, uint40 updatedAt)
    {
        MarketStorage storage $ = _storage();
        ITaskMarketplace.PaymentToken memory listing = $.paymentTokens[token];
        if (!listing.listed) return (0, 0, 0);
        PriceIndex memory index = $.prices[_priceKey(resourceType, listing.id)];
        return (index.price, index.weightAt(block.timestamp), index.updatedAt);
    }

    /// @inheritdoc IMarketExtension
    function estimateTaskCost(ResourceType resourceType, address token, uint32 power, uint32 duration)
        external
        view
        returns (uint256)
    {
        (uint256 price,,) = priceIndexOf(resourceType, token);
        return Math.mulDiv(price, uint256(power) * duration, PRICE_SCALE * 1 hours, Math.Rounding.Ceil);
    }

    // ---------------------------------------------------------------- Inside

    /// @dev Anyone can send a signature first and make it fail here; what counts is the allowance.
    function _permit(TokenPermit calldata permit) private {
        try IERC20Permit(permit.token)
            .permit(msg.sender, address(escrowManager), permit.value, permit.deadline, permit.v, permit.r, permit.s) {}
            catch {}
    }

    function _costOf(TaskRequest calldata request) private view returns (uint256) {
        return request.priceOf() + _tipDeposit(request);
    }

    function _tipDeposit(TaskRequest calldata request) private view returns (uint256) {
        return _storage().paymentTokens[request.paymentToken].timeoutTip * _timeoutsOf(request.replicas);
    }
}
