// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {IEscrowManager} from "src/interfaces/IEscrowManager.sol";
import {IMarketDisputes} from "src/interfaces/IMarketDisputes.sol";
import {IRewardDistributor} from "src/interfaces/IRewardDistributor.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";
import {CaseStatus} from "src/types/Dispute.sol";
import {Task, TaskRequest, TaskStatus} from "src/types/Task.sol";

import {Node} from "../utils/MarketFixture.sol";
import {CourtMarketFixture} from "../utils/CourtMarketFixture.sol";

contract TaskDisputesTest is CourtMarketFixture {
    string private constant EVIDENCE = "ipfs://evidence";

    bytes32 private _task;
    uint256 private _due;
    uint256 private _bond;
    uint256 private _held;

    function setUp() public override {
        super.setUp();
        joinMany(4);
        _task = completedTask(buyer, node);
        Task memory task = market.taskOf(_task);
        _due = market.dueFor(task.escrow, task.duration, task.submittedAt - task.assignedAt);
        _bond = _due / 50;
        _held = escrow.escrowOf(_task).amount;
    }

    function _dispute() private returns (uint256 caseId) {
        vm.prank(buyer);
        return market.disputeTask{value: _bond}(_task, EVIDENCE);
    }

    function _credited(address who) private view returns (uint256) {
        return escrow.balanceOf(who, ETH);
    }

    function _ruling(uint16 share) private returns (uint256 caseId) {
        caseId = _dispute();
        drawJury(caseId);
        voteAll(caseId, share);
        advance(caseId);
    }

    // ---------------------------------------------------------------- disputing

    function test_TheBuyerTakesAResultToCourt() public {
        vm.expectEmit(address(market));
        emit IMarketDisputes.TaskDisputed(_task, node.id, 1, buyer, _due, _bond, EVIDENCE);
        vm.expectEmit(address(escrow));
        emit IEscrowManager.ToppedUp(_task, buyer, ETH, _bond, _held + _bond);
        uint256 caseId = _dispute();
        assertEq(caseId, 1);
        assertStatus(_task, TaskStatus.Disputed);
        assertEq(court.caseOf(caseId).taskId, _task);
        assertEq(court.caseOf(caseId).buyer, buyer);
        assertEq(court.caseOf(caseId).nodeId, node.id);
        (address disputer, uint256 id, uint256 bond) = market.disputeOf(_task);
        assertEq(disputer, buyer);
        assertEq(id, caseId);
        assertEq(bond, _bond);
        assertGt(market.taskOf(_task).submittedAt, 0);
        assertEq(info(node).reviewing, 1, "the stake stays until the ruling");
    }

    function test_UndisputedTasksHaveNoDispute() public view {
        (address disputer, uint256 caseId, uint256 bond) = market.disputeOf(_task);
        assertEq(disputer, address(0));
        assertEq(caseId, 0);
        assertEq(bond, 0);
    }

    function test_TheWatcherDisputesForTheBuyerAndGetsTheBondBack() public {
        address watcher = party("watcher");
        TaskRequest memory asked = request();
        asked.watcher = watcher;
        bytes32 taskId = createTask(buyer, asked);
        accept(taskId, node);
        skip(DURATION / 2);
        submit(taskId, node);
        vm.prank(watcher);
        uint256 caseId = market.disputeTask{value: _bond}(taskId, EVIDENCE);
        drawJury(caseId);
        voteAll(caseId, 2_500);
        advance(caseId);
        assertEq(_credited(watcher), _bond * 3 / 4);
        assertEq(court.feesOf(watcher), CASE_FEE * 3 / 4);
    }

    /// @dev So nobody has to stake during a pause to keep what it promised.
    function test_ANodeThatACaseFeeMadeInactiveDeliversWhatItRuns() public {
        vm.prank(node.owner);
        registry.unstake(node.id, MIN_STAKE);
        bytes32 running = acceptedTask(buyer, node);
        _dispute();
        assertFalse(registry.isActive(node.id));
        vm.prank(governance);
        registry.pauseEntry(uint40(vm.getBlockTimestamp() + 14 days));
        submit(running, node);
        approve(running);
        assertStatus(running, TaskStatus.Verified);
    }

    function test_RevertWhen_AStrangerDisputes() public {
        address[2] memory others = [node.owner, makeAddr("stranger")];
        for (uint256 i; i < 2; ++i) {
            vm.deal(others[i], 1 ether);
            vm.expectRevert(abi.encodeWithSelector(IMarketDisputes.NotDisputer.selector, _task, others[i]));
            vm.prank(others[i]);
            market.disputeTask{value: _bond}(_task, EVIDENCE);
        }
    }

    function test_RevertWhen_AStrangerDisputesATaskWithAWatcher() public {
        TaskRequest memory asked = request();
        asked.watcher = party("watcher");
        bytes32 taskId = createTask(buyer, asked);
        accept(taskId, node);
        submit(taskId, node);
        address stranger = party("stranger");
        vm.expectRevert(abi.encodeWithSelector(IMarketDisputes.NotDisputer.selector, taskId, stranger));
        vm.prank(stranger);
        market.disputeTask{value: _bond}(taskId, EVIDENCE);
    }

    function test_RevertWhen_TheReviewIsOver() public {
        uint40 until = uint40(market.taskOf(_task).submittedAt + REVIEW);
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(IMarketDisputes.ReviewWindowOver.selector, _task, until));
        _dispute();
        vm.warp(until);
        _dispute();
    }

    function test_RevertWhen_TheEvidenceIsNoUri() public {
        string[2] memory uris = ["", string(new bytes(2_049))];
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.InvalidRequest.selector, "evidenceURI"));
            vm.prank(buyer);
            market.disputeTask{value: _bond}(_task, uris[i]);
        }
        vm.prank(buyer);
        market.disputeTask{value: _bond}(_task, string(new bytes(2_048)));
    }

    function test_RevertWhen_TheBondIsNotExact() public {
        for (uint256 i; i < 2; ++i) {
            uint256 sent = i == 0 ? _bond - 1 : _bond + 1;
            vm.expectRevert(abi.encodeWithSelector(IEscrowManager.WrongValue.selector, sent, _bond));
            vm.prank(buyer);
            market.disputeTask{value: sent}(_task, EVIDENCE);
        }
    }

    function test_RevertWhen_ThereIsNothingToDispute() public {
        bytes32 open = createTask(buyer);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, open, TaskStatus.Open));
        vm.prank(buyer);
        market.disputeTask{value: _bond}(open, EVIDENCE);
        _dispute();
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, _task, TaskStatus.Disputed));
        _dispute();
    }

    function test_RevertWhen_ADisputedTaskIsApprovedOrFinalized() public {
        _dispute();
        bytes memory refusal = abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, _task, TaskStatus.Disputed);
        vm.expectRevert(refusal);
        vm.prank(buyer);
        market.approveTask(_task);
        skip(8 days);
        vm.expectRevert(refusal);
        market.finalizeTask(_task);
    }

    function test_RevertWhen_AnotherThanTheCourtRules() public {
        _dispute();
        address[] memory nobody = new address[](1);
        vm.expectRevert(abi.encodeWithSelector(IMarketDisputes.NotCourt.selector, address(this)));
        market.rule(_task, 10_000, nobody);
        vm.expectRevert(abi.encodeWithSelector(IMarketDisputes.NotCourt.selector, address(this)));
        market.closeWithoutRuling(_task);
    }

    function test_RevertWhen_TheCourtRulesWhatIsNotDisputed() public {
        bytes memory refusal =
            abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, _task, TaskStatus.Completed);
        vm.startPrank(address(court));
        vm.expectRevert(refusal);
        market.rule(_task, 0, new address[](1));
        vm.expectRevert(refusal);
        market.closeWithoutRuling(_task);
    }

    function test_APauseStopsNoDispute() public {
        vm.prank(governance);
        market.pauseEntry(uint40(vm.getBlockTimestamp() + 14 days));
        _ruling(0);
        assertStatus(_task, TaskStatus.Resolved);
    }

    // ---------------------------------------------------------------- end to end

    function test_TheBuyerWins() public {
        uint256 stake = info(node).stake;
        uint256 caseId = _dispute();
        drawJury(caseId);
        voteAll(caseId, 0);
        passDeadline(caseId);
        vm.expectEmit(address(market));
        emit IMarketDisputes.TaskResolved(_task, node.id, true, 0, _due, 0, 0, _bond, 0);
        court.advance(caseId);
        assertStatus(_task, TaskStatus.Resolved);
        assertEq(_credited(buyer), _held - _due / 50 + _bond, "98% of what is due, the rest of the escrow, the bond");
        assertEq(_credited(node.payout), 0);
        assertEq(_credited(feeVault), 0);
        _assertJurorsShare(caseId);
        assertEq(info(node).reputation, 4_500);
        assertEq(info(node).stake, (stake - CASE_FEE) * 95 / 100);
        assertEq(info(node).tasksFailed, 1);
        assertEq(info(node).reviewing, 0);
        assertEq(escrow.escrowOf(_task).amount, 0);
        assertEq(address(escrow).balance, _held + _bond);
    }

    function test_TheProviderWins() public {
        uint256 stake = info(node).stake;
        uint256 caseId = _ruling(10_000);
        assertEq(_credited(node.payout), _due * 90 / 100 + _bond);
        assertEq(_credited(feeVault), _due * 8 / 100);
        assertEq(_credited(buyer), _held - _due);
        _assertJurorsShare(caseId);
        assertEq(info(node).reputation, 5_100);
        assertEq(info(node).tasksVerified, 1);
        assertEq(info(node).stake, stake);
    }

    /// @dev Who only reads events has to see every wei and who got it.
    function test_TheSplitNamesEachOfItsShares() public {
        vm.recordLogs();
        _ruling(5_000);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 sum;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != IEscrowManager.PaymentSplit.selector) continue;
            (address[] memory accounts, uint256[] memory amounts) = abi.decode(logs[i].data, (address[], uint256[]));
            assertEq(accounts.length, amounts.length);
            for (uint256 j; j < amounts.length; ++j) {
                assertNotEq(accounts[j], address(0));
                sum += amounts[j];
            }
        }
        assertEq(sum, _held + _bond);
    }

    /// @dev Rewards follow fees that were paid, in court as elsewhere.
    function test_TheFeeOfARulingCountsForRewards() public {
        uint256 caseId = _dispute();
        drawJury(caseId);
        voteAll(caseId, 10_000);
        passDeadline(caseId);
        uint256 epoch = suite.distributor.currentEpoch();
        vm.expectEmit(true, true, true, false, address(suite.distributor));
        emit IRewardDistributor.FeeRecorded(epoch, node.id, ETH, _due * 8 / 100, 0);
        court.advance(caseId);
        assertGt(suite.distributor.weightOf(epoch, node.id), 0);
    }

    function test_WithoutAFeeNothingIsRecorded() public {
        vm.expectCall(address(suite.distributor), abi.encodeWithSelector(suite.distributor.recordFee.selector), 0);
        _ruling(0);
    }

    function test_InBetweenBothShareAndNobodyIsPunished() public {
        uint256 caseId = _ruling(6_000);
        assertEq(_credited(node.payout), _due * 54 / 100 + _bond * 6 / 10);
        assertEq(_credited(feeVault), _due * 48 / 1_000);
        assertEq(_credited(buyer), _held - _due + _due * 4 * 98 / 1_000 + _bond * 4 / 10);
        _assertJurorsShare(caseId);
        assertEq(info(node).reputation, 5_000);
        assertEq(info(node).tasksFailed, 0);
    }

    function test_WithoutARulingWhatIsDueIsSplitEvenlyAndTheBondReturns() public {
        uint256 stake = info(node).stake;
        uint256 caseId = _dispute();
        advance(caseId);
        passDeadline(caseId);
        address[] memory accounts = new address[](4);
        (accounts[0], accounts[1], accounts[2], accounts[3]) = (node.payout, feeVault, buyer, buyer);
        uint256[] memory amounts = new uint256[](4);
        (amounts[0], amounts[2], amounts[3]) = (_due / 2, _bond, _held - _due / 2);
        vm.expectEmit(address(market));
        emit IMarketDisputes.TaskResolved(_task, node.id, false, 5_000, _due, _due / 2, 0, 0, 0);
        vm.expectEmit(address(escrow));
        emit IEscrowManager.PaymentSplit(_task, ETH, accounts, amounts);
        court.advance(caseId);
        assertEq(uint8(court.caseOf(caseId).status), uint8(CaseStatus.Closed));
        assertEq(_credited(node.payout), _due / 2);
        assertEq(_credited(buyer), _held - _due / 2 + _bond);
        assertEq(_credited(feeVault), 0);
        assertEq(info(node).reputation, 5_000);
        assertEq(info(node).stake, stake - CASE_FEE);
        assertStatus(_task, TaskStatus.Resolved);
    }

    function test_AnAppealTurnsTheMoneyRound() public {
        joinMany(10);
        uint256 caseId = _dispute();
        drawJury(caseId);
        voteAll(caseId, 0);
        vm.startPrank(node.owner);
        token.approve(address(court), APPEAL_FEE);
        court.appeal(caseId);
        vm.stopPrank();
        assertEq(_credited(buyer), 0, "nothing moves before the end");
        drawJury(caseId);
        voteAll(caseId, 10_000);
        advance(caseId);
        assertEq(_credited(node.payout), _due * 90 / 100 + _bond);
        assertEq(info(node).reputation, 5_100);
    }

    function test_ATokensTaskIsDisputedInItsToken() public {
        TaskRequest memory asked = request();
        asked.paymentToken = address(dollar);
        asked.pricePerHour = 36e6;
        bytes32 taskId = createTask(buyer, asked);
        accept(taskId, node);
        skip(DURATION);
        submit(taskId, node);
        uint256 bond = 36e6 / 50;
        dollar.mint(buyer, bond);
        vm.startPrank(buyer);
        dollar.approve(address(escrow), bond);
        uint256 caseId = market.disputeTask(taskId, EVIDENCE);
        vm.stopPrank();
        drawJury(caseId);
        voteAll(caseId, 10_000);
        advance(caseId);
        assertEq(escrow.balanceOf(node.payout, address(dollar)), 36e6 * 90 / 100 + bond);
        assertEq(escrow.balanceOf(feeVault, address(dollar)), 36e6 * 8 / 100);
    }

    function test_WhoPaysInAiigoKeepsItsDiscountInCourt() public {
        TaskRequest memory asked = request();
        asked.paymentToken = address(token);
        asked.pricePerHour = 10e18;
        (uint96 price, uint256 tips) = market.quote(asked);
        vm.startPrank(buyer);
        token.approve(address(escrow), type(uint256).max);
        bytes32 taskId = market.createTask(asked);
        vm.stopPrank();
        accept(taskId, node);
        skip(DURATION);
        submit(taskId, node);
        vm.prank(buyer);
        uint256 caseId = market.disputeTask(taskId, EVIDENCE);
        drawJury(caseId);
        voteAll(caseId, 10_000);
        advance(caseId);
        assertEq(escrow.balanceOf(node.payout, address(token)), uint256(price) * 92 / 100);
        assertEq(escrow.balanceOf(feeVault, address(token)), uint256(price) * 6 / 100);
        assertEq(escrow.balanceOf(buyer, address(token)), uint256(price) * 2 / 100 + tips);
    }

    /// @dev 2% of what is due, the remainder to the first.
    function _assertJurorsShare(uint256 caseId) private view {
        uint256 jurors_ = _due / 50;
        address[] memory sat = jury(caseId);
        assertEq(_credited(sat[0]), jurors_ - 2 * (jurors_ / 3));
        assertEq(_credited(sat[1]), jurors_ / 3);
        assertEq(_credited(sat[2]), jurors_ / 3);
    }
}
