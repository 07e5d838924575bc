//! The tests of the indexer's store, projections and API with the database in a real PostgreSQL; and what is PostgreSQL's own.

#![allow(clippy::expect_used)] // a test that can't go on fails

/// Whether the databases are in PostgreSQL.
const IS_POSTGRES: bool = true;

mod cancelled;
#[path = "../sqlite/conditions.rs"]
mod conditions;
#[path = "../sqlite/days.rs"]
mod days;
mod election;
mod equality;
#[path = "../sqlite/feed.rs"]
mod feed;
#[path = "../sqlite/graphql.rs"]
mod graphql;
#[path = "../sqlite/history.rs"]
mod history;
#[path = "../sqlite/kills.rs"]
mod kills;
mod listen;
#[path = "../sqlite/matching.rs"]
mod matching;
mod narrow;
mod process;
#[path = "../sqlite/projections.rs"]
mod projections;
#[path = "../sqlite/queries.rs"]
mod queries;
#[path = "../sqlite/reorgs.rs"]
mod reorgs;
#[path = "../sqlite/schema.rs"]
mod schema;
#[path = "../sqlite/subscriptions.rs"]
mod subscriptions;
#[path = "../sqlite/support/mod.rs"]
mod support;
