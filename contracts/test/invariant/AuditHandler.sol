// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProofOfWorkVerifier} from "src/interfaces/IProofOfWorkVerifier.sol";
import {NodeInfo, NodeStatus} from "src/types/Node.sol";
import {TaskRequest} from "src/types/Task.sol";

import {Deployed} from "../../script/Suite.sol";
import {AuditFixture} from "../utils/AuditFixture.sol";
import {Node} from "../utils/MarketFixture.sol";
import {Dollar} from "../utils/Tokens.sol";

/// @title What nodes, keepers and the challenger do around audit rounds
/// @dev Keeps its own account of who was Active or executing when, who answered, and what for.
contract AuditHandler is AuditFixture {
    uint256 internal constant NODES = 4;
    uint32 internal constant TASK = 4 days;

    Node[] internal nodes;
    address internal buyer;

    /// @notice How often each named state was reached.
    mapping(string state => uint256) public reached;
    mapping(uint64 nodeId => mapping(uint64 interval => bool)) public wasActive;
    mapping(uint64 nodeId => mapping(uint64 round => uint256)) public answers;
    mapping(uint64 nodeId => uint256) public passes;
    mapping(uint64 nodeId => bytes32) internal _running;
    mapping(uint64 nodeId => mapping(uint64 round => bytes)) internal _committed;

    constructor(Deployed memory deployed, Dollar dollar_, address faucet_) {
        suite = deployed;
        dollar = dollar_;
        faucet = faucet_;
        bind();
        challenger = verifier.challenger();
        commitChain("handler");
        buyer = account("buyer", 0);
        vm.deal(buyer, 1_000_000 ether);
        for (uint256 i; i < NODES; ++i) {
            nodes.push(activeNode(string.concat("node ", vm.toString(i))));
        }
        _observe();
    }

    function actions() external pure returns (bytes4[] memory list) {
        list = new bytes4[](11);
        list[0] = this.open.selector;
        list[1] = this.openWithoutPreimage.selector;
        list[2] = this.wait.selector;
        list[3] = this.answerOne.selector;
        list[4] = this.answerAll.selector;
        list[5] = this.commitOne.selector;
        list[6] = this.followOne.selector;
        list[7] = this.excuseAll.selector;
        list[8] = this.reportAll.selector;
        list[9] = this.switchOnline.selector;
        list[10] = this.proveAgain.selector;
    }

    // ---------------------------------------------------------------- For the invariants

    function nodeCount() external view returns (uint256) {
        return nodes.length;
    }

    function nodeAt(uint256 index) external view returns (Node memory) {
        return nodes[index];
    }

    /// @dev After each action: nothing else changes who is Active.
    modifier observed() {
        _;
        _observe();
    }

    // ---------------------------------------------------------------- Rounds and time

    function open(uint256 late) external observed {
        skip(late % 2 hours);
        openRound();
        ++reached["opened"];
    }

    function openWithoutPreimage() external observed {
        vm.warp(verifier.roundOpenToAnyoneAt());
        verifier.openRoundWithoutPreimage();
        ++reached["opened without preimage"];
    }

    function wait(uint256 time) external observed {
        skip(time % 4 == 0 ? time % 1 days : time % WINDOW);
    }

    // ---------------------------------------------------------------- Nodes

    function answerOne(uint256 seed, uint256 effort) external observed {
        _answer(_node(seed), effort);
    }

    function answerAll(uint256 effort) external observed {
        for (uint256 i; i < NODES; ++i) {
            _answer(nodes[i], effort);
        }
    }

    function commitOne(uint256 seed, uint256 effort) external observed {
        Node memory node = _node(seed);
        IProofOfWorkVerifier.Round memory round = verifier.currentRound();
        bytes memory nonces = _work(node, effort);
        vm.prank(node.operator);
        try verifier.postSolutionRoot(
            round.number, keccak256(bytes.concat(keccak256(abi.encode(node.id, keccak256(nonces)))))
        ) {
            assertLe(block.timestamp, round.deadline);
            _committed[node.id][round.number] = nonces;
            ++reached["committed"];
        } catch {}
    }

    function followOne(uint256 seed) external observed {
        IProofOfWorkVerifier.Round memory round = verifier.currentRound();
        Node memory node = _node(seed);
        for (uint256 i; i < NODES && _committed[node.id][round.number].length == 0; ++i) {
            node = _node(seed % NODES + i);
        }
        bytes memory nonces = _committed[node.id][round.number];
        if (nonces.length == 0) return;
        bool open_ = block.timestamp <= round.finishesAt && _isOwed(node, round.number);
        uint64 rate = rateOf(node, nonces);
        vm.prank(node.operator);
        try verifier.submitCommittedSolution(round.number, node.id, nonces, node.operator, new bytes32[](0)) {
            assertTrue(open_, "answered what was not open");
            _noteAnswer(node, round.number, rate);
            ++reached["answered under a root"];
        } catch {
            assertFalse(open_, "a committed answer was refused");
        }
    }

    function switchOnline(uint256 seed, bool online) external observed {
        Node memory node = _node(seed);
        online = online || seed % 3 != 0; // mostly back online
        if (info(node).online == online) return;
        vm.prank(node.operator);
        registry.setOnline(node.id, online);
        ++reached[online ? "online" : "offline"];
    }

    function proveAgain(uint256 seed, uint256 effort) external observed {
        Node memory node = _node(seed);
        if (info(node).status != NodeStatus.Inactive) return;
        IProofOfWorkVerifier.Audits memory before = auditsOf(node);
        prove(node, _bound(effort, 1, 20));
        IProofOfWorkVerifier.Audits memory audits = auditsOf(node);
        assertEq(keccak256(abi.encode(audits)), keccak256(abi.encode(before)), "onboarding is no audit");
        ++reached["proven"];
    }

    // ---------------------------------------------------------------- Keepers

    function excuseAll(uint256 seed) external observed {
        for (uint256 i; i < NODES; ++i) {
            Node memory node = nodes[i];
            bytes32 task = _running[node.id];
            if (task == 0) _take(node);
            else _excuse(node, task, seed);
        }
    }

    function reportAll(uint256 seed) external observed {
        uint64 round = currentRound();
        if (round == 0) return;
        bool over = block.timestamp > verifier.currentRound().finishesAt;
        if (!over && seed % 2 == 0) {
            skipRound();
            over = true;
        }
        uint64[] memory ids = new uint64[](NODES);
        for (uint256 i; i < NODES; ++i) {
            ids[i] = nodes[i].id;
        }
        try verifier.reportMissedRound(round, ids) returns (uint256 missed) {
            assertTrue(over, "reported before the end");
            if (missed != 0) ++reached["missed"];
            for (uint256 i; i < NODES; ++i) {
                if (wasActive[ids[i]][round]) assertDuty(round, nodes[i], IProofOfWorkVerifier.Duty.Accounted);
            }
        } catch {
            assertFalse(over, "a report after the end was refused");
        }
    }

    // ---------------------------------------------------------------- Inside

    function _node(uint256 seed) private view returns (Node memory) {
        return nodes[seed % nodes.length];
    }

    function _answer(Node memory node, uint256 effort) private {
        IProofOfWorkVerifier.Round memory round = verifier.currentRound();
        bytes memory nonces = _work(node, effort);
        bool open_ = block.timestamp <= round.deadline && _isOwed(node, round.number);
        uint64 rate = rateOf(node, nonces);
        vm.prank(node.operator);
        try verifier.submitRoundSolution(round.number, node.id, nonces) {
            assertTrue(open_, "answered what was not open");
            _noteAnswer(node, round.number, rate);
            ++reached["answered"];
        } catch {
            assertFalse(open_, "an answer in time was refused");
            ++reached["refused"];
        }
    }

    function _take(Node memory node) private {
        if (info(node).status != NodeStatus.Active || verifier.verifiedPower(node.id) < 1_000) return;
        TaskRequest memory asked = request();
        (asked.duration, asked.pricePerHour) = (TASK, 0.001 ether);
        _running[node.id] = createTask(buyer, asked);
        accept(_running[node.id], node);
    }

    function _excuse(Node memory node, bytes32 task, uint256 seed) private {
        IProofOfWorkVerifier.Round memory round = verifier.currentRound();
        try verifier.excuse(round.number, node.id, task) {
            assertLe(block.timestamp, round.finishesAt);
            assertLt(market.taskOf(task).assignedAt, round.openedAt);
            ++reached["excused"];
        } catch {
            if (block.timestamp > market.taskOf(task).assignedAt + TASK + GRACE) market.timeoutTask(task);
            else if (seed % 2 == 0) return;
            else submit(task, node);
            delete _running[node.id];
        }
    }

    /// @dev Of a machine whose power changes: most often strong, sometimes too weak for what it has shown.
    function _work(Node memory node, uint256 effort) private view returns (bytes memory) {
        return roundSolution(node, effort % 4 == 0 ? 1 : 6);
    }

    /// @dev Due by the handler's own account, and no answer so far.
    function _isOwed(Node memory node, uint64 round) private view returns (bool) {
        return round != 0 && wasActive[node.id][round] && answers[node.id][round] == 0;
    }

    function _noteAnswer(Node memory node, uint64 round, uint64 rate) private {
        ++answers[node.id][round];
        IProofOfWorkVerifier.Audits memory audits = auditsOf(node);
        if (audits.results[0] == 0) {
            ++reached["too weak"];
            return;
        }
        assertEq(audits.results[0], rate);
        ++passes[node.id];
    }

    function _observe() private {
        uint64 interval = currentRound() + 1;
        for (uint256 i; i < nodes.length; ++i) {
            NodeInfo memory data = info(nodes[i]);
            if (data.status == NodeStatus.Active || data.running != 0) wasActive[nodes[i].id][interval] = true;
        }
    }
}
