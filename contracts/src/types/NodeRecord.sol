// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {BPS} from "../libraries/Shares.sol";
import {NodeStatus, Tier} from "./Node.sol";
import {ResourceType} from "./Resource.sol";
import {Standing} from "./Standing.sol";

/// @dev A node as stored: six slots. What a task in ETH changes, from its beginning to its payment, is in slot 0. Starting one
/// reads slots 0 to 3 and 5, ending its execution slots 0 and 1, settling it slot 0.
struct NodeRecord {
    // slot 0
    uint88 openEther; // escrow of running and reviewed tasks in ETH, wei: there is less of it than 2^88
    uint16 running; // tasks being executed
    uint16 reviewing; // results waiting for the buyer or the court
    uint56 runningPower; // milli-TFLOPS promised to running tasks
    uint16 reputation; // 0..10000
    uint32 tasksVerified; // those that counted for reputation
    bool verified; // passed a challenge
    bool online;
    bool banned;
    bool finishing; // not Active any more, but for the verifier until its tasks have ended
    // slot 1
    address operator;
    uint96 stake; // AIIGO wei: at most 10^27 exist
    // slot 2
    address owner;
    uint96 unbonding; // AIIGO wei, still slashable
    // slot 3
    address payout;
    uint40 reviewUntil; // last second of a review
    ResourceType resourceType;
    bool active; // what the verifier was last told
    uint32 tasksFailed;
    bool partner;
    // slot 4
    uint40 unbondingReadyAt;
    uint40 registeredAt;
    uint64 referrer;
    uint32 verifiedAtReview; // tasksVerified when the last review began or was ended
    uint32 failedAtReview; // tasksFailed then
    uint32 bidEpoch; // bids of an earlier one are void
    Tier tier;
    // slot 5
    Standing standing;
}

using {status, underReview, slots, freeSlots, openTasks, isKey, sinceReview, slash, takeStake} for NodeRecord global;

/// @dev Derived from what is stored, the present minimum stake and the time.
function status(NodeRecord storage node, uint256 minStake) view returns (NodeStatus) {
    if (node.owner == address(0)) return NodeStatus.None;
    if (node.banned) return NodeStatus.Slashed;
    if (!node.verified) return NodeStatus.Pending;
    if (node.stake < minStake) return NodeStatus.Verified;
    return node.online && !underReview(node) ? NodeStatus.Active : NodeStatus.Inactive;
}

function underReview(NodeRecord storage node) view returns (bool) {
    return block.timestamp <= node.reviewUntil;
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

function isKey(NodeRecord storage node, address account) view returns (bool) {
    return account == node.owner || account == node.operator || account == node.payout;
}

/// @dev What counted since the last review.
function sinceReview(NodeRecord storage node) view returns (uint256 failed, uint256 counted) {
    failed = node.tasksFailed - node.failedAtReview;
    counted = failed + node.tasksVerified - node.verifiedAtReview;
}

/// @dev Takes a share of stake and unbonding together, from each in proportion.
function slash(NodeRecord storage node, uint256 bps) returns (uint256 slashed) {
    (uint256 stake, uint256 unbonding) = (node.stake, node.unbonding);
    slashed = (stake + unbonding) * bps / BPS;
    uint256 fromUnbonding = unbonding * bps / BPS;
    // Casting is safe: both results are at most what they replace. For bps <= BPS, fromUnbonding <= unbonding, and the
    // rest, at most floor(stake x bps / BPS) + 1 and that only for bps < BPS, is <= stake.
    // forge-lint: disable-next-line(unsafe-typecast)
    node.stake = uint96(stake - (slashed - fromUnbonding));
    // forge-lint: disable-next-line(unsafe-typecast)
    node.unbonding = uint96(unbonding - fromUnbonding);
}

/// @dev Takes an amount, or all there is if that is less: of the stake first, then of what unbonds, so that nobody escapes
/// by unstaking.
function takeStake(NodeRecord storage node, uint256 amount) returns (uint256 taken) {
    (uint256 stake, uint256 unbonding) = (node.stake, node.unbonding);
    uint256 fromStake = Math.min(amount, stake);
    taken = fromStake + Math.min(amount - fromStake, unbonding);
    // casting is safe: both results are at most what they replace
    // forge-lint: disable-next-line(unsafe-typecast)
    node.stake = uint96(stake - fromStake);
    // forge-lint: disable-next-line(unsafe-typecast)
    node.unbonding = uint96(unbonding - (taken - fromStake));
}
