//! Thousands of actions over bad lines to a restless chain, by programs that are killed at any moment: in the end the chain
//! itself is asked whether each landed once, for what it should cost.
//!
//! `AIIGO_CHAOS_SEED` repeats a run as far as the machine does, `AIIGO_CHAOS_ACTIONS` sets its size, `AIIGO_CHAOS_LOG` is
//! the programs' log filter.

#![allow(clippy::expect_used, clippy::unwrap_used)] // a test fails by panicking, its helpers too

mod action;
mod actor;
mod books;
mod chaos;
mod killer;
mod weather;
