// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {NodeInfo} from "src/types/Node.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";
import {RegistryHandler} from "./RegistryHandler.sol";

/// @title What holds in the registry whatever its callers do, in whatever order
/// forge-config: default.invariant.runs = 12
/// forge-config: default.invariant.depth = 200
/// forge-config: default.invariant.fail-on-revert = true
contract RegistryInvariantTest is MarketFixture {
    RegistryHandler internal handler;

    function setUp() public override {
        super.setUp();
        handler = new RegistryHandler(suite, dollar, faucet);
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: handler.actions()}));
    }

    function invariant_StakeLoadAndReputationAddUp() public view {
        uint256 held;
        for (uint256 i; i < handler.nodeCount(); ++i) {
            Node memory node = handler.nodeAt(i);
            NodeInfo memory data = info(node);
            held += uint256(data.stake) + data.unbonding;
            assertLe(data.reputation, 10_000);
            (uint256 running, uint256 reviewing, uint256 power, uint256 eth, uint256 dollars) = handler.loadOf(node.id);
            assertEq(data.running, running, "running");
            assertEq(data.reviewing, reviewing, "reviewing");
            assertEq(data.runningPower, power, "promised power");
            assertEq(registry.openEscrowOf(node.id, ETH), eth, "open ETH");
            assertEq(registry.openEscrowOf(node.id, address(dollar)), dollars, "open dollars");
        }
        assertEq(token.balanceOf(address(registry)), held, "the registry's AIIGO is all stake and unbonding");
    }

    function afterInvariant() public {
        _leaveAll();
    }

    /// @dev A fixed course through all actions: shows that they reach what they are there to reach.
    function test_TheActionsReachEveryState() public {
        bytes4[] memory actions = handler.actions();
        for (uint256 i; i < 3_000; ++i) {
            bytes memory arguments = abi.encode(
                uint256(keccak256(abi.encode("first", i))),
                uint32(uint256(keccak256(abi.encode("second", i)))) % 2,
                i % 2,
                uint8(i % 9),
                i % 3 == 0
            );
            bytes4 action = actions[uint256(keccak256(abi.encode("action", i))) % actions.length];
            // Those with amounts.
            if (action == handler.begin.selector || action == handler.setStanding.selector) {
                arguments = abi.encode(
                    uint256(keccak256(abi.encode("first", i))),
                    uint32(uint256(keccak256(abi.encode("power", i)))),
                    uint256(keccak256(abi.encode("amount", i))) >> (action == handler.begin.selector ? 160 : 224),
                    action == handler.begin.selector ? i % 9 : i % 2,
                    i % 3 == 0
                );
            } else if (
                action == handler.addStake.selector || action == handler.removeStake.selector
                    || action == handler.moveCaseFee.selector || action == handler.settle.selector
                    || action == handler.dispute.selector || action == handler.attack.selector
            ) {
                arguments = abi.encode(
                    uint256(keccak256(abi.encode("first", i))),
                    uint256(keccak256(abi.encode("amount", i))),
                    action == handler.dispute.selector ? i % 3 : i % 2
                );
            }
            (bool done, bytes memory reason) = address(handler).call(bytes.concat(action, arguments));
            assertTrue(done, string(reason));
        }
        invariant_StakeLoadAndReputationAddUp();
        string[21] memory states = [
            "begun at level 1",
            "begun at level 2",
            "delivered",
            "settled",
            "lost",
            "won",
            "split",
            "timed out",
            "abandoned",
            "audit passed",
            "audit missed",
            "case fee taken",
            "case fee returned",
            "registered",
            "staked",
            "unbonding",
            "withdrawn",
            "reviewed",
            "review ended",
            "banned",
            "attacked"
        ];
        for (uint256 i; i < states.length; ++i) {
            assertGt(handler.reached(states[i]), 0, states[i]);
        }
        bytes4[7] memory refusals = [
            INodeRegistry.NodeNotActive.selector,
            INodeRegistry.NoFreeSlot.selector,
            INodeRegistry.InsufficientPower.selector,
            INodeRegistry.EscrowCapExceeded.selector,
            INodeRegistry.TrustTooLow.selector,
            INodeRegistry.NodeIsBusy.selector,
            INodeRegistry.NotFailing.selector
        ];
        for (uint256 i; i < refusals.length; ++i) {
            assertGt(handler.refused(refusals[i]), 0, vm.toString(refusals[i]));
        }
        _leaveAll();
    }

    /// @dev Once its tasks have ended, all stake can leave, whatever was done to the node.
    function _leaveAll() private {
        handler.finishAll();
        invariant_StakeLoadAndReputationAddUp();
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
}
