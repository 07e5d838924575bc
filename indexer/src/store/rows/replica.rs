//! Replicated tasks: rounds, and the nodes in them.

use aiigo_protocol::ReplicaStatus;
use alloy::primitives::{Address, B256, U256};

use crate::store::{table::row, value::enum_columns};

enum_columns!(ReplicaStatus);

row! {
    /// A round of a replicated task: candidates, draw, count.
    ReplicaRound in "replica_rounds", key 2 {
        /// The task.
        task_id: B256,
        /// 1, 2.
        round: u8,
        /// The last second to apply.
        accept_by: u64,
        /// Too few had applied, and the window ran once more.
        extended: bool,
        /// Nodes that stand for a seat; of a draw: that stood.
        candidates: u32,
        /// The block whose randomness draws.
        draw_block: Option<u64>,
        /// The randomness that drew.
        randomness: Option<B256>,
        /// When it drew.
        drawn_at: Option<u64>,
        /// The last second to seal a result.
        seal_until: Option<u64>,
        /// Sealed results.
        sealed: u8,
        /// When every seat had sealed its result: the last second to show it.
        reveal_until: Option<u64>,
        /// Results that were shown.
        revealed: u8,
        /// The majority's result.
        result_hash: Option<B256>,
        /// The seats that have it.
        agreeing: Option<u8>,
        /// When the results were counted.
        judged_at: Option<u64>,
        /// The last second for the minority to appeal; none: nothing to settle.
        settle_after: Option<u64>,
    }
}

row! {
    /// A node in a round of a replicated task.
    Replica in "replicas", key 3 {
        /// The task.
        task_id: B256,
        /// 1, 2.
        round: u8,
        /// The node.
        node_id: u64,
        /// The key that applied.
        operator: Address,
        /// How far it is.
        status: ReplicaStatus,
        /// When it applied.
        applied_at: u64,
        /// Its place in the draw: 0, 1, 2, …
        seat: Option<u8>,
        /// What it committed to.
        sealed_hash: Option<B256>,
        /// When it did.
        sealed_at: Option<u64>,
        /// The result that it showed.
        result_hash: Option<B256>,
        /// Where that is.
        result_uri: Option<String>,
        /// When it was shown.
        revealed_at: Option<u64>,
        /// What was due for the execution.
        due: Option<U256>,
        /// The provider's part of it.
        provider_amount: Option<U256>,
        /// The protocol's part of it.
        fee_amount: Option<U256>,
        /// The court's case about its appeal.
        case_id: Option<u64>,
        /// When it had its last word: released, timed out or settled.
        ended_at: Option<u64>,
    }
}
