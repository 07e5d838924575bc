//! Serving: following the market, taking tasks, and bringing each to its end.

mod accept;
mod audits;
mod candidates;
mod clock;
mod deliver;
mod execute;
mod fetch;
mod offers;
mod replica;
mod server;
mod work;

use std::sync::Arc;

use aiigo_executor::Executor;
use aiigo_protocol::NodeId;
use alloy::signers::local::PrivateKeySigner;
use tokio::sync::Mutex;

pub(crate) use self::server::{ServeConfig, serve};
use self::{clock::Clock, replica::News};
use crate::{data_dir::DataDir, market::Market, policy::PolicyArgs, sender::Sender, store::Store};

/// Everything that work on a task needs.
struct Desk {
    market: Market,
    node: NodeId,
    sender: Sender,
    signer: PrivateKeySigner,
    store: Store,
    data: DataDir,
    policy: PolicyArgs,
    executor: Arc<dyn Executor>,
    clock: Clock,
    /// One commitment a node: a second one would replace the first.
    commitment: Mutex<()>,
    /// Rings when something happens to a replicated task that is in hand.
    news: News,
}
