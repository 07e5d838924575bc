//! Proof-of-work challenges and audit rounds.

use alloy::primitives::{Address, B256, U256};

use super::stored_enum;
use crate::store::table::row;

stored_enum! {
    /// Where a challenge stands.
    ChallengeStatus {
        /// Waiting for a solution, or for somebody to report that none came.
        Open = 0,
        /// Answered in time.
        Passed = 1,
        /// Not answered in time.
        Missed = 2,
    }
}

row! {
    /// A challenge to a node.
    Challenge in "challenges", key 1 {
        /// 1, 2, 3, … over all nodes.
        id: u64,
        /// Who was challenged.
        node_id: u64,
        /// Where it stands.
        status: ChallengeStatus,
        /// The seed, before it is bound to chain, verifier and node.
        seed: B256,
        /// When it was issued.
        opened_at: u64,
        /// The last second for a solution.
        deadline: u64,
        /// The transaction that issued it.
        issued_tx: B256,
        /// When it was passed or reported missed.
        closed_at: Option<u64>,
        /// The transaction that answered it.
        passed_tx: Option<B256>,
        /// The largest of the 64 smallest hashes.
        largest_hash: Option<B256>,
        /// The estimate, hashes/s.
        hash_rate: Option<U256>,
        /// The node's verified power after it, milli-TFLOPS.
        power: Option<U256>,
    }
}

row! {
    /// An audit round: the same puzzle for every active node, at a time that nobody knows before.
    Round in "rounds", key 1 {
        /// 1, 2, 3, …
        number: u64,
        /// Who opened it.
        opener: Address,
        /// The seed, before it is bound to chain, verifier and node.
        seed: B256,
        /// When.
        opened_at: u64,
        /// The last second for a solution.
        deadline: u64,
        /// The last second to report misses.
        finishes_at: u64,
        /// The Merkle root of its solutions, as posted last.
        root: Option<B256>,
        /// Nodes that passed it.
        passed: u32,
        /// Nodes that were reported to have missed it.
        missed: u32,
        /// Nodes that were excused.
        excused: u32,
    }
}
