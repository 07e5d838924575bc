// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDisputeCourtBase} from "src/interfaces/IDisputeCourtBase.sol";
import {IJuryPool} from "src/interfaces/IJuryPool.sol";
import {IStakingPool} from "src/interfaces/IStakingPool.sol";

import {CourtFixture} from "../utils/CourtFixture.sol";

contract JurorsTest is CourtFixture {
    address private _alice;
    uint256 private _position;

    function setUp() public override {
        super.setUp();
        _alice = makeAddr("alice");
        _position = position(_alice, POSITION);
    }

    function _epoch() private view returns (uint48) {
        return uint48(vm.getBlockTimestamp() / EPOCH);
    }

    function _join() private {
        vm.prank(_alice);
        court.joinJury(_position);
    }

    function _leave() private {
        vm.prank(_alice);
        court.leaveJury();
    }

    // ---------------------------------------------------------------- join

    function test_AJurorCountsFromTheNextEpoch() public {
        vm.expectEmit(address(court));
        emit IJuryPool.JurorJoined(_alice, _position, POSITION, _epoch() + 1);
        _join();
        assertEq(court.totalWeightIn(_epoch()), 0);
        assertEq(court.totalWeightIn(_epoch() + 1), POSITION);
        IJuryPool.Membership memory member = court.membershipOf(_alice);
        assertEq(member.positionId, _position);
        assertEq(member.weight, POSITION);
        assertEq(member.heldUntil, 0);
        assertEq(member.seats, 0);
        assertTrue(member.active);
        assertEq(court.jurorOf(_position), _alice);
    }

    function test_AJurorsPositionCannotBeUnstaked() public {
        _join();
        assertEq(pool.positionOf(_position).frozen, POSITION);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.StakeIsFrozen.selector, _position, POSITION));
        vm.prank(_alice);
        pool.unstake(_position);
    }

    function test_RevertWhen_ThePositionIsAnothers() public {
        vm.expectRevert(abi.encodeWithSelector(IJuryPool.NotPositionOwner.selector, _position, address(this)));
        court.joinJury(_position);
    }

    function test_RevertWhen_ThePositionIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.UnknownPosition.selector, 99));
        court.joinJury(99);
    }

    function test_RevertWhen_ThePositionIsTooSmall() public {
        uint256 small = position(_alice, 10_000e18 - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IJuryPool.PositionTooSmall.selector, small, 10_000e18 - 1, uint256(10_000e18))
        );
        vm.prank(_alice);
        court.joinJury(small);
        uint256 enough = position(_alice, 10_000e18);
        vm.prank(_alice);
        court.joinJury(enough);
    }

    function test_RevertWhen_AJurorJoinsAgain() public {
        _join();
        uint256 second = position(_alice, POSITION);
        vm.expectRevert(abi.encodeWithSelector(IJuryPool.AlreadyJuror.selector, _alice, _position));
        vm.prank(_alice);
        court.joinJury(second);
        // Nor while the position of one who left is held.
        _leave();
        vm.expectRevert(abi.encodeWithSelector(IJuryPool.AlreadyJuror.selector, _alice, _position));
        vm.prank(_alice);
        court.joinJury(second);
    }

    // ---------------------------------------------------------------- leave

    function test_WhoLeavesCountsUntilTheEpochEnds() public {
        _join();
        nextEpoch();
        vm.expectEmit(address(court));
        emit IJuryPool.JurorLeft(_alice, _position, _epoch() + 1, uint40(vm.getBlockTimestamp() + HOLD));
        _leave();
        assertEq(court.totalWeightIn(_epoch()), POSITION);
        assertEq(court.totalWeightIn(_epoch() + 1), 0);
        assertFalse(court.membershipOf(_alice).active);
        assertEq(court.membershipOf(_alice).weight, 0);
        assertEq(court.membershipOf(_alice).heldUntil, vm.getBlockTimestamp() + HOLD);
    }

    /// @dev Senders leave room for it (the outbox's `gas_room`, 300,000): what was tried in one epoch may land in the next, where
    /// every node of the way to the root gets a checkpoint of its own.
    function test_LeavingJustAfterTheEpochTurnedFitsInTheRoomThatSendersLeave() public {
        _join();
        uint256 state = vm.snapshotState();
        vm.prank(_alice);
        court.leaveJury{gas: 1e6}();
        uint256 tried = vm.lastCallGas().gasTotalUsed;
        assertTrue(vm.revertToState(state));
        nextEpoch();
        vm.prank(_alice);
        court.leaveJury{gas: 1e6}();
        uint256 paid = vm.lastCallGas().gasTotalUsed;
        assertGt(paid, tried);
        assertLt(paid - tried, 300_000);
    }

    /// @dev Else stake rented for two hours decides a case, and whoever was not drawn is out at once.
    function test_ThePositionIsHeldForTwoWeeksAfterLeaving() public {
        _join();
        nextEpoch();
        _leave();
        uint40 until = uint40(vm.getBlockTimestamp() + 14 days);
        vm.warp(until - 1);
        vm.expectRevert(abi.encodeWithSelector(IJuryPool.PositionHeld.selector, _position, until));
        court.releasePosition(_alice);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.StakeIsFrozen.selector, _position, POSITION));
        vm.prank(_alice);
        pool.unstake(_position);
        vm.warp(until);
        vm.expectEmit(address(court));
        emit IJuryPool.PositionReleased(_alice, _position);
        court.releasePosition(_alice);
        assertEq(court.jurorOf(_position), address(0));
        assertEq(court.membershipOf(_alice).positionId, 0);
        vm.prank(_alice);
        pool.unstake(_position);
    }

    function test_WhoWasReleasedJoinsAgainWithTheSamePosition() public {
        _join();
        _leave();
        skip(HOLD);
        court.releasePosition(_alice);
        _join();
        assertEq(court.totalWeightIn(_epoch() + 1), POSITION);
        assertEq(pool.positionOf(_position).frozen, POSITION);
    }

    /// @dev The same tokens never weigh twice in one epoch, so draws can't be flooded with positions that are gone.
    function test_TheSameTokensCannotJoinTwiceInAnEpoch() public {
        _join();
        _leave();
        nextEpoch();
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.StakeIsFrozen.selector, _position, POSITION));
        vm.prank(_alice);
        pool.unstake(_position);
    }

    function test_RevertWhen_ANonJurorLeaves() public {
        vm.expectRevert(abi.encodeWithSelector(IJuryPool.NotJuror.selector, _alice));
        _leave();
        _join();
        _leave();
        vm.expectRevert(abi.encodeWithSelector(IJuryPool.NotJuror.selector, _alice));
        _leave();
    }

    function test_RevertWhen_ReleasingWhoIsThere() public {
        vm.expectRevert(abi.encodeWithSelector(IJuryPool.NotJuror.selector, _alice));
        court.releasePosition(_alice);
        _join();
        vm.expectRevert(abi.encodeWithSelector(IJuryPool.StillJuror.selector, _alice));
        court.releasePosition(_alice);
    }

    function test_ThePositionIsHeldUntilTheLastSeatIsOver() public {
        IDisputeCourtBase.Parameters memory p = court.parameters();
        p.holdPeriod = uint32(p.drawPeriod + EPOCH);
        vm.prank(governance);
        court.setParameters(p);
        joinMany(3);
        uint256 caseId = drawnCase();
        address juror = jury(caseId)[0];
        vm.prank(juror);
        court.leaveJury();
        skip(p.holdPeriod);
        vm.expectRevert(abi.encodeWithSelector(IJuryPool.SeatsHeld.selector, juror, 1));
        court.releasePosition(juror);
        voteAll(caseId, 5_000); // it can still vote
        advance(caseId);
        court.releasePosition(juror);
        assertEq(frozen(juror), 0);
    }

    /// @dev The pool forgets an empty position; a juror's has to stay.
    function test_PenaltiesLeaveAWei() public {
        IDisputeCourtBase.Parameters memory p = court.parameters();
        (p.minPosition, p.silencePenaltyBps) = (uint96(SEAT), 5_000);
        vm.prank(governance);
        court.setParameters(p);
        for (uint256 i; i < 3; ++i) {
            join(string.concat("poor ", vm.toString(i)), SEAT);
        }
        nextEpoch();
        uint256[3] memory cases = [openCase("a"), openCase("b"), openCase("c")];
        for (uint256 i; i < 3; ++i) {
            drawJury(cases[i]);
        }
        passDeadline(cases[0]);
        for (uint256 i; i < 3; ++i) {
            court.advance(cases[i]); // all were silent
        }
        assertEq(staked(jurors[0]), 1);
        assertEq(seatsHeld(jurors[0]), 0);
        vm.startPrank(jurors[0]);
        court.leaveJury();
        skip(HOLD);
        court.releasePosition(jurors[0]);
        pool.unstake(positions[jurors[0]]);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- reweigh

    function test_APenaltyShrinksTheWeightWhenSomebodySaysSo() public {
        joinMany(3);
        uint256 caseId = drawnCase();
        vote(caseId, 0, 0, 10_000);
        address loser = jury(caseId)[2];
        advance(caseId);
        assertEq(staked(loser), POSITION - PENALTY);
        assertEq(court.membershipOf(loser).weight, POSITION);
        vm.expectEmit(address(court));
        emit IJuryPool.JurorReweighed(loser, positions[loser], POSITION - PENALTY, _epoch() + 1);
        court.reweighJuror(loser);
        assertEq(court.totalWeightIn(_epoch()), 3 * POSITION);
        assertEq(court.totalWeightIn(_epoch() + 1), 3 * POSITION - PENALTY);
        vm.recordLogs();
        court.reweighJuror(loser);
        assertEq(vm.getRecordedLogs().length, 0, "nothing changed");
    }

    function test_RevertWhen_ReweighingWhoIsNoJuror() public {
        vm.expectRevert(abi.encodeWithSelector(IJuryPool.NotJuror.selector, _alice));
        court.reweighJuror(_alice);
        _join();
        _leave();
        vm.expectRevert(abi.encodeWithSelector(IJuryPool.NotJuror.selector, _alice));
        court.reweighJuror(_alice);
    }

    // ---------------------------------------------------------------- views

    function test_EpochsAreHours() public view {
        assertEq(court.epochLength(), EPOCH);
        assertEq(court.currentEpoch(), _epoch());
    }
}
