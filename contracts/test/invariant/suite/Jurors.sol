// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJuryPool} from "src/interfaces/IJuryPool.sol";
import {Case, CaseStatus, Round, Seat, SeatState} from "src/types/Dispute.sol";

import {Court} from "./Court.sol";

/// @title What jurors do, the parties of a case, and who moves it along
abstract contract Jurors is Court {
    // ---------------------------------------------------------------- Anyone

    /// @dev After the random block, now and then so late that the chain has forgotten it.
    function keeperDraws(uint256 seed) external acts {
        uint256 caseId = _case(seed, CaseStatus.Drawing);
        if (caseId == 0) return;
        _waitForRandomBlock(caseId, _seldom(seed, "forget", 16));
        _draw(caseId);
    }

    /// @dev Some case, whether its period is over or not.
    function keeperAdvances(uint256 seed) external acts {
        if (cases.length == 0) return;
        _advance(cases[_random(seed, "case") % cases.length]);
    }

    // ---------------------------------------------------------------- Jurors

    /// @dev All who sit, but for the silent; now and then everybody is.
    function jurorsSeal(uint256 seed) external acts {
        uint256 caseId = _case(seed, CaseStatus.Committing);
        if (caseId != 0 && !_isIdle(caseId)) _seal(caseId, seed);
    }

    function jurorsReveal(uint256 seed) external acts {
        uint256 caseId = _case(seed, CaseStatus.Revealing);
        if (caseId != 0) _reveal(caseId, seed);
    }

    /// @dev From the draw to the ruling without anything between.
    function juryDecides(uint256 seed) external acts {
        uint256 caseId = _case(seed, CaseStatus.Drawing);
        if (caseId == 0 || _isIdle(caseId)) return;
        _waitForRandomBlock(caseId, false);
        _draw(caseId);
        if (court.caseOf(caseId).status == CaseStatus.Committing) _seal(caseId, seed);
        if (court.caseOf(caseId).status == CaseStatus.Revealing) _reveal(caseId, seed);
    }

    function partyAppeals(uint256 seed) external acts {
        uint256 caseId = _case(seed, CaseStatus.Ruled);
        if (caseId == 0) return;
        Case memory c = court.caseOf(caseId);
        bool may = c.round != Round.Appeal && block.timestamp <= c.deadline;
        address who = [c.buyer, c.nodeOwner, c.nodePayout][_random(seed, "who") % 3];
        uint256 fee = court.termsOf(caseId).appealFee;
        _fund(who, address(token), fee, address(court));
        _appeal(caseId, who, may, fee);
    }

    function jurorComesOrGoes(uint256 seed) external acts {
        address juror = jurors[_random(seed, "juror") % jurors.length];
        IJuryPool.Membership memory member = court.membershipOf(juror);
        if (member.active) {
            if (!_seldom(seed, "leave", 4)) return;
            vm.prank(juror);
            court.leaveJury();
            ++reached["juror left"];
        } else if (member.positionId != 0) {
            bool done = _try(keeper, address(court), abi.encodeCall(court.releasePosition, (juror)));
            assertEq(
                done, block.timestamp >= member.heldUntil && member.seats == 0, "9: a position is held for its time"
            );
            if (done) ++reached["position released"];
        } else {
            uint256 positionId = positions[juror];
            if (positionBooks[positionId].amount < 10_000e18) return;
            vm.prank(juror);
            court.joinJury(positionId);
            ++reached["juror joined again"];
        }
    }

    function keeperReweighs(uint256 seed) external acts {
        address juror = jurors[_random(seed, "juror") % jurors.length];
        if (court.membershipOf(juror).active) court.reweighJuror(juror);
    }

    /// @dev What the court owes somebody.
    function anyoneCollects(uint256 seed) external acts {
        _collect(accounts[_random(seed, "who") % accounts.length]);
    }

    // ---------------------------------------------------------------- Steps of a case

    function _waitForRandomBlock(uint256 caseId, bool tooLong) internal {
        uint256 drawBlock = court.caseOf(caseId).draw.blockNumber;
        _waitForBlock(drawBlock + (tooLong ? 9_000 : 1));
    }

    function _draw(uint256 caseId) internal steps(caseId) {
        Case memory c = court.caseOf(caseId);
        bool may = block.timestamp <= c.deadline;
        // Of a block that the chain forgot no header is asked.
        bytes memory header = block.number <= c.draw.blockNumber + 256 ? drawHeader(caseId) : bytes("");
        bool done = _try(keeper, address(court), abi.encodeCall(court.draw, (caseId, header)));
        assertTrue(may || !done, "drawn after the deadline");
        if (done && court.caseOf(caseId).draw.blockNumber != c.draw.blockNumber) ++reached["random block forgotten"];
    }

    function _advance(uint256 caseId) internal steps(caseId) returns (bool done) {
        bool may = block.timestamp > court.caseOf(caseId).deadline;
        done = _try(keeper, address(court), abi.encodeCall(court.advance, (caseId)));
        assertEq(done, may, "8: who waits until the deadline moves a case along");
    }

    function _seal(uint256 caseId, uint256 seed) private steps(caseId) {
        address[] memory sitting = jury(caseId);
        for (uint256 i; i < sitting.length; ++i) {
            uint256 own = _random(seed, vm.toString(i));
            if (_stateOf(caseId, sitting[i]) == SeatState.Drawn && own % 12 != 0) _sealOne(caseId, sitting[i], own);
        }
    }

    /// @dev Most see the same; some see it otherwise.
    function _sealOne(uint256 caseId, address juror, uint256 own) private {
        Case memory c = court.caseOf(caseId);
        uint16 share = own % 6 == 0 ? uint16((own >> 8) % 10_001) : [0, 10_000, 0, 4_000, 0, 10_000, 0][caseId % 7];
        bytes32 sealedVote = court.voteHash(caseId, c.round, juror, share, salt(juror));
        bool done = _try(juror, address(court), abi.encodeCall(court.commitVote, (caseId, sealedVote)));
        assertEq(done, block.timestamp <= c.deadline, "a juror seals its vote in time, and only then");
        if (done) votes[caseId][juror] = share;
    }

    function _reveal(uint256 caseId, uint256 seed) private steps(caseId) {
        address[] memory sitting = jury(caseId);
        bool lazy = _seldom(seed, "lazy", 4);
        for (uint256 i; i < sitting.length; ++i) {
            if (lazy && _random(seed, vm.toString(i)) % 2 == 0) continue;
            if (_stateOf(caseId, sitting[i]) == SeatState.Committed) _revealOne(caseId, sitting[i]);
        }
    }

    function _revealOne(uint256 caseId, address juror) private {
        uint256 deadline = court.caseOf(caseId).deadline;
        bytes memory open = abi.encodeCall(court.revealVote, (caseId, votes[caseId][juror], salt(juror)));
        bool done = _try(juror, address(court), open);
        assertEq(done, block.timestamp <= deadline, "a juror opens its vote in time, and only then");
        if (done) ++reached["revealed"];
    }

    function _appeal(uint256 caseId, address who, bool may, uint256 fee) private steps(caseId) {
        bool done = _try(who, address(court), abi.encodeCall(court.appeal, (caseId)));
        assertEq(done, may, "a party appeals once, in time");
        if (!done) return;
        caseBooks[caseId].money += fee;
        _meet(who);
        ++reached["appealed"];
    }

    function _collect(address who) internal {
        uint256 fees = court.feesOf(who);
        if (fees == 0) return;
        vm.prank(who);
        assertEq(court.withdrawFees(treasurer), fees);
        courtOwes -= fees;
        ++reached["court's fees withdrawn"];
    }

    // ---------------------------------------------------------------- Inside

    function _case(uint256 seed, CaseStatus status) private view returns (uint256) {
        uint256 start = _random(seed, "case");
        for (uint256 i; i < cases.length; ++i) {
            uint256 caseId = cases[(start % cases.length + i) % cases.length];
            if (court.caseOf(caseId).status == status) return caseId;
        }
        return 0;
    }

    /// @dev Whether nobody of a jury will ever seal a vote.
    function _isIdle(uint256 caseId) private view returns (bool) {
        Case memory c = court.caseOf(caseId);
        if (c.round == Round.First) return caseId % 4 == 1;
        if (c.round == Round.Redraw) return caseId % 8 == 1;
        return caseId % 5 == 2;
    }

    function _stateOf(uint256 caseId, address juror) private view returns (SeatState) {
        Seat[] memory seats = court.seatsOf(caseId);
        for (uint256 i = court.caseOf(caseId).firstSeat; i < seats.length; ++i) {
            if (seats[i].juror == juror) return seats[i].state;
        }
        revert("no seat");
    }
}
