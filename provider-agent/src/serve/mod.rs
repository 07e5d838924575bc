//! Serving: following the market, taking tasks, and bringing each to its end.

mod accept;
mod audits;
mod candidates;
mod clock;
mod deliver;
mod execute;
mod fetch;
mod gate;
mod offers;
mod patience;
mod promises;
mod replica;
mod server;
mod tenure;
mod tidy;
mod work;

use std::sync::Arc;

use aiigo_executor::Sandboxes;
use aiigo_protocol::NodeId;
use alloy::signers::local::PrivateKeySigner;

use self::{accept::Turns, clock::Clock, promises::Promises, replica::News};
pub(crate) use self::{
    fetch::spec_of,
    server::{ServeConfig, serve},
};
use crate::{
    cache::Cache, data_dir::DataDir, market::Market, policy::PolicyFile, resources::Resources, sender::Sender,
    store::Store,
};

/// Everything that work on a task needs.
struct Desk {
    market: Market,
    node: NodeId,
    sender: Sender,
    signer: PrivateKeySigner,
    store: Store,
    data: DataDir,
    policy: Arc<PolicyFile>,
    resources: Resources,
    /// Also use gateways on private and local addresses.
    private_gateways: bool,
    executor: Arc<Sandboxes>,
    cache: Cache,
    clock: Clock,
    turns: Turns,
    promises: Promises,
    /// Rings when something happens to a replicated task that is in hand.
    news: News,
}
