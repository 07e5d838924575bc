// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IArbitrable} from "./IArbitrable.sol";

/// @title Disputes about results
/// @notice Completed -> Disputed -> Resolved. The court decides; until then everything that was escrowed stays, with the bond.
interface IMarketDisputes is IArbitrable {
    /// @dev `disputer` is the buyer or the watcher; `bond` went into the task's escrow entry.
    event TaskDisputed(
        bytes32 indexed taskId,
        uint64 indexed nodeId,
        uint256 indexed caseId,
        address disputer,
        uint256 due,
        uint256 bond,
        string evidenceURI
    );
    /// @dev Final. `share` is the provider's, basis points; without a ruling it is 5000 and nobody pays a fee. What the
    /// amounts leave of the escrow entry is the buyer's; what `bondToProvider` leaves of the bond is the disputer's:
    /// EscrowManager's PaymentSplit has every account's sum.
    event TaskResolved(
        bytes32 indexed taskId,
        uint64 indexed nodeId,
        bool ruled,
        uint16 share,
        uint256 due,
        uint256 providerAmount,
        uint256 feeAmount,
        uint256 jurorAmount,
        uint256 bondToProvider
    );

    error NotDisputer(bytes32 taskId, address caller);
    error NotCourt(address caller);
    error ReviewWindowOver(bytes32 taskId, uint40 until);

    /// @notice Buyer or watcher, within the review window: takes a result to court. The bond, 2% of what is due, comes in the
    /// task's token (ETH is sent along; else approved to EscrowManager), the case fee in AIIGO (approved to DisputeCourt).
    function disputeTask(bytes32 taskId, string calldata evidenceURI) external payable returns (uint256 caseId);

    /// @notice Who disputed a task, and where; zeros if nobody did.
    function disputeOf(bytes32 taskId) external view returns (address disputer, uint256 caseId, uint256 bond);
}
