// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMarketDisputes} from "src/interfaces/IMarketDisputes.sol";
import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {IReplicas} from "src/interfaces/IReplicas.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";
import {Case, CaseStatus} from "src/types/Dispute.sol";
import {Cause} from "src/types/Node.sol";
import {ReplicaStatus} from "src/types/Replica.sol";
import {TaskStatus} from "src/types/Task.sol";

import {SuiteConfig} from "../../script/SuiteConfig.sol";
import {CourtFixture} from "../utils/CourtFixture.sol";
import {CourtMarketFixture} from "../utils/CourtMarketFixture.sol";
import {MarketFixture, Node} from "../utils/MarketFixture.sol";
import {ReplicasFixture} from "../utils/ReplicasFixture.sol";

/// @dev Of five seats three agree on a wrong result; one honest node and one with yet another result are outvoted.
contract ReplicasAppealsTest is CourtMarketFixture, ReplicasFixture {
    string internal constant EVIDENCE = "ipfs://evidence";
    bytes32 internal constant OTHER = keccak256("other");

    bytes32 internal taskId;
    Node[] internal liars;
    Node internal honest;
    Node internal lost;

    function setUp() public override(CourtFixture, ReplicasFixture) {
        super.setUp();
        gather(5);
        joinMany(7);
        _count(WRONG, WRONG, WRONG, RESULT, OTHER);
    }

    function configure(SuiteConfig memory config) internal override(CourtFixture, MarketFixture) {
        super.configure(config);
    }

    // ---------------------------------------------------------------- Appealing

    function test_AnAppealOpensACaseAgainstTheMajority() public {
        bytes32 appealId = keccak256(abi.encode(taskId, honest.id));
        _approveFee(honest);
        vm.expectEmit(address(market));
        emit IReplicas.ReplicaAppealed(taskId, honest.id, 1, appealId, liars[0].id, honest.operator, EVIDENCE);
        vm.prank(honest.operator);
        uint256 caseId = market.appealReplica(taskId, honest.id, EVIDENCE);
        assertEq(market.appealIdOf(taskId, honest.id), appealId);
        assertReplica(taskId, honest, ReplicaStatus.Appealed);
        assertEq(roundOf(taskId).openAppeals, 1);
        Case memory c = court.caseOf(caseId);
        assertEq(c.taskId, appealId);
        assertEq(c.nodeId, liars[0].id);
        assertEq(c.buyer, honest.owner);
        assertEq(c.payer, honest.operator);
        assertEq(info(liars[0]).stake, LEVEL_TWO_STAKE - CASE_FEE);
    }

    function test_RevertWhen_SomebodyElseAppeals() public {
        vm.prank(liars[0].operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.NotNodeOperator.selector, honest.id, liars[0].operator));
        market.appealReplica(taskId, honest.id, EVIDENCE);
    }

    function test_RevertWhen_OneOfTheMajorityAppeals() public {
        vm.prank(liars[0].operator);
        vm.expectRevert(wrongReplica(taskId, liars[0], ReplicaStatus.Agreed));
        market.appealReplica(taskId, liars[0].id, EVIDENCE);
    }

    function test_RevertWhen_AppealingTwice() public {
        _appeal(honest);
        vm.prank(honest.operator);
        vm.expectRevert(wrongReplica(taskId, honest, ReplicaStatus.Appealed));
        market.appealReplica(taskId, honest.id, EVIDENCE);
    }

    function test_TheLastSecondToAppealIsADayAfterTheCount() public {
        uint40 until = roundOf(taskId).settleAfter;
        vm.warp(until);
        _appeal(honest);
        skip(1);
        vm.prank(lost.operator);
        vm.expectRevert(abi.encodeWithSelector(IReplicas.AppealWindowOver.selector, taskId, until));
        market.appealReplica(taskId, lost.id, EVIDENCE);
    }

    function test_RevertWhen_AppealingAfterTheSettlement() public {
        skip(APPEAL_WINDOW + 1);
        market.settleReplicas(taskId);
        vm.prank(honest.operator);
        vm.expectRevert(wrongReplica(taskId, honest, ReplicaStatus.Slashed));
        market.appealReplica(taskId, honest.id, EVIDENCE);
    }

    function test_RevertWhen_ThereIsNoEvidenceOrNoFee() public {
        vm.startPrank(honest.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.InvalidRequest.selector, "evidenceURI"));
        market.appealReplica(taskId, honest.id, "");
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.InvalidRequest.selector, "evidenceURI"));
        market.appealReplica(taskId, honest.id, string(new bytes(2_049)));
        vm.expectRevert(); // of the token
        market.appealReplica(taskId, honest.id, EVIDENCE);
        vm.stopPrank();
        assertReplica(taskId, honest, ReplicaStatus.Outvoted);
        _approveFee(honest);
        vm.prank(honest.operator);
        market.appealReplica(taskId, honest.id, string(new bytes(2_048)));
    }

    function test_AppealsAreNeverPaused() public {
        vm.prank(governance);
        market.pauseEntry(uint40(block.timestamp) + 1 days);
        _appeal(honest);
    }

    // ---------------------------------------------------------------- Waiting

    function test_RevertWhen_SettlingBeforeTheCourtHasRuled() public {
        uint256 caseId = _appeal(honest);
        _vote(caseId, 10_000);
        passDeadline(caseId);
        vm.expectRevert(abi.encodeWithSelector(IReplicas.AppealsOpen.selector, taskId, 1));
        market.settleReplicas(taskId);
        court.advance(caseId);
        market.settleReplicas(taskId);
    }

    function test_NobodysStakeLeavesBeforeTheLastRuling() public {
        uint256 caseId = _appeal(honest);
        Node[2] memory both = [liars[1], honest];
        for (uint256 i; i < 2; ++i) {
            vm.startPrank(both[i].owner);
            registry.unstake(both[i].id, info(both[i]).stake);
            vm.stopPrank();
        }
        skip(14 days);
        for (uint256 i; i < 2; ++i) {
            vm.prank(both[i].owner);
            vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeIsBusy.selector, both[i].id, 1));
            registry.withdrawStake(both[i].id);
        }
        assertEq(uint8(court.caseOf(caseId).status), uint8(CaseStatus.Drawing));
    }

    // ---------------------------------------------------------------- Rulings

    function test_ARulingForTheMinoritySlashesTheMajority() public {
        uint256 caseId = _appeal(honest);
        uint256 earned = escrow.balanceOf(liars[0].payout, ETH);
        assertGt(earned, 0);
        _vote(caseId, 0);
        passDeadline(caseId);
        vm.expectEmit(address(market));
        emit IReplicas.ReplicaSettled(taskId, honest.id, ReplicaStatus.Vindicated);
        court.advance(caseId);
        assertReplica(taskId, honest, ReplicaStatus.Vindicated);
        assertTrue(roundOf(taskId).overruled);
        assertEq(roundOf(taskId).openAppeals, 0);
        assertEq(info(honest).stake, LEVEL_TWO_STAKE);
        assertEq(info(honest).reputation, 5_000);
        assertIdle(honest);
        assertEq(court.feesOf(honest.operator), CASE_FEE);

        market.settleReplicas(taskId);
        for (uint256 i; i < 3; ++i) {
            assertReplica(taskId, liars[i], ReplicaStatus.Slashed);
            assertEq(info(liars[i]).reputation, 4_500);
            assertEq(info(liars[i]).tasksFailed, 1);
            assertEq(info(liars[i]).stake, (LEVEL_TWO_STAKE - (i == 0 ? CASE_FEE : 0)) * 95 / 100);
            assertEq(escrow.balanceOf(liars[i].payout, ETH), earned, "what was paid stays paid");
            assertIdle(liars[i]);
        }
        // A third result is as wrong as the majority's.
        assertReplica(taskId, lost, ReplicaStatus.Slashed);
        assertEq(info(lost).stake, LEVEL_TWO_STAKE * 95 / 100);
        assertStatus(taskId, TaskStatus.Verified);
    }

    function test_ARulingForTheMajoritySlashesTheAppellantAtOnce() public {
        uint256 caseId = _appeal(honest);
        _rule(caseId, 10_000);
        assertReplica(taskId, honest, ReplicaStatus.Slashed);
        assertEq(info(honest).stake, LEVEL_TWO_STAKE * 95 / 100);
        assertEq(info(honest).reputation, 4_500);
        assertIdle(honest);
        market.settleReplicas(taskId);
        assertEq(info(honest).stake, LEVEL_TWO_STAKE * 95 / 100, "once");
        assertEq(info(lost).stake, LEVEL_TWO_STAKE * 95 / 100);
        for (uint256 i; i < 3; ++i) {
            assertReplica(taskId, liars[i], ReplicaStatus.Agreed);
            assertEq(info(liars[i]).stake, LEVEL_TWO_STAKE);
            assertEq(info(liars[i]).tasksVerified, 1);
            assertIdle(liars[i]);
        }
    }

    function test_ARulingInBetweenSlashesNeither() public {
        uint256 caseId = _appeal(honest);
        _rule(caseId, 4_000);
        assertReplica(taskId, honest, ReplicaStatus.Cleared);
        assertEq(info(honest).stake, LEVEL_TWO_STAKE);
        assertIdle(honest);
        market.settleReplicas(taskId);
        assertReplica(taskId, liars[0], ReplicaStatus.Agreed);
        assertReplica(taskId, lost, ReplicaStatus.Slashed);
    }

    function test_NoRulingSlashesNeither() public {
        uint256 caseId = _appeal(honest);
        for (uint256 i; i < 20 && court.caseOf(caseId).status != CaseStatus.Closed; ++i) {
            advance(caseId);
        }
        assertReplica(taskId, honest, ReplicaStatus.Cleared);
        assertEq(info(honest).stake, LEVEL_TWO_STAKE);
        skip(APPEAL_WINDOW);
        market.settleReplicas(taskId);
        assertReplica(taskId, liars[2], ReplicaStatus.Agreed);
    }

    /// @dev A seat that argues badly, or on purpose, loses its own case and nobody else's.
    function test_AnAppealThatIsLostTakesNoOtherSeatsAppealAway() public {
        uint256 sham = _appeal(lost);
        uint256 real = _appeal(honest);
        assertEq(roundOf(taskId).openAppeals, 2);
        _vote(sham, 10_000);
        _vote(real, 0);
        advance(sham);
        assertReplica(taskId, lost, ReplicaStatus.Slashed);
        vm.expectRevert(abi.encodeWithSelector(IReplicas.AppealsOpen.selector, taskId, 1));
        market.settleReplicas(taskId);
        advance(real);
        market.settleReplicas(taskId);
        for (uint256 i; i < 3; ++i) {
            assertReplica(taskId, liars[i], ReplicaStatus.Slashed);
        }
        assertReplica(taskId, honest, ReplicaStatus.Vindicated);
    }

    function test_WhoHasTheAppellantsResultGoesFreeWithIt() public {
        _count(WRONG, WRONG, WRONG, RESULT, RESULT);
        uint256 caseId = _appeal(honest);
        _rule(caseId, 0);
        uint256 reviewing = info(lost).reviewing;
        vm.expectEmit(address(market));
        emit IReplicas.ReplicaSettled(taskId, lost.id, ReplicaStatus.Cleared);
        market.settleReplicas(taskId);
        assertReplica(taskId, lost, ReplicaStatus.Cleared);
        assertEq(info(lost).stake, LEVEL_TWO_STAKE);
        assertEq(info(lost).reputation, 5_000);
        assertEq(info(lost).reviewing, reviewing - 1);
    }

    // ---------------------------------------------------------------- The court's word

    function test_RevertWhen_AnyoneElseRules() public {
        _appeal(honest);
        bytes32 appealId = market.appealIdOf(taskId, honest.id);
        bytes memory refusal = abi.encodeWithSelector(IMarketDisputes.NotCourt.selector, address(this));
        vm.expectRevert(refusal);
        market.rule(appealId, 0, new address[](1));
        vm.expectRevert(refusal);
        market.closeWithoutRuling(appealId);
    }

    function test_RevertWhen_RulingOnWhatNobodyAppealed() public {
        bytes32 appealId = market.appealIdOf(taskId, honest.id);
        bytes memory refusal =
            abi.encodeWithSelector(IReplicas.WrongReplicaStatus.selector, bytes32(0), uint64(0), ReplicaStatus.None);
        vm.startPrank(address(court));
        vm.expectRevert(refusal);
        market.rule(appealId, 0, new address[](1));
        vm.expectRevert(refusal);
        market.closeWithoutRuling(appealId);
        // The task itself is in no dispute.
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, taskId, TaskStatus.Verified));
        market.rule(taskId, 0, new address[](1));
        vm.stopPrank();
    }

    function test_RevertWhen_RulingTwice() public {
        _appeal(lost);
        _rule(_appeal(honest), 0);
        bytes32 appealId = market.appealIdOf(taskId, honest.id);
        vm.prank(address(court));
        vm.expectRevert(wrongReplica(taskId, honest, ReplicaStatus.Vindicated));
        market.rule(appealId, 10_000, new address[](1));
        assertEq(roundOf(taskId).openAppeals, 1);
    }

    // ---------------------------------------------------------------- Inside

    /// @dev A new task with these results, judged. The crowd's stake is as it was.
    function _count(bytes32 a, bytes32 b, bytes32 c, bytes32 d, bytes32 e) private {
        taskId = drawn(5);
        bytes32[] memory results = new bytes32[](5);
        (results[0], results[1], results[2], results[3], results[4]) = (a, b, c, d, e);
        work(taskId, results);
        market.judgeReplicas(taskId);
        delete liars;
        for (uint256 i; i < 3; ++i) {
            liars.push(seat(taskId, i));
        }
        (honest, lost) = (seat(taskId, 3), seat(taskId, 4));
    }

    function _approveFee(Node memory node_) private {
        vm.prank(faucet);
        token.transfer(node_.operator, CASE_FEE);
        vm.prank(node_.operator);
        token.approve(address(court), CASE_FEE);
    }

    function _appeal(Node memory node_) private returns (uint256) {
        _approveFee(node_);
        vm.prank(node_.operator);
        return market.appealReplica(taskId, node_.id, EVIDENCE);
    }

    /// @dev The jury votes as one.
    function _vote(uint256 caseId, uint16 share) private {
        drawJury(caseId);
        voteAll(caseId, share);
    }

    /// @dev And the ruling becomes final.
    function _rule(uint256 caseId, uint16 share) private {
        _vote(caseId, share);
        advance(caseId);
    }
}
