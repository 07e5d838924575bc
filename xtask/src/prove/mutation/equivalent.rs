//! `contracts/test/mutation/equivalent.toml`: changes that no test can notice, each with the reason.

use std::fs;

use serde::Deserialize;

use super::{Mutant, TESTS};
use crate::project::{Error, root};

/// Mutants that survive for a reason.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Equivalents {
    #[serde(default)]
    mutant: Vec<Equivalent>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Equivalent {
    /// Below `contracts/src`.
    file: String,
    /// The line as it stands, its white space single.
    was: String,
    /// The line as the mutant has it.
    becomes: String,
    reason: String,
}

impl Equivalents {
    /// Reads the list; an entry without a reason is an error.
    pub(super) fn read() -> Result<Self, Error> {
        let path = format!("{TESTS}/equivalent.toml");
        let list: Self =
            toml::from_str(&fs::read_to_string(root().join(&path))?).map_err(|error| format!("{path}: {error}"))?;
        match list.mutant.iter().find(|mutant| mutant.reason.trim().is_empty()) {
            Some(mutant) => Err(format!("{path}: `{}` in {} has no reason", mutant.becomes, mutant.file).into()),
            None => Ok(list),
        }
    }

    /// Why nothing notices this change, if that is known.
    pub(super) fn reason(&self, mutant: &Mutant) -> Option<&str> {
        self.mutant.iter().find(|known| known.is(mutant)).map(|known| known.reason.as_str())
    }

    /// Entries that no mutant of these matches: their line has changed, so their reason has to be thought about again.
    pub(super) fn stale(&self, all: &[Mutant]) -> Vec<String> {
        let is_stale = |known: &&Equivalent| !all.iter().any(|mutant| known.is(mutant));
        self.mutant.iter().filter(is_stale).map(|known| format!("{}: {}", known.file, known.becomes)).collect()
    }
}

impl Equivalent {
    fn is(&self, mutant: &Mutant) -> bool {
        self.file == mutant.file && self.was == mutant.was && self.becomes == mutant.becomes
    }
}
