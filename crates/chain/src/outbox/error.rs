//! Why the outbox can't be used or go on.

use std::{io, path::PathBuf};

use alloy::{
    primitives::{Address, ChainId},
    transports::TransportError,
};

use super::OutboxDatabase;

/// Why the outbox can't be used or go on. What the chain or its endpoint do is waited out, and is no error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// Another process has the outbox.
    #[error(
        "{database} is in use by another process: two would send the same transactions; stop it, or use another data folder"
    )]
    Locked {
        /// The outbox.
        database: OutboxDatabase,
    },
    /// The database dropped the lock that keeps other processes out.
    #[error(
        "the outbox is not this process' alone any more: {reason}; start again when the database is there, and nothing \
         else uses it"
    )]
    LockLost {
        /// What happened.
        reason: String,
    },
    /// The outbox is driven already.
    #[error("the outbox is driven by this process already")]
    Running,
    /// The file can't be used.
    #[error("cannot use the outbox {path}: {source}")]
    File {
        /// The outbox.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is of another account or chain.
    #[error(
        "{database} is the outbox of {found} on chain {found_chain}, not of {address} on chain {chain}: use that account, or \
         another data folder"
    )]
    OtherAccount {
        /// The outbox.
        database: OutboxDatabase,
        /// The account that it belongs to.
        found: Address,
        /// That account's chain.
        found_chain: ChainId,
        /// The account that was to use it.
        address: Address,
        /// The chain that it was to be used on.
        chain: ChainId,
    },
    /// The file is of another chain with the same id: a development chain that was started anew.
    #[error(
        "{database} is of another chain than this one, which has the same id ({chain}): its transactions must not be sent \
         here; use another data folder, or delete the file"
    )]
    OtherChain {
        /// The outbox.
        database: OutboxDatabase,
        /// The id of both.
        chain: ChainId,
    },
    /// The database failed.
    #[error("the outbox's database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The database is of another version.
    #[error("the outbox's database can't be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A record in the database makes no sense.
    #[error("the outbox's record of `{key}` is damaged: {reason}")]
    Damaged {
        /// The intent.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// Nobody submitted an intent of that key.
    #[error("the outbox has no `{0}`")]
    UnknownKey(String),
    /// The chain could not be asked which one it is.
    #[error("cannot ask the chain for its id: {0}")]
    Chain(#[source] TransportError),
}
