// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";

import {IProofOfWorkVerifier} from "./interfaces/IProofOfWorkVerifier.sol";
import {PowSolution} from "./libraries/PowSolution.sol";
import {AuditState} from "./verifier/NodeAudits.sol";
import {Onboarding} from "./verifier/Onboarding.sol";
import {RoundAnswers} from "./verifier/RoundAnswers.sol";
import {RoundSchedule} from "./verifier/RoundSchedule.sol";
import {VerifierBase, VerifierNeighbours} from "./verifier/VerifierBase.sol";

/// @title How much power does this machine really have?
/// @dev Assumes an entropy source validated for the chain, blocks that come often enough to include an answer in time, and
/// that somebody opens the rounds: without them all power lapses after four intervals.
contract ProofOfWorkVerifier is Onboarding, RoundSchedule, RoundAnswers, UUPSUpgradeable {
    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(VerifierNeighbours memory neighbours) VerifierBase(neighbours) {}

    /// @param owner_ Governance: the timelock.
    /// @param challenger_ Commits to the preimages; zero: rounds open without them.
    function initialize(
        address owner_,
        Parameters calldata parameters_,
        address challenger_,
        ExcuseFloor[] calldata excuseFloors
    ) external initializer {
        __Ownable_init(owner_);
        _setParameters(parameters_);
        _setChallenger(challenger_);
        for (uint256 i; i < excuseFloors.length; ++i) {
            _setExcuseFloor(excuseFloors[i]);
        }
        // The first interval begins here.
        _storage().round.openedAt = uint40(block.timestamp);
    }

    // ---------------------------------------------------------------- Registry

    /// @inheritdoc IProofOfWorkVerifier
    function noteActivity(uint64 nodeId, bool active) external {
        if (msg.sender != address(registry)) revert NotRegistry(msg.sender);
        VerifierStorage storage $ = _storage();
        uint64 interval = $.round.number + 1;
        if ($.activity[nodeId].note(interval, active)) emit ActivityChanged(nodeId, interval, active);
    }

    /// @inheritdoc IProofOfWorkVerifier
    function syncStanding(uint64 nodeId) external {
        AuditState memory state = _stateOf(nodeId);
        _tellStanding(nodeId, state);
        emit StandingTold(nodeId, _power(nodeId, state));
    }

    // ---------------------------------------------------------------- Governance

    /// @inheritdoc IProofOfWorkVerifier
    function setParameters(Parameters calldata parameters_) external onlyOwner {
        _setParameters(parameters_);
    }

    /// @inheritdoc IProofOfWorkVerifier
    function setExcuseFloor(ExcuseFloor calldata floor) external onlyOwner {
        _setExcuseFloor(floor);
    }

    // ---------------------------------------------------------------- Views

    /// @inheritdoc IProofOfWorkVerifier
    function parameters() external view returns (Parameters memory) {
        return _storage().parameters;
    }

    /// @inheritdoc IProofOfWorkVerifier
    function excuseFloorOf(address token) external view returns (uint96) {
        return _storage().excuseFloors[token];
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
    function verifiedHashRate(uint64 nodeId) external view returns (uint64) {
        // casting is safe: a share of a uint64
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(_hashRate(nodeId, _stateOf(nodeId)));
    }

    /// @inheritdoc IProofOfWorkVerifier
    function verifiedPower(uint64 nodeId) external view returns (uint64) {
        return _power(nodeId, _stateOf(nodeId));
    }

    // ---------------------------------------------------------------- Inside

    function _setExcuseFloor(ExcuseFloor calldata floor) private {
        _storage().excuseFloors[floor.token] = floor.minEscrow;
        emit ExcuseFloorChanged(floor.token, floor.minEscrow);
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}
}
