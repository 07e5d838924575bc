// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";

import {Cause, NodeStatus, TaskDemand} from "src/types/Node.sol";
import {ResourceType} from "src/types/Resource.sol";
import {TaskStatus} from "src/types/Task.sol";

import {Deployed} from "../../script/Suite.sol";
import {Node} from "../utils/MarketFixture.sol";
import {Dollar} from "../utils/Tokens.sol";
import {BuyerActions} from "./BuyerActions.sol";
import {HandlerBase} from "./HandlerBase.sol";
import {ProviderActions} from "./ProviderActions.sol";
import {ReplicaActions} from "./ReplicaActions.sol";

/// @title Everybody in the market: buyers, providers, those who enforce deadlines, time, governance and an attacker
contract MarketHandler is BuyerActions, ProviderActions, ReplicaActions {
    constructor(Deployed memory deployed, Dollar dollar_, address faucet_) HandlerBase(deployed, dollar_, faucet_) {}

    /// @notice The actions, each as often as it should weigh.
    function actions() external pure returns (bytes4[] memory list) {
        bytes4[46] memory all = [
            this.create.selector,
            this.create.selector,
            this.create.selector,
            this.cancel.selector,
            this.approveResult.selector,
            this.take.selector,
            this.take.selector,
            this.take.selector,
            this.bid.selector,
            this.bid.selector,
            this.deliver.selector,
            this.deliver.selector,
            this.abandon.selector,
            this.enter.selector,
            this.addStake.selector,
            this.addStake.selector,
            this.removeStake.selector,
            this.withdrawStake.selector,
            this.switchOnline.selector,
            this.proveAgain.selector,
            this.miss.selector,
            this.passTime.selector,
            this.enforce.selector,
            this.enforce.selector,
            this.exhaust.selector,
            this.withdraw.selector,
            this.ban.selector,
            this.attack.selector,
            this.createReplicated.selector,
            this.applyAll.selector,
            this.applyAll.selector,
            this.takeApplicationBack.selector,
            this.cancelReplicated.selector,
            this.sealResults.selector,
            this.sealResults.selector,
            this.revealResults.selector,
            this.revealResults.selector,
            this.replicate.selector,
            this.replicate.selector,
            this.releaseEverybody.selector,
            this.appealCount.selector,
            this.appealCount.selector,
            this.ruleOnAppeals.selector,
            this.settleCount.selector,
            this.enforce.selector,
            this.enforce.selector
        ];
        list = new bytes4[](all.length);
        for (uint256 i; i < all.length; ++i) {
            list[i] = all[i];
        }
    }

    // ---------------------------------------------------------------- Time and those who watch it

    function passTime(uint256 time) external {
        skip(_bound(time, 1, 1 hours));
        vm.roll(block.number + 1);
    }

    /// @dev What a keeper does: whatever a deadline allows.
    function enforce(uint256 seed) external {
        for (uint256 i; i < tasks.length; ++i) {
            bytes32 taskId = tasks[(seed % tasks.length + i) % tasks.length];
            if (!isFinal(taskId) && tryToEnd(taskId)) return;
        }
    }

    /// @dev Every provider in turn takes a task and fails it.
    function exhaust(uint256 seed) external {
        bytes32 taskId = seed % 4 == 0 ? _task(seed / 4, TaskStatus.Open) : bytes32(0);
        if (taskId == 0) return;
        for (uint256 i; i < nodes.length && statusOf(taskId) == TaskStatus.Open; ++i) {
            if (!_take(nodes[i], taskId)) continue;
            skip(market.taskOf(taskId).duration + GRACE + 1);
            tryToEnd(taskId);
        }
    }

    /// @dev Everybody applies at once, and who is drawn works at once.
    function replicate(uint256 seed, uint256 pattern, uint256 wait) external {
        bytes32 taskId = _recruiting(seed);
        if (taskId == 0) return;
        _applyAll(taskId, seed, nodes.length);
        uint256 acceptBy = market.taskOf(taskId).acceptBy;
        if (block.timestamp <= acceptBy) vm.warp(acceptBy + 1);
        tryToEnd(taskId);
        if (statusOf(taskId) != TaskStatus.Drawing || !tryToEnd(taskId)) return;
        skip(_bound(wait, 0, 10 minutes));
        _sealAll(taskId, pattern);
        _revealAll(taskId, pattern, wait);
        releaseAll(taskId);
    }

    /// @notice A keeper's step for one task, if a deadline allows one.
    function tryToEnd(bytes32 taskId) public movesEscrow(taskId) returns (bool done) {
        TaskStatus status = statusOf(taskId);
        bool bound = market.taskOf(taskId).agreedPrice != 0;
        bytes memory step = status == TaskStatus.Open
            ? abi.encodeCall(market.expireTask, (taskId))
            : status == TaskStatus.InProgress
                ? abi.encodeCall(market.timeoutTask, (taskId))
                : status == TaskStatus.Completed
                    ? abi.encodeCall(market.finalizeTask, (taskId))
                    : _nextStep(taskId, status);
        vm.prank(keeper);
        (done,) = address(market).call(step);
        if (!done) return false;
        _noteStep(taskId, status, statusOf(taskId));
        if (bound) ++reached[status == TaskStatus.Completed ? "bid paid" : "bid timed out"];
        if (status == TaskStatus.Open) ++reached["expired"];
        if (status == TaskStatus.Completed) ++reached["finalized"];
        if (status == TaskStatus.InProgress) {
            ++reached[statusOf(taskId) == TaskStatus.Open ? "timed out and reopened" : "timed out and refunded"];
        }
    }

    // ---------------------------------------------------------------- Money, governance

    function withdraw(uint256 seed, bool inDollars) external {
        address who = accounts[seed % accounts.length];
        withdrawAll(who, inDollars ? address(dollar) : ETH);
    }

    function withdrawAll(address who, address paidIn) public {
        uint256 owed = escrow.balanceOf(who, paidIn);
        if (owed == 0) return;
        address to = makeAddr("purse");
        vm.prank(who);
        assertEq(escrow.withdraw(paidIn, to), owed);
        withdrawn[paidIn] += owed;
        ++reached["money withdrawn"];
    }

    function ban(uint256 seed) external {
        Node memory node = _node(seed);
        if (seed % 8 != 0 || info(node).status == NodeStatus.Slashed || reached["banned"] == 2) return;
        vm.prank(governance);
        registry.ban(node.id);
        ++reached["banned"];
    }

    // ---------------------------------------------------------------- Attacker

    /// @dev Nothing of this may succeed for somebody who is neither buyer nor provider nor governance.
    function attack(uint256 kind, uint256 nodeSeed, uint256 taskSeed) external {
        address attacker = makeAddr("attacker");
        Node memory node = _node(nodeSeed);
        bytes32 taskId = tasks.length == 0 ? bytes32(0) : tasks[taskSeed % tasks.length];
        (address target, bytes memory data) = _attack(kind % 31, node.id, taskId, attacker);
        vm.prank(attacker);
        (bool succeeded,) = target.call(data);
        assertFalse(succeeded, "an attack succeeded");
        ++reached["attacked"];
    }

    function _attack(uint256 kind, uint64 nodeId, bytes32 taskId, address attacker)
        private
        view
        returns (address, bytes memory)
    {
        if (kind < 6) return (address(escrow), _onEscrow(kind, taskId, attacker));
        if (kind < 14) return (address(registry), _onRegistry(kind, nodeId, attacker));
        if (kind == 14) return (address(verifier), abi.encodeCall(verifier.issueChallenge, (nodeId)));
        if (kind == 15) return (address(verifier), abi.encodeCall(verifier.submitSolution, (nodeId, new bytes(512))));
        if (kind == 16) return (address(market), abi.encodeCall(market.approveTask, (taskId)));
        if (kind == 17) return (address(market), abi.encodeCall(market.acceptTask, (taskId, nodeId, SALT)));
        if (kind == 18) return (address(market), abi.encodeCall(market.submitResult, (taskId, RESULT, "")));
        if (kind == 19) return (address(market), abi.encodeCall(market.cancelBid, (nodeId, uint256(taskId))));
        if (kind == 20) return (address(market), abi.encodeCall(market.cancelAllBids, (nodeId)));
        if (kind == 23) return (address(market), abi.encodeCall(market.applyForReplica, (taskId, nodeId)));
        if (kind == 24) return (address(market), abi.encodeCall(market.withdrawApplication, (taskId, nodeId)));
        if (kind == 25) return (address(market), abi.encodeCall(market.sealReplica, (taskId, nodeId, RESULT)));
        if (kind == 27) return (address(market), abi.encodeCall(market.appealReplica, (taskId, nodeId, "ipfs://x")));
        if (kind == 28) return (address(market), abi.encodeCall(market.rule, (taskId, 0, new address[](1))));
        if (kind == 29) return (address(registry), abi.encodeCall(registry.releaseTask, (nodeId, 0, ETH, 0)));
        if (kind == 30) {
            return (address(registry), abi.encodeCall(registry.failReviewed, (nodeId, ETH, 0, Cause.Misuse)));
        }
        if (kind == 26) {
            return (address(market), abi.encodeCall(market.revealReplica, (taskId, nodeId, RESULT, "", SALT)));
        }
        if (kind == 21) return (address(registry), abi.encodeCall(registry.raiseBidEpoch, (nodeId)));
        return (address(market), abi.encodeCall(market.cancelTask, (taskId)));
    }

    function _onEscrow(uint256 kind, bytes32 taskId, address attacker) private view returns (bytes memory) {
        if (kind == 0) return abi.encodeCall(escrow.refund, (taskId, attacker));
        if (kind == 1) return abi.encodeCall(escrow.release, (taskId, attacker, attacker, 1, 0, 0));
        if (kind == 2) return abi.encodeCall(escrow.payTip, (taskId, attacker, 1));
        if (kind == 3) return abi.encodeCall(escrow.deposit, (taskId, address(dollar), buyers[0], 1));
        if (kind == 4) return abi.encodeCall(escrow.withdraw, (ETH, attacker));
        return abi.encodeCall(escrow.withdraw, (address(dollar), attacker));
    }

    function _onRegistry(uint256 kind, uint64 nodeId, address attacker) private view returns (bytes memory) {
        if (kind == 6) return abi.encodeCall(registry.unstake, (nodeId, 1));
        if (kind == 7) return abi.encodeCall(registry.withdrawStake, (nodeId));
        if (kind == 8) return abi.encodeCall(registry.setPayout, (nodeId, attacker));
        if (kind == 9) return abi.encodeCall(registry.setOperator, (nodeId, attacker));
        if (kind == 10) {
            TaskDemand memory demand = TaskDemand(ResourceType.GPU, 0, 1, 0, ETH, 1);
            return abi.encodeCall(registry.beginTask, (nodeId, attacker, buyers[0], demand));
        }
        if (kind == 11) return abi.encodeCall(registry.ban, (nodeId));
        if (kind == 12) return abi.encodeCall(OwnableUpgradeable.transferOwnership, (attacker));
        return abi.encodeCall(UUPSUpgradeable.upgradeToAndCall, (address(verifier), ""));
    }
}
