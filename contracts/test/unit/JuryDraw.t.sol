// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IKeeperTips} from "src/interfaces/IKeeperTips.sol";
import {IDisputeCourtBase} from "src/interfaces/IDisputeCourtBase.sol";
import {IEntropySource} from "src/interfaces/IEntropySource.sol";
import {IJuryPool} from "src/interfaces/IJuryPool.sol";
import {Case, CaseStatus, Round, Seat, SeatState} from "src/types/Dispute.sol";

import {CourtFixture} from "../utils/CourtFixture.sol";
import {Headers} from "../utils/Headers.sol";

contract JuryDrawTest is CourtFixture {
    uint256 private constant FORGOTTEN = 257;

    function _epoch() private view returns (uint48) {
        return uint48(vm.getBlockTimestamp() / EPOCH);
    }

    function _isSeated(uint256 caseId, address who) private view returns (bool) {
        Seat[] memory seats = court.seatsOf(caseId);
        for (uint256 i; i < seats.length; ++i) {
            if (seats[i].juror == who) return true;
        }
        return false;
    }

    // ---------------------------------------------------------------- opening

    function test_OpeningFixesTheDrawAndTakesBothFees() public {
        joinMany(3);
        uint40 closeBy = uint40(vm.getBlockTimestamp() + 12 days); // 2 rounds x 2 x (2 x (6 + 24) + 12) hours
        uint40 deadline = uint40(vm.getBlockTimestamp() + 6 hours);
        uint256 stakeBefore = info(node).stake;
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.CaseOpened(1, TASK, node.id, buyer, buyer, CASE_FEE, CASE_FEE, closeBy);
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.DrawFixed(
            1, Round.First, 3, uint64(vm.getBlockNumber() + DRAW_DELAY), _epoch(), deadline
        );
        uint256 caseId = openCase();
        assertEq(caseId, 1);
        assertEq(court.caseCount(), 1);
        assertEq(token.balanceOf(address(court)), 2 * CASE_FEE);
        assertEq(info(node).stake, stakeBefore - CASE_FEE);
        Case memory c = court.caseOf(caseId);
        assertEq(c.taskId, TASK);
        assertEq(c.buyer, buyer);
        assertEq(c.payer, buyer);
        assertEq(c.nodeId, node.id);
        assertEq(c.nodeOwner, node.owner);
        assertEq(c.nodeOperator, node.operator);
        assertEq(c.nodePayout, node.payout);
        assertEq(c.jurySize, 3);
        assertEq(abi.encode(court.termsOf(caseId)), abi.encode(court.parameters()));
        assertEq(c.closeBy, closeBy);
        assertStatus(caseId, CaseStatus.Drawing);
    }

    function test_AWatcherPaysForTheBuyer() public {
        address watcher = party("watcher");
        vm.prank(watcher);
        uint256 caseId = arbitrable.dispute(TASK, buyer, node.id);
        assertEq(court.caseOf(caseId).payer, watcher);
        assertEq(token.balanceOf(watcher), 1_000e18 - CASE_FEE);
    }

    function test_ANodeWithLittleStakeGivesWhatItHas() public {
        vm.startPrank(node.owner);
        registry.unstake(node.id, 2 * MIN_STAKE);
        vm.warp(vm.getBlockTimestamp() + 14 days);
        registry.withdrawStake(node.id);
        token.approve(address(registry), 7e18);
        registry.stakeForNode(node.id, 7e18);
        vm.stopPrank();
        assertEq(court.caseOf(openCase()).providerFee, 7e18);
    }

    function test_RevertWhen_AnotherOpensACase() public {
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.NotMarketplace.selector, buyer));
        vm.prank(buyer);
        court.openCase(TASK, buyer, buyer, node.id);
    }

    // ---------------------------------------------------------------- drawing

    function test_DrawsDistinctJurors() public {
        joinMany(5);
        uint256 caseId = openCase();
        vm.roll(court.caseOf(caseId).draw.blockNumber + 1);
        address keeper = makeAddr("keeper");
        bytes memory header = drawHeader(caseId);
        vm.deal(address(suite.keeperTips), 1 ether);
        uint256 tip = suite.keeperTips.termsOf(IKeeperTips.Duty.Draw).amount;
        uint40 deadline = uint40(vm.getBlockTimestamp() + 24 hours);
        vm.expectEmit(true, true, true, false, address(court));
        emit IDisputeCourtBase.CommitStarted(caseId, Round.First, 3, deadline);
        vm.prank(keeper);
        court.draw(caseId, header);
        Seat[] memory seats = court.seatsOf(caseId);
        assertEq(seats.length, 3);
        for (uint256 i; i < 3; ++i) {
            assertEq(seatsHeld(seats[i].juror), 1);
            assertEq(seats[i].share, 0, "nobody has voted");
            assertSeat(caseId, i, SeatState.Drawn);
            for (uint256 j; j < i; ++j) {
                assertTrue(seats[i].juror != seats[j].juror, "distinct");
            }
        }
        Case memory c = court.caseOf(caseId);
        assertEq(c.deadline, deadline);
        assertEq(c.seated, 3);
        assertStatus(caseId, CaseStatus.Committing);
        assertEq(suite.keeperTips.tipsOf(keeper), tip);
    }

    function test_EveryDrawnJurorIsAnnounced() public {
        joinMany(3);
        uint256 caseId = openCase();
        vm.roll(court.caseOf(caseId).draw.blockNumber + 1);
        uint256 snapshot = vm.snapshotState();
        draw(caseId);
        Seat[] memory seats = court.seatsOf(caseId);
        uint256 tries = court.caseOf(caseId).draw.tries;
        vm.revertToState(snapshot);
        bytes memory header = drawHeader(caseId);
        for (uint256 i; i < 3; ++i) {
            vm.expectEmit(address(court));
            address juror = seats[i].juror;
            emit IDisputeCourtBase.JurorDrawn(caseId, juror, Round.First, positions[juror]);
        }
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.DrawAdvanced(caseId, tries, 3);
        court.draw(caseId, header);
    }

    /// @dev Who calls, when and how often changes nothing once the draw is fixed.
    function testFuzz_TheJuryDoesNotDependOnTheCaller(uint64 later, address caller, uint256 wait) public {
        joinMany(8);
        uint256 caseId = openCase();
        uint64 drawBlock = court.caseOf(caseId).draw.blockNumber;
        vm.roll(drawBlock + 1);
        uint256 snapshot = vm.snapshotState();
        drawJury(caseId);
        Seat[] memory first = court.seatsOf(caseId);
        vm.revertToState(snapshot);
        vm.roll(drawBlock + bound(later, 1, 256));
        vm.warp(vm.getBlockTimestamp() + bound(wait, 0, 6 hours));
        while (court.caseOf(caseId).status == CaseStatus.Drawing) {
            bytes memory header = drawHeader(caseId);
            vm.prank(caller);
            court.draw(caseId, header);
        }
        assertEq(abi.encode(court.seatsOf(caseId)), abi.encode(first));
    }

    /// @dev 500 cases, three jurors of 1, 2 and 7 parts: the first seat goes to each by its part.
    function test_TheFirstSeatGoesByWeight() public {
        join("one part", 10_000e18);
        join("two parts", 20_000e18);
        join("seven parts", 70_000e18);
        nextEpoch();
        uint256 caseId = openCase();
        uint64 drawBlock = court.caseOf(caseId).draw.blockNumber;
        vm.roll(drawBlock + 1);
        uint256 snapshot = vm.snapshotState();
        uint256[3] memory hits;
        for (uint256 i; i < 500; ++i) {
            court.draw(caseId, drawHeader(caseId, keccak256(abi.encode(i)), ""));
            address first = court.seatsOf(caseId)[0].juror;
            for (uint256 j; j < 3; ++j) {
                if (first == jurors[j]) ++hits[j];
            }
            vm.revertToState(snapshot);
        }
        assertApproxEqAbs(hits[0], 50, 30);
        assertApproxEqAbs(hits[1], 100, 40);
        assertApproxEqAbs(hits[2], 350, 45);
    }

    /// @dev The builder of the block is free in its contents, so in the hash: 32 bytes of extra data are enough.
    function testFuzz_NothingThatABuilderCanTryChangesTheJury(bytes32 extra) public {
        joinMany(8);
        uint256 caseId = openCase();
        vm.roll(court.caseOf(caseId).draw.blockNumber + 1);
        uint256 snapshot = vm.snapshotState();
        court.draw(caseId, drawHeader(caseId, "mix", ""));
        bytes memory expected = abi.encode(court.seatsOf(caseId));
        vm.revertToState(snapshot);
        court.draw(caseId, drawHeader(caseId, "mix", abi.encode(extra)));
        assertEq(abi.encode(court.seatsOf(caseId)), expected);
    }

    function test_RevertWhen_TheHeaderIsAnothers() public {
        joinMany(3);
        uint256 caseId = openCase();
        uint64 drawBlock = court.caseOf(caseId).draw.blockNumber;
        vm.roll(drawBlock + 1);
        drawHeader(caseId);
        bytes memory another = Headers.encode(drawBlock, "chosen", "");
        vm.expectRevert(abi.encodeWithSelector(IEntropySource.WrongHeader.selector, drawBlock));
        court.draw(caseId, another);
    }

    function test_RevertWhen_TheRandomBlockIsNotOver() public {
        joinMany(3);
        uint256 caseId = openCase();
        uint64 drawBlock = court.caseOf(caseId).draw.blockNumber;
        vm.roll(drawBlock);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.DrawTooEarly.selector, caseId, drawBlock));
        court.draw(caseId, "");
    }

    function test_RevertWhen_DrawingAfterTheDeadline() public {
        joinMany(3);
        uint256 caseId = openCase();
        uint40 deadline = court.caseOf(caseId).deadline;
        passDeadline(caseId);
        vm.roll(court.caseOf(caseId).draw.blockNumber + 1);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.PeriodOver.selector, caseId, deadline));
        court.draw(caseId, "");
    }

    function test_RevertWhen_DrawingWhatIsDrawn() public {
        joinMany(3);
        uint256 caseId = drawnCase();
        vm.expectRevert(wrongStatus(caseId, CaseStatus.Committing));
        court.draw(caseId, "");
    }

    function test_RevertWhen_ThereIsNoJuror() public {
        uint256 caseId = openCase();
        vm.roll(court.caseOf(caseId).draw.blockNumber + 1);
        bytes memory header = drawHeader(caseId);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.NobodyToDraw.selector, caseId, _epoch()));
        court.draw(caseId, header);
    }

    // ---------------------------------------------------------------- who can sit

    function test_WhoJoinsAfterTheEpochBeganIsNotDrawn() public {
        joinMany(3);
        address late = join("late", 50_000_000e18);
        uint256 caseId = drawnCase();
        assertFalse(_isSeated(caseId, late));
    }

    function test_WhoLeavesAfterTheOpeningIsStillDrawn() public {
        joinMany(3);
        uint256 caseId = openCase();
        address leaver = jurors[1];
        vm.prank(leaver);
        court.leaveJury();
        drawJury(caseId);
        assertTrue(_isSeated(caseId, leaver));
        assertEq(seatsHeld(leaver), 1);
    }

    function test_WhoseLeafWasTakenByAnotherIsStillDrawn() public {
        joinMany(3);
        uint256 caseId = openCase();
        vm.prank(jurors[1]);
        court.leaveJury();
        address heir = join("heir", POSITION);
        assertEq(court.membershipOf(heir).leaf, court.membershipOf(jurors[1]).leaf);
        drawJury(caseId);
        assertTrue(_isSeated(caseId, jurors[1]));
        assertFalse(_isSeated(caseId, heir));
    }

    function test_NobodyWhoCanBeDrawnIsReleasedBeforeTheDrawEnds() public {
        IDisputeCourtBase.Parameters memory p = court.parameters();
        p.holdPeriod = uint32(p.drawPeriod + EPOCH);
        vm.prank(governance);
        court.setParameters(p);
        joinMany(3);
        vm.prank(jurors[1]);
        court.leaveJury();
        skip(EPOCH - 1); // its weight counts until now
        uint256 caseId = openCase();
        vm.warp(court.caseOf(caseId).deadline);
        vm.expectPartialRevert(IJuryPool.PositionHeld.selector);
        court.releasePosition(jurors[1]);
        drawJury(caseId);
        assertTrue(_isSeated(caseId, jurors[1]));
    }

    /// @dev When governance shortens the periods while the draw is open.
    function test_WhoWasReleasedBeforeTheDrawEndsIsPassedOver() public {
        joinMany(4);
        uint256 caseId = openCase();
        IDisputeCourtBase.Parameters memory p = court.parameters();
        p.drawPeriod = 1 hours;
        p.holdPeriod = uint32(1 hours + EPOCH);
        vm.prank(governance);
        court.setParameters(p);
        vm.prank(jurors[1]);
        court.leaveJury();
        skip(p.holdPeriod);
        court.releasePosition(jurors[1]);
        drawJury(caseId);
        assertFalse(_isSeated(caseId, jurors[1]));
        assertFalse(_isSeated(caseId, address(0)), "nor nobody in its place");
    }

    function test_NoPartyJudgesItsOwnCase() public {
        joinMany(2);
        address[3] memory parties = [buyer, makeAddr("watcher"), node.owner];
        for (uint256 i; i < 3; ++i) {
            uint256 positionId = position(parties[i], 1_000_000e18);
            vm.prank(parties[i]);
            court.joinJury(positionId);
        }
        nextEpoch();
        vm.prank(faucet);
        token.transfer(parties[1], CASE_FEE);
        vm.startPrank(parties[1]);
        token.approve(address(court), CASE_FEE);
        uint256 caseId = arbitrable.dispute(TASK, buyer, node.id);
        vm.stopPrank();
        vm.roll(court.caseOf(caseId).draw.blockNumber + 1);
        for (uint256 i; i < 20; ++i) {
            draw(caseId);
        }
        assertEq(court.caseOf(caseId).draw.tries, 20 * 24);
        for (uint256 i; i < 3; ++i) {
            assertFalse(_isSeated(caseId, parties[i]));
        }
    }

    /// @dev Neither before the opening nor once the hash is known.
    function test_AProviderExcludesNobodyByNamingItAsItsKey() public {
        joinMany(4);
        _nameKeys(jurors[0], jurors[1]);
        uint256 caseId = openCase();
        _nameKeys(jurors[2], jurors[3]);
        drawJury(caseId);
        assertEq(court.caseOf(caseId).seated, 3, "of four jurors");
    }

    function _nameKeys(address operator, address payout) private {
        vm.startPrank(node.owner);
        registry.setOperator(node.id, operator);
        registry.setPayout(node.id, payout);
        vm.stopPrank();
    }

    /// @dev Else cases between one's own buyer and one's own node would leave only newcomers to be drawn, or nobody.
    function test_NoNumberOfOtherCasesChangesWhoIsDrawn() public {
        for (uint256 i; i < 6; ++i) {
            join(string.concat("small ", vm.toString(i)), 10_000e18);
        }
        nextEpoch();
        uint256 target = openCase();
        uint256 snapshot = vm.snapshotState();
        drawJury(target);
        bytes memory expected = abi.encode(jury(target));
        vm.revertToState(snapshot);
        for (uint256 i; i < 30; ++i) {
            openCase(bytes32(i));
        }
        for (uint256 i; i < 30; ++i) {
            drawJury(target + 1 + i);
        }
        uint256 seats;
        for (uint256 i; i < 6; ++i) {
            seats += seatsHeld(jurors[i]);
            assertEq(frozen(jurors[i]), staked(jurors[i]), "all of it answers, for all seats");
        }
        assertEq(seats, 3 * 30);
        drawJury(target);
        assertEq(abi.encode(jury(target)), expected);
    }

    // ---------------------------------------------------------------- many tries, forgotten blocks, no jury

    function test_ACallTriesABoundedNumberOfTimesAndTheNextGoesOn() public {
        join("whale", 80_000_000e18);
        joinMany(2);
        uint256 caseId = openCase();
        vm.roll(court.caseOf(caseId).draw.blockNumber + 1);
        draw(caseId);
        Case memory c = court.caseOf(caseId);
        assertEq(c.draw.tries, 24);
        assertEq(c.seated, 1);
        draw(caseId);
        assertEq(court.caseOf(caseId).draw.tries, 48);
    }

    function test_AForgottenBlockIsReplacedByAComingOne() public {
        joinMany(3);
        uint256 caseId = openCase();
        uint40 deadline = court.caseOf(caseId).deadline;
        nextEpoch();
        vm.roll(court.caseOf(caseId).draw.blockNumber + FORGOTTEN);
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.DrawFixed(
            caseId, Round.First, 3, uint64(vm.getBlockNumber() + DRAW_DELAY), _epoch(), deadline
        );
        court.draw(caseId, "");
        assertStatus(caseId, CaseStatus.Drawing);
        drawJury(caseId);
        assertStatus(caseId, CaseStatus.Committing);
    }

    /// @dev The history contract of EIP-2935 still knows it.
    function test_ABlockIsNotForgottenWhereTheChainRemembersADay() public {
        joinMany(3);
        uint256 caseId = openCase();
        uint64 drawBlock = court.caseOf(caseId).draw.blockNumber;
        bytes memory header = Headers.encode(drawBlock, "mix", "");
        address history = suite.entropy.HISTORY();
        vm.etch(history, hex"00");
        vm.mockCall(history, abi.encode(uint256(drawBlock)), abi.encode(keccak256(header)));
        vm.roll(drawBlock + 8_000);
        court.draw(caseId, header);
        assertStatus(caseId, CaseStatus.Committing);
    }

    function test_JurorsDrawnBeforeABlockWasForgottenStay() public {
        join("whale", 80_000_000e18);
        joinMany(2);
        uint256 caseId = openCase();
        vm.roll(court.caseOf(caseId).draw.blockNumber + 1);
        draw(caseId);
        assertEq(court.caseOf(caseId).seated, 1);
        vm.roll(court.caseOf(caseId).draw.blockNumber + FORGOTTEN);
        court.draw(caseId, "");
        Case memory c = court.caseOf(caseId);
        assertEq(c.seated, 1);
        assertEq(c.draw.tries, 0);
        assertTrue(_isSeated(caseId, jurors[0]));
    }

    function test_AMajorityOfTheSeatsSitsWhenNoMoreCanBeFound() public {
        joinMany(2);
        uint256 caseId = openCase();
        vm.roll(court.caseOf(caseId).draw.blockNumber + 1);
        draw(caseId);
        assertEq(court.caseOf(caseId).seated, 2);
        vm.expectRevert(
            abi.encodeWithSelector(IDisputeCourtBase.PeriodNotOver.selector, caseId, court.caseOf(caseId).deadline)
        );
        court.advance(caseId);
        advance(caseId);
        assertStatus(caseId, CaseStatus.Committing);
        voteAll(caseId, 10_000);
        advance(caseId);
        assertEq(outcome().share, 10_000);
    }

    function test_LessThanAMajorityLapsesTwiceAndEndsWithoutARuling() public {
        joinMany(1);
        uint256 caseId = openCase();
        vm.roll(court.caseOf(caseId).draw.blockNumber + 1);
        draw(caseId);
        assertEq(seatsHeld(jurors[0]), 1);
        passDeadline(caseId);
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.RoundLapsed(caseId, Round.First);
        court.advance(caseId);
        assertRound(caseId, Round.Redraw);
        assertSeat(caseId, 0, SeatState.Released);
        assertEq(seatsHeld(jurors[0]), 0);
        uint256 supply = token.totalSupply();
        advance(caseId);
        assertStatus(caseId, CaseStatus.Closed);
        assertEq(outcome().withoutRuling, 1);
        assertEq(token.totalSupply(), supply - 2 * CASE_FEE);
        assertEq(token.balanceOf(address(court)), 0);
    }
}
