//! The outbox's tests against a real chain, with its records in a real PostgreSQL; and what is PostgreSQL's own.

#![allow(clippy::expect_used, clippy::unwrap_used)] // a test fails by panicking, its helpers too

/// Whether the outboxes are in PostgreSQL.
const IS_POSTGRES: bool = true;

#[path = "../anvil/answers.rs"]
mod answers;
#[path = "../anvil/giving_up.rs"]
mod giving_up;
#[path = "../anvil/keys.rs"]
mod keys;
mod lock;
#[path = "../anvil/odd.rs"]
mod odd;
#[path = "../anvil/outbox.rs"]
mod outbox;
#[path = "../anvil/spending.rs"]
mod spending;
#[path = "../anvil/together.rs"]
mod together;
#[path = "../anvil/world.rs"]
mod world;
