//! What can go wrong around a program's work.

use std::{io, net::SocketAddr, path::PathBuf};

/// A failure of logs, metrics or listening.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter can't be read.
    #[error("`{filter}` is no log filter (try `info` or `warn,aiigo_chain=debug`): {reason}")]
    Filter {
        /// What was given.
        filter: String,
        /// Where it is wrong.
        reason: String,
    },
    /// Logs or metrics were set up twice.
    #[error("{what} are already set up in this process")]
    AlreadySetUp {
        /// Logs or metrics.
        what: &'static str,
    },
    /// The address can't be listened on.
    #[error("cannot listen on {address}: {source}; give another address with --listen (port 0 picks a free one)")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The address file can't be written.
    #[error("cannot write the address file {path}: {source}")]
    AddressFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The server broke.
    #[error("the server on {address} broke: {source}")]
    Serve {
        /// Where it listened.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system gives no signals.
    #[error("cannot wait for signals: {0}")]
    Signals(io::Error),
}
