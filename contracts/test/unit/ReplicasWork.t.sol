// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {IReplicas} from "src/interfaces/IReplicas.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";
import {ReplicaStatus} from "src/types/Replica.sol";
import {TaskStatus} from "src/types/Task.sol";

import {Node} from "../utils/MarketFixture.sol";
import {ReplicasFixture} from "../utils/ReplicasFixture.sol";

contract ReplicasWorkTest is ReplicasFixture {
    bytes32 internal taskId;
    Node internal a;
    Node internal b;
    Node internal c;

    function setUp() public override {
        super.setUp();
        gather(4);
        taskId = drawn(3);
        (a, b, c) = (seat(taskId, 0), seat(taskId, 1), seat(taskId, 2));
    }

    // ---------------------------------------------------------------- Committing

    function test_CommittingFreesTheSlot() public {
        skip(10 minutes);
        bytes32 sealedHash = keccak256(abi.encode(taskId, a.id, RESULT, SALT, a.operator));
        vm.expectEmit(address(market));
        emit IReplicas.ReplicaSealed(taskId, a.id, sealedHash);
        sealResult(taskId, a, RESULT);
        assertEq(info(a).running, 0);
        assertEq(info(a).reviewing, 1);
        assertEq(registry.openEscrowOf(a.id, ETH), SHARE);
        assertReplica(taskId, a, ReplicaStatus.Sealed);
        assertEq(roundOf(taskId).seats[0].digest, sealedHash);
        assertEq(roundOf(taskId).seats[0].elapsed, 10 minutes);
    }

    function test_TheOwnerMayCommit() public {
        bytes32 sealedHash = market.replicaSeal(taskId, a.id, RESULT, SALT, a.owner);
        vm.prank(a.owner);
        market.sealReplica(taskId, a.id, sealedHash);
    }

    function test_RevertWhen_SomebodyElseCommits() public {
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotNodeOperator.selector, a.id, b.operator));
        vm.prank(b.operator);
        market.sealReplica(taskId, a.id, RESULT);
    }

    function test_RevertWhen_TheNodeHasNoSeat() public {
        uint256 without;
        for (uint256 i; i < crowd.length; ++i) {
            if (statusIn(taskId, crowd[i]) == ReplicaStatus.Drawn) continue;
            vm.prank(crowd[i].operator);
            vm.expectRevert(wrongReplica(taskId, crowd[i], ReplicaStatus.Applied));
            market.sealReplica(taskId, crowd[i].id, RESULT);
            ++without;
        }
        assertEq(without, 1);
    }

    function test_RevertWhen_CommittingTwice() public {
        sealResult(taskId, a, RESULT);
        vm.prank(a.operator);
        vm.expectRevert(wrongReplica(taskId, a, ReplicaStatus.Sealed));
        market.sealReplica(taskId, a.id, RESULT);
    }

    function test_TheLastSecondToCommitIsDeadlineAndGrace() public {
        uint40 until = roundOf(taskId).sealUntil;
        vm.warp(until);
        sealResult(taskId, a, RESULT);
        skip(1);
        vm.prank(b.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.DeadlinePassed.selector, taskId, until));
        market.sealReplica(taskId, b.id, RESULT);
    }

    function test_RevertWhen_ABannedNodeCommits() public {
        vm.prank(governance);
        registry.ban(a.id);
        vm.prank(a.operator);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeIsBanned.selector, a.id));
        market.sealReplica(taskId, a.id, RESULT);
    }

    function test_RevertWhen_CommittingBeforeTheDraw() public {
        bytes32 other = createTask(client, replicated(3));
        vm.prank(a.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, other, TaskStatus.Recruiting));
        market.sealReplica(other, a.id, RESULT);
    }

    // ---------------------------------------------------------------- Revealing

    function test_OnceAllHaveCommittedTheyReveal() public {
        sealResult(taskId, a, RESULT);
        sealResult(taskId, b, RESULT);
        skip(1 minutes);
        vm.expectEmit(address(market));
        emit IReplicas.ReplicasAllSealed(taskId, uint40(block.timestamp) + REVEAL_WINDOW);
        sealResult(taskId, c, RESULT);
        vm.expectEmit(address(market));
        emit IReplicas.ReplicaRevealed(taskId, a.id, RESULT, "ipfs://result");
        reveal(taskId, a, RESULT);
        assertReplica(taskId, a, ReplicaStatus.Revealed);
        assertEq(roundOf(taskId).seats[0].digest, RESULT);

        skip(REVEAL_WINDOW);
        reveal(taskId, b, RESULT);
        uint40 until = roundOf(taskId).revealUntil;
        skip(1);
        vm.prank(c.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.DeadlinePassed.selector, taskId, until));
        market.revealReplica(taskId, c.id, RESULT, "ipfs://result", SALT);
    }

    function test_RevertWhen_SomebodyCanStillCommit() public {
        sealResult(taskId, a, RESULT);
        uint40 until = roundOf(taskId).sealUntil;
        vm.warp(until);
        vm.prank(a.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.DeadlineNotPassed.selector, taskId, until));
        market.revealReplica(taskId, a.id, RESULT, "ipfs://result", SALT);
        skip(1);
        reveal(taskId, a, RESULT);
    }

    function test_RevertWhen_WhatIsRevealedWasNotSealed() public {
        sealResult(taskId, a, RESULT);
        vm.warp(uint256(roundOf(taskId).sealUntil) + 1);
        bytes memory refusal = abi.encodeWithSelector(IReplicas.WrongReveal.selector, taskId, a.id);
        vm.prank(a.operator);
        vm.expectRevert(refusal);
        market.revealReplica(taskId, a.id, WRONG, "ipfs://result", SALT);
        vm.prank(a.operator);
        vm.expectRevert(refusal);
        market.revealReplica(taskId, a.id, RESULT, "ipfs://result", "pepper");
        vm.prank(a.owner);
        vm.expectRevert(refusal);
        market.revealReplica(taskId, a.id, RESULT, "ipfs://result", SALT);
        vm.prank(b.operator);
        vm.expectRevert(wrongReplica(taskId, b, ReplicaStatus.Drawn));
        market.revealReplica(taskId, b.id, RESULT, "ipfs://result", SALT);
    }

    function test_RevertWhen_RevealingTwice() public {
        sealResult(taskId, a, RESULT);
        vm.warp(uint256(roundOf(taskId).sealUntil) + 1);
        reveal(taskId, a, RESULT);
        vm.prank(a.operator);
        vm.expectRevert(wrongReplica(taskId, a, ReplicaStatus.Revealed));
        market.revealReplica(taskId, a.id, RESULT, "ipfs://result", SALT);
    }

    /// @dev The seal names node and sender.
    function test_RevertWhen_ASealIsCopied() public {
        sealResult(taskId, a, RESULT);
        bytes32 copied = roundOf(taskId).seats[0].digest;
        vm.prank(b.operator);
        market.sealReplica(taskId, b.id, copied);
        vm.warp(uint256(roundOf(taskId).sealUntil) + 1);
        reveal(taskId, a, RESULT); // and with it the salt
        vm.prank(b.operator);
        vm.expectRevert(abi.encodeWithSelector(IReplicas.WrongReveal.selector, taskId, b.id));
        market.revealReplica(taskId, b.id, RESULT, "ipfs://result", SALT);
    }

    function test_AReplacedKeyRevealsWhatItSealed() public {
        sealResult(taskId, a, RESULT);
        vm.prank(a.owner);
        registry.setOperator(a.id, makeAddr("new operator"));
        vm.warp(uint256(roundOf(taskId).sealUntil) + 1);
        reveal(taskId, a, RESULT);
    }

    // ---------------------------------------------------------------- What stops nobody, and what nobody can

    /// @dev A pause keeps new candidates out; who was drawn works, is judged and paid.
    function test_APauseStopsNobodyWhoWasDrawn() public {
        bytes32 waiting = applied(3);
        vm.prank(governance);
        market.pauseEntry(uint40(block.timestamp) + 14 days);
        work(taskId, three(RESULT, RESULT, WRONG));
        market.judgeReplicas(taskId);
        assertStatus(taskId, TaskStatus.Verified);
        draw(waiting);
        assertStatus(waiting, TaskStatus.Replicating);
        skip(APPEAL_WINDOW);
        market.settleReplicas(taskId);
        assertReplica(taskId, c, ReplicaStatus.Slashed);
        market.releaseCandidates(taskId, everybody());
    }

    /// @dev It would be a free way out of being outvoted.
    function test_RevertWhen_ASeatIsAbandonedOrWithdrawn() public {
        vm.startPrank(a.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, taskId, TaskStatus.Replicating));
        market.abandonTask(taskId);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, taskId, TaskStatus.Replicating));
        market.withdrawApplication(taskId, a.id);
        vm.stopPrank();
        market.releaseCandidates(taskId, everybody());
        assertReplica(taskId, a, ReplicaStatus.Drawn);
        assertEq(info(a).running, 1);
    }

    /// @dev Whoever reads the chain learns from a seal neither the result nor whether two nodes have the same.
    function test_EqualResultsHaveDifferentSeals() public {
        sealResult(taskId, a, RESULT);
        sealResult(taskId, b, RESULT);
        assertNotEq(roundOf(taskId).seats[0].digest, roundOf(taskId).seats[1].digest);
    }
}
