// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ResourceType} from "./Resource.sol";

/// @dev The order is part of the ABI: append only.
enum TaskStatus {
    None,
    Open, // escrowed, waiting for a provider
    InProgress, // accepted, being executed
    Completed, // result submitted, the review window runs
    Verified, // paid: final
    Cancelled, // by the buyer while open: final
    Expired, // nobody delivered in time, refunded: final
    Disputed, // the result is before the court
    Resolved, // paid as the court ruled: final
    Recruiting, // replicated: escrowed, nodes apply
    Drawing, // replicated: the candidates are fixed, a block draws
    Replicating // replicated: the drawn nodes work, commit and reveal
}

/// @dev What a buyer asks for.
struct TaskRequest {
    ResourceType resourceType;
    uint8 minTrustLevel;
    uint8 replicas; // independent executions of the same deterministic work: 1, 3, 5 or 7
    uint32 minPower; // milli-TFLOPS, at least 1
    uint32 duration; // seconds of execution at most
    uint32 acceptWindow; // seconds from creation, and again from each reopening, to find a provider
    uint32 reviewWindow; // seconds from the result for the buyer to approve
    uint32 maxAuditAge; // seconds since the provider's last passed audit; zero: any
    uint96 pricePerHour; // smallest units of `paymentToken`
    address paymentToken; // zero: ETH
    address watcher; // may act on the result in the buyer's stead; zero: nobody
    bytes32 specHash; // keccak-256 of the canonical task spec
    string specURI; // ipfs://<cid> of the task spec
}

/// @dev Everything about a task, for readers. Times are zero when they don't apply to the status.
struct Task {
    address buyer;
    address watcher;
    uint64 nodeId; // the assigned node; zero while open, and of a replicated task
    TaskStatus status;
    ResourceType resourceType;
    uint8 minTrustLevel;
    uint8 replicas;
    uint8 attempts; // assignments that ended without a result
    uint96 escrow; // price x duration, rounded up, x replicas; without the timeout tips
    uint32 duration;
    uint32 minPower;
    uint32 maxAuditAge;
    uint40 acceptBy; // last second of the present acceptance window
    uint32 acceptWindow;
    uint16 feeBps; // the protocol's share, fixed at creation
    address paymentToken;
    uint40 assignedAt;
    uint40 submittedAt;
    uint16 reviewWindow; // minutes
    uint96 agreedPrice; // of the bid that the buyer took; zero: none
    uint32 agreedEta; // seconds
}
