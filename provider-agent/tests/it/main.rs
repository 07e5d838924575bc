//! The agent as a provider runs it: the real process on a real chain, with a real gateway.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

mod course;
mod doors;
mod execution;
mod faults;
mod kills;
mod life;
mod pty;
mod replicas;
mod seals;
mod setup;
mod support;
