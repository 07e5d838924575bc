// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJuryPool} from "../interfaces/IJuryPool.sol";
import {IStakingPool} from "../interfaces/IStakingPool.sol";
import {CourtBase} from "./CourtBase.sol";
import {StakeTree} from "./StakeTree.sol";

/// @title Who can be drawn, and by what weight
/// @dev While somebody is a juror the pool does not let the position go: what the tree weighs is there. Without it the same
/// tokens could be staked and joined again and again under new accounts, until draws hit nothing but positions that are
/// gone. Who leaves weighs nothing from the next epoch on but is held for the hold period: longer than the last draw that can
/// hit it lasts, and so long that stake rented to decide a case costs weeks of rent.
///
/// A seat reserves no part of the position: cases could use up what is free, and jurors with it. A juror who is penalised so
/// often that little is left weighs too much until somebody says so (`reweighJuror`).
///
/// Assumes that a position's owner never changes and its amount only shrinks, by this contract's seizures.
abstract contract JuryPool is IJuryPool, CourtBase {
    using StakeTree for StakeTree.Tree;

    // ---------------------------------------------------------------- Jurors

    /// @inheritdoc IJuryPool
    function joinJury(uint256 positionId) external {
        CourtStorage storage $ = _courtStorage();
        Membership storage member = $.members[msg.sender];
        if (member.positionId != 0) revert AlreadyJuror(msg.sender, member.positionId);
        IStakingPool.Position memory position = stakingPool.positionOf(positionId);
        if (position.owner != msg.sender) revert NotPositionOwner(positionId, msg.sender);
        uint256 required = _presentTerms().minPosition;
        if (position.amount < required) revert PositionTooSmall(positionId, position.amount, required);

        uint48 from = _currentEpoch() + 1;
        uint16 leaf = $.tree.take();
        // Casting is safe: the pool counts positions with a uint64, and all AIIGO there can be are less than 2^90 wei.
        // forge-lint: disable-start(unsafe-typecast)
        uint64 id = uint64(positionId);
        uint96 weight = uint96(position.amount);
        // forge-lint: disable-end(unsafe-typecast)
        $.members[msg.sender] =
            Membership({positionId: id, leaf: leaf, active: true, heldUntil: 0, seats: 0, weight: weight});
        $.jurors[positionId] = msg.sender;
        $.tree.set(from, leaf, id, weight);
        emit JurorJoined(msg.sender, positionId, weight, from);
        stakingPool.freeze(positionId, position.amount);
    }

    /// @inheritdoc IJuryPool
    function leaveJury() external {
        CourtStorage storage $ = _courtStorage();
        Membership storage member = $.members[msg.sender];
        if (!member.active) revert NotJuror(msg.sender);
        uint48 from = _currentEpoch() + 1;
        uint40 until = uint40(block.timestamp) + _presentTerms().holdPeriod;
        member.active = false;
        member.heldUntil = until;
        member.weight = 0;
        $.tree.give(from, member.leaf);
        emit JurorLeft(msg.sender, member.positionId, from, until);
    }

    /// @inheritdoc IJuryPool
    function releasePosition(address juror) external {
        CourtStorage storage $ = _courtStorage();
        Membership memory member = $.members[juror];
        if (member.positionId == 0) revert NotJuror(juror);
        if (member.active) revert StillJuror(juror);
        if (block.timestamp < member.heldUntil) revert PositionHeld(member.positionId, member.heldUntil);
        if (member.seats != 0) revert SeatsHeld(juror, member.seats);
        delete $.members[juror];
        delete $.jurors[member.positionId];
        emit PositionReleased(juror, member.positionId);
        stakingPool.unfreeze(member.positionId, stakingPool.positionOf(member.positionId).frozen);
    }

    /// @inheritdoc IJuryPool
    function reweighJuror(address juror) external {
        CourtStorage storage $ = _courtStorage();
        Membership storage member = $.members[juror];
        if (!member.active) revert NotJuror(juror);
        // casting is safe: less than 2^90 wei of AIIGO
        // forge-lint: disable-next-line(unsafe-typecast)
        uint96 weight = uint96(stakingPool.positionOf(member.positionId).amount);
        if (weight == member.weight) return;
        uint48 from = _currentEpoch() + 1;
        member.weight = weight;
        $.tree.set(from, member.leaf, member.positionId, weight);
        emit JurorReweighed(juror, member.positionId, weight, from);
    }

    // ---------------------------------------------------------------- Views

    /// @inheritdoc IJuryPool
    function membershipOf(address juror) external view returns (Membership memory) {
        return _courtStorage().members[juror];
    }

    /// @inheritdoc IJuryPool
    function jurorOf(uint256 positionId) external view returns (address) {
        return _courtStorage().jurors[positionId];
    }

    /// @inheritdoc IJuryPool
    function totalWeightIn(uint48 epoch) external view returns (uint256) {
        return _courtStorage().tree.total(epoch);
    }

    /// @inheritdoc IJuryPool
    function currentEpoch() external view returns (uint48) {
        return _currentEpoch();
    }

    /// @inheritdoc IJuryPool
    function epochLength() external view returns (uint32) {
        return _courtStorage().epochLength;
    }
}
