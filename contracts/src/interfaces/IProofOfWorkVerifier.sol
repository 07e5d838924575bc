// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ResourceType} from "../types/Resource.sol";

/// @title How much power does this machine really have?
/// @notice A node searches a fixed window T for nonces whose keccak-256 with its seed is small and submits the 64 that
/// gave the smallest hashes. The largest of these, h, tells how many hashes were tried: about 63 x 2^256 / h, with a
/// relative error of 12.7%. Nothing that the node says of its own time is used.
interface IProofOfWorkVerifier {
    /// @dev Governance parameters.
    struct Parameters {
        uint32 window; // seconds T from issue to the last block that may include the solution
        uint32 cooldown; // seconds after a missed challenge before the next
        uint64[5] hashesPerTflops; // hashes/s that count as one TFLOPS, per resource type
    }

    struct Challenge {
        bytes32 seed; // challenge seed, before it is bound to chain, verifier and node
        uint40 openedAt;
        uint40 deadline;
        uint64 id; // zero: never challenged
        bool open;
    }

    event ChallengeIssued(
        uint64 indexed nodeId, uint64 indexed challengeId, bytes32 challengeSeed, uint40 openedAt, uint40 deadline
    );
    /// @dev `hashRate` is the estimate of this solution in hashes/s, `power` the node's verified power after it.
    event ChallengePassed(
        uint64 indexed nodeId, uint64 indexed challengeId, bytes32 largestHash, uint64 hashRate, uint64 power
    );
    event ChallengeMissed(uint64 indexed nodeId, uint64 indexed challengeId);
    event VerifierParametersChanged(Parameters parameters);
    /// @dev `interval` ends when the audit round of the same number opens.
    event ActivityChanged(uint64 indexed nodeId, uint64 indexed interval, bool active);

    error NotNodeOperator(uint64 nodeId, address caller);
    error NotRegistry(address caller);
    error NodeNotChallengeable(uint64 nodeId);
    error ChallengeOpen(uint64 nodeId, uint40 deadline);
    error CoolingDown(uint64 nodeId, uint40 until);
    error NoOpenChallenge(uint64 nodeId);
    error DeadlinePassed(uint64 nodeId, uint40 deadline);
    error WrongSolutionLength(uint256 length);
    error NoncesNotIncreasing(uint256 index);
    error InvalidParameters();

    /// @notice Opens an onboarding challenge, by owner or operator of a Pending or Inactive node.
    function issueChallenge(uint64 nodeId) external returns (uint64 challengeId);
    /// @notice Answers it with 64 strictly increasing nonces, 8 bytes big-endian each. A bad one reverts.
    function submitSolution(uint64 nodeId, bytes calldata nonces) external;
    /// @notice Anyone: closes a challenge whose deadline passed unanswered.
    function reportMissed(uint64 nodeId) external;
    /// @notice Registry: the node is Active from now on, or isn't any more. Once Active at any time between two audit
    /// rounds, it is due in the second. Saying what is known already changes nothing.
    function noteActivity(uint64 nodeId, bool active) external;
    function setParameters(Parameters calldata parameters) external;

    function parameters() external view returns (Parameters memory);
    function challengeOf(uint64 nodeId) external view returns (Challenge memory);
    /// @notice keccak256(abi.encode(block.chainid, verifier, challengeSeed, nodeId)).
    function nodeSeed(uint64 nodeId, bytes32 challengeSeed) external view returns (bytes32);
    /// @notice Hash rate, hashes/s, from the largest of the 64 smallest hashes: floor(floor(63 x (2^256-1) / h) / T).
    function calculateComputePower(bytes32 largestHash, uint32 window) external pure returns (uint64 hashRate);
    /// @notice The largest hash of a solution; reverts if it is malformed.
    function largestHashOf(bytes32 seed, bytes calldata nonces) external pure returns (bytes32);
    /// @notice Verified hash rate, hashes/s: the 95% lower bound, and half of it until the first audit round.
    function verifiedHashRate(uint64 nodeId) external view returns (uint64);
    /// @notice Verified power, milli-TFLOPS, by the calibration of the node's resource type.
    function verifiedPower(uint64 nodeId) external view returns (uint64);
    /// @notice What trust levels and tasks ask of a node.
    /// @return power Verified power, milli-TFLOPS.
    /// @return challengesPassed Audit rounds passed; onboarding counts for none.
    /// @return lastAuditAt When the last audit round that it passed opened; zero before the first.
    /// @return audited Whether it has passed an audit round. Before that its trust level is at most 1.
    function standingOf(uint64 nodeId)
        external
        view
        returns (uint64 power, uint32 challengesPassed, uint40 lastAuditAt, bool audited);
}
