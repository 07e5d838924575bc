// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bid} from "src/types/Bid.sol";
import {NodeInfo, NodeStatus} from "src/types/Node.sol";
import {ResourceType} from "src/types/Resource.sol";
import {Task, TaskStatus} from "src/types/Task.sol";

import {Node} from "../utils/MarketFixture.sol";
import {HandlerBase} from "./HandlerBase.sol";

/// @title What providers do
abstract contract ProviderActions is HandlerBase {
    uint256 internal constant MAX_NODES = 14;

    uint256 private _bids;

    // ---------------------------------------------------------------- Work

    function take(uint256 nodeSeed, uint256 taskSeed) external {
        bytes32 taskId = _onOffer(taskSeed);
        if (taskId != 0) _take(_node(nodeSeed), taskId);
    }

    /// @dev The buyer takes the bid, unless the provider has thought better of it.
    function bid(uint256 nodeSeed, uint256 taskSeed, uint256 eta, uint256 price) external {
        bytes32 taskId = _onOffer(taskSeed);
        if (taskId == 0) return;
        Node memory node = _node(nodeSeed);
        Task memory task = market.taskOf(taskId);
        Bid memory made = bidFor(taskId, node);
        made.nonce = ++_bids;
        made.eta = uint32(_bound(eta, task.duration / 4, task.duration));
        uint256 most = uint256(task.escrow) * 1 hours / made.eta;
        made.pricePerHour = uint96(_bound(price, most / 2, most));
        if (price % 16 == 0) _takeBack(made, node);
        bytes memory signature = sign(made, node.operatorKey);
        vm.prank(task.buyer);
        try market.assignTask(made, signature) {
            assertTrue(price % 16 != 0, "a cancelled bid was taken");
            _checkLoad(node, task.paymentToken);
            ++reached["bid taken"];
        } catch (bytes memory reason) {
            ++refused[bytes4(reason)];
        }
    }

    function deliver(uint256 seed, uint256 wait) external {
        bytes32 taskId = _task(seed, TaskStatus.InProgress);
        if (taskId == 0) return;
        skip(_bound(wait, 0, 10 minutes));
        Node memory node = _nodeOf(taskId);
        vm.prank(node.operator);
        try market.submitResult(taskId, RESULT, "ipfs://result") {
            ++reached["delivered"];
        } catch (bytes memory reason) {
            ++refused[bytes4(reason)];
        }
    }

    function abandon(uint256 seed) external {
        bytes32 taskId = _task(seed, TaskStatus.InProgress);
        if (taskId != 0) _abandon(taskId);
    }

    // ---------------------------------------------------------------- Stake, power, presence

    function enter(uint256 seed) external {
        if (nodes.length == MAX_NODES) return;
        string memory name = string.concat("node ", vm.toString(nodes.length));
        _enter(seed % 2 == 0 ? activeNode(name) : register(name, ResourceType.CPU));
        ++reached["registered"];
    }

    function addStake(uint256 seed, uint256 amount) external {
        Node memory node = _node(seed);
        if (info(node).status == NodeStatus.Slashed) return;
        amount = _bound(amount, 1, 12 * MIN_STAKE);
        vm.prank(faucet);
        token.transfer(node.owner, amount);
        stake(node, amount);
        ++reached["staked"];
    }

    function removeStake(uint256 seed, uint256 amount) external {
        Node memory node = _node(seed);
        uint256 staked = info(node).stake;
        if (staked == 0) return;
        vm.prank(node.owner);
        registry.unstake(node.id, _bound(amount, 1, seed % 8 == 0 ? staked : staked / 4 + 1));
        ++reached["unbonding"];
    }

    function withdrawStake(uint256 seed, bool patient) external {
        Node memory node = _node(seed);
        NodeInfo memory data = info(node);
        if (patient && seed % 4 == 0 && data.unbonding != 0 && block.timestamp < data.unbondingReadyAt) {
            vm.warp(data.unbondingReadyAt);
        }
        uint256 before = token.balanceOf(node.owner);
        vm.prank(node.owner);
        try registry.withdrawStake(node.id) {
            assertEq(token.balanceOf(node.owner) - before, data.unbonding);
            assertEq(data.running + data.reviewing, 0, "no stake leaves while it answers for a task");
            ++reached["stake withdrawn"];
        } catch (bytes memory reason) {
            ++refused[bytes4(reason)];
        }
    }

    function switchOnline(uint256 seed, bool online) external {
        Node memory node = _node(seed);
        NodeInfo memory data = info(node);
        online = online || seed % 3 != 0; // mostly back online
        if (data.online == online || data.status == NodeStatus.Slashed) return;
        vm.prank(node.operator);
        registry.setOnline(node.id, online);
        ++reached[online ? "online" : "offline"];
    }

    function proveAgain(uint256 seed, uint256 effort) external {
        Node memory node = _node(seed);
        uint64 before = verifier.verifiedPower(node.id);
        bool first = info(node).status == NodeStatus.Pending;
        if (!_challenge(node)) return;
        bytes memory answer = solution(node, _bound(effort, 3, 6));
        vm.prank(node.operator);
        verifier.submitSolution(node.id, answer);
        // What has lapsed comes back.
        if (!first && before != 0) assertLe(verifier.verifiedPower(node.id), before, "answering again buys nothing");
        ++reached["proven"];
    }

    function miss(uint256 seed) external {
        Node memory node = _node(seed);
        if (!_challenge(node)) return;
        skip(WINDOW + 1);
        vm.prank(keeper);
        verifier.reportMissed(node.id);
        ++reached["missed"];
    }

    // ---------------------------------------------------------------- Inside

    function _take(Node memory node, bytes32 taskId) internal returns (bool taken) {
        bytes20 digest = bytes20(market.commitmentHash(taskId, node.id, SALT, node.operator));
        vm.prank(node.operator);
        try market.commitAccept(node.id, digest) {}
        catch (bytes memory reason) {
            ++refused[bytes4(reason)];
            return false;
        }
        vm.roll(block.number + 1);
        vm.prank(node.operator);
        try market.acceptTask(taskId, node.id, SALT) {
            _checkLoad(node, market.taskOf(taskId).paymentToken);
            ++reached["taken"];
            return true;
        } catch (bytes memory reason) {
            ++refused[bytes4(reason)];
        }
    }

    function _abandon(bytes32 taskId) private movesEscrow(taskId) {
        Node memory node = _nodeOf(taskId);
        vm.prank(node.operator);
        try market.abandonTask(taskId) {
            ++reached["abandoned"];
        } catch (bytes memory reason) {
            ++refused[bytes4(reason)];
        }
    }

    function _takeBack(Bid memory made, Node memory node) private {
        vm.startPrank(node.operator);
        if (made.nonce % 2 == 0) market.cancelBid(node.id, made.nonce);
        else market.cancelAllBids(node.id);
        vm.stopPrank();
        ++reached["bid taken back"];
    }

    function _challenge(Node memory node) private returns (bool issued) {
        vm.prank(node.operator);
        try verifier.issueChallenge(node.id) {
            return true;
        } catch (bytes memory reason) {
            ++refused[bytes4(reason)];
        }
    }
}
