//! Rules 8.7 and 8.8 of `docs/protocol.md`, from events.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

mod audits;
mod bound;
mod chronicle;
mod rewards;
