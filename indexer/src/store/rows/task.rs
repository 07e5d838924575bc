//! Tasks and their assignments.

use aiigo_protocol::{ResourceType, TaskStatus};
use alloy::primitives::{Address, B256, U256};

use super::stored_enum;
use crate::store::table::row;

row! {
    /// A task of the marketplace.
    Task in "tasks", key 1 {
        /// `keccak256(abi.encode(chainid, marketplace, buyer, buyer's nonce, specHash))`.
        id: B256,
        /// Who pays.
        buyer: Address,
        /// Where it stands.
        status: TaskStatus,
        /// The resource asked for.
        resource_type: ResourceType,
        /// The least trust level asked for.
        min_trust_level: u8,
        /// The least power asked for, milli-TFLOPS.
        min_power: u64,
        /// Seconds of execution at most.
        duration: u32,
        /// Seconds from creation, and from each reopening, to find a provider.
        accept_window: u32,
        /// Seconds from the result for the buyer to approve.
        review_window: u32,
        /// Smallest units of the payment token.
        price_per_hour: U256,
        /// Zero: ETH.
        payment_token: Address,
        /// keccak-256 of the canonical task spec.
        spec_hash: B256,
        /// `ipfs://<cid>` of the task spec.
        spec_uri: String,
        /// Price x duration x seats, without the timeout tips.
        escrow: U256,
        /// Deposited for tips to who enforces timeouts; returned if there are none.
        tip_deposit: U256,
        /// The protocol's share, fixed at creation.
        fee_bps: u16,
        /// The last second of the present acceptance window.
        accept_by: u64,
        /// Assignments that ended without a result, or rounds of a replicated task without a majority.
        attempts: u8,
        /// The node that has it or delivered it.
        node_id: Option<u64>,
        /// The operator that accepted it.
        operator: Option<Address>,
        /// When it was accepted.
        assigned_at: Option<u64>,
        /// Until when the result is due, without the grace.
        due_by: Option<u64>,
        /// When the result came; of a replicated task: when it was counted.
        submitted_at: Option<u64>,
        /// The last second for the buyer to approve.
        review_until: Option<u64>,
        /// keccak-256 of the canonical list of outputs.
        result_hash: Option<B256>,
        /// `ipfs://<cid>` of the result manifest.
        result_uri: Option<String>,
        /// Who approved it: the buyer, or whoever finalized it.
        approver: Option<Address>,
        /// What was due for the execution.
        due: Option<U256>,
        /// The provider's part of it.
        provider_amount: Option<U256>,
        /// The protocol's part of it.
        fee_amount: Option<U256>,
        /// What went back to the buyer.
        refund_amount: Option<U256>,
        /// When it was created.
        created_at: u64,
        /// In which block.
        created_block: u64,
        /// By which transaction.
        created_tx: B256,
        /// When it was last changed.
        updated_at: u64,
        /// When it reached its final state.
        closed_at: Option<u64>,
        /// The court's case about it.
        case_id: Option<u64>,
        /// The provider's share by the ruling, basis points.
        ruling: Option<u16>,
        /// What the jurors were credited.
        juror_amount: Option<U256>,
        /// How many nodes do the same work; more than one: a replicated task.
        seats: u8,
    }
}

impl Task {
    /// What a node holds open for it: of a replicated task a seat's part of the escrow, exactly.
    pub fn share(&self) -> U256 {
        self.escrow.checked_div(U256::from(self.seats)).unwrap_or_default()
    }
}

stored_enum! {
    /// How an assignment goes.
    AssignmentOutcome {
        /// The node works on it.
        Running = 0,
        /// The node delivered a result.
        Delivered = 1,
        /// The result did not come in time.
        TimedOut = 2,
        /// The node gave the task back.
        Abandoned = 3,
    }
}

impl AssignmentOutcome {
    /// Whether the node will never get the task again.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::TimedOut | Self::Abandoned)
    }
}

row! {
    /// A node's try at a task.
    Assignment in "assignments", key 2 {
        /// The task.
        task_id: B256,
        /// 0 for the first node, 1 for the next, …
        attempt: u8,
        /// The node.
        node_id: u64,
        /// The key that accepted.
        operator: Address,
        /// How it goes.
        outcome: AssignmentOutcome,
        /// When it was accepted.
        accepted_at: u64,
        /// When the result is due, without the grace.
        due_by: u64,
        /// When it was delivered, abandoned or timed out.
        ended_at: Option<u64>,
    }
}
