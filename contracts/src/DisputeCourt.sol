// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {AIIGOToken} from "./AIIGOToken.sol";
import {CourtBase, CourtNeighbours} from "./court/CourtBase.sol";
import {Ruling} from "./court/Ruling.sol";
import {Votes} from "./court/Votes.sol";
import {IDisputeCourtCore} from "./interfaces/IDisputeCourtCore.sol";
import {IKeeperTips} from "./interfaces/IKeeperTips.sol";
import {Extendable} from "./proxy/Extendable.sol";
import {Case, CaseStatus, Round, Seat, SeatState} from "./types/Dispute.sol";

/// @title Decides disputes by juries
/// @dev The court's AIIGO is never less than the fees of its open cases and what it owes: it enters by `openCase` and
/// `appeal`, and is credited, returned or burned when a case closes. A penalty is burned at once. AIIGO sent here by accident
/// belongs to nobody.
///
/// Assumes that the token moves exactly the amount asked for and calls nobody, and that pool, registry, marketplace, entropy
/// and tips are the suite's own: none of their answers to the court reverts in a case that the marketplace opened. Liveness:
/// anyone who calls `draw` and `advance`; the party that loses by waiting is enough.
contract DisputeCourt is Votes, UUPSUpgradeable, Extendable {
    using SafeERC20 for AIIGOToken;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(CourtNeighbours memory neighbours, address extension_) CourtBase(neighbours) Extendable(extension_) {}

    // ---------------------------------------------------------------- Marketplace and parties

    /// @inheritdoc IDisputeCourtCore
    function openCase(bytes32 taskId, address buyer, address payer, uint64 nodeId) external returns (uint256 caseId) {
        if (msg.sender != address(marketplace)) revert NotMarketplace(msg.sender);
        CourtStorage storage $ = _courtStorage();
        caseId = ++$.caseCount;
        Case storage c = $.cases[caseId];
        // casting is safe: each version takes a decision of governance
        // forge-lint: disable-next-line(unsafe-typecast)
        c.terms = uint32($.terms.length - 1);
        Parameters storage p = _termsOf(c);
        uint96 fee = p.caseFee;
        c.taskId = taskId;
        c.buyer = buyer;
        c.nodeId = nodeId;
        c.payer = payer;
        c.nodeOwner = registry.ownerOf(nodeId);
        c.nodeOperator = registry.operatorOf(nodeId);
        c.nodePayout = registry.payoutOf(nodeId);
        // The first jury and the redrawn one.
        uint40 closeBy = uint40(block.timestamp) + 2 * _roundTime(p);
        c.closeBy = closeBy;
        uint256 taken = registry.takeCaseFee(nodeId, fee);
        // casting is safe: at most the fee
        // forge-lint: disable-next-line(unsafe-typecast)
        c.providerFee = uint96(taken);
        emit CaseOpened(caseId, taskId, nodeId, buyer, payer, fee, taken, closeBy);
        _startRound(caseId, c, Round.First, p.jurySize);
        // The marketplace passes its own caller as the payer: nobody spends another's allowance.
        // slither-disable-next-line arbitrary-send-erc20
        token.safeTransferFrom(payer, address(this), fee);
    }

    /// @inheritdoc IDisputeCourtCore
    function appeal(uint256 caseId) external {
        Case storage c = _inStatus(caseId, CaseStatus.Ruled);
        if (c.round == Round.Appeal) revert AlreadyAppealed(caseId);
        if (block.timestamp > c.deadline) revert PeriodOver(caseId, c.deadline);
        if (!_isParty(c, msg.sender)) revert NotParty(caseId, msg.sender);
        Parameters storage p = _termsOf(c);
        uint96 fee = p.appealFee;
        uint40 closeBy = uint40(block.timestamp) + _roundTime(p);
        c.appellant = msg.sender;
        c.ballot.appealedShare = Ruling.shareOf(c.ballot.low, c.ballot.high);
        c.closeBy = closeBy;
        emit Appealed(caseId, msg.sender, fee, closeBy);
        _startRound(caseId, c, Round.Appeal, 2 * c.jurySize + 1);
        token.safeTransferFrom(msg.sender, address(this), fee);
    }

    // ---------------------------------------------------------------- Anyone

    /// @inheritdoc IDisputeCourtCore
    function advance(uint256 caseId) external {
        Case storage c = _courtStorage().cases[caseId];
        CaseStatus status = c.status;
        if (status == CaseStatus.None || status == CaseStatus.Closed) revert WrongCaseStatus(caseId, uint8(status));
        if (block.timestamp <= c.deadline) revert PeriodNotOver(caseId, c.deadline);
        if (status == CaseStatus.Drawing) {
            // A jury that could not be filled sits if a majority of its seats is.
            if (_isMajority(c, c.seated)) _startCommitting(caseId, c);
            else _lapse(caseId, c);
        } else if (status == CaseStatus.Committing) {
            if (!_endCommitting(caseId, c)) _lapse(caseId, c);
        } else if (status == CaseStatus.Revealing) {
            if (!_endRevealing(caseId, c)) _lapse(caseId, c);
        } else {
            _close(caseId, c);
        }
    }

    // ---------------------------------------------------------------- Inside: the end of rounds and cases

    /// @dev The round made no ruling. Who opened a vote is judged by the final ruling; the others may go.
    function _lapse(uint256 caseId, Case storage c) private {
        Round round = c.round;
        emit RoundLapsed(caseId, round);
        Seat[] storage seats = _courtStorage().seats[caseId];
        uint256 count = seats.length;
        for (uint256 i = c.firstSeat; i < count; ++i) {
            SeatState state = seats[i].state;
            if (state == SeatState.Drawn || state == SeatState.Committed) _end(seats[i], SeatState.Released);
        }
        if (round == Round.Appeal) {
            _close(caseId, c);
        } else if (round == Round.First && block.timestamp <= c.closeBy) {
            c.draw.redrawn = true;
            _startRound(caseId, c, Round.Redraw, c.jurySize);
        } else {
            _closeWithoutRuling(caseId, c);
        }
    }

    /// @dev The ruling is final: of the appeal's jury, or the one before if that jury lapsed.
    function _close(uint256 caseId, Case storage c) private {
        c.status = CaseStatus.Closed;
        uint16 share = Ruling.shareOf(c.ballot.low, c.ballot.high);
        address[] memory coherent = _judgeVotes(caseId, c);
        (uint256 pot, uint256 buyerBack, uint256 providerBack) = _settleFees(caseId, c, share);
        // The votes that made the ruling are coherent: there is at least one.
        uint256 each = pot / coherent.length;
        _credit(caseId, coherent[0], pot - each * (coherent.length - 1));
        for (uint256 i = 1; i < coherent.length; ++i) {
            _credit(caseId, coherent[i], each);
        }
        emit CaseClosed(caseId, c.taskId, true, share, coherent.length, pot, buyerBack, providerBack);
        if (providerBack != 0) {
            token.forceApprove(address(registry), providerBack);
            registry.returnCaseFee(c.nodeId, providerBack);
        }
        marketplace.rule(c.taskId, share, coherent);
        tips.tip(IKeeperTips.Duty.Finalize, msg.sender);
    }

    /// @dev Nobody, and no juror, gains from a case without a ruling.
    function _closeWithoutRuling(uint256 caseId, Case storage c) private {
        c.status = CaseStatus.Closed;
        Seat[] storage seats = _courtStorage().seats[caseId];
        uint256 count = seats.length;
        for (uint256 i; i < count; ++i) {
            if (seats[i].state == SeatState.Revealed) _end(seats[i], SeatState.Released);
        }
        uint256 burned = uint256(_termsOf(c).caseFee) + c.providerFee;
        emit CaseClosed(caseId, c.taskId, false, 0, 0, burned, 0, 0);
        token.burn(burned);
        marketplace.closeWithoutRuling(c.taskId);
        tips.tip(IKeeperTips.Duty.Finalize, msg.sender);
    }

    /// @dev Ends the seats of all jurors who opened a vote, in all rounds.
    function _judgeVotes(uint256 caseId, Case storage c) private returns (address[] memory coherent) {
        (uint16 low, uint16 high, uint16 tolerance) = (c.ballot.low, c.ballot.high, _termsOf(c).toleranceBps);
        Seat[] storage seats = _courtStorage().seats[caseId];
        uint256 count = seats.length;
        coherent = new address[](count);
        uint256 found;
        for (uint256 i; i < count; ++i) {
            Seat storage seat = seats[i];
            if (seat.state != SeatState.Revealed) continue;
            if (Ruling.isCoherent(seat.share, low, high, tolerance)) {
                coherent[found++] = seat.juror;
                _end(seat, SeatState.Coherent);
            } else {
                _penalise(caseId, c, seat, SeatState.Incoherent);
            }
        }
        assembly ("memory-safe") {
            mstore(coherent, found) // not longer than before
        }
    }

    /// @dev What the jury gets, and what goes back to the sides.
    function _settleFees(uint256 caseId, Case storage c, uint16 share)
        private
        returns (uint256 pot, uint256 buyerBack, uint256 providerBack)
    {
        Parameters storage p = _termsOf(c);
        (uint96 fee, uint96 providerFee) = (p.caseFee, c.providerFee);
        if (c.draw.redrawn) {
            pot = uint256(fee) + providerFee;
        } else {
            (uint256 fromBuyer, uint256 fromProvider) = Ruling.feesLost(fee, providerFee, share);
            pot = fromBuyer + fromProvider;
            buyerBack = fee - fromBuyer;
            providerBack = providerFee - fromProvider;
            _credit(caseId, c.payer, buyerBack);
        }
        address appellant = c.appellant;
        if (appellant == address(0)) return (pot, buyerBack, providerBack);
        // A node's owner can name anybody as its operator and payout, so nobody is on its side by that alone.
        bool byProvider = appellant != c.buyer && appellant != c.payer;
        // An appeal whose jury lapsed was not lost: nobody can profit from making it lapse.
        if (
            !_isMajority(c, c.ballot.revealed)
                || Ruling.appealWon(byProvider, c.ballot.appealedShare, share, p.toleranceBps)
        ) {
            _credit(caseId, appellant, p.appealFee);
        } else {
            pot += p.appealFee;
        }
    }

    function _credit(uint256 caseId, address account, uint256 amount) private {
        if (amount == 0) return;
        _courtStorage().fees[account] += amount;
        emit FeeCredited(caseId, account, amount);
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}
}
