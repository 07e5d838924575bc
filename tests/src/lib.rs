//! End-to-end tests over the real binaries and a real chain: what they share.
//!
//! A [`World`] is a devnet with the programs around it, as a user would start them. Each test file starts one and its
//! tests share it. Data and logs stay in the target folder until the next run, for whoever looks for a fault.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

mod graphql;
mod hostile;
mod job;
mod liar;
pub mod modules;
pub mod people;
mod world;

pub use graphql::GraphQl;
pub use hostile::HostileJob;
pub use job::JobFile;
pub use liar::LyingGateway;
pub use world::{World, bin_dir, fresh_dir, wei};
