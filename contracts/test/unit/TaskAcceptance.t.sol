// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";
import {NodeStatus} from "src/types/Node.sol";
import {Task, TaskStatus} from "src/types/Task.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";

contract TaskAcceptanceTest is MarketFixture {
    Node internal node;
    address internal buyer;
    bytes32 internal taskId;

    function setUp() public override {
        super.setUp();
        node = activeNode("node");
        buyer = account("buyer", 0);
        taskId = createTask(buyer);
    }

    // ---------------------------------------------------------------- Committing

    function test_ACommitmentHidesTheTaskAndNamesTheNode() public {
        bytes20 digest = bytes20(market.commitmentHash(taskId, node.id, SALT, node.operator));
        assertEq(digest, bytes20(keccak256(abi.encode(taskId, node.id, SALT, node.operator))));
        uint40 expiresAt = uint40(block.timestamp) + 60;
        vm.expectEmit(address(market));
        emit ITaskMarketplace.AcceptCommitted(node.id, node.operator, digest, expiresAt);
        commit(taskId, node);
        ITaskMarketplace.Commitment memory made = market.commitmentOf(node.id, node.operator, digest);
        assertEq(made.digest, digest);
        assertEq(made.blockNumber, block.number);
        assertEq(made.expiresAt, expiresAt);
    }

    /// @dev Neither can it open the seal, nor does it touch the operator's.
    function test_AStrangersCommitmentIsWorthNothing() public {
        commit(taskId, node);
        bytes20 digest = bytes20(market.commitmentHash(taskId, node.id, SALT, node.operator));
        bytes32 made = keccak256(abi.encode(market.commitmentOf(node.id, node.operator, digest)));
        Node memory stranger = node;
        stranger.operator = address(this);
        bytes32 salt = saltFor(taskId, stranger, placeOf(digest));
        market.commitAccept(node.id, bytes20(market.commitmentHash(taskId, node.id, salt, address(this))));
        assertEq(keccak256(abi.encode(market.commitmentOf(node.id, node.operator, digest))), made);
        vm.roll(block.number + 1);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotNodeOperator.selector, node.id, address(this)));
        market.acceptTask(taskId, node.id, salt);
        _accept();
    }

    /// @dev Else a node would take one task a block at most.
    function test_CommitmentsOfDifferentPlacesStandBesideEachOther() public {
        bytes32 other = createTask(buyer);
        bytes20 digest = bytes20(market.commitmentHash(taskId, node.id, SALT, node.operator));
        bytes32 salt = saltFor(other, node, placeOf(digest) ^ 1);
        bytes20 second = bytes20(market.commitmentHash(other, node.id, salt, node.operator));
        commit(taskId, node);
        vm.prank(node.operator);
        market.commitAccept(node.id, second);
        vm.roll(block.number + 1);
        _accept();
        vm.prank(node.operator);
        market.acceptTask(other, node.id, salt);
        assertEq(info(node).running, 2);
    }

    function test_ACommitmentReplacesTheOneInItsPlace() public {
        bytes32 other = createTask(buyer);
        bytes20 digest = bytes20(market.commitmentHash(taskId, node.id, SALT, node.operator));
        bytes32 salt = saltFor(other, node, placeOf(digest));
        bytes20 second = bytes20(market.commitmentHash(other, node.id, salt, node.operator));
        commit(taskId, node);
        vm.prank(node.operator);
        market.commitAccept(node.id, second);
        assertEq(market.commitmentOf(node.id, node.operator, digest).digest, second);
        vm.roll(block.number + 1);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.NoCommitment.selector, node.id));
        _accept();
        vm.prank(node.operator);
        market.acceptTask(other, node.id, salt);
    }

    function test_RevertWhen_TheCommitmentIsEmpty() public {
        vm.prank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.NoCommitment.selector, node.id));
        market.commitAccept(node.id, 0);
    }

    function test_RevertWhen_NoSlotIsFree() public {
        accept(taskId, node);
        accept(createTask(buyer), node);
        taskId = createTask(buyer);
        _commitEarlier();
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NoFreeSlot.selector, node.id, 2, 2));
        _accept();
    }

    // ---------------------------------------------------------------- Accepting

    function test_AcceptingStartsTheClock() public {
        commit(taskId, node);
        vm.roll(block.number + 1);
        skip(60);
        uint40 deadline = uint40(block.timestamp) + DURATION;
        vm.expectEmit(address(market));
        emit ITaskMarketplace.TaskAccepted(taskId, node.id, node.operator, deadline);
        _accept();

        Task memory task = market.taskOf(taskId);
        assertEq(uint8(task.status), uint8(TaskStatus.InProgress));
        assertEq(task.nodeId, node.id);
        assertEq(task.assignedAt, block.timestamp);
        assertEq(info(node).running, 1);
        assertEq(info(node).runningPower, 1_000);
        assertEq(registry.openEscrowOf(node.id, ETH), 0.36 ether);
    }

    function test_RevertWhen_ACommitmentIsOpenedInItsOwnBlock() public {
        commit(taskId, node);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.CommitmentTooFresh.selector, node.id));
        _accept();
    }

    function test_RevertWhen_ACommitmentLapsed() public {
        uint40 expiresAt = uint40(block.timestamp) + 60;
        _commitEarlier();
        skip(61);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.CommitmentLapsed.selector, node.id, expiresAt));
        _accept();
    }

    function test_RevertWhen_ACommitmentIsAbsentOrAnother() public {
        bytes memory none = abi.encodeWithSelector(ITaskMarketplace.NoCommitment.selector, node.id);
        vm.expectRevert(none);
        _accept();

        _commitEarlier();
        vm.startPrank(node.operator);
        vm.expectRevert(none);
        market.acceptTask(taskId, node.id, "another salt");
        vm.stopPrank();
        vm.prank(node.owner); // may accept, but did not commit
        vm.expectRevert(none);
        market.acceptTask(taskId, node.id, SALT);

        bytes32 other = createTask(buyer);
        vm.prank(node.operator);
        vm.expectRevert(none);
        market.acceptTask(other, node.id, SALT);
    }

    function test_RevertWhen_ACommitmentIsCopied() public {
        Node memory thief = activeNode("thief");
        bytes20 digest = bytes20(market.commitmentHash(taskId, node.id, SALT, node.operator));
        vm.prank(thief.operator);
        market.commitAccept(thief.id, digest);
        vm.roll(block.number + 1);
        vm.prank(thief.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.NoCommitment.selector, thief.id));
        market.acceptTask(taskId, thief.id, SALT);
    }

    function test_RevertWhen_ACommitmentIsUsedTwice() public {
        accept(taskId, node);
        vm.prank(node.operator);
        market.abandonTask(taskId);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.NodeExcluded.selector, taskId, node.id));
        _accept();
    }

    function test_RevertWhen_AStrangerAccepts() public {
        _commitEarlier();
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.NoCommitment.selector, node.id));
        market.acceptTask(taskId, node.id, SALT);
    }

    function test_RevertWhen_WhoCommittedIsTheOperatorNoMore() public {
        _commitEarlier();
        vm.prank(node.owner);
        registry.setOperator(node.id, address(this));
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotNodeOperator.selector, node.id, node.operator));
        _accept();
    }

    function test_RevertWhen_TheTaskIsTaken() public {
        Node memory other = activeNode("other");
        _commitEarlier();
        accept(taskId, other);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, taskId, TaskStatus.InProgress));
        _accept();
    }

    function test_RevertWhen_TheAcceptanceWindowIsOver() public {
        uint40 acceptBy = market.taskOf(taskId).acceptBy;
        skip(ACCEPT - 30);
        _commitEarlier();
        skip(31);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.AcceptWindowOver.selector, taskId, acceptBy));
        _accept();
    }

    function test_RevertWhen_TheNodeIsNotEligible() public {
        vm.prank(node.operator);
        registry.setOnline(node.id, false);
        _commitEarlier();
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeNotActive.selector, node.id, NodeStatus.Inactive));
        _accept();
        assertStatus(taskId, TaskStatus.Open);
    }

    function test_RevertWhen_TheNodeFailedThisTaskBefore() public {
        accept(taskId, node);
        skipPastResults();
        market.timeoutTask(taskId);
        assertTrue(market.isExcluded(taskId, node.id));
        _commitEarlier();
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.NodeExcluded.selector, taskId, node.id));
        _accept();
    }

    function test_RevertWhen_TheNodeIsTheBuyersOwn() public {
        _commitEarlier();
        address[3] memory keys = [node.owner, node.operator, node.payout];
        for (uint256 i; i < keys.length; ++i) {
            vm.deal(keys[i], 1 ether);
            bytes32 own = createTask(keys[i]);
            commit(own, node);
            vm.roll(block.number + 1);
            vm.prank(node.operator);
            vm.expectRevert(abi.encodeWithSelector(INodeRegistry.BuyerOwnsNode.selector, node.id, keys[i]));
            market.acceptTask(own, node.id, SALT);
        }
    }

    function _commitEarlier() private {
        commit(taskId, node);
        vm.roll(block.number + 1);
    }

    function _accept() private {
        vm.prank(node.operator);
        market.acceptTask(taskId, node.id, SALT);
    }
}
