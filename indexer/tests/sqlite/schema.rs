//! The checked-in schema, and the migrations against the rows that the program declares.

use aiigo_indexer::{
    graphql,
    store::{self, Row, State, Table, rows},
};

use crate::{
    IS_POSTGRES,
    support::{database::Database, story},
};

#[test]
fn the_checked_in_schema_is_the_api() {
    let checked_in = include_str!("../../schema.graphql");
    let now = graphql::schema().sdl();
    assert!(
        checked_in.trim_end() == now.trim_end(),
        "the API has changed: cargo run -p aiigo-indexer -- schema > indexer/schema.graphql"
    );
}

#[tokio::test]
async fn every_row_has_a_table_with_its_columns_and_key() {
    let tables: [&Table; 36] = [
        State::TABLE,
        store::Block::TABLE,
        store::Undo::TABLE,
        store::PutOff::TABLE,
        store::feed::Stored::TABLE,
        rows::Account::TABLE,
        rows::Assignment::TABLE,
        rows::Balance::TABLE,
        rows::Case::TABLE,
        rows::CaseJuror::TABLE,
        rows::Challenge::TABLE,
        rows::Day::TABLE,
        rows::DayPrice::TABLE,
        rows::DayToken::TABLE,
        rows::Earning::TABLE,
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
        rows::Round::TABLE,
        rows::Task::TABLE,
        rows::TokenTotals::TABLE,
        rows::Vote::TABLE,
    ];
    let database = Database::new().await;
    let mut catalog = database.catalog().await;
    for table in tables {
        let columns = catalog.columns(table.name).await;
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, table.columns, "columns of {}", table.name);
        let mut key: Vec<(i64, &str)> =
            columns.iter().filter(|column| column.key > 0).map(|column| (column.key, column.name.as_str())).collect();
        key.sort_unstable();
        let key: Vec<&str> = key.into_iter().map(|(_, name)| name).collect();
        assert_eq!(key, table.key_columns(), "key of {}", table.name);
    }
    let known = catalog.tables().await;
    assert_eq!(known.len(), tables.len(), "every table is declared: {known:?}");
}

#[tokio::test]
async fn events_with_two_numbers_for_their_place_become_events_with_one() {
    let (first, change) = match IS_POSTGRES {
        true => (
            include_str!("../../../migrations/indexer/postgres/0001_initial.sql"),
            include_str!("../../../migrations/indexer/postgres/0008_positions.sql"),
        ),
        false => (
            include_str!("../../../migrations/indexer/sqlite/0001_initial.sql"),
            include_str!("../../../migrations/indexer/sqlite/0008_positions.sql"),
        ),
    };
    let database = Database::of(&story::eventful()).await;
    let mut catalog = database.catalog().await;
    let (dump, indexes) = (database.dump().await, catalog.definitions().await);
    assert!(dump["events"].len() > 100, "events to be moved");

    let (_, table) = first.split_once("CREATE TABLE events (").expect("the first table of events");
    let (columns, _) = table.split_once(';').expect("its end");
    catalog.execute(&format!("CREATE TABLE first_events ({columns}")).await;
    catalog
        .execute(
            "INSERT INTO first_events SELECT position >> 24, position & 16777215, timestamp, tx_hash, tx_index, address,
                 contract, kind, task_id, node_id, topics, data FROM events;
             DROP TABLE events;
             ALTER TABLE first_events RENAME TO events",
        )
        .await;
    assert_ne!(database.dump().await["events"], dump["events"]);
    catalog.execute(change).await;
    assert_eq!(catalog.definitions().await, indexes);
    assert_eq!(database.dump().await, dump);
}
