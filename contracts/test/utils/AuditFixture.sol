// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProofOfWorkVerifier} from "src/interfaces/IProofOfWorkVerifier.sol";

import {SuiteConfig} from "../../script/SuiteConfig.sol";
import {MarketFixture, Node} from "./MarketFixture.sol";
import {Pow} from "./Pow.sol";

/// @title Audit rounds, and words for what happens in them
/// @dev A day between rounds, but for the window the rules of production.
abstract contract AuditFixture is MarketFixture {
    uint32 internal constant INTERVAL = 1 days;
    uint32 internal constant JITTER = 2 hours;
    uint32 internal constant REVEAL = 30 minutes;
    uint32 internal constant LATE = 1 hours;
    uint96 internal constant EXCUSE_FLOOR = 0.01 ether;
    uint256 internal constant CHAIN_LENGTH = 500;

    address internal challenger;
    bytes32[] private _chain; // the head first
    uint64 private _opened;

    function setUp() public virtual override {
        super.setUp();
        challenger = verifier.challenger();
        commitChain("chain");
    }

    function configure(SuiteConfig memory config) internal virtual override {
        super.configure(config);
        config.verifier.auditInterval = INTERVAL;
        config.verifier.jitter = JITTER;
        config.verifier.revealWindow = REVEAL;
        config.verifier.lateWindow = LATE;
        config.excuseFloors[0].minEscrow = EXCUSE_FLOOR;
    }

    // ---------------------------------------------------------------- The challenger

    function commitChain(bytes32 secret) internal {
        bytes32[] memory links = new bytes32[](CHAIN_LENGTH);
        links[CHAIN_LENGTH - 1] = secret;
        for (uint256 i = CHAIN_LENGTH - 1; i > 0; --i) {
            links[i - 1] = keccak256(abi.encode(links[i]));
        }
        _chain = links;
        vm.prank(challenger);
        verifier.commitChain(links[0]);
    }

    function nextPreimage() internal view returns (bytes32) {
        bytes32 head = verifier.chainHead();
        for (uint256 i; i < _chain.length - 1; ++i) {
            if (_chain[i] == head) return _chain[i + 1];
        }
        revert("the chain is used up");
    }

    /// @dev As soon as it is due.
    function openRound() internal returns (uint64) {
        bytes32 preimage = nextPreimage();
        uint256 dueAt = verifier.roundDueAt(preimage);
        if (vm.getBlockTimestamp() < dueAt) skipTime(dueAt - vm.getBlockTimestamp());
        _opened = verifier.openRound(preimage);
        return _opened;
    }

    function currentRound() internal view returns (uint64) {
        return verifier.currentRound().number;
    }

    function skipWindow() internal {
        vm.warp(uint256(verifier.currentRound().deadline) + 1);
    }

    function skipRound() internal {
        vm.warp(uint256(verifier.currentRound().finishesAt) + 1);
    }

    // ---------------------------------------------------------------- Nodes

    /// @dev What it found in the current round, after 64 x effort hashes.
    function roundSolution(Node memory node, uint256 effort) internal view returns (bytes memory) {
        return Pow.solve(verifier.nodeSeed(node.id, verifier.currentRound().seed), effort);
    }

    /// @dev The hash rate that a solution shows in the current round.
    function rateOf(Node memory node, bytes memory nonces) internal view returns (uint64) {
        bytes32 seed = verifier.nodeSeed(node.id, verifier.currentRound().seed);
        return verifier.calculateComputePower(Pow.largestHash(seed, Pow.unpack(nonces)), WINDOW);
    }

    function submitRound(Node memory node, bytes memory nonces) internal {
        vm.prank(node.operator);
        verifier.submitRoundSolution(_opened, node.id, nonces);
    }

    /// @dev Answers the current round.
    function answer(Node memory node, uint256 effort) internal returns (uint64 hashRate) {
        bytes memory nonces = roundSolution(node, effort);
        hashRate = rateOf(node, nonces);
        submitRound(node, nonces);
    }

    /// @dev A round that the node answers.
    function pass(Node memory node, uint256 effort) internal returns (uint64 hashRate) {
        openRound();
        return answer(node, effort);
    }

    /// @dev A round that the node misses, reported.
    function miss(Node memory node) internal {
        openRound();
        skipRound();
        assertEq(report(currentRound(), node), 1, "one miss");
    }

    function report(uint64 round, Node memory node) internal returns (uint256) {
        uint64[] memory ids = new uint64[](1);
        ids[0] = node.id;
        return verifier.reportMissedRound(round, ids);
    }

    function goOffline(Node memory node) internal {
        vm.prank(node.operator);
        registry.setOnline(node.id, false);
    }

    // ---------------------------------------------------------------- What is known

    function auditsOf(Node memory node) internal view returns (IProofOfWorkVerifier.Audits memory) {
        return verifier.auditsOf(node.id);
    }

    /// @dev Verified power for a hash rate on a GPU: one hash a second is a TFLOPS here.
    function powerFor(uint256 hashRate) internal pure returns (uint64) {
        return uint64(hashRate * 1_000);
    }

    function assertDuty(uint64 round, Node memory node, IProofOfWorkVerifier.Duty expected) internal view {
        assertEq(uint8(verifier.dutyOf(round, node.id)), uint8(expected), "duty");
    }
}
