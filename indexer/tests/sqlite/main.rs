//! The indexer's store, projections and API, with the database in SQLite.

#![allow(clippy::expect_used)] // a test that can't go on fails

/// Whether the databases are in PostgreSQL: not here.
const IS_POSTGRES: bool = false;

mod alone;
mod conditions;
mod conformance;
mod days;
mod feed;
mod graphql;
mod history;
mod http;
mod kills;
mod matching;
mod projections;
mod queries;
mod reorgs;
mod schema;
mod subscriptions;
mod support;
