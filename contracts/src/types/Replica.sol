// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev How far a node is with a replicated task. The order is part of the ABI: append only.
enum ReplicaStatus {
    None,
    Applied, // a candidate: holds one of the node's slots
    Released, // took the application back or was not drawn: holds nothing
    Drawn, // has a seat and works
    Sealed, // has committed to a result
    Revealed, // has shown it
    TimedOut, // committed to nothing or did not show it: slashed
    Undecided, // no result had a majority: free
    Agreed, // of the majority: paid; its stake answers until the settlement
    Outvoted, // may appeal, else slashed by the settlement
    Appealed, // before the court
    Vindicated, // the court found for it, and so against the majority: free
    Cleared, // the court found for neither side, or for another seat with the same result: free
    Slashed // wrong
}

/// @dev A node in a replicated task: two slots.
struct Replica {
    bytes32 digest; // Sealed: the sealed result; from Revealed on: the result's hash; before: means nothing
    // slot 1
    uint32 index; // in the round's list of candidates, while Applied
    uint24 elapsed; // seconds from the draw to the seal
    uint8 round; // that it applied in
    ReplicaStatus status;
}

/// @dev Where a replicated task stands in its present round: one slot.
struct ReplicaRound {
    bool extended; // too few had applied once
    uint8 sealedSeats;
    uint8 revealedSeats;
    uint8 openAppeals;
    bool overruled; // the court found for an outvoted seat
    uint48 drawBlock; // its hash draws; zero until the candidates are fixed
    uint40 sealUntil; // last second to commit to a result
    uint40 revealUntil; // last second to show it
    uint40 settleAfter; // last second to appeal; zero: everything is settled, or nothing is to be
}

/// @dev An appeal's place: one key stands for it before the court.
struct ReplicaAppeal {
    bytes32 taskId;
    uint64 nodeId;
}

/// @dev A seat, for readers.
struct ReplicaSeat {
    uint64 nodeId;
    ReplicaStatus status;
    bytes32 digest;
    uint24 elapsed;
}

/// @dev Everything about a replicated task's present round, for readers. Times are zero when they don't apply.
struct Replication {
    uint8 round; // from 1
    bool extended;
    bool overruled;
    uint8 openAppeals;
    uint32 candidates;
    uint88 share; // a seat's part of the escrow
    uint48 drawBlock;
    uint40 sealUntil;
    uint40 revealUntil;
    uint40 settleAfter;
    ReplicaSeat[] seats; // none before the draw
}
