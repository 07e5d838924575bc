//! `aiigo-indexer migrate`.

use clap::Args;

use super::{CommandError, print, run::DatabaseArgs};
use crate::store;

/// Make a database's tables, or bring them up to date, and leave. `run` does so too.
#[derive(Args, Clone, Debug)]
pub struct MigrateCommand {
    #[command(flatten)]
    database: DatabaseArgs,
}

impl MigrateCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let database = &self.database.database;
        store::prepare(database).await?.close().await?;
        print(&format!("{database} is up to date"))
    }
}
