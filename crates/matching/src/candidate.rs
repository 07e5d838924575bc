//! What is asked for and who is there.

use serde::{Deserialize, Serialize};

/// What a task asks of a provider. The first five fields stand on the chain with every task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Requirements {
    /// Kind of machine, by the contracts' number.
    pub resource_type: u8,
    /// Least verified power, milli-TFLOPS.
    pub milli_tflops: u64,
    /// Lowest trust level.
    pub trust: u8,
    /// The most that an hour may cost, smallest units of the payment token.
    pub max_price_per_hour: u128,
    /// The buyer's address in lower case: nobody works for himself.
    pub buyer: Option<String>,
    /// Regions that are acceptable, such as `eu-west`; empty if all are.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Least uptime, basis points, if the task needs an assurance of it.
    #[serde(default)]
    pub min_uptime_bps: Option<u16>,
    /// Nodes that are excluded from this task: they failed it before.
    #[serde(default)]
    pub excluded: Vec<u64>,
}

/// A node that might do the task. What is not known of it is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The node.
    pub node_id: u64,
    /// Its owner's address in lower case.
    pub owner: String,
    /// Whether its status is Active.
    pub active: bool,
    /// Kind of machine, by the contracts' number.
    pub resource_type: u8,
    /// Verified power that no running task has been promised, milli-TFLOPS.
    pub free_milli_tflops: u64,
    /// Tasks that it may start now.
    pub free_slots: u64,
    /// Trust level.
    pub trust: u8,
    /// Reputation, 0 to 10000.
    pub reputation: u16,
    /// What it asks for an hour, if it has said so; else it works for what the task offers.
    pub price_per_hour: Option<u128>,
    /// Round-trip time from the buyer, milliseconds.
    pub latency_millis: Option<u32>,
    /// Share of audits passed, basis points.
    pub uptime_bps: Option<u16>,
    /// Where it stands, such as `eu-west`.
    pub region: Option<String>,
}
