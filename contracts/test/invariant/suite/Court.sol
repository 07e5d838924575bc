// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Case, CaseStatus, Round, Seat, SeatState} from "src/types/Dispute.sol";
import {IDisputeCourtBase} from "src/interfaces/IDisputeCourtBase.sol";
import {TaskStatus} from "src/types/Task.sol";

import {ReplicaBooks} from "./ReplicaBooks.sol";

/// @title What a case's steps must come to, by the rules
/// @dev Every step of a case goes through `steps`: it sees what changed and books it.
abstract contract Court is ReplicaBooks {
    uint256 internal constant TOLERANCE = 2_000;

    mapping(uint256 caseId => mapping(address juror => uint16)) internal votes;

    modifier steps(uint256 caseId) {
        Case memory before = court.caseOf(caseId);
        Seat[] memory seatsBefore = court.seatsOf(caseId);
        _;
        _bookSeats(caseId, before, seatsBefore);
        _bookStatus(caseId, before);
    }

    function _bookCase(uint256 caseId, bytes32 taskId, uint64 nodeId, uint256 fee) internal override {
        NodeBook storage node_ = nodeBooks[nodeId];
        CaseBook storage book = caseBooks[caseId];
        // Of the node's stake first, then of what unbonds, as far as it goes.
        uint256 fromStake = fee < node_.stake ? fee : node_.stake;
        uint256 fromUnbonding = fee - fromStake < node_.unbonding ? fee - fromStake : node_.unbonding;
        node_.stake -= fromStake;
        node_.unbonding -= fromUnbonding;
        book.taskId = taskId;
        book.nodeId = nodeId;
        book.providerFee = fromStake + fromUnbonding;
        book.money = fee + book.providerFee;
        cases.push(caseId);
    }

    /// @dev The AIIGO of an open case by the court's own account.
    function _potOf(uint256 caseId) internal view returns (uint256) {
        Case memory c = court.caseOf(caseId);
        IDisputeCourtBase.Parameters memory terms = court.termsOf(caseId);
        return uint256(terms.caseFee) + c.providerFee + (c.appellant == address(0) ? 0 : terms.appealFee);
    }

    // ---------------------------------------------------------------- Inside: seats

    function _bookSeats(uint256 caseId, Case memory c, Seat[] memory before) private {
        Seat[] memory seats = court.seatsOf(caseId);
        for (uint256 i = before.length; i < seats.length; ++i) {
            _checkJuror(c, seats, i);
        }
        if (seats.length > before.length) ++reached["juror drawn"];
        for (uint256 i; i < before.length; ++i) {
            SeatState state = seats[i].state;
            if (state == before[i].state) continue;
            if (state == SeatState.Silent) {
                assertTrue(before[i].state != SeatState.Revealed, "9: who voted was not silent");
                _bookPenalty(caseId, seats[i].juror, court.termsOf(caseId).silencePenaltyBps);
                ++reached["silent juror penalised"];
            } else if (state == SeatState.Incoherent) {
                assertFalse(_isCoherent(caseId, seats[i].juror), "9: who voted as the ruling loses nothing");
                _bookPenalty(caseId, seats[i].juror, court.termsOf(caseId).incoherencePenaltyBps);
                ++reached["incoherent juror penalised"];
            } else if (state == SeatState.Coherent) {
                assertTrue(_isCoherent(caseId, seats[i].juror), "who voted otherwise loses something");
            } else if (state == SeatState.Released) {
                ++reached["juror released"];
            }
        }
    }

    /// @dev No party sits, and nobody twice in a case.
    function _checkJuror(Case memory c, Seat[] memory seats, uint256 index) private pure {
        address juror = seats[index].juror;
        assertTrue(juror != c.buyer && juror != c.payer && juror != c.nodeOwner, "no party judges its own case");
        for (uint256 i; i < index; ++i) {
            assertTrue(seats[i].juror != juror, "nobody sits twice in a case");
        }
    }

    /// @dev A share of a seat's stake is burned; a position never becomes empty by it.
    function _bookPenalty(uint256 caseId, address juror, uint256 bps) private {
        PositionBook storage book = positionBooks[court.membershipOf(juror).positionId];
        uint256 lost = court.termsOf(caseId).seatStake * bps / BPS;
        if (lost >= book.amount) lost = book.amount - 1;
        book.amount -= lost;
        burned += lost;
    }

    // ---------------------------------------------------------------- Inside: status

    function _bookStatus(uint256 caseId, Case memory before) private {
        Case memory c = court.caseOf(caseId);
        CaseBook storage book = caseBooks[caseId];
        if (c.replacements > before.replacements) ++reached["jurors replaced"];
        if (c.round == Round.Redraw && before.round == Round.First) {
            book.redrawn = true;
            ++reached["lapsed and redrawn"];
        }
        if (c.status == before.status) return;
        if (c.status == CaseStatus.Committing) ++reached["jury drawn"];
        if (c.status == CaseStatus.Revealing) ++reached["sealed"];
        if (c.status == CaseStatus.Ruled) {
            _bookRuling(caseId, c);
            ++reached[
                c.round == Round.Appeal ? "ruled on appeal" : c.round == Round.Redraw ? "ruled after a redraw" : "ruled"
            ];
        }
        if (c.status == CaseStatus.Closed) _bookClosing(caseId, before);
    }

    /// @dev The median of what was opened in this round, by the handler's own memory of the votes.
    function _bookRuling(uint256 caseId, Case memory c) private {
        Seat[] memory seats = court.seatsOf(caseId);
        uint16[] memory opened = new uint16[](seats.length);
        uint256 count;
        for (uint256 i = c.firstSeat; i < seats.length; ++i) {
            if (seats[i].state != SeatState.Revealed) continue;
            uint16 vote_ = votes[caseId][seats[i].juror];
            uint256 place = count++;
            for (; place != 0 && opened[place - 1] > vote_; --place) {
                opened[place] = opened[place - 1];
            }
            opened[place] = vote_;
        }
        assertGt(2 * count, c.jurySize, "a ruling needs more than half of the seats");
        CaseBook storage book = caseBooks[caseId];
        (book.ruled, book.low, book.high) = (true, opened[(count - 1) / 2], opened[count / 2]);
    }

    function _isCoherent(uint256 caseId, address juror) private view returns (bool) {
        CaseBook storage book = caseBooks[caseId];
        uint256 vote_ = votes[caseId][juror];
        return vote_ + TOLERANCE >= book.low && vote_ <= book.high + TOLERANCE;
    }

    /// @dev Money of the case to jurors and sides, or burned; the task's escrow by the ruling, or evenly; or an appeal ends.
    function _bookClosing(uint256 caseId, Case memory before) private {
        CaseBook storage book = caseBooks[caseId];
        uint256 share = (uint256(book.low) + book.high) / 2;
        if (book.ruled) {
            uint256 lost = court.termsOf(caseId).caseFee * (BPS - share) / BPS;
            uint256 back = book.redrawn || lost > book.providerFee ? 0 : book.providerFee - lost;
            NodeBook storage node_ = nodeBooks[book.nodeId];
            if (node_.banned) node_.unbonding += back;
            else node_.stake += back;
            courtOwes += book.money - back;
            if (_isAppeal(book.taskId)) _bookAppealEnd(book.taskId, share == 0, share == BPS);
            else _bookSplit(caseId, share);
            if (before.round == Round.Appeal && before.status != CaseStatus.Ruled) ++reached["appeal lapsed"];
        } else {
            burned += book.money;
            if (_isAppeal(book.taskId)) _bookAppealEnd(book.taskId, false, false);
            else _bookEvenSplit(book.taskId);
            ++reached["closed without a ruling"];
        }
        for (uint256 i; i < cases.length; ++i) {
            if (cases[i] != caseId) continue;
            cases[i] = cases[cases.length - 1];
            cases.pop();
        }
    }

    /// @dev Of the provider's part: 8% fee (AIIGO: 6%, the rest back to the buyer) and 2% to the jurors, who get 2% of the
    /// buyer's part, too. The bond is shared as the bill.
    function _bookSplit(uint256 caseId, uint256 share) private {
        bytes32 taskId = caseBooks[caseId].taskId;
        TaskBook storage book = taskBooks[taskId];
        uint64 nodeId = book.nodeId;
        uint256 due = _due(book);
        uint256 part = due * share / BPS;
        uint256 bond = due * 2 / 100;
        uint256 fee = _feeOf(book, part);
        _bookShare(taskId, providers[nodeId - 1].payout, part * 90 / 100 + bond * share / BPS);
        _bookShare(taskId, feeVault, fee);
        _bookShare(taskId, book.disputer, bond - bond * share / BPS);
        _bookJurors(caseId, taskId, due * 2 / 100);
        _bookShare(taskId, book.buyer, book.held);
        _bookReviewed(nodeId, book, book.price);
        if (share == 0) _bookLoss(nodeId);
        if (share == BPS) _bookSuccess(nodeId, book, fee, 100);
        _bookFee(nodeId, book, fee);
        _bookEnd(taskId, TaskStatus.Resolved);
        ++reached[share == 0 ? "dispute lost" : share == BPS ? "dispute won" : "dispute split"];
    }

    /// @dev All who voted as the ruling, in any round, in the order of their seats; what doesn't divide to the first.
    function _bookJurors(uint256 caseId, bytes32 taskId, uint256 amount) private {
        Seat[] memory seats = court.seatsOf(caseId);
        uint256 count;
        for (uint256 i; i < seats.length; ++i) {
            if (seats[i].state == SeatState.Coherent) ++count;
        }
        uint256 rest = amount % count;
        for (uint256 i; i < seats.length; ++i) {
            if (seats[i].state != SeatState.Coherent) continue;
            _bookShare(taskId, seats[i].juror, amount / count + rest);
            rest = 0;
        }
    }

    function _bookEvenSplit(bytes32 taskId) private {
        TaskBook storage book = taskBooks[taskId];
        uint256 due = _due(book);
        _bookShare(taskId, providers[book.nodeId - 1].payout, due / 2);
        _bookShare(taskId, book.disputer, due * 2 / 100);
        _bookShare(taskId, book.buyer, book.held);
        _bookReviewed(book.nodeId, book, book.price);
        _bookEnd(taskId, TaskStatus.Resolved);
    }
}
