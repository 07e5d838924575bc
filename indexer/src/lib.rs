//! Follows the chain into a database and answers questions about it over GraphQL.
//!
//! Three parts that know each other in one direction only: `ingest` turns events into rows and writes them through the
//! `store`; `graphql` reads through the store, and `bonuses` recomputes rewards from it; `feed` passes on what changes; `server`
//! puts the answers on HTTP. `commands` is the command line.

mod bonuses;
mod catalog;
pub mod commands;
pub mod feed;
pub mod graphql;
pub mod ingest;
pub mod server;
pub mod store;
pub mod verify;
