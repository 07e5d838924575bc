// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ResourceType} from "./Resource.sol";

/// @dev A node's status as seen from outside. All but Slashed are derived, never stored: a node is Active when it has
/// proved its power, is online, is not under review, and its stake is at least the minimum.
enum NodeStatus {
    None,
    Pending, // registered, no challenge passed yet
    Verified, // a challenge passed, stake below the minimum
    Active, // verified, staked, online and not under review
    Inactive, // verified and staked, but offline or under review
    Slashed // banned
}

/// @dev Why a node's stake or reputation changed. The order is part of the ABI: append only.
enum Cause {
    TaskVerified,
    TaskTimedOut,
    TaskAbandoned,
    Misuse,
    AuditPassed,
    AuditMissed,
    DisputeLost,
    DisputeWon
}

/// @dev How a dispute ended for the provider. The order is part of the ABI: append only.
enum Verdict {
    Lost,
    Split, // in between, or no ruling: moves nothing
    Won
}

/// @dev Who runs a node, as governance marked it. The order is part of the ABI: append only.
enum Tier {
    Community,
    Cloud,
    Platform
}

/// @dev What a task asks of the node that takes it.
struct TaskDemand {
    ResourceType resourceType;
    uint8 minTrustLevel;
    uint32 minPower; // milli-TFLOPS
    uint32 maxAuditAge; // seconds since the node's last audit at most; zero: any
    address token;
    uint96 escrow; // smallest units of `token`
}

/// @dev What governance sets for a payment token, in its smallest units: three slots. The caps bound the sum of a node's
/// open escrow by its trust level and never fall from one level to the next.
struct TokenLimits {
    // slot 0: all that a level 1 node's tasks need
    uint128 minCountedFee; // a task with a smaller fee moves no reputation upwards
    uint128 levelOneCap; // zero: no limits are set, the token can't be used
    // slot 1
    uint128 levelTwoCap;
    uint128 levelThreeCap;
    // slot 2
    uint128 levelFourCap;
}

/// @dev Limits of a payment token from the first block on.
struct LimitsConfig {
    address token; // zero: ETH
    TokenLimits limits;
}

/// @dev What governance recorded of a partner. Level 4 asks for the bond as stake on top of level 3's.
struct Partner {
    bytes32 slaHash; // keccak-256 of the service level agreement; zero: no partner
    uint128 bond; // AIIGO wei
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
    uint32 tasksFailed; // timed out, abandoned, or lost in a dispute
    uint16 running; // tasks being executed
    uint16 reviewing; // results waiting for the buyer or the court
    uint64 runningPower; // milli-TFLOPS promised to running tasks
    uint64 verifiedPower; // milli-TFLOPS
    uint32 challengesPassed;
    uint40 lastAuditAt; // zero: never
    uint40 reviewUntil; // last second of the node's review; in the past or zero: not under review
    uint64 referrer; // the node that brought this one; zero: none
    Tier tier;
    bool partner;
}
