// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDisputeCourtBase} from "src/interfaces/IDisputeCourtBase.sol";
import {IJuryPool} from "src/interfaces/IJuryPool.sol";
import {Case, CaseStatus, Round, Seat, SeatState} from "src/types/Dispute.sol";

import {Deployed} from "../../script/Suite.sol";
import {CourtFixture} from "../utils/CourtFixture.sol";
import {Node} from "../utils/MarketFixture.sol";
import {TestArbitrable} from "../utils/TestArbitrable.sol";

/// @dev Random buyers, jurors, parties, keepers and time; jurors vote, stay silent or leave as they like.
contract CourtHandler is CourtFixture {
    uint256 private constant JURORS = 14;
    uint256 private _mostCases = 8;

    address[] public members;
    mapping(address juror => uint256) public indexOf;
    /// @notice How often each named state was reached.
    mapping(string state => uint256) public reached;
    mapping(uint256 caseId => mapping(address juror => uint16)) private _votes;

    constructor(Deployed memory deployed, address faucet_, TestArbitrable arbitrable_, Node memory node_) {
        suite = deployed;
        faucet = faucet_;
        bind();
        bindCourt();
        arbitrable = arbitrable_;
        node = node_;
        buyer = party("a buyer");
        vm.prank(faucet);
        token.transfer(buyer, 1_000_000e18);
        _approve(node.owner);
        _approve(node.payout);
        for (uint256 i; i < JURORS; ++i) {
            members.push(join(string.concat("member ", vm.toString(i)), 10_000e18 * (1 + i % 4)));
            indexOf[members[i]] = i;
        }
        nextEpoch();
    }

    function allowCases(uint256 count) external {
        _mostCases = count;
    }

    // ---------------------------------------------------------------- Cases

    function open() external {
        if (court.caseCount() >= _mostCases) return;
        openCase(bytes32(court.caseCount() + 1));
        ++reached["opened"];
    }

    function drawSome(uint256 seed) external {
        uint256 caseId = _case(seed, CaseStatus.Drawing);
        if (caseId == 0) return;
        Case memory c = court.caseOf(caseId);
        uint256 drawBlock = c.draw.blockNumber;
        if (block.number <= drawBlock) vm.roll(drawBlock + 1);
        bool known = block.number <= drawBlock + 256;
        try court.draw(caseId, known ? drawHeader(caseId) : bytes("")) {
            Case memory now_ = court.caseOf(caseId);
            if (now_.status == CaseStatus.Committing) ++reached[_name("drawn", now_.round)];
            assertEq(now_.draw.blockNumber != drawBlock, !known, "only a forgotten block is replaced");
            if (!known) ++reached["forgotten"];
        } catch {}
    }

    /// @dev All who sit, but for those who stay silent in this case.
    function commitAll(uint256 seed, uint16 share) external {
        uint256 caseId = _case(seed, CaseStatus.Committing);
        if (caseId == 0) return;
        address[] memory sitting = jury(caseId);
        for (uint256 i; i < sitting.length && court.caseOf(caseId).status == CaseStatus.Committing; ++i) {
            uint256 mood = uint256(keccak256(abi.encode(caseId, sitting[i])));
            if (mood % 9 == 0) continue;
            // Most see the same; some see it otherwise.
            uint16 vote_ = uint16(mood % 5 == 0 ? (mood >> 8) % 10_001 : share % 10_001);
            if (_stateOf(caseId, sitting[i]) != SeatState.Drawn || _isOver(caseId)) continue;
            _votes[caseId][sitting[i]] = vote_;
            commitVote(caseId, sitting[i], vote_);
        }
    }

    function revealAll(uint256 seed) external {
        uint256 caseId = _case(seed, CaseStatus.Revealing);
        if (caseId == 0) return;
        address[] memory sitting = jury(caseId);
        bool lazy = seed % 3 == 0;
        for (uint256 i; i < sitting.length && court.caseOf(caseId).status == CaseStatus.Revealing; ++i) {
            if (lazy && uint256(keccak256(abi.encode(seed, i))) % 2 == 0) continue;
            if (_stateOf(caseId, sitting[i]) != SeatState.Committed || _isOver(caseId)) continue;
            revealVote(caseId, sitting[i], _votes[caseId][sitting[i]]);
        }
        if (court.caseOf(caseId).status == CaseStatus.Ruled) ++reached[_name("ruled", court.caseOf(caseId).round)];
    }

    function appealSome(uint256 seed) external {
        uint256 caseId = _case(seed, CaseStatus.Ruled);
        if (caseId == 0) return;
        Case memory c = court.caseOf(caseId);
        if (c.round == Round.Appeal || block.timestamp > c.deadline) return;
        appeal(caseId, [buyer, node.owner, node.payout][seed % 3]);
        ++reached["appealed"];
    }

    /// @dev What a keeper does once a period is over.
    function advanceSome(uint256 seed) external {
        uint256 count = court.caseCount();
        for (uint256 i; i < count; ++i) {
            if (step((seed % count + i) % count + 1)) return;
        }
    }

    /// @notice A keeper's step for one case, if a deadline allows one.
    function step(uint256 caseId) public returns (bool done) {
        Case memory before = court.caseOf(caseId);
        (done,) = address(court).call(abi.encodeCall(court.advance, (caseId)));
        if (!done) return false;
        Case memory c = court.caseOf(caseId);
        if (c.replacements > before.replacements) ++reached["replaced"];
        if (c.round == Round.Redraw && before.round == Round.First) ++reached["redrawn"];
        if (c.status != CaseStatus.Closed) return true;
        TestArbitrable.Outcome memory outcome_ = arbitrable.outcomeOf(c.taskId);
        if (outcome_.withoutRuling == 1) ++reached["closed without ruling"];
        else ++reached[c.round == Round.Appeal ? "closed after appeal" : "closed"];
        if (before.round == Round.Appeal && before.status != CaseStatus.Ruled) ++reached["appeal lapsed"];
    }

    // ---------------------------------------------------------------- Governance

    /// @dev Open cases must not notice.
    function decide(uint256 seed) external {
        IDisputeCourtBase.Parameters memory p = court.parameters();
        p.caseFee = uint96(_bound(seed, 1e18, MIN_STAKE));
        p.appealFee = uint96(_bound(seed >> 8, p.caseFee, 200e18));
        p.silencePenaltyBps = uint16(_bound(seed >> 16, 1_000, 5_000));
        p.incoherencePenaltyBps = uint16(_bound(seed >> 24, 0, p.silencePenaltyBps));
        p.jurySize = uint8(3 + 2 * (seed % 2));
        p.maxReplacements = uint8(1 + seed % 3);
        vm.prank(governance);
        court.setParameters(p);
        ++reached["decided"];
    }

    // ---------------------------------------------------------------- Jurors

    function comeOrGo(uint256 seed) external {
        address juror = members[seed % members.length];
        IJuryPool.Membership memory member = court.membershipOf(juror);
        if (member.active) {
            if (seed % 4 != 0) return;
            vm.prank(juror);
            court.leaveJury();
            ++reached["left"];
        } else if (member.positionId != 0) {
            if (block.timestamp < member.heldUntil || member.seats != 0) return;
            court.releasePosition(juror);
            ++reached["released"];
        } else {
            if (staked(juror) < 10_000e18) return;
            uint256 positionId = positions[juror];
            vm.prank(juror);
            court.joinJury(positionId);
            ++reached["joined again"];
        }
    }

    function reweigh(uint256 seed) external {
        address juror = members[seed % members.length];
        if (court.membershipOf(juror).active) court.reweighJuror(juror);
    }

    function collect(uint256 seed) external {
        address who = seed % 4 == 0 ? buyer : members[seed % members.length];
        if (court.feesOf(who) == 0) return;
        vm.prank(who);
        court.withdrawFees(who);
    }

    function passTime(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + _bound(time, 1, time % 3 == 0 ? 30 hours : 3 hours));
        vm.roll(vm.getBlockNumber() + (time % 5 == 0 ? 300 : 5));
    }

    // ---------------------------------------------------------------- For the invariants

    function memberCount() external view returns (uint256) {
        return members.length;
    }

    function positionIdOf(address juror) external view returns (uint256) {
        return positions[juror];
    }

    /// @notice All accounts that the court can owe.
    function creditors() external view returns (address[] memory all) {
        all = new address[](members.length + 3);
        for (uint256 i; i < members.length; ++i) {
            all[i] = members[i];
        }
        (all[members.length], all[members.length + 1], all[members.length + 2]) = (buyer, node.owner, node.payout);
    }

    // ---------------------------------------------------------------- Inside

    function _approve(address who) private {
        vm.prank(faucet);
        token.transfer(who, 100_000e18);
        vm.prank(who);
        token.approve(address(court), type(uint256).max);
    }

    function _name(string memory what, Round round) private pure returns (string memory) {
        return string.concat(what, round == Round.First ? " first" : round == Round.Redraw ? " again" : " on appeal");
    }

    function _case(uint256 seed, CaseStatus status) private view returns (uint256) {
        uint256 count = court.caseCount();
        for (uint256 i; i < count; ++i) {
            uint256 caseId = (seed % count + i) % count + 1;
            if (court.caseOf(caseId).status == status) return caseId;
        }
        return 0;
    }

    function _isOver(uint256 caseId) private view returns (bool) {
        return block.timestamp > court.caseOf(caseId).deadline;
    }

    function _stateOf(uint256 caseId, address juror) private view returns (SeatState) {
        Seat[] memory seats = court.seatsOf(caseId);
        for (uint256 i = court.caseOf(caseId).firstSeat; i < seats.length; ++i) {
            if (seats[i].juror == juror) return seats[i].state;
        }
        revert("no seat");
    }
}
