// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDisputeCourtBase} from "src/interfaces/IDisputeCourtBase.sol";
import {IKeeperTips} from "src/interfaces/IKeeperTips.sol";
import {Case, CaseStatus, Round, SeatState} from "src/types/Dispute.sol";

import {CourtFixture} from "../utils/CourtFixture.sol";

contract CourtVotesTest is CourtFixture {
    uint256 private _case;
    address[] private _jury;

    function setUp() public override {
        super.setUp();
        joinMany(9);
        _case = drawnCase();
        _jury = jury(_case);
    }

    function _commitment(address juror, uint16 share) private view returns (bytes32) {
        return court.voteHash(_case, court.caseOf(_case).round, juror, share, salt(juror));
    }

    function _commitAll(uint16 share) private {
        for (uint256 i; i < _jury.length; ++i) {
            commitVote(_case, _jury[i], share);
        }
    }

    // ---------------------------------------------------------------- commit

    function test_TheLastSealStartsTheRevealing() public {
        commitVote(_case, _jury[0], 1);
        commitVote(_case, _jury[1], 2);
        bytes32 commitment = _commitment(_jury[2], 3);
        uint40 deadline = uint40(vm.getBlockTimestamp() + 12 hours);
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.VoteCommitted(_case, _jury[2], Round.First, commitment);
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.RevealStarted(_case, Round.First, 3, deadline);
        vm.prank(_jury[2]);
        court.commitVote(_case, commitment);
        assertStatus(_case, CaseStatus.Revealing);
        assertEq(court.caseOf(_case).deadline, deadline);
        assertSeat(_case, 2, SeatState.Committed);
        assertEq(court.seatsOf(_case)[2].commitment, commitment);
    }

    function test_TheDeadlineIsInclusive() public {
        vm.warp(court.caseOf(_case).deadline);
        commitVote(_case, _jury[0], 1);
    }

    function test_RevertWhen_SealingTooLate() public {
        uint40 deadline = court.caseOf(_case).deadline;
        passDeadline(_case);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.PeriodOver.selector, _case, deadline));
        vm.prank(_jury[0]);
        court.commitVote(_case, "seal");
    }

    function test_RevertWhen_SealingNothing() public {
        vm.expectRevert(IDisputeCourtBase.EmptyCommitment.selector);
        vm.prank(_jury[0]);
        court.commitVote(_case, 0);
    }

    function test_RevertWhen_SealingTwice() public {
        commitVote(_case, _jury[0], 1);
        vm.expectRevert(
            abi.encodeWithSelector(IDisputeCourtBase.WrongSeatState.selector, _case, _jury[0], SeatState.Committed)
        );
        vm.prank(_jury[0]);
        court.commitVote(_case, "another");
    }

    function test_RevertWhen_SealingWithoutASeat() public {
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.NotSeated.selector, _case, buyer));
        vm.prank(buyer);
        court.commitVote(_case, "seal");
    }

    function test_RevertWhen_SealingBeforeTheDrawOrAfterTheSeals() public {
        uint256 second = openCase("second");
        vm.expectRevert(wrongStatus(second, CaseStatus.Drawing));
        vm.prank(_jury[0]);
        court.commitVote(second, "seal");
        _commitAll(1);
        vm.expectRevert(wrongStatus(_case, CaseStatus.Revealing));
        vm.prank(_jury[0]);
        court.commitVote(_case, "seal");
    }

    // ---------------------------------------------------------------- reveal

    function test_TheLastOpenedVoteMakesTheRuling() public {
        commitVote(_case, _jury[0], 9_000);
        commitVote(_case, _jury[1], 1_000);
        commitVote(_case, _jury[2], 4_000);
        revealVote(_case, _jury[0], 9_000);
        revealVote(_case, _jury[1], 1_000);
        uint40 until = uint40(vm.getBlockTimestamp() + 24 hours);
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.VoteRevealed(_case, _jury[2], Round.First, 4_000);
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.Ruled(_case, Round.First, 4_000, 4_000, 4_000, 3, until);
        revealVote(_case, _jury[2], 4_000);
        assertStatus(_case, CaseStatus.Ruled);
        assertEq(court.caseOf(_case).deadline, until);
        assertSeat(_case, 2, SeatState.Revealed);
        assertEq(court.seatsOf(_case)[2].share, 4_000);
        assertEq(outcome().rulings, 0, "not before the appeal window is over");
    }

    function test_TheSealBindsCaseRoundJurorShareAndSalt() public {
        commitVote(_case, _jury[0], 7_000);
        bytes32 seal = court.seatsOf(_case)[0].commitment;
        bytes32 s = salt(_jury[0]);
        assertEq(seal, keccak256(abi.encode(_case, Round.First, _jury[0], uint16(7_000), s)));
        assertTrue(seal != court.voteHash(_case + 1, Round.First, _jury[0], 7_000, s));
        assertTrue(seal != court.voteHash(_case, Round.Redraw, _jury[0], 7_000, s));
        assertTrue(seal != court.voteHash(_case, Round.First, _jury[1], 7_000, s));
        assertTrue(seal != court.voteHash(_case, Round.First, _jury[0], 7_001, s));
        assertTrue(seal != court.voteHash(_case, Round.First, _jury[0], 7_000, 0));
    }

    /// @dev Who copies another's seal can't open it.
    function test_RevertWhen_ASealIsCopied() public {
        commitVote(_case, _jury[0], 7_000);
        bytes32 seal = court.seatsOf(_case)[0].commitment;
        vm.prank(_jury[1]);
        court.commitVote(_case, seal);
        commitVote(_case, _jury[2], 7_000);
        revealVote(_case, _jury[0], 7_000);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.WrongReveal.selector, _case, _jury[1]));
        vm.prank(_jury[1]);
        court.revealVote(_case, 7_000, salt(_jury[0]));
    }

    function test_RevertWhen_TheVoteIsNotTheSealedOne() public {
        _commitAll(7_000);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.WrongReveal.selector, _case, _jury[0]));
        revealVote(_case, _jury[0], 7_001);
    }

    function test_RevertWhen_TheShareIsMoreThanAll() public {
        _commitAll(10_001);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.InvalidShare.selector, 10_001));
        revealVote(_case, _jury[0], 10_001);
    }

    function test_RevertWhen_OpeningTwiceOrWithoutASeat() public {
        _commitAll(7_000);
        revealVote(_case, _jury[0], 7_000);
        vm.expectRevert(
            abi.encodeWithSelector(IDisputeCourtBase.WrongSeatState.selector, _case, _jury[0], SeatState.Revealed)
        );
        revealVote(_case, _jury[0], 7_000);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.NotSeated.selector, _case, buyer));
        revealVote(_case, buyer, 7_000);
    }

    function test_RevertWhen_OpeningTooEarlyOrTooLate() public {
        vm.expectRevert(wrongStatus(_case, CaseStatus.Committing));
        revealVote(_case, _jury[0], 7_000);
        _commitAll(7_000);
        vm.warp(court.caseOf(_case).deadline);
        revealVote(_case, _jury[0], 7_000);
        uint40 deadline = court.caseOf(_case).deadline;
        passDeadline(_case);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.PeriodOver.selector, _case, deadline));
        revealVote(_case, _jury[1], 7_000);
    }

    // ---------------------------------------------------------------- silence

    function test_WhoDoesNotSealIsPenalisedAndReplacedBeforeAnyVoteIsOpen() public {
        commitVote(_case, _jury[0], 10_000);
        uint256 supply = token.totalSupply();
        passDeadline(_case);
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.JurorPenalised(_case, _jury[1], SeatState.Silent, positions[_jury[1]], PENALTY);
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.JurorPenalised(_case, _jury[2], SeatState.Silent, positions[_jury[2]], PENALTY);
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.JurorsReplaced(_case, Round.First, 2);
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.DrawFixed(
            _case,
            Round.First,
            2,
            uint64(vm.getBlockNumber() + DRAW_DELAY),
            court.currentEpoch(),
            uint40(vm.getBlockTimestamp() + 6 hours)
        );
        court.advance(_case);
        assertStatus(_case, CaseStatus.Drawing);
        assertEq(staked(_jury[1]), POSITION - PENALTY);
        assertEq(seatsHeld(_jury[1]), 0);
        assertEq(supply - token.totalSupply(), 2 * PENALTY);
        assertEq(token.balanceOf(address(court)), 2 * CASE_FEE);

        drawJury(_case);
        address[] memory second = jury(_case);
        assertEq(second.length, 3);
        assertEq(second[0], _jury[0], "who sealed stays");
        for (uint256 i = 1; i < 3; ++i) {
            assertTrue(second[i] != _jury[1] && second[i] != _jury[2], "the silent never sit in the case again");
            commitVote(_case, second[i], 10_000);
        }
        assertStatus(_case, CaseStatus.Revealing);
        for (uint256 i; i < 3; ++i) {
            revealVote(_case, second[i], 10_000);
        }
        advance(_case);
        assertEq(outcome().share, 10_000);
        for (uint256 i; i < 3; ++i) {
            assertEq(court.feesOf(second[i]), CASE_FEE / 3);
        }
    }

    function test_RevertWhen_TheReplacedVotes() public {
        commitVote(_case, _jury[0], 1);
        commitVote(_case, _jury[1], 1);
        advance(_case);
        drawJury(_case);
        vm.expectRevert(
            abi.encodeWithSelector(IDisputeCourtBase.WrongSeatState.selector, _case, _jury[2], SeatState.Silent)
        );
        vm.prank(_jury[2]);
        court.commitVote(_case, "late");
    }

    function test_AfterTheLastReplacementAMajorityGoesOn() public {
        commitVote(_case, _jury[0], 2_000);
        commitVote(_case, _jury[1], 3_000);
        advance(_case); // the third is replaced
        drawJury(_case);
        advance(_case); // the fourth is silent too
        assertStatus(_case, CaseStatus.Revealing);
        assertEq(court.caseOf(_case).seated, 2);
        revealVote(_case, _jury[0], 2_000);
        revealVote(_case, _jury[1], 3_000);
        assertStatus(_case, CaseStatus.Ruled);
        advance(_case);
        assertEq(outcome().share, 2_500, "the mean of the two middle votes");
        assertEq(outcome().jurors.length, 2);
    }

    function test_AfterTheLastReplacementAMinorityLapses() public {
        commitVote(_case, _jury[0], 2_000);
        advance(_case);
        drawJury(_case);
        advance(_case);
        assertRound(_case, Round.Redraw);
        assertSeat(_case, 0, SeatState.Released);
        assertEq(seatsHeld(_jury[0]), 0);
        assertEq(court.feesOf(_jury[0]), 0);
    }

    function test_ReplacementsThatFillNoSeatLetTheSealedVotesCount() public {
        commitVote(_case, _jury[0], 2_000);
        commitVote(_case, _jury[1], 2_000);
        advance(_case);
        advance(_case); // nobody drew in time
        assertStatus(_case, CaseStatus.Revealing);
        revealVote(_case, _jury[0], 2_000);
        revealVote(_case, _jury[1], 2_000);
        advance(_case);
        assertEq(outcome().share, 2_000);
    }

    function test_WhoSealsButDoesNotOpenIsPenalisedAndTheOthersRule() public {
        _commitAll(6_000);
        revealVote(_case, _jury[0], 6_000);
        revealVote(_case, _jury[2], 6_000);
        passDeadline(_case);
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.JurorPenalised(_case, _jury[1], SeatState.Silent, positions[_jury[1]], PENALTY);
        court.advance(_case);
        assertStatus(_case, CaseStatus.Ruled);
        advance(_case);
        assertEq(outcome().share, 6_000);
        assertEq(outcome().jurors.length, 2);
        assertEq(seatsHeld(_jury[1]), 0);
        assertEq(staked(_jury[1]), POSITION - PENALTY);
    }

    function test_AMinorityOfOpenedVotesLapsesAndIsJudgedByTheNextJury() public {
        _commitAll(6_000);
        revealVote(_case, _jury[0], 6_000);
        advance(_case);
        assertRound(_case, Round.Redraw);
        assertSeat(_case, 0, SeatState.Revealed);
        assertEq(seatsHeld(_jury[0]), 1, "it waits for the final ruling");
        drawJury(_case);
        voteAll(_case, 6_000);
        advance(_case);
        assertSeat(_case, 0, SeatState.Coherent);
        assertEq(outcome().jurors.length, 4);
        assertEq(outcome().jurors[0], _jury[0]);
        assertEq(seatsHeld(_jury[0]), 0);
        assertEq(court.feesOf(_jury[0]), 2 * CASE_FEE / 4, "both fees are the pot");
        assertEq(court.feesOf(buyer), 0);
    }

    function test_TwoLapsedRoundsBurnEverythingAndFreeEveryone() public {
        _commitAll(6_000);
        revealVote(_case, _jury[0], 6_000);
        advance(_case);
        drawJury(_case);
        advance(_case); // all silent: replaced
        drawJury(_case);
        uint256 supply = token.totalSupply();
        uint256 pot = 2 * CASE_FEE;
        address keeper = makeAddr("keeper");
        passDeadline(_case);
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.CaseClosed(_case, TASK, false, 0, 0, pot, 0, 0);
        vm.deal(address(suite.keeperTips), 1 ether);
        vm.prank(keeper);
        court.advance(_case); // all silent again
        assertEq(suite.keeperTips.tipsOf(keeper), suite.keeperTips.termsOf(IKeeperTips.Duty.Finalize).amount);
        assertEq(token.totalSupply(), supply - pot - 3 * PENALTY);
        assertEq(token.balanceOf(address(court)), 0);
        assertEq(outcome().withoutRuling, 1);
        assertEq(outcome().rulings, 0);
        for (uint256 i; i < jurors.length; ++i) {
            assertEq(seatsHeld(jurors[i]), 0);
        }
        assertSeat(_case, 0, SeatState.Released);
    }

    function test_AnOverdueCaseGetsNoMoreReplacementsOrRedraws() public {
        vm.warp(court.caseOf(_case).closeBy + 1);
        court.advance(_case);
        assertStatus(_case, CaseStatus.Closed);
        assertEq(outcome().withoutRuling, 1);
    }

    function test_UntilItIsOverdueTheSilentAreReplacedAndAJuryIsDrawnAgain() public {
        vm.warp(court.caseOf(_case).closeBy);
        court.advance(_case);
        assertStatus(_case, CaseStatus.Drawing);
        assertEq(court.caseOf(_case).replacements, 1);
        assertRound(_case, Round.First);
    }

    function test_InTheLastSecondAJuryIsDrawnAgain() public {
        advance(_case); // all replaced
        vm.warp(court.caseOf(_case).closeBy);
        court.advance(_case); // nobody drew
        assertRound(_case, Round.Redraw);
        assertStatus(_case, CaseStatus.Drawing);
    }

    function test_RevertWhen_ThePeriodIsNotOver() public {
        uint40 deadline = court.caseOf(_case).deadline;
        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.PeriodNotOver.selector, _case, deadline));
        court.advance(_case);
    }

    function test_RevertWhen_AdvancingNothingOrWhatIsClosed() public {
        vm.expectRevert(wrongStatus(77, CaseStatus.None));
        court.advance(77);
        voteAll(_case, 0);
        advance(_case);
        vm.expectRevert(wrongStatus(_case, CaseStatus.Closed));
        court.advance(_case);
    }
}
