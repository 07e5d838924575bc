//! What can go wrong with an outbox itself; what goes wrong with a transaction is its outcome.

use std::{io, path::PathBuf};

use alloy::{
    primitives::{Address, ChainId},
    transports::{RpcError, TransportErrorKind},
};

/// A failure of the outbox.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The folder or lock file can't be used.
    #[error("cannot use the outbox {path}: {source}")]
    File {
        /// The outbox' file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process works on it.
    #[error("another process uses the outbox {path}: one key has one sender; stop the other or use another --data-dir")]
    InUse {
        /// The outbox' file.
        path: PathBuf,
    },
    /// The file belongs to another key or chain.
    #[error(
        "the outbox {path} belongs to {owner} on chain {chain}, not to {address} on chain {found}: use another --data-dir"
    )]
    OtherSigner {
        /// The outbox' file.
        path: PathBuf,
        /// Whose it is.
        owner: String,
        /// Its chain.
        chain: i64,
        /// Who wants it.
        address: Address,
        /// On which chain.
        found: ChainId,
    },
    /// The database failed.
    #[error("the outbox' database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The database can't be brought to this version.
    #[error("the outbox' database can't be migrated: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row can't be read back.
    #[error("the outbox' database is damaged: {0}")]
    Damaged(String),
    /// No such intent.
    #[error("the outbox knows no intent `{0}`")]
    UnknownKey(String),
    /// The chain did not answer; tried again by the driver.
    #[error("the chain does not answer: {0}")]
    Transport(#[from] RpcError<TransportErrorKind>),
    /// Signing failed.
    #[error("cannot sign: {0}")]
    Signing(#[from] alloy::signers::Error),
}
