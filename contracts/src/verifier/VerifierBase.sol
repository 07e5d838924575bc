// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IEntropySource} from "../interfaces/IEntropySource.sol";
import {IKeeperTips} from "../interfaces/IKeeperTips.sol";
import {IMarket} from "../interfaces/IMarketExtension.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IProofOfWorkVerifier} from "../interfaces/IProofOfWorkVerifier.sol";
import {Standing} from "../types/Standing.sol";
import {ActivityLog} from "./ActivityLog.sol";
import {AuditState, NodeAudits} from "./NodeAudits.sol";

/// @dev The contracts around the verifier.
struct VerifierNeighbours {
    address registry;
    address entropySource;
    address marketplace;
    address keeperTips;
}

/// @title What onboarding and audit rounds share: storage, neighbours, parameters, and the power that both prove
abstract contract VerifierBase is IProofOfWorkVerifier, OwnableUpgradeable {
    /// @dev Of an onboarding challenge.
    enum Stage {
        None,
        Open,
        Passed,
        Missed
    }

    /// @dev A node's last onboarding challenge and its result: two slots.
    struct Record {
        // slot 0
        bytes32 seed;
        // slot 1
        uint64 id;
        uint64 hashRate; // hashes/s of the solution that counts
        uint40 deadline;
        uint40 validUntil; // last second that the result counts; zero: never passed
        uint32 window;
        Stage stage;
    }

    /// @custom:storage-location erc7201:aiigo.storage.ProofOfWorkVerifier
    struct VerifierStorage {
        // slots 0 to 2
        Parameters parameters;
        // slots 3 and 4
        Round round;
        // slot 5
        bytes32 chainHead;
        // slot 6
        address challenger;
        uint40 chainCommittedAt;
        // slot 7
        uint64 challengeCount;
        // slots 8 to 12
        mapping(uint64 nodeId => Record) records;
        mapping(uint64 nodeId => ActivityLog) activity;
        mapping(uint64 nodeId => NodeAudits) audits;
        mapping(uint64 round => mapping(address poster => bytes32)) solutionRoots;
        mapping(address token => uint96) excuseFloors;
    }

    // keccak256(abi.encode(uint256(keccak256("aiigo.storage.ProofOfWorkVerifier")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE_LOCATION = 0x910399171de9b1cf2a0258772e2ba9bbba2abbf692579cdee1e557a319e00d00;

    /// @notice The longest window, seconds.
    uint256 public constant MAX_WINDOW = 1 hours;
    /// @notice The longest cooldown, seconds.
    uint256 public constant MAX_COOLDOWN = 7 days;
    /// @notice The longest interval between two rounds, seconds; jitter is at most as long as the interval.
    uint256 public constant MAX_AUDIT_INTERVAL = 30 days;
    /// @notice The longest time to reveal a preimage, and to send what was committed in a round, seconds.
    uint256 public constant MAX_GRACE = 1 days;

    /// @dev Without a passed audit in so many intervals a node has no power.
    uint40 private constant VALID_INTERVALS = 4;
    /// @dev What of an onboarding result counts, percent: the 95% lower bound of one result, 82, and half of that, since the
    /// machine may have been rented, or shown for several nodes one after another.
    uint256 private constant ONBOARDING_SHARE = 41;

    INodeRegistry public immutable registry;
    IEntropySource public immutable entropySource;
    IMarket public immutable marketplace;
    IKeeperTips public immutable keeperTips;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(VerifierNeighbours memory neighbours) {
        registry = INodeRegistry(neighbours.registry);
        entropySource = IEntropySource(neighbours.entropySource);
        marketplace = IMarket(neighbours.marketplace);
        keeperTips = IKeeperTips(neighbours.keeperTips);
        _disableInitializers();
    }

    // ---------------------------------------------------------------- Power

    /// @inheritdoc IProofOfWorkVerifier
    function nodeSeed(uint64 nodeId, bytes32 challengeSeed) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), challengeSeed, nodeId));
    }

    /// @dev Unpacking the slot is much code, so it stands here once.
    function _stateOf(uint64 nodeId) internal view returns (AuditState memory) {
        return _storage().audits[nodeId].state;
    }

    /// @dev Verified hash rate, hashes/s.
    function _hashRate(uint64 nodeId, AuditState memory state) internal view returns (uint256) {
        if (block.timestamp <= state.validUntil) return state.hashRate;
        (uint256 rate, uint40 until) = _onboarded(nodeId, state);
        return block.timestamp <= until ? rate : 0;
    }

    /// @dev Verified power, milli-TFLOPS.
    function _power(uint64 nodeId, AuditState memory state) internal view returns (uint64) {
        return _toPower(_hashRate(nodeId, state), state);
    }

    /// @dev After every change of what the node has proved. Time needs no further word: what lapses is told with its time.
    function _tellStanding(uint64 nodeId, AuditState memory state) internal {
        (uint256 rate, uint40 until) = _onboarded(nodeId, state);
        Standing memory standing = Standing({
            power: _toPower(state.hashRate, state),
            validUntil: state.validUntil,
            onboarded: _toPower(rate, state),
            onboardedUntil: until,
            lastAuditAt: state.lastAuditAt,
            // casting is safe: as many rounds would take longer than the chain
            // forge-lint: disable-next-line(unsafe-typecast)
            passed: uint24(state.passed)
        });
        registry.recordStanding(nodeId, standing);
    }

    /// @dev What counts before the first audit, and once the audits have lapsed; never more than the audits.
    function _onboarded(uint64 nodeId, AuditState memory state) private view returns (uint256 rate, uint40 until) {
        Record storage record = _storage().records[nodeId];
        rate = uint256(record.hashRate) * ONBOARDING_SHARE / 100;
        if (state.count != 0) rate = Math.min(rate, state.hashRate);
        until = record.validUntil;
    }

    function _toPower(uint256 rate, AuditState memory state) private view returns (uint56) {
        uint256 perTflops = _storage().parameters.hashesPerTflops[uint256(state.resourceType)];
        // casting is safe: bounded by the minimum
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint56(Math.min(rate * 1_000 / perTflops, type(uint56).max));
    }

    /// @dev The last second that a result of a challenge opened at `openedAt` counts.
    function _validUntil(uint40 openedAt) internal view returns (uint40) {
        Parameters storage rules = _storage().parameters;
        return openedAt + VALID_INTERVALS * _longestInterval(rules) + rules.window;
    }

    /// @dev From one round to the next if the challenger never reveals.
    function _longestInterval(Parameters storage rules) internal view returns (uint40) {
        return uint40(rules.auditInterval) + rules.jitter + rules.revealWindow;
    }

    // ---------------------------------------------------------------- Parameters and checks

    function _setParameters(Parameters calldata parameters_) internal {
        if (
            parameters_.window == 0 || parameters_.window > MAX_WINDOW || parameters_.cooldown > MAX_COOLDOWN
                || parameters_.revealWindow > MAX_GRACE || parameters_.lateWindow > MAX_GRACE
                || parameters_.auditInterval > MAX_AUDIT_INTERVAL || parameters_.jitter > parameters_.auditInterval
                // A round has finished when the next one is due.
                || parameters_.auditInterval <= uint256(parameters_.window) + parameters_.lateWindow
        ) revert InvalidParameters();
        for (uint256 i; i < parameters_.hashesPerTflops.length; ++i) {
            if (parameters_.hashesPerTflops[i] == 0) revert InvalidParameters();
        }
        _storage().parameters = parameters_;
        emit VerifierParametersChanged(parameters_);
    }

    function _checkOperator(uint64 nodeId) internal view {
        if (!registry.isOperator(nodeId, msg.sender)) revert NotNodeOperator(nodeId, msg.sender);
    }

    function _storage() internal pure returns (VerifierStorage storage $) {
        assembly ("memory-safe") {
            $.slot := STORAGE_LOCATION
        }
    }
}
