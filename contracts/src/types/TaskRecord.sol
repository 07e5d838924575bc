// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ResourceType} from "./Resource.sol";
import {TaskStatus} from "./Task.sol";

/// @dev Flags of a task: TaskTerms, an Agreement.
uint8 constant HAS_TERMS = 1;
uint8 constant AGREED = 2;

/// @dev A task as stored: two slots, both written when it is created and when it changes hands; after that only slot 0.
struct TaskRecord {
    // slot 0
    address buyer;
    uint32 nodeId; // the assigned node; zero while open
    uint24 elapsed; // seconds from assignment to result, once that is in; of a replicated task from draw to count
    TaskStatus status;
    ResourceType resourceType;
    uint8 minTrustLevel;
    uint8 attempts; // assignments that ended without a result
    uint8 flags; // what stands beside it
    // slot 1
    uint88 escrow; // price x duration, rounded up, x replicas; without the timeout tips
    uint24 duration; // seconds
    uint32 minPower; // milli-TFLOPS
    uint24 acceptWindow; // seconds
    uint16 reviewWindow; // minutes
    uint16 feeBps;
    uint40 since; // Open, Recruiting: the last second to accept; then the assignment
    uint8 tokenId; // position in the market's list of payment tokens; zero: ETH
    uint8 replicas;
}

/// @dev What few tasks ask for: one slot, stored only for those.
struct TaskTerms {
    address watcher;
    uint32 maxAuditAge; // seconds
}

/// @dev What an accepted bid fixed: one slot, stored only then. It ends with the assignment.
struct Agreement {
    uint88 price; // for the whole work
    uint24 eta; // seconds from the assignment to the deadline
}

/// @dev A task that went to court: one slot, beside it.
struct TaskDispute {
    address disputer; // the buyer or the watcher: paid bond and case fee
    uint96 caseId;
}
