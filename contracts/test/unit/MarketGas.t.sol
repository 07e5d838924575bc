// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bid} from "src/types/Bid.sol";
import {ReplicaStatus} from "src/types/Replica.sol";
import {TaskRequest} from "src/types/Task.sol";

import {Node} from "../utils/MarketFixture.sol";
import {ReplicasFixture} from "../utils/ReplicasFixture.sol";

/// @title What a task costs its parties, transaction by transaction
/// @dev Isolated: each call is a transaction of its own, with its base cost and cold storage. The snapshots are in
/// contracts/snapshots.
/// forge-config: default.isolate = true
contract MarketGasTest is ReplicasFixture {
    /// @dev Goal for a task's life in ETH up to its payment, from the second on.
    uint256 internal constant LIMIT = 450_000;
    /// @dev Goal for an answer with everything that it stores.
    uint256 internal constant ANSWER_LIMIT = 150_000;

    Node internal node;
    address internal buyer;

    function setUp() public override {
        super.setUp();
        node = activeNode("node");
        buyer = account("buyer", 0);
    }

    function test_ATasksLife() public {
        _life("LifecycleFirstTask");
        skip(1 days);
        uint256 later = _life("Lifecycle");
        if (optimized()) assertLe(later, LIMIT);
        vm.prank(node.payout);
        escrow.withdraw(ETH, node.payout);
        vm.snapshotGasLastCall("Lifecycle", "withdraw");
    }

    function test_Timeout() public {
        bytes32 taskId = acceptedTask(buyer, node);
        skipPastResults();
        market.timeoutTask(taskId);
        vm.snapshotGasLastCall("market", "timeoutTask");
    }

    function test_Bid() public {
        bytes32 taskId = createTask(buyer);
        Bid memory bid = bidFor(taskId, node);
        bytes memory signature = sign(bid, node.operatorKey);
        vm.prank(buyer);
        market.assignTask(bid, signature);
        vm.snapshotGasLastCall("market", "assignTask");
        skip(DURATION / 2);
        submit(taskId, node);
        vm.snapshotGasLastCall("market", "submitResult, under a bid");
        approve(taskId);
        vm.snapshotGasLastCall("market", "approveTask, under a bid, first task of both parties");
    }

    /// @dev Every transaction of a replicated task, and who is drawn out of many.
    function test_Replicas() public {
        gather(5);
        bytes32 taskId = createTask(client, replicated(3));
        vm.snapshotGasLastCall("market", "createTask, three replicas, first of the buyer");
        for (uint256 i; i < 5; ++i) {
            enlist(taskId, crowd[i]);
        }
        vm.snapshotGasLastCall("market", "applyForReplica, the fifth");
        draw(taskId);
        vm.snapshotGasLastCall("market", "drawReplicas, three of five");
        for (uint256 i; i < crowd.length; ++i) {
            if (statusIn(taskId, crowd[i]) != ReplicaStatus.Applied) continue;
            release(taskId, crowd[i]);
            vm.snapshotGasLastCall("market", "releaseCandidates, of one");
        }
        skip(DURATION / 2);
        for (uint256 i; i < 3; ++i) {
            sealResult(taskId, seat(taskId, i), RESULT);
            if (i == 1) vm.snapshotGasLastCall("market", "sealReplica");
        }
        for (uint256 i; i < 3; ++i) {
            reveal(taskId, seat(taskId, i), RESULT);
            if (i == 1) vm.snapshotGasLastCall("market", "revealReplica");
        }
        market.judgeReplicas(taskId);
        vm.snapshotGasLastCall("market", "judgeReplicas, three agree");
    }

    function test_ReplicasOutvoted() public {
        gather(7);
        bytes32 taskId = applied(7);
        draw(taskId);
        vm.snapshotGasLastCall("market", "drawReplicas, seven of seven");
        bytes32[] memory results = new bytes32[](7);
        for (uint256 i; i < 7; ++i) {
            results[i] = i < 4 ? RESULT : WRONG;
        }
        work(taskId, results);
        market.judgeReplicas(taskId);
        vm.snapshotGasLastCall("market", "judgeReplicas, four of seven agree");
        skip(APPEAL_WINDOW + 1);
        market.settleReplicas(taskId);
        uint256 spent = vm.snapshotGasLastCall("market", "settleReplicas, three of seven outvoted");
        if (optimized()) assertLt(spent, 1_000_000);
    }

    function test_Onboarding() public {
        Node memory fresh = register("fresh", request().resourceType);
        vm.snapshotGasLastCall("market", "registerNode");
        vm.prank(fresh.operator);
        verifier.issueChallenge(fresh.id);
        vm.snapshotGasLastCall("market", "issueChallenge");
        bytes memory answer = solution(fresh, EFFORT);
        vm.prank(fresh.operator);
        verifier.submitSolution(fresh.id, answer);
        uint256 solved = vm.snapshotGasLastCall("market", "submitSolution");
        if (optimized()) assertLe(solved, ANSWER_LIMIT);
    }

    function test_Sizes() public {
        vm.snapshotValue("size", "NodeRegistry", suite.implementations.registry.code.length);
        vm.snapshotValue("size", "RegistryExtension", suite.implementations.registryExtension.code.length);
        vm.snapshotValue("size", "ProofOfWorkVerifier", suite.implementations.verifier.code.length);
        vm.snapshotValue("size", "TaskMarketplace", suite.implementations.marketplace.code.length);
        vm.snapshotValue("size", "MarketDeals", suite.implementations.marketDeals.code.length);
        vm.snapshotValue("size", "ReplicasExtension", suite.implementations.replicasExtension.code.length);
        vm.snapshotValue("size", "MarketExtension", suite.implementations.marketExtension.code.length);
        vm.snapshotValue("size", "EscrowManager", address(escrow).code.length);
        vm.snapshotValue("size", "StakingPool", suite.implementations.pool.code.length);
        vm.snapshotValue("size", "RewardDistributor", suite.implementations.distributor.code.length);
        vm.snapshotValue("size", "DisputeCourt", suite.implementations.court.code.length);
        vm.snapshotValue("size", "CourtExtension", suite.implementations.courtExtension.code.length);
    }

    function _life(string memory group) private returns (uint256 total) {
        TaskRequest memory asked = request();
        (uint96 price, uint256 tips) = market.quote(asked);
        vm.prank(buyer);
        bytes32 taskId = market.createTask{value: price + tips}(asked);
        total += vm.snapshotGasLastCall(group, "create");

        // As agents do who take one task at a time: always the same place.
        bytes32 salt = saltFor(taskId, node, 0);
        bytes20 digest = bytes20(market.commitmentHash(taskId, node.id, salt, node.operator));
        vm.prank(node.operator);
        market.commitAccept(node.id, digest);
        total += vm.snapshotGasLastCall(group, "commitAccept");

        vm.roll(vm.getBlockNumber() + 1);
        vm.prank(node.operator);
        market.acceptTask(taskId, node.id, salt);
        total += vm.snapshotGasLastCall(group, "accept");

        skip(DURATION / 2);
        vm.prank(node.operator);
        market.submitResult(taskId, RESULT, "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy");
        total += vm.snapshotGasLastCall(group, "submit");

        vm.prank(buyer);
        market.approveTask(taskId);
        total += vm.snapshotGasLastCall(group, "approve");
        vm.snapshotValue(group, "total", total);
    }
}
