//! The programs of the market and how they end.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use crate::error::DevnetError;

/// A program of the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The command line for buyers, and the store's gateway.
    Aiigo,
    /// Answers questions about the chain.
    Indexer,
    /// Moves the protocol along.
    Keeper,
    /// Works for a provider.
    Agent,
}

impl Program {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Aiigo, Self::Indexer, Self::Keeper, Self::Agent];

    /// The executable's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aiigo => "aiigo",
            Self::Indexer => "aiigo-indexer",
            Self::Keeper => "aiigo-keeper",
            Self::Agent => "aiigo-agent",
        }
    }

    /// The executable in a folder.
    ///
    /// # Errors
    /// If it is not there.
    pub fn find(self, bin_dir: &Path) -> Result<PathBuf, DevnetError> {
        let path = bin_dir.join(format!("{}{}", self.name(), std::env::consts::EXE_SUFFIX));
        if path.is_file() { Ok(path) } else { Err(DevnetError::ProgramMissing { path }) }
    }
}

/// A command that ran to its end.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The command line, for messages.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Its result.
    pub stdout: String,
    /// Its talk.
    pub stderr: String,
}

impl Finished {
    /// The exit code; −1 if a signal ended it.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    /// Turns a failure into an error.
    ///
    /// # Errors
    /// If the exit code was not 0.
    pub fn success(self) -> Result<Self, DevnetError> {
        if self.status.success() {
            return Ok(self);
        }
        Err(DevnetError::ProgramFailed {
            command: self.command,
            status: self.status,
            stderr: self.stderr.trim().to_owned(),
        })
    }

    /// The JSON document on stdout.
    ///
    /// # Errors
    /// If the command failed or stdout is no single JSON document.
    pub fn json(self) -> Result<serde_json::Value, DevnetError> {
        let finished = self.success()?;
        serde_json::from_str(&finished.stdout)
            .map_err(DevnetError::rpc(format!("`{}` as JSON: {}", finished.command, finished.stdout)))
    }
}

/// A command line for messages.
pub(super) fn shown(program: Program, args: &[OsString]) -> String {
    args.iter().fold(program.name().to_owned(), |text, arg| text + " " + &arg.to_string_lossy())
}
