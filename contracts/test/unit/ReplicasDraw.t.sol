// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SlotDerivation} from "@openzeppelin/contracts/utils/SlotDerivation.sol";

import {IEntropySource} from "src/interfaces/IEntropySource.sol";
import {IEntryPausable} from "src/interfaces/IEntryPausable.sol";
import {IMarket} from "src/interfaces/IMarketExtension.sol";
import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {IReplicas} from "src/interfaces/IReplicas.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";
import {Bid} from "src/types/Bid.sol";
import {Replication, ReplicaStatus} from "src/types/Replica.sol";
import {Task, TaskRequest, TaskStatus} from "src/types/Task.sol";

import {Headers} from "../utils/Headers.sol";
import {Node} from "../utils/MarketFixture.sol";
import {ReplicasFixture} from "../utils/ReplicasFixture.sol";

contract ReplicasDrawTest is ReplicasFixture {
    using SlotDerivation for string;

    bytes32 internal taskId;

    function setUp() public override {
        super.setUp();
        gather(5);
        taskId = createTask(client, replicated(3));
    }

    // ---------------------------------------------------------------- Creating

    function test_TheEscrowIsThatOfEverySeatAndItsTips() public view {
        (uint96 price, uint256 tips) = market.quote(replicated(3));
        assertEq(price, 3 * SHARE);
        assertEq(tips, 2 * 3 * TIP);
        assertEq(escrow.escrowOf(taskId).amount, price + tips);
        Task memory task = market.taskOf(taskId);
        assertStatus(taskId, TaskStatus.Recruiting);
        assertEq(task.escrow, price);
        assertEq(task.replicas, 3);
        assertEq(task.acceptBy, block.timestamp + ACCEPT);
        Replication memory round = roundOf(taskId);
        assertEq(round.round, 1);
        assertEq(round.share, SHARE);
        assertEq(round.candidates, 0);
        assertEq(round.seats.length, 0);
    }

    function test_RevertWhen_TheNumberIsNotThreeFiveOrSeven() public {
        uint8[6] memory wrong = [uint8(0), 2, 4, 6, 8, 9];
        for (uint256 i; i < wrong.length; ++i) {
            _expectInvalid(replicated(wrong[i]), "replicas");
        }
    }

    function test_RevertWhen_ReplicasAskForNoTrust() public {
        TaskRequest memory asked = replicated(3);
        asked.minTrustLevel = 1;
        _expectInvalid(asked, "minTrustLevel");
    }

    function test_RevertWhen_AllSeatsCostTooMuchOrOneTooLittle() public {
        TaskRequest memory asked = replicated(7);
        asked.pricePerHour = type(uint88).max / 7 + 1;
        _expectInvalid(asked, "pricePerHour");
        asked.pricePerHour = 19_999;
        _expectInvalid(asked, "pricePerHour");
    }

    function test_AnUnreplicatedTaskHasNoRound() public {
        Replication memory round = roundOf(createTask(client));
        assertEq(round.round, 0);
        assertEq(round.candidates, 0);
        assertEq(round.seats.length, 0);
    }

    // ---------------------------------------------------------------- Applying

    function test_ApplyingReservesASlotForAShare() public {
        vm.expectEmit(address(market));
        emit IReplicas.ReplicaApplied(taskId, crowd[0].id, crowd[0].operator, 1);
        enlist(taskId, crowd[0]);
        assertEq(info(crowd[0]).running, 1);
        assertEq(info(crowd[0]).runningPower, 1_000);
        assertEq(registry.openEscrowOf(crowd[0].id, ETH), SHARE);
        Replication memory round = roundOf(taskId);
        assertEq(round.candidates, 1);
        assertEq(round.seats.length, 0);
        assertReplica(taskId, crowd[0], ReplicaStatus.Applied);
        assertOnly(market.candidatesOf(taskId, 0, 10), crowd[0]);
    }

    function test_RevertWhen_SomebodyElseApplies() public {
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotNodeOperator.selector, crowd[0].id, address(this)));
        market.applyForReplica(taskId, crowd[0].id);
    }

    function test_RevertWhen_AnOwnerAppliesTwice() public {
        enlist(taskId, crowd[0]);
        vm.prank(crowd[0].owner);
        uint64 second = registry.registerNode{value: 0.1 ether}(
            replicated(3).resourceType, "ipfs://node", crowd[0].operator, crowd[0].payout, 0
        );
        bytes memory refusal = abi.encodeWithSelector(IReplicas.OwnerHasApplied.selector, taskId, crowd[0].owner);
        vm.startPrank(crowd[0].operator);
        vm.expectRevert(refusal);
        market.applyForReplica(taskId, crowd[0].id);
        vm.expectRevert(refusal);
        market.applyForReplica(taskId, second);
    }

    function test_RevertWhen_TheNodeIsNotEligible() public {
        Node memory basic = activeNode("basic");
        vm.prank(basic.operator);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.TrustTooLow.selector, basic.id, 1, 2));
        market.applyForReplica(taskId, basic.id);

        vm.prank(crowd[0].owner);
        registry.setPayout(crowd[0].id, client);
        vm.prank(crowd[0].operator);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.BuyerOwnsNode.selector, crowd[0].id, client));
        market.applyForReplica(taskId, crowd[0].id);
    }

    function test_RevertWhen_ApplyingAfterTheWindow() public {
        uint40 acceptBy = market.taskOf(taskId).acceptBy;
        vm.warp(acceptBy);
        enlist(taskId, crowd[0]);
        skip(1);
        vm.prank(crowd[1].operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.AcceptWindowOver.selector, taskId, acceptBy));
        market.applyForReplica(taskId, crowd[1].id);
    }

    function test_RevertWhen_EntryIsPaused() public {
        uint40 until = uint40(block.timestamp) + 1;
        vm.prank(governance);
        market.pauseEntry(until);
        vm.prank(crowd[0].operator);
        vm.expectRevert(abi.encodeWithSelector(IEntryPausable.EntryIsPaused.selector, until));
        market.applyForReplica(taskId, crowd[0].id);
    }

    /// @dev No number of candidates keeps another one out, or makes applying or drawing dearer.
    function test_NobodyFillsTheList() public {
        _flood(1_000);
        uint256 before = gasleft();
        enlist(taskId, crowd[0]);
        uint256 spent = before - gasleft();
        assertEq(roundOf(taskId).candidates, 1_001);
        assertEq(market.candidatesOf(taskId, 999, 10).length, 2);
        assertOnly(market.candidatesOf(taskId, 1_000, 10), crowd[0]);
        assertEq(market.candidatesOf(taskId, 1_001, 10).length, 0);

        bytes32 other = createTask(client, replicated(3));
        before = gasleft();
        enlist(other, crowd[1]);
        assertLt(spent, before - gasleft() + 20_000);
        assertLt(_drawingCosts(taskId), 500_000);
    }

    function test_RevertWhen_AReplicatedTaskIsTakenAsAnother() public {
        bytes memory refusal =
            abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, taskId, TaskStatus.Recruiting);
        commit(taskId, crowd[0]);
        vm.roll(block.number + 1);
        vm.prank(crowd[0].operator);
        vm.expectRevert(refusal);
        market.acceptTask(taskId, crowd[0].id, SALT);
        Bid memory bid = bidFor(taskId, crowd[0]);
        bytes memory signature = sign(bid, crowd[0].operatorKey);
        vm.prank(client);
        vm.expectRevert(refusal);
        market.assignTask(bid, signature);
        skipWindow(taskId);
        vm.expectRevert(refusal);
        market.expireTask(taskId);

        bytes32 single = createTask(client);
        vm.prank(crowd[0].operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, single, TaskStatus.Open));
        market.applyForReplica(single, crowd[0].id);
    }

    // ---------------------------------------------------------------- Taking back

    function test_AnApplicationIsTakenBack() public {
        for (uint256 i; i < 3; ++i) {
            enlist(taskId, crowd[i]);
        }
        vm.expectEmit(address(market));
        emit IReplicas.ReplicaReleased(taskId, crowd[0].id);
        vm.prank(crowd[0].operator);
        market.withdrawApplication(taskId, crowd[0].id);
        _assertFree(crowd[0]);
        assertReplica(taskId, crowd[0], ReplicaStatus.Released);
        uint64[] memory left = market.candidatesOf(taskId, 0, 10);
        assertEq(left.length, 2);
        assertEq(left[0], crowd[2].id);
        assertEq(left[1], crowd[1].id);

        vm.startPrank(crowd[0].operator);
        vm.expectRevert(wrongReplica(taskId, crowd[0], ReplicaStatus.Released));
        market.withdrawApplication(taskId, crowd[0].id);
        vm.expectRevert(abi.encodeWithSelector(IReplicas.OwnerHasApplied.selector, taskId, crowd[0].owner));
        market.applyForReplica(taskId, crowd[0].id);
    }

    function test_RevertWhen_AnotherTakesItBackOrItIsTooLate() public {
        enlist(taskId, crowd[0]);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.NotNodeOperator.selector, crowd[0].id, address(this)));
        market.withdrawApplication(taskId, crowd[0].id);
        uint40 acceptBy = market.taskOf(taskId).acceptBy;
        skipWindow(taskId);
        vm.prank(crowd[0].operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.AcceptWindowOver.selector, taskId, acceptBy));
        market.withdrawApplication(taskId, crowd[0].id);
    }

    function test_TheBuyerCancelsWhileNodesApply() public {
        enlist(taskId, crowd[0]);
        enlist(taskId, crowd[1]);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.NotBuyer.selector, taskId, address(this)));
        market.cancelTask(taskId);
        vm.expectEmit(address(market));
        emit ITaskMarketplace.TaskCancelled(taskId, 3 * SHARE);
        vm.prank(client);
        market.cancelTask(taskId);
        assertStatus(taskId, TaskStatus.Cancelled);
        _releaseBoth();
        assertEq(escrow.balanceOf(client, ETH), 3 * SHARE + 6 * TIP);
    }

    function test_TheBuyerCancelsInTheLastSecond() public {
        vm.warp(market.taskOf(taskId).acceptBy);
        vm.prank(client);
        market.cancelTask(taskId);
        assertStatus(taskId, TaskStatus.Cancelled);
    }

    function test_RevertWhen_CancellingOnceTheCandidatesAreFixed() public {
        _applyAll();
        skipWindow(taskId);
        market.drawReplicas(taskId, "");
        vm.prank(client);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, taskId, TaskStatus.Drawing));
        market.cancelTask(taskId);
    }

    function test_RevertWhen_CancellingOnceNobodyCanWithdraw() public {
        _applyAll();
        skipWindow(taskId);
        vm.prank(client);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.TooLateToCancel.selector, taskId));
        market.cancelTask(taskId);
    }

    // ---------------------------------------------------------------- Too few

    function test_TooFewExtendTheWindowOnceThenRefund() public {
        enlist(taskId, crowd[0]);
        enlist(taskId, crowd[1]);
        skipWindow(taskId);
        vm.expectEmit(address(market));
        emit IReplicas.ReplicaWindowExtended(taskId, 2, uint40(block.timestamp) + ACCEPT);
        market.drawReplicas(taskId, "");
        assertStatus(taskId, TaskStatus.Recruiting);
        assertTrue(roundOf(taskId).extended);
        assertEq(market.taskOf(taskId).acceptBy, block.timestamp + ACCEPT);

        skipWindow(taskId);
        vm.expectEmit(address(market));
        emit ITaskMarketplace.TaskExpired(taskId, 3 * SHARE);
        market.drawReplicas(taskId, "");
        assertStatus(taskId, TaskStatus.Expired);
        _releaseBoth();
        assertEq(escrow.balanceOf(client, ETH), 3 * SHARE + 6 * TIP);
    }

    function test_WhoAppliesInTheExtensionIsDrawn() public {
        enlist(taskId, crowd[0]);
        enlist(taskId, crowd[1]);
        skipWindow(taskId);
        market.drawReplicas(taskId, "");
        enlist(taskId, crowd[2]);
        draw(taskId);
        assertStatus(taskId, TaskStatus.Replicating);
    }

    function test_NobodyAppliedIsARefundToo() public {
        skipWindow(taskId);
        market.drawReplicas(taskId, "");
        skipWindow(taskId);
        market.drawReplicas(taskId, "");
        assertStatus(taskId, TaskStatus.Expired);
    }

    // ---------------------------------------------------------------- The draw

    function test_RevertWhen_TheWindowIsOpen() public {
        _applyAll();
        uint40 acceptBy = market.taskOf(taskId).acceptBy;
        vm.warp(acceptBy);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.AcceptWindowOpen.selector, taskId, acceptBy));
        market.drawReplicas(taskId, "");
    }

    function test_ClosingTheWindowFixesTheBlock() public {
        _applyAll();
        skipWindow(taskId);
        uint48 drawBlock = uint48(block.number) + 97;
        vm.expectEmit(address(market));
        emit IReplicas.ReplicaDrawFixed(taskId, 1, 5, drawBlock);
        market.drawReplicas(taskId, "");
        assertStatus(taskId, TaskStatus.Drawing);
        assertEq(roundOf(taskId).drawBlock, drawBlock);
        uint256[2] memory early = [vm.getBlockNumber(), drawBlock];
        for (uint256 i; i < 2; ++i) {
            vm.roll(early[i]);
            vm.expectRevert(abi.encodeWithSelector(IReplicas.DrawBlockNotOver.selector, taskId, drawBlock));
            market.drawReplicas(taskId, "");
        }
        bytes memory header = drawHeader(taskId);
        market.drawReplicas(taskId, header);
        assertStatus(taskId, TaskStatus.Replicating);
    }

    /// @dev The seats follow from the block's RANDAO mix, and from nothing that its builder writes into it.
    function test_TheMixDrawsAndNotTheHash() public {
        _applyAll();
        fixCandidates(taskId);
        uint256 number = roundOf(taskId).drawBlock;
        vm.roll(number + 1);
        uint256 snapshot = vm.snapshotState();
        bytes32 seats;
        for (uint256 i; i < 8; ++i) {
            bytes memory header = Headers.encode(number, "mix", abi.encodePacked(i));
            vm.setBlockhash(number, keccak256(header));
            market.drawReplicas(taskId, header);
            bytes32 drawn_ = keccak256(abi.encode(roundOf(taskId).seats));
            assertTrue(i == 0 || drawn_ == seats, "the builder chose");
            seats = drawn_;
            vm.revertToState(snapshot);
        }
    }

    function test_RevertWhen_TheHeaderIsAnotherBlocks() public {
        _applyAll();
        fixCandidates(taskId);
        bytes memory header = drawHeader(taskId);
        uint256 number = roundOf(taskId).drawBlock;
        bytes memory refusal = abi.encodeWithSelector(IEntropySource.WrongHeader.selector, number);
        vm.expectRevert(refusal);
        market.drawReplicas(taskId, "");
        header[100] ^= 0x01;
        vm.expectRevert(refusal);
        market.drawReplicas(taskId, header);
        assertStatus(taskId, TaskStatus.Drawing);
        assertEq(roundOf(taskId).drawBlock, number);
    }

    function test_TheDrawnWorkAndTheOthersAreReleasedByAnyone() public {
        _applyAll();
        draw(taskId);
        Replication memory round = roundOf(taskId);
        assertEq(round.seats.length, 3);
        assertEq(round.sealUntil, block.timestamp + DURATION + GRACE);
        assertEq(round.revealUntil, round.sealUntil + REVEAL_WINDOW);
        Task memory task = market.taskOf(taskId);
        assertEq(task.assignedAt, block.timestamp);
        assertEq(task.submittedAt, 0);
        assertEq(task.acceptBy, 0);

        uint64[] memory everybody = market.candidatesOf(taskId, 0, 10);
        market.releaseCandidates(taskId, everybody);
        uint256 working;
        for (uint256 i; i < crowd.length; ++i) {
            if (statusIn(taskId, crowd[i]) == ReplicaStatus.Drawn) {
                assertEq(info(crowd[i]).running, 1);
                ++working;
            } else {
                assertReplica(taskId, crowd[i], ReplicaStatus.Released);
                _assertFree(crowd[i]);
            }
        }
        assertEq(working, 3);
        // Once is enough.
        vm.recordLogs();
        market.releaseCandidates(taskId, everybody);
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_TheDrawIsAnnounced() public {
        _applyAll();
        fixCandidates(taskId);
        mockRandomness("some");
        bytes memory header = drawHeader(taskId);
        uint256 snapshot = vm.snapshotState();
        market.drawReplicas(taskId, header);
        Replication memory round = roundOf(taskId);
        uint64[] memory drawn_ = new uint64[](3);
        for (uint256 i; i < 3; ++i) {
            drawn_[i] = round.seats[i].nodeId;
        }
        vm.revertToState(snapshot);
        vm.expectEmit(address(market));
        emit IReplicas.ReplicasDrawn(taskId, 1, "some", drawn_, uint40(block.timestamp) + DURATION + GRACE);
        market.drawReplicas(taskId, header);
    }

    /// @dev Nobody thins the list out before the draw.
    function test_CandidatesWhoWaitAreNotReleased() public {
        _applyAll();
        uint64[] memory everybody = market.candidatesOf(taskId, 0, 10);
        market.releaseCandidates(taskId, everybody);
        skipWindow(taskId);
        market.releaseCandidates(taskId, everybody);
        market.drawReplicas(taskId, "");
        market.releaseCandidates(taskId, everybody);
        for (uint256 i; i < crowd.length; ++i) {
            assertReplica(taskId, crowd[i], ReplicaStatus.Applied);
            assertEq(info(crowd[i]).running, 1);
        }
    }

    /// @dev Whoever never applied to a task can't be freed of another one's load.
    function test_AStrangerIsNotReleased() public {
        enlist(taskId, crowd[0]);
        bytes32 other = createTask(client, replicated(3));
        vm.prank(client);
        market.cancelTask(other);
        release(other, crowd[0]);
        release("no task", crowd[0]);
        assertEq(info(crowd[0]).running, 1);
    }

    function test_TheDrawIsTheSameForEveryCallerAndTime() public {
        _applyAll();
        fixCandidates(taskId);
        bytes memory header = drawHeader(taskId);
        uint256 snapshot = vm.snapshotState();
        market.drawReplicas(taskId, header);
        Replication memory first = roundOf(taskId);
        vm.revertToState(snapshot);
        vm.roll(block.number + 200);
        skip(1 hours);
        vm.prank(makeAddr("another"));
        market.drawReplicas(taskId, header);
        Replication memory second = roundOf(taskId);
        for (uint256 i; i < 3; ++i) {
            assertEq(first.seats[i].nodeId, second.seats[i].nodeId);
        }
    }

    function test_AForgottenBlockIsReplaced() public {
        _applyAll();
        fixCandidates(taskId);
        bytes memory header = drawHeader(taskId);
        vm.roll(roundOf(taskId).drawBlock + 257);
        uint48 drawBlock = uint48(vm.getBlockNumber()) + 97;
        vm.expectEmit(address(market));
        emit IReplicas.ReplicaDrawFixed(taskId, 1, 5, drawBlock);
        market.drawReplicas(taskId, header);
        assertStatus(taskId, TaskStatus.Drawing);
        header = drawHeader(taskId);
        market.drawReplicas(taskId, header);
        assertStatus(taskId, TaskStatus.Replicating);
    }

    function test_RevertWhen_TheEntropySourceFailsOtherwise() public {
        _applyAll();
        fixCandidates(taskId);
        bytes memory header = drawHeader(taskId);
        vm.mockCallRevert(address(suite.entropy), bytes(""), "no");
        vm.expectRevert(bytes("no"));
        market.drawReplicas(taskId, header);
    }

    /// @dev Who sends too little gas for the look-up must not get another block.
    function testFuzz_TooLittleGasNeverFixesAnotherBlock(uint256 gas_) public {
        _applyAll();
        fixCandidates(taskId);
        uint48 drawBlock = roundOf(taskId).drawBlock;
        bytes memory header = drawHeader(taskId);
        (bool done,) = address(market).call{gas: bound(gas_, 5_000, 900_000)}(
            abi.encodeCall(market.drawReplicas, (taskId, header))
        );
        assertEq(roundOf(taskId).drawBlock, drawBlock);
        assertStatus(taskId, done ? TaskStatus.Replicating : TaskStatus.Drawing);
    }

    function test_RevertWhen_DrawingWhatWasDrawn() public {
        _applyAll();
        draw(taskId);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, taskId, TaskStatus.Replicating));
        market.drawReplicas(taskId, "");
    }

    /// @dev Whatever the randomness: distinct candidates, and over many draws everybody.
    function test_EveryCandidateIsDrawnSooner() public {
        _applyAll();
        fixCandidates(taskId);
        bytes memory header = drawHeader(taskId);
        uint256 snapshot = vm.snapshotState();
        uint256 seen;
        for (uint256 i; i < 32; ++i) {
            mockRandomness(keccak256(abi.encode(i)));
            market.drawReplicas(taskId, header);
            uint256 now_;
            for (uint256 j; j < 3; ++j) {
                uint256 bit = 1 << roundOf(taskId).seats[j].nodeId;
                assertEq(now_ & bit, 0, "a node sits once");
                now_ |= bit;
            }
            seen |= now_;
            vm.revertToState(snapshot);
        }
        for (uint256 i; i < crowd.length; ++i) {
            assertTrue(seen & (1 << crowd[i].id) != 0, "somebody is never drawn");
        }
    }

    /// @dev Each set is as likely: over many draws each candidate sits about 3 times in 5.
    function test_EveryCandidateHasTheSameChance() public {
        _applyAll();
        fixCandidates(taskId);
        bytes memory header = drawHeader(taskId);
        uint256 snapshot = vm.snapshotState();
        uint256[] memory seats = new uint256[](crowd.length);
        for (uint256 i; i < 500; ++i) {
            mockRandomness(keccak256(abi.encode("chance", i)));
            market.drawReplicas(taskId, header);
            for (uint256 j; j < crowd.length; ++j) {
                if (statusIn(taskId, crowd[j]) == ReplicaStatus.Drawn) ++seats[j];
            }
            vm.revertToState(snapshot);
        }
        // 300 expected; the standard deviation is 11.
        for (uint256 j; j < crowd.length; ++j) {
            assertApproxEqAbs(seats[j], 300, 55);
        }
    }

    // ---------------------------------------------------------------- The room

    function test_StateLiesInItsNamespace() public {
        skipWindow(taskId);
        market.drawReplicas(taskId, "");
        bytes32 slot = keccak256(abi.encode(taskId, string("aiigo.storage.Replicas").erc7201Slot()));
        assertEq(uint8(uint256(vm.load(address(market), slot))), 1, "extended");
    }

    /// @dev Its code called itself knows no task, and nothing of the others.
    function test_TheRoomAloneKnowsNoTask() public {
        IMarket alone = IMarket(suite.implementations.replicasExtension);
        vm.prank(crowd[0].operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, taskId, TaskStatus.None));
        alone.applyForReplica(taskId, crowd[0].id);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, taskId, TaskStatus.None));
        alone.drawReplicas(taskId, "");
        vm.expectRevert();
        alone.cancelTask(taskId);
    }

    // ---------------------------------------------------------------- Inside

    function _applyAll() private {
        for (uint256 i; i < crowd.length; ++i) {
            enlist(taskId, crowd[i]);
        }
    }

    function _assertFree(Node memory node) private view {
        assertIdle(node);
        assertEq(info(node).reputation, 5_000);
    }

    /// @dev The first two, of a task that is over.
    function _releaseBoth() private {
        for (uint256 i; i < 2; ++i) {
            assertEq(info(crowd[i]).running, 1);
            release(taskId, crowd[i]);
            _assertFree(crowd[i]);
        }
    }

    /// @dev Nodes of as many owners; the registry's word is mocked.
    function _flood(uint64 count) private {
        vm.mockCall(address(registry), abi.encodeWithSelector(INodeRegistry.beginTask.selector), "");
        for (uint64 id = 1_000; id < 1_000 + count; ++id) {
            vm.mockCall(address(registry), abi.encodeCall(registry.ownerOf, (id)), abi.encode(address(uint160(id))));
            market.applyForReplica(taskId, id);
        }
    }

    function _drawingCosts(bytes32 id) private returns (uint256 spent) {
        fixCandidates(id);
        bytes memory header = drawHeader(id);
        uint256 before = gasleft();
        market.drawReplicas(id, header);
        spent = before - gasleft();
        assertStatus(id, TaskStatus.Replicating);
    }

    function _expectInvalid(TaskRequest memory asked, string memory field) private {
        vm.prank(client);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.InvalidRequest.selector, field));
        market.createTask(asked);
    }
}
