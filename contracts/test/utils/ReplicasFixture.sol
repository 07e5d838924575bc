// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEntropySource} from "src/interfaces/IEntropySource.sol";
import {IReplicas} from "src/interfaces/IReplicas.sol";
import {Replication, ReplicaStatus} from "src/types/Replica.sol";
import {TaskRequest} from "src/types/Task.sol";

import {Headers} from "./Headers.sol";
import {MarketFixture, Node} from "./MarketFixture.sol";

/// @title Replicated tasks, and words for what happens in them
abstract contract ReplicasFixture is MarketFixture {
    bytes32 internal constant WRONG = keccak256("wrong");
    uint96 internal constant SHARE = 0.36 ether;
    uint40 internal constant REVEAL_WINDOW = 1 hours;
    uint40 internal constant APPEAL_WINDOW = 1 days;
    uint256 internal constant LEVEL_TWO_STAKE = 1_200e18;

    Node[] internal crowd;
    address internal client;

    function setUp() public virtual override {
        super.setUp();
        client = account("client", 0);
        vm.deal(client, 1_000 ether);
    }

    /// @dev Nodes of level 2, each with an owner of its own.
    function gather(uint256 count) internal {
        while (crowd.length < count) {
            crowd.push(trustedNode(string.concat("crowd ", vm.toString(crowd.length))));
        }
    }

    function trustedNode(string memory name) internal returns (Node memory node) {
        node = activeNode(name);
        trust(node);
    }

    /// @dev Stake and audits of level 2; the audits as the verifier would tell them.
    function trust(Node memory node) internal {
        stake(node, LEVEL_TWO_STAKE - 2 * MIN_STAKE);
        tellStanding(node, 100_000, 10, uint40(block.timestamp));
    }

    function replicated(uint8 replicas) internal pure returns (TaskRequest memory asked) {
        asked = request();
        asked.replicas = replicas;
        asked.minTrustLevel = 2;
    }

    function enlist(bytes32 taskId, Node memory node) internal {
        vm.prank(node.operator);
        market.applyForReplica(taskId, node.id);
    }

    /// @dev Recruiting, and everybody has applied.
    function applied(uint8 replicas) internal returns (bytes32 taskId) {
        taskId = createTask(client, replicated(replicas));
        for (uint256 i; i < crowd.length; ++i) {
            enlist(taskId, crowd[i]);
        }
    }

    function skipWindow(bytes32 taskId) internal {
        vm.warp(uint256(market.taskOf(taskId).acceptBy) + 1);
    }

    /// @dev The window passes and the candidates are fixed.
    function fixCandidates(bytes32 taskId) internal {
        skipWindow(taskId);
        market.drawReplicas(taskId, "");
    }

    /// @dev The block that draws is over; its header.
    function drawHeader(bytes32 taskId) internal returns (bytes memory header) {
        uint256 number = market.replicationOf(taskId).drawBlock;
        if (vm.getBlockNumber() <= number) vm.roll(number + 1);
        header = Headers.encode(number, keccak256(abi.encode("mix", number)), "");
        vm.setBlockhash(number, keccak256(header));
    }

    /// @dev The window passes and the nodes are drawn.
    function draw(bytes32 taskId) internal {
        fixCandidates(taskId);
        bytes memory header = drawHeader(taskId);
        market.drawReplicas(taskId, header);
    }

    /// @dev Whatever the block that draws is, its randomness is this one.
    function mockRandomness(bytes32 randomness) internal {
        bytes memory call = abi.encodeWithSelector(IEntropySource.randomnessOf.selector);
        vm.mockCall(address(suite.entropy), call, abi.encode(randomness));
    }

    /// @dev Drawn out of everybody.
    function drawn(uint8 replicas) internal returns (bytes32 taskId) {
        taskId = applied(replicas);
        draw(taskId);
    }

    /// @dev The node in a seat.
    function seat(bytes32 taskId, uint256 index) internal view returns (Node memory) {
        uint64 nodeId = market.replicationOf(taskId).seats[index].nodeId;
        for (uint256 i; i < crowd.length; ++i) {
            if (crowd[i].id == nodeId) return crowd[i];
        }
        revert("not one of the crowd");
    }

    function sealOf(bytes32 taskId, Node memory node, bytes32 result) internal view returns (bytes32) {
        return market.replicaSeal(taskId, node.id, result, SALT, node.operator);
    }

    function sealResult(bytes32 taskId, Node memory node, bytes32 result) internal {
        bytes32 sealedHash = sealOf(taskId, node, result);
        vm.prank(node.operator);
        market.sealReplica(taskId, node.id, sealedHash);
    }

    function reveal(bytes32 taskId, Node memory node, bytes32 result) internal {
        vm.prank(node.operator);
        market.revealReplica(taskId, node.id, result, "ipfs://result", SALT);
    }

    /// @dev Every seat commits to and reveals the result of its index; zero: commits to nothing.
    function work(bytes32 taskId, bytes32[] memory results) internal {
        uint256 silent;
        for (uint256 i; i < results.length; ++i) {
            if (results[i] != 0) sealResult(taskId, seat(taskId, i), results[i]);
            else ++silent;
        }
        if (silent != 0) vm.warp(uint256(market.replicationOf(taskId).sealUntil) + 1);
        for (uint256 i; i < results.length; ++i) {
            if (results[i] != 0) reveal(taskId, seat(taskId, i), results[i]);
        }
    }

    function three(bytes32 a, bytes32 b, bytes32 c) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](3);
        (list[0], list[1], list[2]) = (a, b, c);
    }

    function statusIn(bytes32 taskId, Node memory node) internal view returns (ReplicaStatus) {
        return market.replicaOf(taskId, node.id).status;
    }

    function assertReplica(bytes32 taskId, Node memory node, ReplicaStatus expected) internal view {
        assertEq(uint8(statusIn(taskId, node)), uint8(expected), "replica status");
    }

    /// @dev It answers for nothing.
    function assertIdle(Node memory node) internal view {
        assertEq(info(node).running, 0, "running");
        assertEq(info(node).reviewing, 0, "reviewing");
        assertEq(info(node).runningPower, 0, "promised power");
        assertEq(registry.openEscrowOf(node.id, ETH), 0, "open escrow");
    }

    function assertOnly(uint64[] memory ids, Node memory node) internal pure {
        assertEq(ids.length, 1);
        assertEq(ids[0], node.id);
    }

    function release(bytes32 taskId, Node memory node) internal {
        market.releaseCandidates(taskId, one(node));
    }

    function everybody() internal view returns (uint64[] memory ids) {
        ids = new uint64[](crowd.length);
        for (uint256 i; i < ids.length; ++i) {
            ids[i] = crowd[i].id;
        }
    }

    function one(Node memory node) internal pure returns (uint64[] memory ids) {
        ids = new uint64[](1);
        ids[0] = node.id;
    }

    function wrongReplica(bytes32 taskId, Node memory node, ReplicaStatus status) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IReplicas.WrongReplicaStatus.selector, taskId, node.id, status);
    }

    function roundOf(bytes32 taskId) internal view returns (Replication memory) {
        return market.replicationOf(taskId);
    }
}
