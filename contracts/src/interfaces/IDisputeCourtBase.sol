// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Round, SeatState} from "../types/Dispute.sol";

/// @title What the court's interfaces share: parameters, events, errors
interface IDisputeCourtBase {
    /// @dev Governance parameters; a case keeps those of its opening. Amounts in AIIGO wei, durations in seconds, shares in basis points.
    struct Parameters {
        // slot 0
        uint96 minPosition; // to join
        uint96 seatStake; // of which the penalties are shares
        uint16 toleranceBps; // a vote further from the final ruling is incoherent
        uint16 incoherencePenaltyBps; // of a seat's stake
        uint16 silencePenaltyBps; // of a seat's stake; at least the former
        uint8 jurySize; // n, odd; an appeal has 2n + 1
        uint8 maxReplacements; // a round, times that silent jurors are replaced
        // slot 1
        uint96 caseFee; // of each side; not above the nodes' minimum stake
        uint96 appealFee; // of the appellant; at least the case fee
        uint8 drawDelay; // blocks from fixing a draw to its random block
        // slot 2
        uint32 drawPeriod;
        uint32 commitPeriod;
        uint32 revealPeriod;
        uint32 appealWindow;
        uint32 holdPeriod; // from leaving the jurors until the position can be released
    }

    /// @dev `providerFee` is what the node's stake had, at most the case fee; the buyer's side answers for the rest.
    event CaseOpened(
        uint256 indexed caseId,
        bytes32 indexed taskId,
        uint64 indexed nodeId,
        address buyer,
        address payer,
        uint256 buyerFee,
        uint256 providerFee,
        uint40 closeBy
    );
    /// @dev `seats` are to be filled, by the weights of `epoch` and the randomness of block `drawBlock`. Again for the same
    /// round: the former block was forgotten before anyone drew, or silent jurors are replaced.
    event DrawFixed(
        uint256 indexed caseId, Round indexed round, uint256 seats, uint64 drawBlock, uint48 epoch, uint40 deadline
    );
    event JurorDrawn(uint256 indexed caseId, address indexed juror, Round indexed round, uint256 positionId);
    /// @dev A call of `draw` is over: `tries` points were drawn from this block so far, `seated` jurors sit.
    event DrawAdvanced(uint256 indexed caseId, uint256 tries, uint256 seated);
    event CommitStarted(uint256 indexed caseId, Round indexed round, uint256 seated, uint40 deadline);
    event VoteCommitted(uint256 indexed caseId, address indexed juror, Round indexed round, bytes32 commitment);
    event RevealStarted(uint256 indexed caseId, Round indexed round, uint256 committed, uint40 deadline);
    event VoteRevealed(uint256 indexed caseId, address indexed juror, Round indexed round, uint16 share);
    /// @dev Jurors did not commit in time (JurorPenalised names them): their `seats` are drawn again.
    event JurorsReplaced(uint256 indexed caseId, Round indexed round, uint256 seats);
    /// @dev `reason` is Silent or Incoherent. `amount` left the position and was burned.
    event JurorPenalised(
        uint256 indexed caseId, address indexed juror, SeatState indexed reason, uint256 positionId, uint256 amount
    );
    /// @dev The round ended without a ruling.
    event RoundLapsed(uint256 indexed caseId, Round indexed round);
    /// @dev `share` is the mean of the two middle votes, `low` and `high`: one and the same if the number of votes is odd.
    event Ruled(
        uint256 indexed caseId,
        Round indexed round,
        uint16 share,
        uint16 low,
        uint16 high,
        uint256 votes,
        uint40 appealableUntil
    );
    event Appealed(uint256 indexed caseId, address indexed appellant, uint256 fee, uint40 closeBy);
    event EvidenceSubmitted(uint256 indexed caseId, address indexed party, string evidenceURI);
    /// @dev Final. The `pot` of fees is shared by `coherent` jurors; without a ruling it is burned.
    event CaseClosed(
        uint256 indexed caseId,
        bytes32 indexed taskId,
        bool ruled,
        uint16 share,
        uint256 coherent,
        uint256 pot,
        uint256 buyerFeeReturned,
        uint256 providerFeeReturned
    );
    event FeeCredited(uint256 indexed caseId, address indexed account, uint256 amount);
    event FeesWithdrawn(address indexed account, address indexed to, uint256 amount);
    event CourtParametersChanged(Parameters parameters);

    error NotMarketplace(address caller);
    error WrongCaseStatus(uint256 caseId, uint8 status);
    error NotParty(uint256 caseId, address caller);
    error NotSeated(uint256 caseId, address caller);
    error DrawTooEarly(uint256 caseId, uint64 drawBlock);
    error NobodyToDraw(uint256 caseId, uint48 epoch);
    error PeriodOver(uint256 caseId, uint40 deadline);
    error PeriodNotOver(uint256 caseId, uint40 deadline);
    error AlreadyAppealed(uint256 caseId);
    error EmptyCommitment();
    error WrongSeatState(uint256 caseId, address juror, SeatState state);
    error WrongReveal(uint256 caseId, address juror);
    error InvalidShare(uint16 share);
    error InvalidURI();
    error NothingToWithdraw(address account);
    error ZeroAddress();
    error InvalidParameters();
}
