// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ResourceType} from "../types/Resource.sol";
import {TaskRequest, TaskStatus} from "../types/Task.sol";

/// @title Where buyers' tasks meet providers' machines
/// @notice Open -> InProgress -> Completed -> Verified, or Cancelled / Expired. Every state has a way out that anyone can
/// take once its deadline has passed.
interface ITaskMarketplace {
    /// @dev Governance parameters. Durations in seconds.
    struct Parameters {
        uint16 feeBps; // the protocol's share of what is due
        uint32 grace; // after the duration, before a timeout
        uint32 minDuration;
        uint32 maxDuration;
        uint32 maxAcceptWindow;
        uint32 minReviewWindow; // a multiple of 60
        uint32 maxReviewWindow; // a multiple of 60
        uint32 minAbandonWindow; // a provider may abandon for max(duration / 10, this)
    }

    /// @dev Governance: whether a token may pay for tasks, and the enforcer's tip in it per possible timeout.
    struct PaymentToken {
        bool allowed;
        bool listed; // now or once
        uint8 id; // position in the list of tokens
        uint96 timeoutTip;
    }

    /// @dev A payment token allowed from the first block on.
    struct TokenConfig {
        address token; // zero: ETH
        uint96 timeoutTip;
    }

    /// @dev A sealed wish to accept a task: one slot. The last hex digit of the digest says which of the sender's 16 for the
    /// node it takes: a new one replaces what is there.
    struct Commitment {
        bytes20 digest; // first 20 bytes of commitmentHash
        uint48 blockNumber;
        uint40 expiresAt;
    }

    event TaskCreated(
        bytes32 indexed taskId,
        address indexed buyer,
        bytes32 indexed specHash,
        TaskRequest request,
        uint96 escrow,
        uint256 tipDeposit,
        uint16 feeBps,
        uint40 acceptBy
    );
    /// @dev Whether `operator` acts for the node is asked when the seal is opened.
    event AcceptCommitted(uint64 indexed nodeId, address indexed operator, bytes20 digest, uint40 expiresAt);
    event TaskAccepted(bytes32 indexed taskId, uint64 indexed nodeId, address indexed operator, uint40 deadline);
    event ResultSubmitted(
        bytes32 indexed taskId, uint64 indexed nodeId, bytes32 indexed resultHash, string resultURI, uint40 reviewUntil
    );
    /// @dev `approver` is the buyer, or whoever finalized after the review window. providerAmount + feeAmount + refundAmount
    /// = the task's escrow; what is due but goes to neither provider nor protocol is the discount of AIIGO. Unspent tips
    /// return with the refund: EscrowManager's Released has the sum.
    event TaskVerified(
        bytes32 indexed taskId,
        uint64 indexed nodeId,
        address indexed approver,
        uint256 due,
        uint256 providerAmount,
        uint256 feeAmount,
        uint256 refundAmount
    );
    event TaskTimedOut(bytes32 indexed taskId, uint64 indexed nodeId, address indexed enforcer, uint256 tip);
    event TaskAbandoned(bytes32 indexed taskId, uint64 indexed nodeId);
    event TaskReopened(bytes32 indexed taskId, uint8 attempts, uint40 acceptBy);
    /// @dev `refund` is the task's escrow; unspent tips return with it: EscrowManager's Refunded has the sum.
    event TaskCancelled(bytes32 indexed taskId, uint256 refund);
    /// @dev `refund` as in TaskCancelled.
    event TaskExpired(bytes32 indexed taskId, uint256 refund);
    event MarketParametersChanged(Parameters parameters);
    /// @dev `price` in smallest units x 1e9 per milli-TFLOPS and hour.
    event PriceIndexMoved(ResourceType indexed resourceType, address indexed token, uint128 price);
    event PaymentTokenChanged(address indexed token, bool allowed, uint96 timeoutTip);

    error InvalidRequest(string field);
    error TokenNotAllowed(address token);
    error WrongStatus(bytes32 taskId, TaskStatus status);
    error TooLateToCancel(bytes32 taskId);
    error NotBuyer(bytes32 taskId, address caller);
    error NotNodeOperator(uint64 nodeId, address caller);
    error NoCommitment(uint64 nodeId);
    error CommitmentTooFresh(uint64 nodeId);
    error CommitmentLapsed(uint64 nodeId, uint40 expiresAt);
    error NodeExcluded(bytes32 taskId, uint64 nodeId);
    error AcceptWindowOver(bytes32 taskId, uint40 acceptBy);
    error AcceptWindowOpen(bytes32 taskId, uint40 acceptBy);
    error DeadlinePassed(bytes32 taskId, uint40 deadline);
    error DeadlineNotPassed(bytes32 taskId, uint40 deadline);
    error AbandonWindowOver(bytes32 taskId, uint40 until);
    error ReviewWindowOpen(bytes32 taskId, uint40 until);
    error InvalidParameters();
    error TooManyTokens();
    error BatchTooLarge(uint256 tasks);
    error WrongPayment(uint256 sent, uint256 needed);

    /// @notice Escrows price x duration x replicas and the timeout tips; unused money returns to the buyer's escrow balance.
    /// @return taskId keccak256(abi.encode(chainid, marketplace, buyer, buyer's nonce, specHash))
    function createTask(TaskRequest calldata request) external payable returns (bytes32 taskId);
    /// @notice Buyer: takes a task back while it is open, or while nodes apply for its replicas.
    function cancelTask(bytes32 taskId) external;
    /// @notice Operator: seals the wish to accept a task, so that nobody can snipe it. `digest` is the first 20 bytes of
    /// `commitmentHash`. A seal reserves nothing, so nothing is asked of its sender before `acceptTask` opens it. Seals for
    /// several tasks stand beside each other if their digests end in different hex digits, which the salt decides.
    function commitAccept(uint64 nodeId, bytes20 digest) external;
    /// @notice Operator: opens the seal, in a later block than the commitment, and takes the task.
    function acceptTask(bytes32 taskId, uint64 nodeId, bytes32 salt) external;
    /// @notice Operator: gives an accepted task back early, never after its deadline, for a little reputation and no slash.
    function abandonTask(bytes32 taskId) external;
    /// @notice Operator: delivers, until the deadline plus grace.
    function submitResult(bytes32 taskId, bytes32 resultHash, string calldata resultURI) external;
    /// @notice Buyer: accepts the result; pays.
    function approveTask(bytes32 taskId) external;
    /// @notice Anyone, after the review window: pays a provider whose buyer is silent.
    function finalizeTask(bytes32 taskId) external;
    /// @notice Anyone, after the deadline plus grace, or at once if the node is banned: slashes the node, pays the caller
    /// the tip, reopens or refunds.
    function timeoutTask(bytes32 taskId) external;
    /// @notice Anyone, after the acceptance window: refunds the buyer.
    function expireTask(bytes32 taskId) external;

    /// @notice keccak256(abi.encode(taskId, nodeId, salt, operator)).
    function commitmentHash(bytes32 taskId, uint64 nodeId, bytes32 salt, address operator)
        external
        pure
        returns (bytes32);
}
