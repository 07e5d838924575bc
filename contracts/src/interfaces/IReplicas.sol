// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Replica, ReplicaStatus, Replication} from "../types/Replica.sol";

/// @title Replicated tasks: several nodes do the same deterministic work, and the majority is right
/// @notice Recruiting -> Drawing -> Replicating -> Verified, or Cancelled / Expired. Nodes apply openly; who of them works is
/// drawn with the randomness of a block that nobody knew when the candidates were fixed. Results are sealed, so that copying one is
/// useless, and more than half of all seats have to agree. Anyone takes each step once its time has come.
interface IReplicas {
    event ReplicaApplied(bytes32 indexed taskId, uint64 indexed nodeId, address indexed operator, uint8 round);
    /// @dev The application holds nothing of the node any more: taken back, not drawn, or the task is over.
    event ReplicaReleased(bytes32 indexed taskId, uint64 indexed nodeId);
    /// @dev Too few had applied; the window runs once more.
    event ReplicaWindowExtended(bytes32 indexed taskId, uint256 candidates, uint40 acceptBy);
    /// @dev The candidates are fixed. Emitted again if the chain forgot the block before somebody drew.
    event ReplicaDrawFixed(bytes32 indexed taskId, uint8 round, uint256 candidates, uint48 drawBlock);
    /// @dev The other candidates can be released.
    event ReplicasDrawn(bytes32 indexed taskId, uint8 round, bytes32 randomness, uint64[] nodeIds, uint40 sealUntil);
    event ReplicaSealed(bytes32 indexed taskId, uint64 indexed nodeId, bytes32 sealedHash);
    /// @dev Every seat has sealed its result: they can be revealed at once.
    event ReplicasAllSealed(bytes32 indexed taskId, uint40 revealUntil);
    event ReplicaRevealed(bytes32 indexed taskId, uint64 indexed nodeId, bytes32 indexed resultHash, string resultURI);
    /// @dev Committed to nothing, or did not show it.
    event ReplicaTimedOut(bytes32 indexed taskId, uint64 indexed nodeId, address indexed enforcer, uint256 tip);
    /// @dev `agreeing` seats, more than half of all, have `resultHash`. Zero for `settleAfter`: unanimous, settled at once.
    event ReplicasJudged(
        bytes32 indexed taskId, uint8 round, bytes32 indexed resultHash, uint256 agreeing, uint40 settleAfter
    );
    /// @dev No result has a majority: ReplicasReopened or TaskExpired follows.
    event ReplicasDisagreed(bytes32 indexed taskId, uint8 round, uint256 revealed);
    /// @dev Nodes apply for round `round`.
    event ReplicasReopened(bytes32 indexed taskId, uint8 round, uint40 acceptBy);
    /// @dev One of the majority. ReplicasVerified, with the sums, follows.
    event ReplicaPaid(
        bytes32 indexed taskId, uint64 indexed nodeId, uint256 due, uint256 providerAmount, uint256 feeAmount
    );
    /// @dev The task is Verified: final for money. Amounts as in ITaskMarketplace.TaskVerified; EscrowManager's PaymentSplit has
    /// every account's sum.
    event ReplicasVerified(
        bytes32 indexed taskId,
        address indexed enforcer,
        uint256 due,
        uint256 providerAmount,
        uint256 feeAmount,
        uint256 refundAmount
    );
    /// @dev One of the minority: it may appeal until `settleAfter` of ReplicasJudged.
    event ReplicaOutvoted(bytes32 indexed taskId, uint64 indexed nodeId, bytes32 resultHash);
    /// @dev `appealId` stands for the appeal before the court, where a task's id would; `respondent` for the majority.
    event ReplicaAppealed(
        bytes32 indexed taskId,
        uint64 indexed nodeId,
        uint256 indexed caseId,
        bytes32 appealId,
        uint64 respondent,
        address appellant,
        string evidenceURI
    );
    /// @dev Final for this seat: Undecided, Agreed, Vindicated, Cleared or Slashed. NodeRegistry's StakeSlashed has the
    /// amount. The node's stake no longer answers for it.
    event ReplicaSettled(bytes32 indexed taskId, uint64 indexed nodeId, ReplicaStatus verdict);

    error OwnerHasApplied(bytes32 taskId, address owner);
    error WrongReplicaStatus(bytes32 taskId, uint64 nodeId, ReplicaStatus status);
    error DrawBlockNotOver(bytes32 taskId, uint48 drawBlock);
    error WrongReveal(bytes32 taskId, uint64 nodeId);
    error NothingToSettle(bytes32 taskId);
    error AppealsOpen(bytes32 taskId, uint8 appeals);
    error AppealWindowOver(bytes32 taskId, uint40 until);

    /// @notice Operator: applies for a seat, within the acceptance window, and reserves one of the node's slots. One
    /// application an owner and round.
    function applyForReplica(bytes32 taskId, uint64 nodeId) external;
    /// @notice Operator: takes an application back, within the window. The owner can't apply again in this round.
    function withdrawApplication(bytes32 taskId, uint64 nodeId) external;
    /// @notice Anyone: frees candidates that were not drawn, or whose task is over. Passes over those that hold nothing.
    function releaseCandidates(bytes32 taskId, uint64[] calldata nodeIds) external;
    /// @notice Anyone, after the acceptance window: fixes the candidates and the block that draws; after that block: draws.
    /// Too few candidates: the window runs once more, then the buyer is refunded.
    /// @param header To draw: that block's header, RLP encoded. Else nothing.
    function drawReplicas(bytes32 taskId, bytes calldata header) external;
    /// @notice Operator of a seat: commits to a result, until the deadline plus grace. `sealedHash` is `replicaSeal` with
    /// the caller as the operator.
    function sealReplica(bytes32 taskId, uint64 nodeId, bytes32 sealedHash) external;
    /// @notice Who committed: shows the result, once all have committed or the deadline has passed.
    function revealReplica(bytes32 taskId, uint64 nodeId, bytes32 resultHash, string calldata resultURI, bytes32 salt)
        external;
    /// @notice Anyone, once all sealed results are revealed or the time for it is over: counts, and pays the majority.
    /// Silent seats time out, for the caller's tip. No majority reopens the task once, then refunds.
    function judgeReplicas(bytes32 taskId) external;
    /// @notice Operator of an outvoted seat, within a day of the count: takes the majority to court. The case fee, in AIIGO,
    /// is approved to DisputeCourt; in the case the appellant stands where a buyer would, one of the majority as the provider.
    function appealReplica(bytes32 taskId, uint64 nodeId, string calldata evidenceURI) external returns (uint256 caseId);
    /// @notice Anyone, after the time to appeal and the last appeal: slashes who was wrong and frees the others.
    function settleReplicas(bytes32 taskId) external;

    /// @notice keccak256(abi.encode(taskId, nodeId, resultHash, salt, operator)).
    function replicaSeal(bytes32 taskId, uint64 nodeId, bytes32 resultHash, bytes32 salt, address operator)
        external
        pure
        returns (bytes32);
    /// @notice keccak256(abi.encode(taskId, nodeId)): what the court knows an appeal by.
    function appealIdOf(bytes32 taskId, uint64 nodeId) external pure returns (bytes32);
    function replicationOf(bytes32 taskId) external view returns (Replication memory);
    /// @notice A node in a task, as of the last round that it applied in.
    function replicaOf(bytes32 taskId, uint64 nodeId) external view returns (Replica memory);
    /// @notice The present round's candidates, drawn or not, at most `limit` from position `offset` on.
    function candidatesOf(bytes32 taskId, uint256 offset, uint256 limit) external view returns (uint64[] memory nodeIds);
}
