// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {NodeInfo} from "src/types/Node.sol";
import {TaskStatus} from "src/types/Task.sol";

import {Deployed} from "../../script/Suite.sol";
import {Node} from "../utils/MarketFixture.sol";
import {ReplicasFixture} from "../utils/ReplicasFixture.sol";
import {Dollar} from "../utils/Tokens.sol";

/// @title Who is in the market, what they did, and what came of it
abstract contract HandlerBase is ReplicasFixture {
    Node[] internal nodes;
    bytes32[] internal tasks;
    address[] internal buyers;
    /// @dev Everybody who can have a balance in the escrow.
    address[] internal accounts;
    address internal keeper;

    /// @notice How often each named state was reached.
    mapping(string state => uint256) public reached;
    /// @notice How often each error refused a provider.
    mapping(bytes4 error => uint256) public refused;
    /// @notice Times that a task came to an end.
    mapping(bytes32 taskId => uint256) public endings;
    mapping(address token => uint256) public deposited;
    mapping(address token => uint256) public withdrawn;

    constructor(Deployed memory deployed, Dollar dollar_, address faucet_) {
        suite = deployed;
        dollar = dollar_;
        faucet = faucet_;
        bind();
        keeper = makeAddr("keeper");
        accounts.push(keeper);
        accounts.push(feeVault);
        for (uint256 i; i < 3; ++i) {
            buyers.push(account(string.concat("buyer ", vm.toString(i)), 0));
            accounts.push(buyers[i]);
        }
        for (uint256 i; i < 4; ++i) {
            _enter(activeNode(string.concat("node ", vm.toString(i))));
        }
        for (uint256 i; i < 6; ++i) {
            _enter(trustedNode(string.concat("trusted ", vm.toString(i))));
        }
    }

    // ---------------------------------------------------------------- For the invariants

    function nodeCount() external view returns (uint256) {
        return nodes.length;
    }

    function nodeAt(uint256 index) external view returns (Node memory) {
        return nodes[index];
    }

    function taskCount() external view returns (uint256) {
        return tasks.length;
    }

    function taskAt(uint256 index) external view returns (bytes32) {
        return tasks[index];
    }

    function allAccounts() external view returns (address[] memory) {
        return accounts;
    }

    /// @notice Sum of all internal balances in `paidIn`.
    function credited(address paidIn) public view returns (uint256 sum) {
        for (uint256 i; i < accounts.length; ++i) {
            sum += escrow.balanceOf(accounts[i], paidIn);
        }
    }

    // ---------------------------------------------------------------- For the actions

    function _enter(Node memory node) internal {
        nodes.push(node);
        accounts.push(node.payout);
    }

    function _node(uint256 seed) internal view returns (Node memory) {
        return nodes[seed % nodes.length];
    }

    /// @dev Some task in `status`, or nothing.
    function _task(uint256 seed, TaskStatus status) internal view returns (bytes32) {
        for (uint256 i; i < tasks.length; ++i) {
            bytes32 taskId = tasks[(seed % tasks.length + i) % tasks.length];
            if (statusOf(taskId) == status) return taskId;
        }
        return 0;
    }

    /// @dev Some task that can be accepted, or now and then one that is open too long.
    function _onOffer(uint256 seed) internal view returns (bytes32) {
        for (uint256 i; i < tasks.length; ++i) {
            bytes32 taskId = tasks[(seed % tasks.length + i) % tasks.length];
            if (statusOf(taskId) != TaskStatus.Open) continue;
            if (market.taskOf(taskId).acceptBy >= block.timestamp || seed % 8 == 0) return taskId;
        }
        return 0;
    }

    function _nodeOf(bytes32 taskId) internal view returns (Node memory) {
        return _nodeWith(market.taskOf(taskId).nodeId);
    }

    function _nodeWith(uint64 nodeId) internal view returns (Node memory) {
        return nodes[_indexOf(nodeId)];
    }

    /// @notice Whether a task has ended.
    function isFinal(bytes32 taskId) public view returns (bool) {
        TaskStatus status = statusOf(taskId);
        return status == TaskStatus.Verified || status == TaskStatus.Cancelled || status == TaskStatus.Expired;
    }

    /// @dev After each assignment.
    function _checkLoad(Node memory node, address paidIn) internal view {
        NodeInfo memory data = info(node);
        assertLe(data.running, data.stake / MIN_STAKE, "running tasks fit the stake");
        assertLe(data.runningPower, data.verifiedPower, "running tasks fit the power");
        uint256 cap = data.trustLevel > 1 ? 100 ether : 10 ether;
        assertLe(registry.openEscrowOf(node.id, paidIn), cap, "open escrow fits the level");
    }

    function _indexOf(uint64 nodeId) private view returns (uint256) {
        for (uint256 i; i < nodes.length; ++i) {
            if (nodes[i].id == nodeId) return i;
        }
        revert("no such node");
    }

    /// @dev An action that may move a task's money: what leaves its escrow is credited, to the wei, and once.
    modifier movesEscrow(bytes32 taskId) {
        address paidIn = escrow.escrowOf(taskId).token;
        uint256 held = escrow.escrowOf(taskId).amount;
        uint256 before = credited(paidIn);
        _;
        uint256 left = escrow.escrowOf(taskId).amount;
        assertEq(credited(paidIn) - before, held - left, "what left the escrow was credited");
        if (isFinal(taskId)) {
            assertEq(left, 0, "an ended task holds nothing");
            assertEq(++endings[taskId], 1, "a task ends once");
        } else {
            assertGe(left, market.taskOf(taskId).escrow, "the price stays until the end");
        }
    }
}
