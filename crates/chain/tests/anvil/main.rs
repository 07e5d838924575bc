//! The chain crate against a real chain: anvil with the suite deployed.

#![allow(clippy::expect_used, clippy::unwrap_used)] // a test fails by panicking, its helpers too

/// Whether the outboxes are in PostgreSQL: not here.
const IS_POSTGRES: bool = false;

mod answers;
mod follower;
mod giving_up;
mod keys;
mod narrow;
mod odd;
mod outbox;
mod rpc;
mod spending;
mod together;
mod world;
