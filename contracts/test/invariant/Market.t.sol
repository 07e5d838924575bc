// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBids} from "src/interfaces/IBids.sol";
import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {IProofOfWorkVerifier} from "src/interfaces/IProofOfWorkVerifier.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";
import {NodeInfo} from "src/types/Node.sol";
import {Replica, ReplicaStatus, Replication} from "src/types/Replica.sol";
import {Task, TaskStatus} from "src/types/Task.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";
import {MarketHandler} from "./MarketHandler.sol";

/// @title What holds whatever anybody does
/// forge-config: default.invariant.runs = 12
/// forge-config: default.invariant.depth = 200
/// forge-config: default.invariant.fail-on-revert = true
contract MarketInvariantTest is MarketFixture {
    /// @dev What a node's open tasks add up to.
    struct Load {
        uint256 running;
        uint256 reviewing;
        uint256 power;
        uint256 eth;
        uint256 dollars;
    }

    MarketHandler internal handler;

    mapping(uint64 nodeId => Load) private _loads;

    function setUp() public override {
        super.setUp();
        handler = new MarketHandler(suite, dollar, faucet);
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: handler.actions()}));
    }

    // ---------------------------------------------------------------- Invariants

    /// @dev All in one, so that one campaign serves them all.
    function invariant_TheBooksBalance() public {
        _escrowHoldsBalancesAndOpenEscrows();
        _registryHoldsStakeAndUnbonding();
        _nodesAnswerForExactlyTheirOpenTasks();
        _listsOfCandidatesAreExact();
        _reputationStaysWithinItsBounds();
    }

    function _escrowHoldsBalancesAndOpenEscrows() private view {
        _checkHoldings(ETH, address(escrow).balance);
        _checkHoldings(address(dollar), dollar.balanceOf(address(escrow)));
    }

    function _registryHoldsStakeAndUnbonding() private view {
        uint256 sum;
        for (uint256 i; i < handler.nodeCount(); ++i) {
            NodeInfo memory node = info(handler.nodeAt(i));
            sum += uint256(node.stake) + node.unbonding;
        }
        assertEq(token.balanceOf(address(registry)), sum);
    }

    function _nodesAnswerForExactlyTheirOpenTasks() private {
        for (uint256 i; i < handler.taskCount(); ++i) {
            Task memory task = market.taskOf(handler.taskAt(i));
            if (task.replicas > 1) {
                _addReplicas(handler.taskAt(i), task);
                continue;
            }
            Load storage load = _loads[task.nodeId];
            bool runs = task.status == TaskStatus.InProgress;
            if (!runs && task.status != TaskStatus.Completed) continue;
            if (runs) (load.running, load.power) = (load.running + 1, load.power + task.minPower);
            else load.reviewing += 1;
            if (task.paymentToken == ETH) load.eth += task.escrow;
            else load.dollars += task.escrow;
        }
        for (uint256 i; i < handler.nodeCount(); ++i) {
            Node memory node = handler.nodeAt(i);
            NodeInfo memory data = info(node);
            Load memory load = _loads[node.id];
            assertEq(data.running, load.running, "running");
            assertEq(data.reviewing, load.reviewing, "reviewing");
            assertEq(data.runningPower, load.power, "promised power");
            assertEq(registry.openEscrowOf(node.id, ETH), load.eth, "open ETH");
            assertEq(registry.openEscrowOf(node.id, address(dollar)), load.dollars, "open dollars");
            delete _loads[node.id];
        }
    }

    /// @dev Candidates and who works hold a slot; who has committed answers until it is settled. All of it in whatever state
    /// the task is, and of whatever round.
    function _addReplicas(bytes32 taskId, Task memory task) private {
        Replication memory round = market.replicationOf(taskId);
        for (uint256 i; i < handler.nodeCount(); ++i) {
            uint64 nodeId = handler.nodeAt(i).id;
            ReplicaStatus status = market.replicaOf(taskId, nodeId).status;
            Load storage load = _loads[nodeId];
            if (status == ReplicaStatus.Applied || status == ReplicaStatus.Drawn) {
                (load.running, load.power) = (load.running + 1, load.power + task.minPower);
            } else if (
                status == ReplicaStatus.Sealed || status == ReplicaStatus.Revealed || status == ReplicaStatus.Outvoted
                    || status == ReplicaStatus.Appealed || (status == ReplicaStatus.Agreed && round.settleAfter != 0)
            ) {
                load.reviewing += 1;
            } else {
                continue;
            }
            if (task.paymentToken == ETH) load.eth += round.share;
            else load.dollars += round.share;
        }
    }

    /// @dev While candidates wait, the list has exactly those who applied, each where it thinks it is.
    function _listsOfCandidatesAreExact() private view {
        for (uint256 i; i < handler.taskCount(); ++i) {
            bytes32 taskId = handler.taskAt(i);
            TaskStatus status = statusOf(taskId);
            if (status != TaskStatus.Recruiting && status != TaskStatus.Drawing) continue;
            uint8 round = market.replicationOf(taskId).round;
            uint64[] memory list = market.candidatesOf(taskId, 0, type(uint256).max);
            uint256 count;
            for (uint256 j; j < handler.nodeCount(); ++j) {
                uint64 nodeId = handler.nodeAt(j).id;
                Replica memory replica = market.replicaOf(taskId, nodeId);
                if (replica.status != ReplicaStatus.Applied || replica.round != round) continue;
                assertEq(list[replica.index], nodeId, "a candidate's place");
                ++count;
            }
            assertEq(list.length, count, "candidates");
        }
    }

    function _reputationStaysWithinItsBounds() private view {
        for (uint256 i; i < handler.nodeCount(); ++i) {
            assertLe(info(handler.nodeAt(i)).reputation, 10_000);
        }
    }

    // ---------------------------------------------------------------- The end

    function afterInvariant() public {
        _finishAll();
    }

    /// @dev A fixed course through all actions: shows that they reach what they are there to reach.
    function test_TheActionsReachEveryState() public {
        vm.pauseGasMetering();
        bytes4[] memory actions = handler.actions();
        for (uint256 i; i < 3_000; ++i) {
            bytes4 action = actions[uint256(keccak256(abi.encode("action", i))) % actions.length];
            bytes memory arguments = abi.encode(
                keccak256(abi.encode("first", i)),
                keccak256(abi.encode("second", i)),
                keccak256(abi.encode("third", i)),
                keccak256(abi.encode("fourth", i)),
                i % 3 == 0
            );
            // The two with a flag have it second.
            if (
                action == handler.withdraw.selector || action == handler.withdrawStake.selector
                    || action == handler.switchOnline.selector
            ) arguments = abi.encode(keccak256(arguments), i % 3 == 0);
            (bool done, bytes memory reason) = address(handler).call(bytes.concat(action, arguments));
            assertTrue(done, string(reason));
        }
        invariant_TheBooksBalance();
        string[46] memory states = [
            "created in ETH",
            "created in dollars",
            "cancelled",
            "taken",
            "bid taken",
            "bid taken back",
            "bid paid",
            "bid timed out",
            "delivered",
            "approved",
            "finalized",
            "abandoned",
            "expired",
            "timed out and reopened",
            "timed out and refunded",
            "registered",
            "staked",
            "unbonding",
            "stake withdrawn",
            "online",
            "offline",
            "proven",
            "missed",
            "banned",
            "money withdrawn",
            "attacked",
            "replicas created",
            "replica applied",
            "application taken back",
            "replicas cancelled",
            "window extended",
            "too few applied",
            "replicas drawn",
            "replica sealed",
            "replica revealed",
            "unanimous",
            "outvoted",
            "appealed",
            "appeal won",
            "appeal lost",
            "appeal undecided",
            "minority slashed",
            "majority slashed",
            "candidates released",
            "disagreed and reopened",
            "disagreed and refunded"
        ];
        for (uint256 i; i < states.length; ++i) {
            assertGt(handler.reached(states[i]), 0, states[i]);
        }
        assertGt(handler.refused(INodeRegistry.NoFreeSlot.selector), 0, "no slot");
        assertGt(handler.refused(IBids.BidNonceUsed.selector), 0, "cancelled");
        assertGt(handler.refused(IBids.BidEpochOver.selector), 0, "all cancelled");
        assertGt(handler.refused(ITaskMarketplace.NodeExcluded.selector), 0, "excluded");
        assertGt(handler.refused(INodeRegistry.InsufficientPower.selector), 0, "power");
        assertGt(handler.refused(INodeRegistry.EscrowCapExceeded.selector), 0, "escrow cap");
        assertGt(handler.refused(INodeRegistry.NodeIsBusy.selector), 0, "busy");
        assertGt(handler.refused(IProofOfWorkVerifier.NodeNotChallengeable.selector), 0, "not challengeable");
        _finishAll();
    }

    /// @dev Once deadlines have passed anybody ends every task; then all money and all stake can leave.
    function _finishAll() private {
        for (uint256 i; i < handler.taskCount(); ++i) {
            bytes32 taskId = handler.taskAt(i);
            // A timeout and an expiry; of replicas two draws, a count, and two windows.
            uint256 most = market.taskOf(taskId).replicas == 1 ? 2 : 7;
            for (uint256 steps; !handler.isFinal(taskId); ++steps) {
                assertLt(steps, most, "too many steps");
                skip(2 days);
                assertTrue(handler.tryToEnd(taskId), "no way out");
            }
            assertEq(handler.endings(taskId), 1);
            handler.ruleAll(taskId);
            if (market.replicationOf(taskId).settleAfter != 0) {
                skip(2 days);
                assertTrue(handler.tryToSettle(taskId), "no settlement");
            }
            handler.releaseAll(taskId);
        }
        invariant_TheBooksBalance();

        address[] memory accounts = handler.allAccounts();
        for (uint256 i; i < accounts.length; ++i) {
            handler.withdrawAll(accounts[i], ETH);
            handler.withdrawAll(accounts[i], address(dollar));
        }
        assertEq(address(escrow).balance, 0);
        assertEq(dollar.balanceOf(address(escrow)), 0);

        for (uint256 i; i < handler.nodeCount(); ++i) {
            Node memory node = handler.nodeAt(i);
            uint256 staked = info(node).stake;
            vm.startPrank(node.owner);
            if (staked != 0) registry.unstake(node.id, staked);
            skip(14 days);
            if (info(node).unbonding != 0) registry.withdrawStake(node.id);
            vm.stopPrank();
        }
        assertEq(token.balanceOf(address(registry)), 0);
    }

    function _checkHoldings(address paidIn, uint256 holdings) private view {
        uint256 open;
        for (uint256 i; i < handler.taskCount(); ++i) {
            bytes32 taskId = handler.taskAt(i);
            if (market.taskOf(taskId).paymentToken == paidIn) open += escrow.escrowOf(taskId).amount;
        }
        assertEq(holdings, handler.credited(paidIn) + open, "balances and open escrows");
        assertEq(holdings, handler.deposited(paidIn) - handler.withdrawn(paidIn), "nothing else moves money");
    }
}
