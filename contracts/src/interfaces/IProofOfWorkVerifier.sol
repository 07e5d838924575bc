// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title How much power does this machine really have?
/// @notice A node searches a fixed window T for nonces whose keccak-256 with its seed is small and submits the 64 that
/// gave the smallest hashes. The largest of these, h, tells how many hashes were tried: about 63 x 2^256 / h, with a
/// relative error of 12.7%. Nothing that the node says of its own time is used.
///
/// Onboarding challenges one node when it asks. An audit round challenges at once all nodes that were Active, or executing
/// a task, at any time since the round before, so that one machine can't stand for several.
interface IProofOfWorkVerifier {
    /// @dev Governance parameters.
    struct Parameters {
        uint32 window; // seconds T from issue to the last block that may include the solution
        uint32 cooldown; // seconds after a missed challenge before the next
        uint32 auditInterval; // seconds from one round to the earliest time of the next
        uint32 jitter; // seconds, at most, that the next preimage adds to that
        uint32 revealWindow; // seconds after the latest such time until anyone may open the round without the preimage
        uint32 lateWindow; // seconds after T for solutions whose hash was posted in time, and for excuses
        uint64[5] hashesPerTflops; // hashes/s that count as one TFLOPS, per resource type
    }

    /// @dev A task excuses from a round if its escrow reaches this, in the smallest units of its token.
    struct ExcuseFloor {
        address token;
        uint96 minEscrow; // zero: tasks paid in this token excuse nobody
    }

    /// @dev An onboarding challenge.
    struct Challenge {
        bytes32 seed; // challenge seed, before it is bound to chain, verifier and node
        uint40 openedAt;
        uint40 deadline;
        uint64 id; // zero: never challenged
        bool open;
    }

    /// @dev An audit round. Number zero, at the deployment, challenged nobody.
    struct Round {
        bytes32 seed; // challenge seed, before it is bound to chain, verifier and node
        uint64 number;
        uint40 openedAt;
        uint40 deadline; // last second for solutions and for roots over their hashes
        uint40 finishesAt; // last second for solutions under a root and for excuses; after it what is missing is a miss
    }

    /// @dev A node's audits, for readers off-chain.
    struct Audits {
        uint64[4] results; // hashes/s, the newest first; a miss is zero
        uint8 count; // results there are
        uint64 hashRate; // lower bound that they prove, hashes/s
        uint40 validUntil; // last second that it counts
        uint40 lastAuditAt; // when the last round that was passed opened
        uint32 passed; // rounds
        uint64 lastRound; // rounds up to it are accounted
        uint8 missesInRow;
        uint8 excuseWait; // results until an excuse leaves a round out again
        bool excused; // from the round after the last one accounted
    }

    /// @dev What a round still wants of a node. The order is part of the ABI: append only.
    enum Duty {
        None, // it was neither Active nor executing since the round before
        Due, // it has not answered
        Excused, // it has not answered, and needn't
        Accounted // answered, or its miss is recorded
    }

    event ChallengeIssued(
        uint64 indexed nodeId, uint64 indexed challengeId, bytes32 challengeSeed, uint40 openedAt, uint40 deadline
    );
    /// @dev `hashRate` is the estimate of this solution in hashes/s, `power` the node's verified power after it.
    event ChallengePassed(
        uint64 indexed nodeId, uint64 indexed challengeId, bytes32 largestHash, uint64 hashRate, uint64 power
    );
    event ChallengeMissed(uint64 indexed nodeId, uint64 indexed challengeId);

