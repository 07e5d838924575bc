//! The `aiigo` program as its users meet it, and what its checks are worth against those who cheat.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

mod command_line;
mod jobs;
mod money;
mod nodes;
mod snapshots;
mod store;
mod support;
mod verification;
