// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IArbitrable} from "../interfaces/IArbitrable.sol";
import {IDisputeCourtCore} from "../interfaces/IDisputeCourtCore.sol";
import {IMarketDisputes} from "../interfaces/IMarketDisputes.sol";
import {ITaskMarketplace} from "../interfaces/ITaskMarketplace.sol";
import {DisputeSplit} from "../libraries/DisputeSplit.sol";
import {RequestRules} from "../libraries/RequestRules.sol";
import {AIIGO_DISCOUNT, BPS} from "../libraries/Shares.sol";
import {Verdict} from "../types/Node.sol";
import {TaskStatus} from "../types/Task.sol";
import {HAS_TERMS, TaskDispute, TaskRecord} from "../types/TaskRecord.sol";
import {MarketBase} from "./MarketBase.sol";

/// @title A result goes to court, and its escrow is split by the ruling
/// @dev Never paused: a buyer whose review window runs must be able to dispute.
abstract contract Disputes is IMarketDisputes, MarketBase {
    modifier onlyCourt() {
        _checkCourt();
        _;
    }

    /// @inheritdoc IMarketDisputes
    function disputeTask(bytes32 taskId, string calldata evidenceURI)
        external
        payable
        nonReentrant
        returns (uint256 caseId)
    {
        TaskRecord storage task = _inStatus(taskId, TaskStatus.Completed);
        _checkDisputer(taskId, task);
        uint40 until = _reviewUntil(task);
        if (block.timestamp > until) revert ReviewWindowOver(taskId, until);
        uint256 length = bytes(evidenceURI).length;
        if (length == 0 || length > RequestRules.MAX_URI_LENGTH) revert ITaskMarketplace.InvalidRequest("evidenceURI");

        task.status = TaskStatus.Disputed;
        uint256 due = _dueOf(taskId, task);
        uint256 bond = DisputeSplit.bondFor(due);
        caseId = IDisputeCourtCore(court).openCase(taskId, task.buyer, msg.sender, task.nodeId);
        // casting is safe: cases are counted
        // forge-lint: disable-next-line(unsafe-typecast)
        _storage().disputes[taskId] = TaskDispute({disputer: msg.sender, caseId: uint96(caseId)});
        emit TaskDisputed(taskId, task.nodeId, caseId, msg.sender, due, bond, evidenceURI);
        escrowManager.topUp{value: msg.value}(taskId, msg.sender, bond);
    }

    /// @inheritdoc IArbitrable
    function rule(bytes32 taskId, uint16 providerShareBps, address[] calldata jurors) public virtual onlyCourt {
        TaskRecord storage task = _inStatus(taskId, TaskStatus.Disputed);
        uint256 due = _dueOf(taskId, task);
        uint256 rebateBps = _tokenOf(task.tokenId) == aiigo ? task.feeBps / AIIGO_DISCOUNT : 0;
        DisputeSplit.Amounts memory amounts =
            DisputeSplit.ruled(due, DisputeSplit.bondFor(due), providerShareBps, task.feeBps, rebateBps);
        emit TaskResolved(
            taskId,
            task.nodeId,
            true,
            providerShareBps,
            due,
            amounts.provider,
            amounts.fee,
            amounts.jurors,
            amounts.bondToProvider
        );
        Verdict verdict = providerShareBps == 0 ? Verdict.Lost : providerShareBps == BPS ? Verdict.Won : Verdict.Split;
        _resolve(taskId, task, due, amounts, jurors, verdict);
    }

    /// @inheritdoc IArbitrable
    function closeWithoutRuling(bytes32 taskId) public virtual onlyCourt {
        TaskRecord storage task = _inStatus(taskId, TaskStatus.Disputed);
        uint256 due = _dueOf(taskId, task);
        DisputeSplit.Amounts memory amounts = DisputeSplit.even(due);
        // casting is safe: a constant
        // forge-lint: disable-next-line(unsafe-typecast)
        emit TaskResolved(taskId, task.nodeId, false, uint16(BPS / 2), due, amounts.provider, 0, 0, 0);
        _resolve(taskId, task, due, amounts, new address[](0), Verdict.Split);
    }

    /// @inheritdoc IMarketDisputes
    function disputeOf(bytes32 taskId) external view returns (address disputer, uint256 caseId, uint256 bond) {
        TaskDispute memory dispute = _storage().disputes[taskId];
        if (dispute.disputer == address(0)) return (address(0), 0, 0);
        return (dispute.disputer, dispute.caseId, DisputeSplit.bondFor(_dueOf(taskId, _storage().tasks[taskId])));
    }

    // ---------------------------------------------------------------- Inside

    function _resolve(
        bytes32 taskId,
        TaskRecord storage task,
        uint256 due,
        DisputeSplit.Amounts memory amounts,
        address[] memory jurors,
        Verdict verdict
    ) private {
        task.status = TaskStatus.Resolved;
        _pay(taskId, task, due, amounts, jurors);
        (uint64 nodeId, address token) = (task.nodeId, _tokenOf(task.tokenId));
        registry.settleDispute(nodeId, task.buyer, token, task.escrow, amounts.fee, verdict);
        if (amounts.fee != 0) rewards.recordFee(nodeId, token, amounts.fee);
    }

    function _pay(
        bytes32 taskId,
        TaskRecord storage task,
        uint256 due,
        DisputeSplit.Amounts memory amounts,
        address[] memory jurors
    ) private {
        uint256 count = jurors.length;
        address[] memory accounts = new address[](4 + count);
        uint256[] memory shares = new uint256[](4 + count);
        (accounts[0], shares[0]) = (registry.payoutOf(task.nodeId), amounts.provider + amounts.bondToProvider);
        (accounts[1], shares[1]) = (escrowManager.treasury(), amounts.fee);
        accounts[2] = _storage().disputes[taskId].disputer;
        shares[2] = DisputeSplit.bondFor(due) - amounts.bondToProvider;
        // The unused escrow, the tips that are left, the buyer's part of what is due and what rounding left of it.
        accounts[3] = task.buyer;
        shares[3] = escrowManager.escrowOf(taskId).amount - shares[0] - shares[1] - shares[2] - amounts.jurors;
        for (uint256 i; i < count; ++i) {
            (accounts[4 + i], shares[4 + i]) = (jurors[i], amounts.jurors / count);
        }
        if (count != 0) shares[4] += amounts.jurors % count;
        escrowManager.splitPayment(taskId, accounts, shares);
    }

    /// @dev What the provider would be paid if nobody disputed.
    function _dueOf(bytes32 taskId, TaskRecord storage task) private view returns (uint256 due) {
        (, due) = _dueFor(taskId, task);
    }

    function _checkDisputer(bytes32 taskId, TaskRecord storage task) private view {
        if (msg.sender == task.buyer) return;
        if (task.flags & HAS_TERMS == 0 || msg.sender != _storage().terms[taskId].watcher) {
            revert NotDisputer(taskId, msg.sender);
        }
    }

    function _checkCourt() private view {
        if (msg.sender != court) revert NotCourt(msg.sender);
    }
}
