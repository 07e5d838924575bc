// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AuditFixture} from "../utils/AuditFixture.sol";
import {Node} from "../utils/MarketFixture.sol";

/// @title What rounds cost, transaction by transaction
/// @dev Isolated: each call is a transaction of its own, with its base cost and cold storage. The snapshots are in
/// contracts/snapshots.
/// forge-config: default.isolate = true
contract AuditGasTest is AuditFixture {
    /// @dev Goal for an answer with everything that it stores.
    uint256 internal constant LIMIT = 150_000;
    uint256 internal constant NODES = 10;

    Node[] internal nodes;

    function setUp() public override {
        super.setUp();
        for (uint256 i; i < NODES; ++i) {
            nodes.push(activeNode(string.concat("node ", vm.toString(i))));
        }
    }

    function test_Answers() public {
        openRound();
        vm.snapshotGasLastCall("audit", "first openRound");
        answer(nodes[0], EFFORT);
        uint256 first = vm.snapshotGasLastCall("audit", "first submitRoundSolution");
        openRound();
        vm.snapshotGasLastCall("audit", "openRound");
        answer(nodes[0], EFFORT);
        uint256 later = vm.snapshotGasLastCall("audit", "submitRoundSolution");
        openRound();
        openRound();
        answer(nodes[0], EFFORT);
        vm.snapshotGasLastCall("audit", "submitRoundSolution after an unreported miss");
        if (!optimized()) return;
        assertLt(first, LIMIT);
        assertLt(later, LIMIT);
    }

    function test_CommittedAnswers() public {
        openRound();
        bytes memory nonces = roundSolution(nodes[0], EFFORT);
        bytes32[] memory proof = new bytes32[](14); // of 16,384 nodes
        bytes32 root = keccak256(bytes.concat(keccak256(abi.encode(nodes[0].id, keccak256(nonces)))));
        for (uint256 i; i < proof.length; ++i) {
            proof[i] = keccak256(abi.encode(i));
            root = root < proof[i] ? keccak256(bytes.concat(root, proof[i])) : keccak256(bytes.concat(proof[i], root));
        }
        verifier.postSolutionRoot(1, root);
        vm.snapshotGasLastCall("audit", "postSolutionRoot");
        vm.prank(nodes[0].operator);
        verifier.submitCommittedSolution(1, nodes[0].id, nonces, address(this), proof);
        uint256 first = vm.snapshotGasLastCall("audit", "first submitCommittedSolution, 16384 nodes");
        if (optimized()) assertLt(first, LIMIT);
    }

    function test_Misses() public {
        for (uint256 i; i < NODES; ++i) {
            if (i == 0) openRound();
            answer(nodes[i], EFFORT);
        }
        vm.deal(address(suite.keeperTips), 1 ether);
        for (uint256 i; i < 3; ++i) {
            openRound();
            skipRound();
            uint64[] memory ids = new uint64[](NODES);
            for (uint256 j; j < NODES; ++j) {
                ids[j] = nodes[j].id;
            }
            assertEq(verifier.reportMissedRound(currentRound(), ids), NODES);
            string memory name = i == 2 ? "third miss, a node of ten" : "miss, a node of ten";
            uint256 all = vm.lastCallGas().gasTotalUsed;
            vm.snapshotValue("audit", name, all / NODES);
        }
    }
}
