// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IEntropySource} from "./interfaces/IEntropySource.sol";
import {INodeRegistry} from "./interfaces/INodeRegistry.sol";
import {IProofOfWorkVerifier} from "./interfaces/IProofOfWorkVerifier.sol";
import {PowSolution} from "./libraries/PowSolution.sol";
import {NodeStatus} from "./types/Node.sol";
import {ActivityLog} from "./verifier/ActivityLog.sol";

/// @title How much power does this machine really have?
/// @dev An onboarding result stands for a machine that had the whole window to itself, perhaps a rented one, so only half
/// of its lower bound counts until audits exist. Answering again never raises a result: the lowest one counts.
///
/// Assumes an entropy source validated for the chain, and blocks that come often enough to include an answer in time.
contract ProofOfWorkVerifier is IProofOfWorkVerifier, OwnableUpgradeable, UUPSUpgradeable {
    enum Stage {
        None,
        Open,
        Passed,
        Missed
    }

    /// @dev A node's last challenge and its result: two slots.
    struct Record {
        // slot 0
        bytes32 seed;
        // slot 1
        uint40 openedAt;
        uint40 deadline;
        uint64 id;
        uint64 hashRate; // hashes/s, the lowest of the node's estimates
        Stage stage;
        bool proven; // at least one challenge passed
    }

    /// @custom:storage-location erc7201:aiigo.storage.ProofOfWorkVerifier
    struct VerifierStorage {
        // slots 0 to 2
        Parameters parameters;
        // slot 3
        uint64 challengeCount;
        uint64 roundCount;
        // slots 4 and 5
        mapping(uint64 nodeId => Record) records;
        mapping(uint64 nodeId => ActivityLog) activity;
    }

    // keccak256(abi.encode(uint256(keccak256("aiigo.storage.ProofOfWorkVerifier")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE_LOCATION = 0x910399171de9b1cf2a0258772e2ba9bbba2abbf692579cdee1e557a319e00d00;

    /// @notice The longest window, seconds.
    uint256 public constant MAX_WINDOW = 1 hours;
    /// @notice The longest cooldown, seconds.
    uint256 public constant MAX_COOLDOWN = 7 days;

    /// @dev 95% lower bound of an estimate, percent.
    uint256 private constant LOWER_BOUND = 82;
    /// @dev The share of it that counts before the first audit, percent.
    uint256 private constant UNAUDITED_SHARE = 50;

    INodeRegistry public immutable registry;
    IEntropySource public immutable entropySource;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(address registry_, address entropySource_) {
        registry = INodeRegistry(registry_);
        entropySource = IEntropySource(entropySource_);
        _disableInitializers();
    }

    /// @param owner_ Governance: the timelock.
    function initialize(address owner_, Parameters calldata parameters_) external initializer {
        __Ownable_init(owner_);
        _setParameters(parameters_);
    }

    // ---------------------------------------------------------------- Challenges

    /// @inheritdoc IProofOfWorkVerifier
    function issueChallenge(uint64 nodeId) external returns (uint64 challengeId) {
        _checkOperator(nodeId);
        NodeStatus status = registry.statusOf(nodeId);
        if (status == NodeStatus.Active || status == NodeStatus.Slashed) revert NodeNotChallengeable(nodeId);

        VerifierStorage storage $ = _storage();
        Record storage record = $.records[nodeId];
        if (record.stage == Stage.Open) {
            if (block.timestamp <= record.deadline) revert ChallengeOpen(nodeId, record.deadline);
            _miss(nodeId, record);
        }
        if (record.stage == Stage.Missed) {
            // From the deadline, whenever the miss was reported: nobody can make a node wait longer.
            uint40 until = record.deadline + $.parameters.cooldown;
            if (block.timestamp < until) revert CoolingDown(nodeId, until);
        }

        challengeId = ++$.challengeCount;
        bytes32 seed = keccak256(abi.encode(entropySource.entropy(), challengeId));
        uint40 openedAt = uint40(block.timestamp);
        uint40 deadline = openedAt + $.parameters.window;
        record.seed = seed;
        record.openedAt = openedAt;
        record.deadline = deadline;
        record.id = challengeId;
        record.stage = Stage.Open;
        emit ChallengeIssued(nodeId, challengeId, seed, openedAt, deadline);
    }

    /// @inheritdoc IProofOfWorkVerifier
    function submitSolution(uint64 nodeId, bytes calldata nonces) external {
        _checkOperator(nodeId);
        Record storage record = _storage().records[nodeId];
        if (record.stage != Stage.Open) revert NoOpenChallenge(nodeId);
        if (block.timestamp > record.deadline) revert DeadlinePassed(nodeId, record.deadline);

        bytes32 largest = PowSolution.largestHash(nodeSeed(nodeId, record.seed), nonces);
        // casting is safe: the window was a uint32 when the challenge opened
        // forge-lint: disable-next-line(unsafe-typecast)
        uint64 hashRate = PowSolution.hashRate(largest, uint32(record.deadline - record.openedAt));
        bool first = !record.proven;
        record.stage = Stage.Passed;
        record.proven = true;
        if (first || hashRate < record.hashRate) record.hashRate = hashRate;
        emit ChallengePassed(nodeId, record.id, largest, hashRate, verifiedPower(nodeId));
        if (first) registry.markVerified(nodeId);
    }

    /// @inheritdoc IProofOfWorkVerifier
    function reportMissed(uint64 nodeId) external {
        Record storage record = _storage().records[nodeId];
        if (record.stage != Stage.Open) revert NoOpenChallenge(nodeId);
        if (block.timestamp <= record.deadline) revert ChallengeOpen(nodeId, record.deadline);
        _miss(nodeId, record);
    }

    // ---------------------------------------------------------------- Registry

    /// @inheritdoc IProofOfWorkVerifier
    function noteActivity(uint64 nodeId, bool active) external {
        if (msg.sender != address(registry)) revert NotRegistry(msg.sender);
        VerifierStorage storage $ = _storage();
        uint64 interval = $.roundCount + 1;
        if ($.activity[nodeId].note(interval, active)) emit ActivityChanged(nodeId, interval, active);
    }

    // ---------------------------------------------------------------- Governance

    /// @inheritdoc IProofOfWorkVerifier
    function setParameters(Parameters calldata parameters_) external onlyOwner {
        _setParameters(parameters_);
    }

    // ---------------------------------------------------------------- Views

    /// @inheritdoc IProofOfWorkVerifier
    function parameters() external view returns (Parameters memory) {
        return _storage().parameters;
    }

    /// @inheritdoc IProofOfWorkVerifier
    function challengeOf(uint64 nodeId) external view returns (Challenge memory) {
        Record storage record = _storage().records[nodeId];
        return Challenge({
            seed: record.seed,
            openedAt: record.openedAt,
            deadline: record.deadline,
            id: record.id,
            open: record.stage == Stage.Open
        });
    }

    /// @inheritdoc IProofOfWorkVerifier
    function nodeSeed(uint64 nodeId, bytes32 challengeSeed) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), challengeSeed, nodeId));
    }

    /// @inheritdoc IProofOfWorkVerifier
    function calculateComputePower(bytes32 largestHash, uint32 window) external pure returns (uint64 hashRate) {
        return PowSolution.hashRate(largestHash, window);
    }

    /// @inheritdoc IProofOfWorkVerifier
    function largestHashOf(bytes32 seed, bytes calldata nonces) external pure returns (bytes32) {
        return PowSolution.largestHash(seed, nonces);
    }

    /// @inheritdoc IProofOfWorkVerifier
    function verifiedHashRate(uint64 nodeId) public view returns (uint64) {
        // casting is safe: a share of a uint64
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(uint256(_storage().records[nodeId].hashRate) * (LOWER_BOUND * UNAUDITED_SHARE) / 10_000);
    }

    /// @inheritdoc IProofOfWorkVerifier
    function verifiedPower(uint64 nodeId) public view returns (uint64) {
        uint256 rate = verifiedHashRate(nodeId);
        if (rate == 0) return 0;
        uint256 perTflops = _storage().parameters.hashesPerTflops[uint256(registry.resourceTypeOf(nodeId))];
        // casting is safe: bounded by the minimum
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(Math.min(rate * 1_000 / perTflops, type(uint64).max));
    }

    /// @inheritdoc IProofOfWorkVerifier
    function standingOf(uint64 nodeId)
        external
        view
        returns (uint64 power, uint32 challengesPassed, uint40 lastAuditAt, bool audited)
    {
        return (verifiedPower(nodeId), 0, 0, false);
    }

    // ---------------------------------------------------------------- Inside

    function _miss(uint64 nodeId, Record storage record) private {
        record.stage = Stage.Missed;
        emit ChallengeMissed(nodeId, record.id);
    }

    function _setParameters(Parameters calldata parameters_) private {
        if (parameters_.window == 0 || parameters_.window > MAX_WINDOW || parameters_.cooldown > MAX_COOLDOWN) {
            revert InvalidParameters();
        }
        for (uint256 i; i < parameters_.hashesPerTflops.length; ++i) {
            if (parameters_.hashesPerTflops[i] == 0) revert InvalidParameters();
        }
        _storage().parameters = parameters_;
        emit VerifierParametersChanged(parameters_);
    }

    function _checkOperator(uint64 nodeId) private view {
        if (!registry.isOperator(nodeId, msg.sender)) revert NotNodeOperator(nodeId, msg.sender);
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}

    function _storage() private pure returns (VerifierStorage storage $) {
        assembly ("memory-safe") {
            $.slot := STORAGE_LOCATION
        }
    }
}
