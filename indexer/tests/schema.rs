//! The checked-in schema, and the migrations against the rows that the program declares.

#![allow(clippy::expect_used)] // a test that can't go on fails

use aiigo_indexer::{
    graphql,
    store::{self, Row, State, Table, rows},
};
use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};

mod support;
use support::database::Database;

#[test]
fn the_checked_in_schema_is_the_api() {
    let checked_in = include_str!("../schema.graphql");
    let now = graphql::schema().sdl();
    assert!(
        checked_in.trim_end() == now.trim_end(),
        "the API has changed: cargo run -p aiigo-indexer -- schema > indexer/schema.graphql"
    );
}

#[tokio::test]
async fn every_row_has_a_table_with_its_columns_and_key() {
    let tables: [&Table; 28] = [
        State::TABLE,
        store::Block::TABLE,
        rows::Account::TABLE,
        rows::Assignment::TABLE,
        rows::Balance::TABLE,
        rows::Case::TABLE,
        rows::CaseJuror::TABLE,
        rows::Challenge::TABLE,
        rows::Epoch::TABLE,
        rows::EpochFee::TABLE,
        rows::Escrow::TABLE,
        rows::Event::TABLE,
        rows::Evidence::TABLE,
        rows::Juror::TABLE,
        rows::Node::TABLE,
        rows::NodeEscrow::TABLE,
        rows::Parameter::TABLE,
        rows::PaymentToken::TABLE,
        rows::Position::TABLE,
        rows::Proposal::TABLE,
        rows::Protocol::TABLE,
        rows::Replica::TABLE,
        rows::ReplicaRound::TABLE,
        rows::Reward::TABLE,
        rows::RewardRate::TABLE,
        rows::Task::TABLE,
        rows::TokenTotals::TABLE,
        rows::Vote::TABLE,
    ];
    let database = Database::new().await;
    let url = database.url();
    let mut connection = SqliteConnectOptions::new().filename(url.path()).connect().await.expect("a connection");
    for table in tables {
        let columns: Vec<(String, i64)> = sqlx::query_as("SELECT name, pk FROM pragma_table_info(?)")
            .bind(table.name)
            .fetch_all(&mut connection)
            .await
            .expect("the columns");
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, table.columns, "columns of {}", table.name);
        let mut key: Vec<(i64, &str)> =
            columns.iter().filter(|(_, position)| *position > 0).map(|(name, at)| (*at, name.as_str())).collect();
        key.sort_unstable();
        let key: Vec<&str> = key.into_iter().map(|(_, name)| name).collect();
        assert_eq!(key, table.key_columns(), "key of {}", table.name);
    }
    let known: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT IN ('undo', '_sqlx_migrations')",
    )
    .fetch_one(&mut connection)
    .await
    .expect("a count");
    assert_eq!(known as usize, tables.len(), "every table is declared");
}
