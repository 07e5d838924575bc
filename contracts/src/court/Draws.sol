// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IKeeperTips} from "../interfaces/IKeeperTips.sol";
import {IDisputeCourtExtension} from "../interfaces/IDisputeCourtExtension.sol";
import {Case, CaseStatus, Round, Seat, SeatState} from "../types/Dispute.sol";
import {Rounds} from "./Rounds.sol";
import {StakeTree} from "./StakeTree.sol";

/// @title How a jury comes together
/// @dev A draw is fixed before its randomness exists: the epoch whose weights count, and a block some blocks ahead whose
/// RANDAO mix decides. Not its hash: who builds a block tries as many hashes as it likes, while each proposer can only give
/// its part of the mix or forgo its block. From then on everything is determined: the points are hashes of the mix, taken in
/// order; who calls, when and how often changes nothing, and no other case does. What makes a candidate unfit (being a party, a seat in the case) is fixed
/// at the opening.
///
/// Should the chain forget the block before anyone drew (after 8191 blocks with EIP-2935, else 256), a new block is fixed, and
/// the jurors already drawn stay. To re-roll a jury one would have to keep everybody else from calling `draw` for so long;
/// the draw's deadline, which a new block does not move, bounds how often.
abstract contract Draws is IDisputeCourtExtension, Rounds {
    using StakeTree for StakeTree.Tree;

    /// @notice Points that one call draws at most.
    uint256 public constant MAX_TRIES = 24;

    /// @inheritdoc IDisputeCourtExtension
    function draw(uint256 caseId, bytes calldata header) external {
        Case storage c = _inStatus(caseId, CaseStatus.Drawing);
        if (block.timestamp > c.deadline) revert PeriodOver(caseId, c.deadline);
        uint64 drawBlock = c.draw.blockNumber;
        if (block.number <= drawBlock) revert DrawTooEarly(caseId, drawBlock);
        // A caller can't make this fail by giving little gas: a 64th of what made it fail is left, too little to go on.
        try entropySource.hashOfBlock(drawBlock) {
            _fillSeats(caseId, c, keccak256(abi.encode(entropySource.randomnessOf(drawBlock, header), caseId)));
        } catch {
            _fixDraw(caseId, c);
        }
    }

    function _fillSeats(uint256 caseId, Case storage c, bytes32 seed) private {
        uint48 epoch = c.draw.epoch;
        StakeTree.Tree storage tree = _courtStorage().tree;
        uint256 total = tree.total(epoch);
        if (total == 0) revert NobodyToDraw(caseId, epoch);
        uint256 tries = c.draw.tries;
        uint256 last = tries + MAX_TRIES;
        uint256 seated = c.seated;
        uint256 jurySize = c.jurySize;
        for (; seated < jurySize && tries < last; ++tries) {
            uint256 point = uint256(keccak256(abi.encode(seed, tries))) % total;
            uint64 positionId = tree.find(epoch, point);
            address juror = _courtStorage().jurors[positionId];
            if (!_maySit(caseId, c, juror)) continue;
            _seat(caseId, c, juror, positionId);
            ++seated;
        }
        // Casting is safe: 2^32 tries would take 2^27 calls before the deadline; a jury has at most 15 seats.
        // forge-lint: disable-start(unsafe-typecast)
        c.draw.tries = uint32(tries);
        c.seated = uint8(seated);
        // forge-lint: disable-end(unsafe-typecast)
        emit DrawAdvanced(caseId, tries, seated);
        if (seated != jurySize) return;
        _startCommitting(caseId, c);
        tips.tip(IKeeperTips.Duty.Draw, msg.sender);
    }

    /// @dev Nobody judges their own case or sits twice in one. Juror zero has left, and its position was released meanwhile.
    /// Only who acted in its own name is a party here: an owner can name anybody as its operator and payout, and so would
    /// keep two jurors of its choice out.
    function _maySit(uint256 caseId, Case storage c, address juror) private view returns (bool) {
        if (juror == address(0) || juror == c.buyer || juror == c.payer || juror == c.nodeOwner) return false;
        Seat[] storage seats = _courtStorage().seats[caseId];
        uint256 count = seats.length;
        for (uint256 i; i < count; ++i) {
            if (seats[i].juror == juror) return false;
        }
        return true;
    }

    function _seat(uint256 caseId, Case storage c, address juror, uint64 positionId) private {
        CourtStorage storage $ = _courtStorage();
        Round round = c.round;
        $.seats[caseId].push(Seat({juror: juror, share: 0, state: SeatState.Drawn, round: round, commitment: 0}));
        ++$.members[juror].seats;
        emit JurorDrawn(caseId, juror, round, positionId);
    }
}
