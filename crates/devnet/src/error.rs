//! What can go wrong around a devnet, with the part of the log that tells why.

use std::{io, path::PathBuf, process::ExitStatus};

use aiigo_protocol::DeploymentError;
use alloy::primitives::{Address, TxHash};

/// A managed process that did not do what it was started for.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program could not be started at all.
    #[error("cannot start {name} ({program}): {source}", program = .program.display())]
    Start {
        /// What the process is called.
        name: String,
        /// The executable.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ended before it was ready.
    #[error("{name} ended ({status}) before {what}; the end of {log}:\n{tail}", log = .log.display())]
    Ended {
        /// What the process is called.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// What was waited for.
        what: String,
        /// Its log file.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// It runs but did not get there in time.
    #[error("{name} runs, but in {seconds} s there was no sign of {what}; the end of {log}:\n{tail}", log = .log.display())]
    NotReady {
        /// What the process is called.
        name: String,
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
        /// Its log file.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// The process could not be signalled or waited for.
    #[error("cannot control {name}: {source}")]
    Control {
        /// What the process is called.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Why there is no devnet, or why it refused.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    /// Neither the project nor the machine has the tool.
    #[error("`{tool}` was found neither under {modules} nor on PATH: run `cargo xtask setup` in the project, \
             or install Foundry (https://getfoundry.sh)", modules = .modules.display())]
    ToolMissing {
        /// The tool.
        tool: &'static str,
        /// Where npm would have put it.
        modules: PathBuf,
    },
    /// PostgreSQL is not installed.
    #[error(
        "PostgreSQL's initdb, postgres, pg_ctl and createdb were found neither on PATH nor under /usr/lib/postgresql: run \
         `cargo xtask test`, which installs it on Debian, or install it (`apt-get install postgresql`)"
    )]
    PostgresMissing,
    /// PostgreSQL does not do its part.
    #[error("{what} failed: {reason}")]
    Postgres {
        /// What was tried.
        what: String,
        /// What it said.
        reason: String,
    },
    /// There is no Docker engine to test with.
    #[error(
        "no Docker engine: install one (on Debian `apt-get install docker.io`) and run the tests as root, or as a user who \
         can reach a running engine (DOCKER_HOST)"
    )]
    DockerMissing,
    /// A file of the devnet can't be read or written.
    #[error("cannot {what} {path}: {source}", path = .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// anvil or another process of the devnet failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The deploy script failed.
    #[error("deploying the contracts failed ({status}); the end of {log}:\n{tail}", log = .log.display())]
    Deploy {
        /// How forge ended.
        status: ExitStatus,
        /// Its whole output.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// The deploy script's record is unusable.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    /// The chain refused a call.
    #[error("the devnet refused {what}: {reason}")]
    Rpc {
        /// What was asked of it.
        what: String,
        /// What it said.
        reason: String,
    },
    /// A transaction of the devnet's own accounts reverted.
    #[error("{what} from {from} reverted: transaction {tx_hash}")]
    Reverted {
        /// What the transaction was for.
        what: String,
        /// Its sender.
        from: Address,
        /// Its hash.
        tx_hash: TxHash,
    },
    /// The devnet's mnemonic gives no such account.
    #[error("the devnet has no account {index}: {reason}")]
    Account {
        /// Position in the mnemonic's derivation.
        index: u32,
        /// Why.
        reason: String,
    },
    /// A program of the market is not where it was said to be.
    #[error("{path} is not there: build the programs first (`cargo build --workspace --bins`)", path = .path.display())]
    ProgramMissing {
        /// The executable that was looked for.
        path: PathBuf,
    },
    /// A program of the market ended with an error.
    #[error("`{command}` failed ({status}): {stderr}")]
    ProgramFailed {
        /// The command line, without secrets.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        stderr: String,
    },
}

impl DevnetError {
    /// For `map_err` on file operations.
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }

    /// For `map_err` on calls to the chain.
    pub(crate) fn rpc<E: std::fmt::Display>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |error| Self::Rpc { what, reason: error.to_string() }
    }
}
