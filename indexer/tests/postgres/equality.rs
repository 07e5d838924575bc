//! The same chain makes the same database in SQLite and in PostgreSQL, row by row and index by index.

use crate::support::{database::Database, story};

#[tokio::test]
async fn both_databases_hold_the_same() {
    let chain = story::eventful();
    let final_until = chain.height() / 2;
    let (mut file, mut server) = (Database::sqlite().await, Database::postgres().await);
    for database in [&mut file, &mut server] {
        database.apply(&chain.applied(1, chain.height(), final_until)).await.expect("a fresh chain");
    }
    assert_eq!(file.dump().await, server.dump().await);
    assert_eq!(file.count("undo").await, server.count("undo").await);
    assert!(file.count("undo").await > 0, "there is something to undo");

    for database in [&mut file, &mut server] {
        database.apply(&chain.retracted(final_until + 1)).await.expect("within the window");
    }
    assert_eq!(file.dump().await, server.dump().await);
}

#[tokio::test]
async fn both_schemas_have_the_same_tables_columns_keys_and_indexes() {
    let (file, server) = (Database::sqlite().await, Database::postgres().await);
    let (mut file, mut server) = (file.catalog().await, server.catalog().await);
    let shape = |kind: &str| match kind {
        "INTEGER" | "bigint" => "integer",
        "TEXT" | "text" => "text",
        "BLOB" | "bytea" => "bytes",
        other => panic!("a column of {other}"),
    };
    let tables = file.tables().await;
    assert_eq!(tables, server.tables().await);
    for table in tables {
        let (one, two) = (file.columns(&table).await, server.columns(&table).await);
        assert_eq!(one.len(), two.len(), "{table}");
        for (one, two) in one.iter().zip(&two) {
            assert_eq!((&one.name, shape(&one.kind), one.key), (&two.name, shape(&two.kind), two.key), "{table}");
        }
        assert_eq!(file.indexes(&table).await, server.indexes(&table).await, "{table}");
    }
}
