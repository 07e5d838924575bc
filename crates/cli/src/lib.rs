//! The `aiigo` command: jobs, nodes, stakes, votes and disputes from the terminal.
//!
//! A command is a struct of its arguments with one `run`. What the commands share is in modules that tests and the demo
//! can call in-process: [`job::prepare`] (a job file becomes blobs, a spec and a request), [`job::timeline`] (a task's
//! history from the chain's own events), [`job::delivery`] (a result fetched and checked byte by byte) and
//! [`store::ChainAuthorizer`] (who may push into a buyer's store).
//!
//! stdout is the result, stderr the talk. With `--json` stdout holds exactly one JSON document, also when it fails.

mod allowance;
mod args;
mod chain;
mod cli;
mod config;
mod confirm;
mod court;
mod decoded;
mod deploy;
mod doctor;
mod error;
mod format;
mod gov;
mod indexer;
pub mod job;
mod node;
mod output;
mod progress;
mod protocol;
mod provider;
mod refusal;
mod reward;
mod runs;
mod share;
mod sources;
mod stake;
pub mod store;
mod wallet;

pub use chain::Chain;
pub use cli::Cli;
pub use error::CliError;
