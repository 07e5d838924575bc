// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {AIIGOToken} from "../AIIGOToken.sol";
import {IArbitrable} from "../interfaces/IArbitrable.sol";
import {IDisputeCourtBase} from "../interfaces/IDisputeCourtBase.sol";
import {IEntropySource} from "../interfaces/IEntropySource.sol";
import {IJuryPool} from "../interfaces/IJuryPool.sol";
import {IKeeperTips} from "../interfaces/IKeeperTips.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IStakingPool} from "../interfaces/IStakingPool.sol";
import {BPS} from "../libraries/Shares.sol";
import {Case, CaseStatus, Seat, SeatState} from "../types/Dispute.sol";
import {StakeTree} from "./StakeTree.sol";

/// @dev The other contracts of the suite.
struct CourtNeighbours {
    address token;
    address stakingPool;
    address registry;
    address marketplace;
    address entropy;
    address tips;
}

/// @title What both rooms of the court share: its storage, its neighbours, its seats
abstract contract CourtBase is IDisputeCourtBase, OwnableUpgradeable {
    /// @custom:storage-location erc7201:aiigo.storage.DisputeCourt
    struct CourtStorage {
        // slot 0: every version of the parameters; the last is the present one
        Parameters[] terms;
        // slot 1
        uint256 caseCount;
        // slots 2 to 4
        mapping(uint256 caseId => Case) cases;
        mapping(uint256 caseId => Seat[]) seats;
        mapping(address account => uint256) fees;
        // slot 5
        uint32 epochLength;
        // slots 6 to 8
        StakeTree.Tree tree;
        // slots 9 and 10
        mapping(address juror => IJuryPool.Membership) members;
        mapping(uint256 positionId => address) jurors;
    }

    // keccak256(abi.encode(uint256(keccak256("aiigo.storage.DisputeCourt")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE_LOCATION = 0xa037ea6a13eb2ce7133b8ac952a91932e5dd8b25f4fc4c833d9b1a6979bbf200;

    AIIGOToken public immutable token;
    IStakingPool public immutable stakingPool;
    INodeRegistry public immutable registry;
    IArbitrable public immutable marketplace;
    IEntropySource public immutable entropySource;
    IKeeperTips public immutable tips;

    constructor(CourtNeighbours memory neighbours) {
        token = AIIGOToken(neighbours.token);
        stakingPool = IStakingPool(neighbours.stakingPool);
        registry = INodeRegistry(neighbours.registry);
        marketplace = IArbitrable(neighbours.marketplace);
        entropySource = IEntropySource(neighbours.entropy);
        tips = IKeeperTips(neighbours.tips);
        _disableInitializers();
    }

    function _currentEpoch() internal view returns (uint48) {
        // casting is safe: less than the time
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint48(block.timestamp / _courtStorage().epochLength);
    }

    /// @dev What holds for what begins now.
    function _presentTerms() internal view returns (Parameters storage) {
        Parameters[] storage terms = _courtStorage().terms;
        return terms[terms.length - 1];
    }

    /// @dev What held when the case was opened: no change reaches an open case.
    function _termsOf(Case storage c) internal view returns (Parameters storage) {
        return _courtStorage().terms[c.terms];
    }

    function _inStatus(uint256 caseId, CaseStatus status) internal view returns (Case storage c) {
        c = _courtStorage().cases[caseId];
        if (c.status != status) revert WrongCaseStatus(caseId, uint8(c.status));
    }

    function _isParty(Case storage c, address account) internal view returns (bool) {
        return account == c.buyer || account == c.payer || _isProvider(c, account);
    }

    function _isProvider(Case storage c, address account) internal view returns (bool) {
        return account == c.nodeOwner || account == c.nodeOperator || account == c.nodePayout;
    }

    /// @dev More than half of the round's seats.
    function _isMajority(Case storage c, uint256 count) internal view returns (bool) {
        return 2 * count > c.jurySize;
    }

    /// @dev Ends a seat by a penalty. It is burned: no other juror gains by it.
    function _penalise(uint256 caseId, Case storage c, Seat storage seat, SeatState reason) internal {
        Parameters storage p = _termsOf(c);
        uint64 positionId = _courtStorage().members[seat.juror].positionId;
        uint256 bps = reason == SeatState.Silent ? p.silencePenaltyBps : p.incoherencePenaltyBps;
        // One wei stays: the pool closes what is empty, and the position is a juror's until it is released.
        uint256 amount = Math.min(uint256(p.seatStake) * bps / BPS, stakingPool.positionOf(positionId).amount - 1);
        _end(seat, reason);
        emit JurorPenalised(caseId, seat.juror, reason, positionId, amount);
        if (amount == 0) return;
        stakingPool.seize(positionId, amount, address(this));
        token.burn(amount);
    }

    /// @dev A seat is over.
    function _end(Seat storage seat, SeatState state) internal {
        seat.state = state;
        --_courtStorage().members[seat.juror].seats;
    }

    function _courtStorage() internal pure returns (CourtStorage storage $) {
        assembly ("memory-safe") {
            $.slot := STORAGE_LOCATION
        }
    }
}
