// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDisputeCourtCore} from "../interfaces/IDisputeCourtCore.sol";
import {BPS} from "../libraries/Shares.sol";
import {Case, CaseStatus, Round, Seat, SeatState} from "../types/Dispute.sol";
import {Rounds} from "./Rounds.sol";
import {Ruling} from "./Ruling.sol";

/// @title Sealed votes, opened votes, and the ruling they make
/// @dev Who does not seal a vote is replaced before any vote is opened, so that nobody seals one knowing the others.
abstract contract Votes is IDisputeCourtCore, Rounds {
    /// @inheritdoc IDisputeCourtCore
    function commitVote(uint256 caseId, bytes32 commitment) external {
        Case storage c = _inStatus(caseId, CaseStatus.Committing);
        if (block.timestamp > c.deadline) revert PeriodOver(caseId, c.deadline);
        if (commitment == 0) revert EmptyCommitment();
        Seat storage seat = _ownSeat(caseId, c, SeatState.Drawn);
        seat.state = SeatState.Committed;
        seat.commitment = commitment;
        uint8 committed = ++c.ballot.committed;
        emit VoteCommitted(caseId, msg.sender, c.round, commitment);
        if (committed == c.seated) _startRevealing(caseId, c);
    }

    /// @inheritdoc IDisputeCourtCore
    function revealVote(uint256 caseId, uint16 share, bytes32 salt) external {
        Case storage c = _inStatus(caseId, CaseStatus.Revealing);
        if (block.timestamp > c.deadline) revert PeriodOver(caseId, c.deadline);
        if (share > BPS) revert InvalidShare(share);
        Seat storage seat = _ownSeat(caseId, c, SeatState.Committed);
        Round round = c.round;
        if (voteHash(caseId, round, msg.sender, share, salt) != seat.commitment) {
            revert WrongReveal(caseId, msg.sender);
        }
        seat.state = SeatState.Revealed;
        seat.share = share;
        uint8 revealed = ++c.ballot.revealed;
        emit VoteRevealed(caseId, msg.sender, round, share);
        if (revealed == c.ballot.committed) _makeRuling(caseId, c);
    }

    /// @inheritdoc IDisputeCourtCore
    function voteHash(uint256 caseId, Round round, address juror, uint16 share, bytes32 salt)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(caseId, round, juror, share, salt));
    }

    // ---------------------------------------------------------------- Inside

    /// @dev The commit period is over and somebody was silent. Returns whether the round goes on.
    function _endCommitting(uint256 caseId, Case storage c) internal returns (bool) {
        uint256 silent = _penaliseSilent(caseId, c, SeatState.Drawn);
        if (c.replacements < _termsOf(c).maxReplacements && block.timestamp <= c.closeBy) {
            ++c.replacements;
            emit JurorsReplaced(caseId, c.round, silent);
            _startDrawing(caseId, c);
            return true;
        }
        if (!_isMajority(c, c.ballot.committed)) return false;
        _startRevealing(caseId, c);
        return true;
    }

    /// @dev The reveal period is over and somebody was silent. Returns whether there is a ruling.
    function _endRevealing(uint256 caseId, Case storage c) internal returns (bool) {
        _penaliseSilent(caseId, c, SeatState.Committed);
        if (!_isMajority(c, c.ballot.revealed)) return false;
        _makeRuling(caseId, c);
        return true;
    }

    function _makeRuling(uint256 caseId, Case storage c) private {
        uint256 revealed = c.ballot.revealed;
        uint16[] memory votes = new uint16[](revealed);
        Seat[] storage seats = _courtStorage().seats[caseId];
        for (uint256 i = c.firstSeat; revealed != 0; ++i) {
            if (seats[i].state == SeatState.Revealed) votes[--revealed] = seats[i].share;
        }
        (uint16 low, uint16 high) = Ruling.middle(votes);
        c.ballot.low = low;
        c.ballot.high = high;
        c.status = CaseStatus.Ruled;
        // There is one appeal: after it anyone can close the case from the next second on.
        uint40 deadline = uint40(block.timestamp);
        if (c.round != Round.Appeal) deadline += _termsOf(c).appealWindow;
        c.deadline = deadline;
        emit Ruled(caseId, c.round, Ruling.shareOf(low, high), low, high, votes.length, deadline);
    }

    /// @dev Penalises this round's jurors who stayed in `state`.
    function _penaliseSilent(uint256 caseId, Case storage c, SeatState state) private returns (uint256 silent) {
        Seat[] storage seats = _courtStorage().seats[caseId];
        uint256 count = seats.length;
        for (uint256 i = c.firstSeat; i < count; ++i) {
            Seat storage seat = seats[i];
            if (seat.state != state) continue;
            ++silent;
            _penalise(caseId, c, seat, SeatState.Silent);
        }
        // casting is safe: they were among the seated
        // forge-lint: disable-next-line(unsafe-typecast)
        c.seated -= uint8(silent);
    }

    function _ownSeat(uint256 caseId, Case storage c, SeatState state) private view returns (Seat storage) {
        Seat[] storage seats = _courtStorage().seats[caseId];
        uint256 count = seats.length;
        for (uint256 i = c.firstSeat; i < count; ++i) {
            if (seats[i].juror != msg.sender) continue;
            if (seats[i].state != state) revert WrongSeatState(caseId, msg.sender, seats[i].state);
            return seats[i];
        }
        revert NotSeated(caseId, msg.sender);
    }
}
