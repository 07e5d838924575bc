// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ResourceType} from "./Resource.sol";

/// @dev A node's status as seen from outside. Active and Inactive are derived, never stored: a node is Active when it
/// has proved its power, is online, and its stake is at least the minimum.
enum NodeStatus {
    None,
    Pending, // registered, no challenge passed yet
    Verified, // a challenge passed, stake below the minimum
    Active, // verified, staked and online
    Inactive, // verified and staked, offline by choice
    Slashed // banned
}

/// @dev Why a node's stake or reputation changed. The order is part of the ABI: append only.
enum Cause {
    TaskVerified,
    TaskTimedOut,
    TaskAbandoned,
    Misuse
}

/// @dev Everything about a node, for readers off-chain.
struct NodeInfo {
    address owner;
    address operator;
    address payout;
    ResourceType resourceType;
    NodeStatus status;
    bool online;
    uint8 trustLevel;
    uint16 reputation; // 0..10000
    uint40 registeredAt;
    uint128 stake; // AIIGO wei
    uint128 unbonding; // AIIGO wei, still slashable
    uint40 unbondingReadyAt;
    uint32 tasksVerified; // paid tasks that counted for reputation
    uint32 tasksFailed; // timed out or abandoned
    uint16 running; // tasks being executed
    uint16 reviewing; // results waiting for the buyer
    uint64 runningPower; // milli-TFLOPS promised to running tasks
    uint64 verifiedPower; // milli-TFLOPS
}