    event ChallengerChanged(address indexed challenger);
    event ChainCommitted(address indexed challenger, bytes32 head);
    /// @dev `preimage` is zero if the round was opened without one.
    event RoundOpened(
        uint64 indexed round,
        address indexed opener,
        bytes32 preimage,
        bytes32 seed,
        uint40 openedAt,
        uint40 deadline,
        uint40 finishesAt
    );
    event SolutionRootPosted(uint64 indexed round, address indexed poster, bytes32 root);
    /// @dev `hashRate` is the estimate of this solution in hashes/s, `power` the node's verified power after it, which counts
    /// until `validUntil`.
    event AuditPassed(
        uint64 indexed nodeId,
        uint64 indexed round,
        bytes32 largestHash,
        uint64 hashRate,
        uint64 power,
        uint40 validUntil
    );
    /// @dev `hashRate` is zero if there was no solution, else that of one below half of the verified power.
    event AuditMissed(uint64 indexed nodeId, uint64 indexed round, uint64 hashRate, uint64 power, uint8 missesInRow);
    event ExcuseRecorded(uint64 indexed nodeId, uint64 indexed round, bytes32 indexed taskId);
    /// @dev The round ended without a solution of an excused node: left out of the mean, or else counted as zero.
    event AuditExcused(uint64 indexed nodeId, uint64 indexed round, bool leftOut, uint64 power);
    /// @dev `interval` ends when the audit round of the same number opens.
    event ActivityChanged(uint64 indexed nodeId, uint64 indexed interval, bool active);
    /// @dev Anyone asked for it: the registry counts with this power from now on.
    event StandingTold(uint64 indexed nodeId, uint64 power);
    event ExcuseFloorChanged(address indexed token, uint96 minEscrow);
    event VerifierParametersChanged(Parameters parameters);

    error NotNodeOperator(uint64 nodeId, address caller);
    error NotRegistry(address caller);
    error NotChallenger(address caller);
    error NodeNotChallengeable(uint64 nodeId);
    error ChallengeOpen(uint64 nodeId, uint40 deadline);
    error CoolingDown(uint64 nodeId, uint40 until);
    error NoOpenChallenge(uint64 nodeId);
    error DeadlinePassed(uint64 nodeId, uint40 deadline);
    error WrongSolutionLength(uint256 length);
    error NoncesNotIncreasing(uint256 index);
    error InvalidHead();
    error WrongPreimage(bytes32 preimage);
    /// @dev A chain counts from the second after its commitment.
    error ChainTooNew(uint40 committedAt);
    error RoundNotDue(uint40 dueAt);
    error RoundNotCurrent(uint64 round, uint64 current);
    error RoundDeadlinePassed(uint64 round, uint40 deadline);
    error RoundNotOver(uint64 round);
    error NodeNotDue(uint64 nodeId, uint64 round);
    error AlreadyAccounted(uint64 nodeId, uint64 round);
    error AlreadyExcused(uint64 nodeId, uint64 round);
    error TaskIsNoExcuse(uint64 nodeId, bytes32 taskId);
    error RootPostedAlready(uint64 round, address poster);
    error InvalidRoot();
    error NotUnderRoot(uint64 nodeId, bytes32 root);
    error InvalidParameters();

    // ---------------------------------------------------------------- Onboarding

    /// @notice Opens an onboarding challenge, by owner or operator of a Pending or Inactive node.
    function issueChallenge(uint64 nodeId) external returns (uint64 challengeId);
    /// @notice Answers it with 64 strictly increasing nonces, 8 bytes big-endian each. A bad one reverts.
    function submitSolution(uint64 nodeId, bytes calldata nonces) external;
    /// @notice Anyone: closes a challenge whose deadline passed unanswered.
    function reportMissed(uint64 nodeId) external;

    // ---------------------------------------------------------------- Rounds

    /// @notice Challenger: commits to the head of a hash chain, whose preimages open the next rounds. Replaces what is left
    /// of an earlier chain.
    function commitChain(bytes32 head) external;
    /// @notice Anyone who knows the next preimage, keccak256(preimage) == head: opens the round that is due. The preimage
    /// becomes the head.
    function openRound(bytes32 preimage) external returns (uint64 round);
    /// @notice Anyone, once the time to reveal the preimage is over.
    function openRoundWithoutPreimage() external returns (uint64 round);

