//! `aiigo-keeper secrets`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{code::Code, error::KeeperError, secrets::Secrets};

/// What was made.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    file: PathBuf,
}

/// Makes a seed, where there is none.
pub(crate) fn new(file: &Path) -> Result<Report, KeeperError> {
    let failed = || format!("cannot make the challenger's secrets in {}", file.display());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(KeeperError::because(Code::Secrets, failed()))?;
    }
    Secrets::create(file).map_err(KeeperError::because(Code::Secrets, failed()))?;
    Ok(Report { file: file.to_owned() })
}

impl Report {
    /// For people.
    pub(crate) fn text(&self) -> String {
        format!(
            "{} holds the seed of every secret: keep a copy where nobody else reads it.\n\
             The keeper of the challenger's key commits to a chain of {} secrets by itself, and opens a round with each.",
            self.file.display(),
            crate::secrets::CHAIN_LENGTH
        )
    }
}
