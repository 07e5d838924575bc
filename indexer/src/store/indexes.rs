//! Indexes, put off while a long history is loaded: at its end they are built at once, for a fraction of what they cost
//! row by row. Which ones stands in the database, so that it survives whatever stops the loading.

use super::{
    Row as _, StoreError, Value,
    database::Transaction,
    postgres,
    rows::{Event, JOURNALLED},
    sql::Sql,
    sqlite,
    table::row,
};

row! {
    /// An index to be built.
    PutOff in "indexes_put_off", key 1 {
        /// Its name.
        name: String,
        /// The statement that builds it.
        definition: String,
    }
}

/// Drops every index of this program's tables but those of keys, and notes how to build them. Others may have tables
/// beside them.
pub(crate) async fn put_off(transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
    let mut indexes = Sql::new(match transaction {
        Transaction::Sqlite(_) => sqlite::INDEXES_OF,
        Transaction::Postgres(_) => postgres::INDEXES_OF,
    });
    let tables: Vec<_> = JOURNALLED.iter().copied().chain([Event::TABLE]).collect();
    indexes.push(" IN (").list(&tables, |sql, table| {
        sql.arg(Value::Text(table.name.to_owned()));
    });
    indexes.push(")");
    for index in indexes.rows::<PutOff>(transaction).await? {
        let mut drop = Sql::new("DROP INDEX ");
        drop.name(&index.name);
        drop.execute(transaction).await?;
        Sql::upsert(PutOff::TABLE, index.values()).execute(transaction).await?;
    }
    Ok(())
}

/// Builds what was put off.
pub(crate) async fn build(transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
    for index in all(transaction).await? {
        Sql::new(&index.definition).execute(transaction).await?;
    }
    Sql::new("DELETE FROM indexes_put_off").execute(transaction).await.map(drop)
}

/// Whether there is something to build.
pub(crate) async fn are_put_off(transaction: &mut Transaction<'_>) -> Result<bool, StoreError> {
    Ok(!all(transaction).await?.is_empty())
}

async fn all(transaction: &mut Transaction<'_>) -> Result<Vec<PutOff>, StoreError> {
    Sql::select(PutOff::TABLE).rows(transaction).await
}
