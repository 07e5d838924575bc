//! The provider's agent: proves a machine's power, keeps its node online, and earns by running tasks in a sandbox.
//!
//! It holds only the operator's key, which can move neither stake nor earnings. What it does on the chain goes through
//! the outbox, what it does with a task through the stages of [`store::Stage`]; both are written down before they happen,
//! so that a restart goes on where the last run stopped. What the chain says always wins.

mod activity;
mod cache;
mod cli;
mod data_dir;
mod error;
mod live;
mod machine;
mod market;
mod node;
mod operator;
mod policy;
mod power;
mod prove;
mod resources;
mod sandbox;
mod sender;
mod serve;
mod store;

pub use cli::Cli;
pub use error::AgentError;
