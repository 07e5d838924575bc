//! Nodes.

use aiigo_protocol::{NodeStatus, ResourceType};
use alloy::primitives::{Address, U256};

use crate::store::table::row;

row! {
    /// A node of the registry.
    Node in "nodes", key 1 {
        /// 1, 2, 3, … in the order of registration.
        id: u64,
        /// The cold key: stake, keys, exit.
        owner: Address,
        /// The hot key: accepts, solves, submits.
        operator: Address,
        /// Where earnings go.
        payout: Address,
        /// What it offers.
        resource_type: ResourceType,
        /// Its description.
        metadata_uri: String,
        /// When it was registered.
        registered_at: u64,
        /// Derived as the registry derives it.
        status: NodeStatus,
        /// Passed a challenge at least once.
        verified: bool,
        /// Takes work.
        online: bool,
        /// Banned by governance.
        banned: bool,
        /// 0 to 4, derived as the registry derives it.
        trust_level: u8,
        /// 0 to 10000.
        reputation: u16,
        /// AIIGO wei.
        stake: U256,
        /// AIIGO wei that are leaving, still slashable.
        unbonding: U256,
        /// When they can be withdrawn.
        unbonding_ready_at: Option<u64>,
        /// AIIGO wei burned so far.
        slashed: U256,
        /// The lowest estimate of its solutions, hashes/s.
        hash_rate: U256,
        /// Verified power, milli-TFLOPS.
        power: U256,
        /// Tasks being executed.
        running: u32,
        /// Results waiting for their buyers.
        reviewing: u32,
        /// Milli-TFLOPS promised to running tasks.
        running_power: U256,
        /// Tasks it took.
        tasks_accepted: u32,
        /// Tasks it was paid for.
        tasks_paid: u32,
        /// Paid tasks that counted for its reputation.
        tasks_verified: u32,
        /// Tasks it gave back or did not deliver in time.
        tasks_failed: u32,
        /// Challenges it passed.
        challenges_passed: u32,
        /// Challenges it missed.
        challenges_missed: u32,
        /// The last second of its review, in the past or not; none: never, or ended by governance.
        review_until: Option<u64>,
        /// When the last audit round that it passed was opened.
        last_audit_at: Option<u64>,
        /// Audit rounds it passed.
        audits_passed: u32,
        /// Audit rounds it missed.
        audits_missed: u32,
        /// AIIGO wei that a partner stakes on top of level 3's; none: no partner.
        partner_bond: Option<U256>,
        /// The node that brought it.
        referrer: Option<u64>,
    }
}

row! {
    /// The escrow of a node's running and reviewed tasks in one payment token.
    NodeEscrow in "node_escrows", key 2 {
        /// The node.
        node_id: u64,
        /// The payment token.
        token: Address,
        /// The sum, without timeout tips.
        open: U256,
    }
}

row! {
    /// What a node's tasks were paid in one token.
    Earning in "earnings", key 2 {
        /// The node.
        node_id: u64,
        /// The payment token.
        token: Address,
        /// Tasks and replicas that it was paid for.
        tasks: u64,
        /// The sum, without fees.
        amount: U256,
    }
}

impl Node {
    /// The part of its audit rounds that it passed, without those that it was excused from, basis points; none before the
    /// first.
    pub fn uptime_bps(&self) -> Option<u16> {
        let audits = u64::from(self.audits_passed) + u64::from(self.audits_missed);
        let bps = (u64::from(self.audits_passed) * 10_000).checked_div(audits)?;
        u16::try_from(bps).ok()
    }
}
