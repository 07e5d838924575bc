//! The keeper as a process, on a real chain.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

mod alone;
mod faults;
mod roots;
mod standby;
mod support;
mod together;
mod week;
