// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {AIIGOToken} from "../AIIGOToken.sol";
import {IDisputeCourtExtension} from "../interfaces/IDisputeCourtExtension.sol";
import {Case, CaseStatus, Seat} from "../types/Dispute.sol";
import {CourtBase, CourtNeighbours} from "./CourtBase.sol";
import {Draws} from "./Draws.sol";
import {JuryPool} from "./JuryPool.sol";

/// @title The court's other room: jurors, draws, and what is read
/// @dev Runs by delegatecall from DisputeCourt, on its storage and in its name.
contract CourtExtension is JuryPool, Draws {
    using SafeERC20 for AIIGOToken;

    /// @notice Bytes. An ipfs:// URI with several gateways is far below it.
    uint256 public constant MAX_URI_LENGTH = 2_048;

    /// @notice Bounds of what governance can set. An appeal's jury of 2 x 7 + 1 and all that sat before it are settled in
    /// one transaction.
    uint256 public constant MIN_JURY = 3;
    uint256 public constant MAX_JURY = 7;
    uint256 public constant MAX_REPLACEMENTS = 3;
    uint256 public constant MAX_DRAW_DELAY = 128;
    /// @notice Seconds of the draw's period for each block until the random one: two slots and a half.
    uint256 public constant ROOM_PER_BLOCK = 30;
    uint256 public constant MAX_PERIOD = 7 days;
    uint256 public constant MAX_HOLD_PERIOD = 60 days;
    uint256 public constant MAX_PENALTY_BPS = 5_000;
    uint256 public constant MAX_TOLERANCE_BPS = 5_000;
    uint256 public constant MAX_FEE = 100_000e18;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(CourtNeighbours memory neighbours) CourtBase(neighbours) {}

    /// @param owner_ Governance: the timelock.
    /// @param epochLength_ Seconds for which the weights of jurors stand still; for good.
    function initialize(address owner_, Parameters calldata parameters_, uint32 epochLength_) external initializer {
        if (epochLength_ == 0 || epochLength_ > 1 days) revert InvalidParameters();
        __Ownable_init(owner_);
        _courtStorage().epochLength = epochLength_;
        _setParameters(parameters_);
    }

    // ---------------------------------------------------------------- Parties and jurors

    /// @inheritdoc IDisputeCourtExtension
    function submitEvidence(uint256 caseId, string calldata evidenceURI) external {
        Case storage c = _courtStorage().cases[caseId];
        if (c.status == CaseStatus.None || c.status == CaseStatus.Closed) {
            revert WrongCaseStatus(caseId, uint8(c.status));
        }
        if (!_isParty(c, msg.sender)) revert NotParty(caseId, msg.sender);
        uint256 length = bytes(evidenceURI).length;
        if (length == 0 || length > MAX_URI_LENGTH) revert InvalidURI();
        emit EvidenceSubmitted(caseId, msg.sender, evidenceURI);
    }

    /// @inheritdoc IDisputeCourtExtension
    function withdrawFees(address to) external returns (uint256 amount) {
        if (to == address(0)) revert ZeroAddress();
        CourtStorage storage $ = _courtStorage();
        amount = $.fees[msg.sender];
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        delete $.fees[msg.sender];
        emit FeesWithdrawn(msg.sender, to, amount);
        token.safeTransfer(to, amount);
    }

    // ---------------------------------------------------------------- Governance

    /// @inheritdoc IDisputeCourtExtension
    function setParameters(Parameters calldata parameters_) external onlyOwner {
        _setParameters(parameters_);
    }

    // ---------------------------------------------------------------- Views

    /// @inheritdoc IDisputeCourtExtension
    function parameters() external view returns (Parameters memory) {
        return _presentTerms();
    }

    /// @inheritdoc IDisputeCourtExtension
    function termsOf(uint256 caseId) external view returns (Parameters memory) {
        return _termsOf(_courtStorage().cases[caseId]);
    }

    /// @inheritdoc IDisputeCourtExtension
    function caseCount() external view returns (uint256) {
        return _courtStorage().caseCount;
    }

    /// @inheritdoc IDisputeCourtExtension
    function caseOf(uint256 caseId) external view returns (Case memory) {
        return _courtStorage().cases[caseId];
    }

    /// @inheritdoc IDisputeCourtExtension
    function seatsOf(uint256 caseId) external view returns (Seat[] memory) {
        return _courtStorage().seats[caseId];
    }

    /// @inheritdoc IDisputeCourtExtension
    function feesOf(address account) external view returns (uint256) {
        return _courtStorage().fees[account];
    }

    // ---------------------------------------------------------------- Inside

    function _setParameters(Parameters calldata p) internal {
        if (
            p.seatStake == 0 || p.minPosition < p.seatStake || p.toleranceBps > MAX_TOLERANCE_BPS
                || p.silencePenaltyBps > MAX_PENALTY_BPS
                // Silence must not be the cheaper way out for a juror who sees that it is in the minority.
                || p.silencePenaltyBps < p.incoherencePenaltyBps || p.jurySize < MIN_JURY || p.jurySize > MAX_JURY
                || p.jurySize % 2 == 0 || p.maxReplacements > MAX_REPLACEMENTS || p.appealFee < p.caseFee
                || p.appealFee > MAX_FEE || p.drawDelay == 0 || p.drawDelay > MAX_DRAW_DELAY || !_isPeriod(p.drawPeriod)
                || !_isPeriod(p.commitPeriod) || !_isPeriod(p.revealPeriod) || !_isPeriod(p.appealWindow)
                || p.drawPeriod < p.drawDelay * ROOM_PER_BLOCK
                // Whoever leaves in the epoch of a draw is there until the draw is over.
                || p.holdPeriod < p.drawPeriod + _courtStorage().epochLength || p.holdPeriod > MAX_HOLD_PERIOD
        ) revert InvalidParameters();
        _courtStorage().terms.push(p);
        emit CourtParametersChanged(p);
    }

    function _isPeriod(uint32 period) private pure returns (bool) {
        return period != 0 && period <= MAX_PERIOD;
    }
}
