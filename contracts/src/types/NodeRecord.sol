// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {BPS} from "../libraries/Shares.sol";
import {NodeStatus} from "./Node.sol";
import {ResourceType} from "./Resource.sol";

/// @dev A node as stored: five slots. Starting and ending a task's execution touches slots 0, 1 and 3 only.
struct NodeRecord {
    // slot 0
    address owner;
    uint40 registeredAt;
    uint16 reputation; // 0..10000
    ResourceType resourceType;
    bool verified; // passed a challenge
    bool online;
    bool banned;
    // slot 1
    address operator;
    uint16 running; // tasks being executed
    uint16 reviewing; // results waiting for the buyer
    uint64 runningPower; // milli-TFLOPS promised to running tasks
    // slot 2
    address payout;
    uint32 tasksVerified; // those that counted for reputation
    uint32 tasksFailed;
    // slot 3
    uint128 stake; // AIIGO wei
    uint128 unbonding; // AIIGO wei, still slashable
    // slot 4
    uint40 unbondingReadyAt;
}

using {status, trustLevel, slots, freeSlots, openTasks, slash} for NodeRecord global;

/// @dev Derived from what is stored and the present minimum stake.
function status(NodeRecord storage node, uint256 minStake) view returns (NodeStatus) {
    if (node.owner == address(0)) return NodeStatus.None;
    if (node.banned) return NodeStatus.Slashed;
    if (!node.verified) return NodeStatus.Pending;
    if (node.stake < minStake) return NodeStatus.Verified;
    return node.online ? NodeStatus.Active : NodeStatus.Inactive;
}

/// @dev Level 1 is the minimum stake; higher levels need audits.
function trustLevel(NodeRecord storage node, uint256 minStake) view returns (uint8) {
    return !node.banned && node.owner != address(0) && node.stake >= minStake ? 1 : 0;
}

/// @dev Tasks that may run at once. The bound leaves room for all of them to be counted under review.
function slots(NodeRecord storage node, uint256 minStake) view returns (uint256) {
    return Math.min(node.stake / minStake, type(uint16).max - node.reviewing);
}

function freeSlots(NodeRecord storage node, uint256 minStake) view returns (uint256) {
    return Math.saturatingSub(slots(node, minStake), node.running);
}

/// @dev Tasks for which the stake still answers.
function openTasks(NodeRecord storage node) view returns (uint256) {
    return uint256(node.running) + node.reviewing;
}

/// @dev Takes a share of stake and unbonding together, from each in proportion.
function slash(NodeRecord storage node, uint256 bps) returns (uint256 slashed) {
    (uint256 stake, uint256 unbonding) = (node.stake, node.unbonding);
    slashed = (stake + unbonding) * bps / BPS;
    uint256 fromUnbonding = unbonding * bps / BPS;
    // Casting is safe: both results are at most what they replace. For bps <= BPS, fromUnbonding <= unbonding, and the
    // rest, at most floor(stake x bps / BPS) + 1 and that only for bps < BPS, is <= stake.
    // forge-lint: disable-next-line(unsafe-typecast)
    node.stake = uint128(stake - (slashed - fromUnbonding));
    // forge-lint: disable-next-line(unsafe-typecast)
    node.unbonding = uint128(unbonding - fromUnbonding);
}
