// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {IKeeperTips} from "src/interfaces/IKeeperTips.sol";
import {IDisputeCourtBase} from "src/interfaces/IDisputeCourtBase.sol";
import {Case, CaseStatus, Round, SeatState} from "src/types/Dispute.sol";
import {ResourceType} from "src/types/Resource.sol";

import {CourtFixture} from "../utils/CourtFixture.sol";
import {Node} from "../utils/MarketFixture.sol";

contract CourtRulingsTest is CourtFixture {
    uint256 private _case;
    address[] private _jury;
    uint256 private _stakeBefore;

    function setUp() public override {
        super.setUp();
        joinMany(16);
        _stakeBefore = info(node).stake;
        _case = drawnCase();
        _jury = jury(_case);
    }

    function _firstRuling(uint16 share) private {
        voteAll(_case, share);
    }

    function _funded(address who) private {
        vm.prank(faucet);
        token.transfer(who, 1_000e18);
        vm.prank(who);
        token.approve(address(court), type(uint256).max);
    }

    // ---------------------------------------------------------------- closing

    function test_TheBuyerWins() public {
        vote(_case, 0, 0, 500);
        passDeadline(_case);
        address keeper = makeAddr("keeper");
        vm.deal(address(suite.keeperTips), 1 ether);
        for (uint256 i; i < 3; ++i) {
            vm.expectEmit(address(court));
            emit IDisputeCourtBase.FeeCredited(_case, _jury[i], CASE_FEE / 3);
        }
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.CaseClosed(_case, TASK, true, 0, 3, CASE_FEE, CASE_FEE, 0);
        vm.prank(keeper);
        court.advance(_case);
        assertEq(court.feesOf(buyer), CASE_FEE);
        assertEq(info(node).stake, _stakeBefore - CASE_FEE);
        assertEq(outcome().rulings, 1);
        assertEq(outcome().share, 0);
        assertEq(outcome().jurors, _jury);
        for (uint256 i; i < 3; ++i) {
            assertSeat(_case, i, SeatState.Coherent);
            assertEq(seatsHeld(_jury[i]), 0);
            assertEq(staked(_jury[i]), POSITION);
        }
        assertStatus(_case, CaseStatus.Closed);
        assertEq(suite.keeperTips.tipsOf(keeper), suite.keeperTips.termsOf(IKeeperTips.Duty.Finalize).amount);
    }

    function test_ALosingNodesFeeDoesNotReturn() public {
        vote(_case, 0, 0, 0);
        vm.expectCall(address(registry), abi.encodeWithSelector(registry.returnCaseFee.selector), 0);
        advance(_case);
    }

    function _creditsIn(Vm.Log[] memory logs) private pure returns (uint256 count) {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == IDisputeCourtBase.FeeCredited.selector) ++count;
        }
    }

    function test_TheProviderWinsAndGetsItsFeeBackToItsStake() public {
        vote(_case, 10_000, 10_000, 10_000);
        vm.recordLogs();
        advance(_case);
        assertEq(_creditsIn(vm.getRecordedLogs()), 3, "nothing is credited to who gets nothing");
        assertEq(court.feesOf(buyer), 0);
        assertEq(info(node).stake, _stakeBefore);
        assertEq(outcome().share, 10_000);
        assertEq(token.balanceOf(address(court)), CASE_FEE);
    }

    function test_InBetweenEachSidePaysForWhatItLost() public {
        vote(_case, 2_500, 2_500, 2_500);
        advance(_case);
        assertEq(court.feesOf(buyer), CASE_FEE * 3 / 4);
        assertEq(info(node).stake, _stakeBefore - CASE_FEE * 3 / 4);
        assertEq(outcome().share, 2_500);
    }

    /// @dev Else who judges oneself out of an empty node would have its jury for nothing.
    function test_TheWinningBuyerPaysTheJuryWhatTheNodesStakeLacks() public {
        Node memory poor = register("poor", ResourceType.GPU);
        stake(poor, 7e18);
        vm.prank(buyer);
        uint256 caseId = arbitrable.dispute("another task", buyer, poor.id);
        drawJury(caseId);
        voteAll(caseId, 0);
        address[] memory sitting = jury(caseId);
        advance(caseId);
        uint256 paid;
        for (uint256 i; i < sitting.length; ++i) {
            paid += court.feesOf(sitting[i]);
        }
        assertEq(paid, CASE_FEE, "one case fee, whoever won");
        assertEq(court.feesOf(buyer), 7e18);
        assertEq(info(poor).stake, 0);
    }

    function test_AVoteFarFromTheRulingCostsATenthOfTheSeat() public {
        vote(_case, 3_000, 5_001, 3_000);
        passDeadline(_case);
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.JurorPenalised(_case, _jury[1], SeatState.Incoherent, positions[_jury[1]], PENALTY);
        court.advance(_case);
        assertSeat(_case, 1, SeatState.Incoherent);
        assertEq(staked(_jury[1]), POSITION - PENALTY);
        assertEq(seatsHeld(_jury[1]), 0);
        assertEq(court.feesOf(_jury[1]), 0);
        assertEq(outcome().jurors.length, 2);
    }

    /// @dev Else two of three seats would be worth having in a case that one brings against oneself.
    function test_NobodyGainsByAnothersPenalty() public {
        uint256 supply = token.totalSupply();
        vote(_case, 10_000, 0, 10_000);
        advance(_case);
        assertEq(court.feesOf(_jury[0]) + court.feesOf(_jury[2]), CASE_FEE);
        assertEq(staked(_jury[1]), POSITION - PENALTY);
        assertEq(supply - token.totalSupply(), PENALTY);
        assertEq(token.balanceOf(address(court)), CASE_FEE);
    }

    function test_AVoteAtTheToleranceIsCoherent() public {
        vote(_case, 3_000, 5_000, 1_000);
        advance(_case);
        assertEq(outcome().jurors.length, 3);
    }

    function test_ATieOfTwoCostsNobody() public {
        commitVote(_case, _jury[0], 0);
        commitVote(_case, _jury[1], 10_000);
        commitVote(_case, _jury[2], 10_000);
        revealVote(_case, _jury[0], 0);
        revealVote(_case, _jury[1], 10_000);
        advance(_case);
        advance(_case);
        assertEq(outcome().share, 5_000);
        assertEq(outcome().jurors.length, 2);
        assertEq(staked(_jury[0]), POSITION);
    }

    function test_TheRemainderGoesToTheFirstJuror() public {
        vote(_case, 3_333, 3_333, 3_333);
        uint256 pot = CASE_FEE * 3_333 / 10_000 + CASE_FEE * 6_667 / 10_000;
        advance(_case);
        uint256 each = pot / 3;
        assertEq(court.feesOf(_jury[0]), pot - 2 * each);
        assertEq(court.feesOf(_jury[1]), each);
        assertEq(court.feesOf(_jury[2]), each);
    }

    function test_FeesAreWithdrawn() public {
        _firstRuling(0);
        advance(_case);
        address to = makeAddr("purse");
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.FeesWithdrawn(_jury[0], to, CASE_FEE / 3);
        vm.prank(_jury[0]);
        assertEq(court.withdrawFees(to), CASE_FEE / 3);
        assertEq(token.balanceOf(to), CASE_FEE / 3);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.NothingToWithdraw.selector, _jury[0]));
        vm.prank(_jury[0]);
        court.withdrawFees(to);
        vm.expectRevert(IDisputeCourtBase.ZeroAddress.selector);
        vm.prank(_jury[1]);
        court.withdrawFees(address(0));
    }

    function test_RevertWhen_ClosingWithinTheAppealWindow() public {
        _firstRuling(0);
        uint40 deadline = court.caseOf(_case).deadline;
        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.PeriodNotOver.selector, _case, deadline));
        court.advance(_case);
    }

    // ---------------------------------------------------------------- appeal

    function test_AnAppealSummonsTwiceTheJuryAndOneMore() public {
        _firstRuling(10_000);
        uint40 closeBy = uint40(vm.getBlockTimestamp() + 6 days);
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.Appealed(_case, buyer, APPEAL_FEE, closeBy);
        appeal(_case, buyer);
        assertEq(token.balanceOf(address(court)), 2 * CASE_FEE + APPEAL_FEE);
        drawJury(_case);
        address[] memory second = jury(_case);
        assertEq(second.length, 7);
        for (uint256 i; i < 7; ++i) {
            for (uint256 j; j < 3; ++j) {
                assertTrue(second[i] != _jury[j], "another jury");
            }
        }
        assertRound(_case, Round.Appeal);
        assertEq(court.caseOf(_case).closeBy, closeBy);
    }

    function test_AWonAppealIsFreeAndTheFirstJuryPays() public {
        _firstRuling(10_000);
        appeal(_case, buyer);
        drawJury(_case);
        address[] memory second = jury(_case);
        voteAll(_case, 0);
        advance(_case);
        assertEq(outcome().share, 0);
        assertEq(court.feesOf(buyer), CASE_FEE + APPEAL_FEE);
        assertEq(outcome().jurors, second);
        assertEq(court.feesOf(second[1]), CASE_FEE / 7);
        for (uint256 i; i < 3; ++i) {
            assertSeat(_case, i, SeatState.Incoherent);
            assertEq(staked(_jury[i]), POSITION - PENALTY);
        }
    }

    function test_ALostAppealPaysBothJuries() public {
        _firstRuling(10_000);
        appeal(_case, buyer);
        drawJury(_case);
        voteAll(_case, 10_000);
        advance(_case);
        assertEq(outcome().jurors.length, 10);
        uint256 pot = CASE_FEE + APPEAL_FEE;
        assertEq(court.feesOf(_jury[0]), pot / 10);
        assertEq(court.feesOf(buyer), 0);
        assertEq(info(node).stake, _stakeBefore);
    }

    function test_AnAppealThatMovesLittleIsLost() public {
        _firstRuling(5_000);
        appeal(_case, buyer);
        drawJury(_case);
        voteAll(_case, 3_000);
        advance(_case);
        assertEq(outcome().share, 3_000);
        assertEq(court.feesOf(buyer), CASE_FEE - CASE_FEE * 3 / 10, "without the appeal's fee");
    }

    function test_EveryAccountOfAPartyCanAppeal() public {
        _firstRuling(0);
        address[3] memory keys = [node.owner, node.operator, node.payout];
        uint256 snapshot = vm.snapshotState();
        for (uint256 i; i < 3; ++i) {
            _funded(keys[i]);
            appeal(_case, keys[i]);
            drawJury(_case);
            voteAll(_case, 10_000);
            advance(_case);
            assertEq(outcome().share, 10_000);
            assertEq(court.feesOf(keys[i]), APPEAL_FEE, "won for the provider");
            vm.revertToState(snapshot);
        }
    }

    function test_AProviderTakesNoAppealsFeeByNamingTheBuyerAsItsKey() public {
        vm.startPrank(node.owner);
        registry.setOperator(node.id, buyer);
        registry.setPayout(node.id, buyer);
        vm.stopPrank();
        _firstRuling(10_000);
        _funded(buyer);
        appeal(_case, buyer);
        drawJury(_case);
        voteAll(_case, 0);
        advance(_case);
        assertEq(outcome().share, 0);
        assertEq(court.feesOf(buyer), APPEAL_FEE + CASE_FEE, "won for the buyer");
    }

    function test_AWatcherAppealsForTheBuyer() public {
        address watcher = party("watcher");
        vm.prank(watcher);
        uint256 caseId = arbitrable.dispute("another task", buyer, node.id);
        drawJury(caseId);
        voteAll(caseId, 10_000);
        appeal(caseId, watcher);
        drawJury(caseId);
        voteAll(caseId, 0);
        advance(caseId);
        assertEq(court.feesOf(watcher), CASE_FEE + APPEAL_FEE, "won for the buyer");
    }

    function test_IfTheAppealsJuryLapsesTheFirstRulingStandsAndTheFeeReturns() public {
        _firstRuling(10_000);
        appeal(_case, buyer);
        drawJury(_case);
        address[] memory second = jury(_case);
        for (uint256 i; i < 7; ++i) {
            commitVote(_case, second[i], i < 2 ? 10_000 : 0);
        }
        for (uint256 i; i < 3; ++i) {
            revealVote(_case, second[i], i < 2 ? 10_000 : 0);
        }
        passDeadline(_case);
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.RoundLapsed(_case, Round.Appeal);
        court.advance(_case);
        assertStatus(_case, CaseStatus.Closed);
        assertEq(outcome().share, 10_000);
        assertEq(court.feesOf(buyer), APPEAL_FEE);
        // Three of the first jury, two of the second; one voted otherwise, four were silent.
        assertEq(outcome().jurors.length, 5);
        assertEq(court.feesOf(_jury[0]), CASE_FEE / 5);
        assertSeat(_case, 5, SeatState.Incoherent);
        assertSeat(_case, 6, SeatState.Silent);
    }

    function test_AnAppealAfterARedrawKeepsBothFeesAsThePot() public {
        advance(_case); // silent: replaced
        drawJury(_case);
        advance(_case); // silent again: lapsed
        drawJury(_case);
        voteAll(_case, 10_000);
        appeal(_case, buyer);
        drawJury(_case);
        assertEq(jury(_case).length, 7);
        voteAll(_case, 10_000);
        advance(_case);
        assertEq(outcome().jurors.length, 10);
        assertEq(court.feesOf(outcome().jurors[1]), (2 * CASE_FEE + APPEAL_FEE) / 10);
        assertEq(info(node).stake, _stakeBefore - CASE_FEE);
    }

    function test_RevertWhen_AStrangerAppeals() public {
        _firstRuling(0);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.NotParty.selector, _case, _jury[0]));
        appeal(_case, _jury[0]);
    }

    function test_RevertWhen_AppealingTooLate() public {
        _firstRuling(0);
        uint40 deadline = court.caseOf(_case).deadline;
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.PeriodOver.selector, _case, deadline));
        appeal(_case, buyer);
        vm.warp(deadline);
        appeal(_case, buyer);
    }

    function test_RevertWhen_AppealingWithoutARulingOrTwice() public {
        vm.expectRevert(wrongStatus(_case, CaseStatus.Committing));
        appeal(_case, buyer);
        _firstRuling(0);
        appeal(_case, buyer);
        drawJury(_case);
        voteAll(_case, 0);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.AlreadyAppealed.selector, _case));
        appeal(_case, buyer);
    }

    // ---------------------------------------------------------------- evidence

    function test_PartiesSayWhereTheirEvidenceIs() public {
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.EvidenceSubmitted(_case, node.operator, "ipfs://evidence");
        vm.prank(node.operator);
        court.submitEvidence(_case, "ipfs://evidence");
        vm.prank(buyer);
        court.submitEvidence(_case, "ipfs://other");
    }

    function test_RevertWhen_EvidenceIsNoPartysOrNoUri() public {
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourtBase.NotParty.selector, _case, address(this)));
        court.submitEvidence(_case, "ipfs://evidence");
        vm.startPrank(buyer);
        vm.expectRevert(IDisputeCourtBase.InvalidURI.selector);
        court.submitEvidence(_case, "");
        vm.expectRevert(IDisputeCourtBase.InvalidURI.selector);
        court.submitEvidence(_case, string(new bytes(2_049)));
        court.submitEvidence(_case, string(new bytes(2_048)));
        vm.expectRevert(wrongStatus(99, CaseStatus.None));
        court.submitEvidence(99, "ipfs://evidence");
        vm.stopPrank();
        _firstRuling(0);
        advance(_case);
        vm.expectRevert(wrongStatus(_case, CaseStatus.Closed));
        vm.prank(buyer);
        court.submitEvidence(_case, "ipfs://evidence");
    }
}
