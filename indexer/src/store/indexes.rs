//! Indexes, put off while a long history is loaded: at its end they are built at once, for a fraction of what they cost
//! row by row. Which ones stands in the database, so that it survives whatever stops the loading.

use super::{
    Row as _, StoreError, Value,
    connection::Writing,
    rows::{Event, JOURNALLED},
    sql::Sql,
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
pub(crate) async fn put_off(transaction: &mut Writing) -> Result<(), StoreError> {
    let mut indexes = Sql::new(transaction.indexes_of());
    let tables: Vec<_> = JOURNALLED.iter().copied().chain([Event::TABLE]).collect();
    indexes.push(" IN (").list(&tables, |sql, table| {
        sql.arg(Value::Text(table.name.to_owned()));
    });
    indexes.push(")");
    for index in indexes.rows::<PutOff>(transaction).await? {
        let mut drop = Sql::new("DROP INDEX ");
        drop.name(&index.name);
        transaction.run(drop);
        transaction.run(Sql::upsert(PutOff::TABLE, index.values()));
    }
    Ok(())
}

/// Builds what was put off.
pub(crate) async fn build(transaction: &mut Writing) -> Result<(), StoreError> {
    let indexes = all(transaction).await?.into_iter().map(|index| index.definition);
    transaction.build(indexes.collect());
    transaction.run(Sql::new("DELETE FROM indexes_put_off"));
    Ok(())
}

/// Whether there is something to build.
pub(crate) async fn are_put_off(transaction: &mut Writing) -> Result<bool, StoreError> {
    Ok(!all(transaction).await?.is_empty())
}

async fn all(transaction: &mut Writing) -> Result<Vec<PutOff>, StoreError> {
    let mut select = Sql::select(PutOff::TABLE);
    select.push(" ORDER BY name");
    select.rows(transaction).await
}
