//! Images run as a task wants them, and whatever they try, the host is unharmed.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests: to fail is to panic

mod hostile;
mod lifecycle;
mod ordinary;
mod support;
