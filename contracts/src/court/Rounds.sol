// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Case, CaseStatus, Round} from "../types/Dispute.sol";
import {CourtBase} from "./CourtBase.sol";

/// @title The periods of a round: drawing, committing, revealing
abstract contract Rounds is CourtBase {
    /// @dev A new jury, beside those of earlier rounds.
    function _startRound(uint256 caseId, Case storage c, Round round, uint8 jurySize) internal {
        c.round = round;
        c.jurySize = jurySize;
        c.replacements = 0;
        c.seated = 0;
        c.ballot.committed = 0;
        c.ballot.revealed = 0;
        // casting is safe: at most 2 x 7 x 4 + 15 x 4 seats sit in a case
        // forge-lint: disable-next-line(unsafe-typecast)
        c.firstSeat = uint8(_courtStorage().seats[caseId].length);
        _startDrawing(caseId, c);
    }

    function _startDrawing(uint256 caseId, Case storage c) internal {
        c.status = CaseStatus.Drawing;
        c.deadline = uint40(block.timestamp) + _termsOf(c).drawPeriod;
        _fixDraw(caseId, c);
    }

    /// @dev Whoever sits stays; the free seats go to whom the randomness of a coming block says.
    function _fixDraw(uint256 caseId, Case storage c) internal {
        uint64 drawBlock = uint64(block.number) + _termsOf(c).drawDelay;
        uint48 epoch = _currentEpoch();
        c.draw.blockNumber = drawBlock;
        c.draw.epoch = epoch;
        c.draw.tries = 0;
        emit DrawFixed(caseId, c.round, c.jurySize - c.seated, drawBlock, epoch, c.deadline);
    }

    /// @dev Votes sealed before a juror was replaced stay; if nobody is left to seal one, the revealing begins.
    function _startCommitting(uint256 caseId, Case storage c) internal {
        uint8 seated = c.seated;
        if (c.ballot.committed == seated) return _startRevealing(caseId, c);
        uint40 deadline = uint40(block.timestamp) + _termsOf(c).commitPeriod;
        c.status = CaseStatus.Committing;
        c.deadline = deadline;
        emit CommitStarted(caseId, c.round, seated, deadline);
    }

    function _startRevealing(uint256 caseId, Case storage c) internal {
        uint40 deadline = uint40(block.timestamp) + _termsOf(c).revealPeriod;
        c.status = CaseStatus.Revealing;
        c.deadline = deadline;
        emit RevealStarted(caseId, c.round, c.ballot.committed, deadline);
    }

    /// @dev Twice what a round takes if every call comes in time: who calls late must not take a party's chance.
    function _roundTime(Parameters storage p) internal view returns (uint40) {
        uint256 votes = uint256(p.drawPeriod) + p.commitPeriod;
        // casting is safe: less than 2^40 seconds by the bounds of the parameters
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint40(2 * (votes * (1 + uint256(p.maxReplacements)) + p.revealPeriod));
    }
}