    /// @notice Owner or operator: answers the round before its deadline is over, as `submitSolution` does a challenge.
    /// A solution that shows less than half of the verified power is a miss.
    function submitRoundSolution(uint64 round, uint64 nodeId, bytes calldata nonces) external;
    /// @notice Anyone, before the deadline: a Merkle root over solutions that then follow until the round finishes, in
    /// OpenZeppelin's standard format with leaves (uint64 nodeId, bytes32 keccak256(nonces)). One for each poster and round.
    function postSolutionRoot(uint64 round, bytes32 root) external;
    /// @notice Owner or operator, until the round finishes: answers with a solution under the root that `poster` posted.
    function submitCommittedSolution(
        uint64 round,
        uint64 nodeId,
        bytes calldata nonces,
        address poster,
        bytes32[] calldata proof
    ) external;
    /// @notice Anyone, until the round finishes: the node was executing this task when the round opened. If it doesn't answer
    /// the round all the same, it is left out once in four, else counts as zero without being a miss.
    function excuse(uint64 round, uint64 nodeId, bytes32 taskId) external;
    /// @notice Anyone, once the round has finished: records the misses of these nodes, also of earlier rounds that nobody
    /// reported. Nodes without one are skipped.
    /// @return missed Misses that were recorded.
    function reportMissedRound(uint64 round, uint64[] calldata nodeIds) external returns (uint256 missed);

    // ---------------------------------------------------------------- Registry and governance

    /// @notice Registry: the node is Active or executes tasks from now on, or doesn't any more. If it did at any time between
    /// two audit rounds, it is due in the second. Saying what is known already changes nothing.
    function noteActivity(uint64 nodeId, bool active) external;
    /// @notice Anyone: tells the registry again what the node has proved. Needed after a new calibration only.
    function syncStanding(uint64 nodeId) external;
    /// @notice Governance. What was committed by the challenger before counts no more.
    function setChallenger(address challenger) external;
    function setExcuseFloor(ExcuseFloor calldata floor) external;
    function setParameters(Parameters calldata parameters) external;

    // ---------------------------------------------------------------- Views

    function parameters() external view returns (Parameters memory);
    function excuseFloorOf(address token) external view returns (uint96);
    function challengeOf(uint64 nodeId) external view returns (Challenge memory);
    function challenger() external view returns (address);
    /// @notice The hash whose preimage opens the next round; zero: none is committed.
    function chainHead() external view returns (bytes32);
    /// @notice The last round that was opened.
    function currentRound() external view returns (Round memory);
    /// @notice When `preimage` opens the next round: what it adds to the interval is known to those who know it. With a chain
    /// that is not older than the last round it is the greatest jitter.
    function roundDueAt(bytes32 preimage) external view returns (uint40);
    /// @notice From when on anyone may open the next round without a preimage.
    function roundOpenToAnyoneAt() external view returns (uint40);
    /// @notice What the current round, or an earlier one, wants of the node.
    function dutyOf(uint64 round, uint64 nodeId) external view returns (Duty);
    function auditsOf(uint64 nodeId) external view returns (Audits memory);
    /// @notice The root that `poster` posted in `round`; zero: none.
    function solutionRootOf(uint64 round, address poster) external view returns (bytes32);
    /// @notice keccak256(abi.encode(block.chainid, verifier, challengeSeed, nodeId)).
    function nodeSeed(uint64 nodeId, bytes32 challengeSeed) external view returns (bytes32);
    /// @notice Hash rate, hashes/s, from the largest of the 64 smallest hashes: floor(floor(63 x (2^256-1) / h) / T).
    function calculateComputePower(bytes32 largestHash, uint32 window) external pure returns (uint64 hashRate);
    /// @notice The largest hash of a solution; reverts if it is malformed.
    function largestHashOf(bytes32 seed, bytes calldata nonces) external pure returns (bytes32);
    /// @notice Verified hash rate, hashes/s. Until the first audit that is due: half of the lower bound (x0.82) of the lowest
    /// onboarding result. Then the lower bound of the audits: until the third the lowest result x0.82, from then on the mean
    /// of the last four x0.90. Zero without a passed audit in the last four intervals; onboarding readmits then, for four
    /// intervals, with the lower of the two.
    function verifiedHashRate(uint64 nodeId) external view returns (uint64);
    /// @notice Verified power, milli-TFLOPS, by the present calibration of the node's resource type. The registry counts with
    /// what it was told last: by the calibration of that time.
    function verifiedPower(uint64 nodeId) external view returns (uint64);
}
