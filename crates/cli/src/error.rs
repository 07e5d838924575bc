//! Why a command failed, in words that say what to do.

use std::error::Error;

use aiigo_chain::LogsError;
use aiigo_protocol::{DecodedRevert, TaskId, decode_revert};

use crate::{job::verify::Difference, refusal};

/// `: what it means and what to do`, if there is more to say than the contract does.
fn explained(error: &DecodedRevert) -> String {
    refusal::explanation(error).map(|words| format!(": {words}")).unwrap_or_default()
}

type Source = Box<dyn Error + Send + Sync>;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// The command line asks for something that makes no sense: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// A failure with nothing beneath it.
    #[error("{0}")]
    Failed(String),
    /// A failure with a cause.
    #[error("{what}")]
    Caused {
        /// What was being done, to what.
        what: String,
        /// Why it failed.
        source: Source,
    },
    /// The contracts refused.
    #[error("{what}: the contract refused: {error}{}", explained(error))]
    Refused {
        /// What was being done, to what.
        what: String,
        /// The contract's reason.
        error: DecodedRevert,
    },
    /// A result that is not what was promised.
    #[error("the result of task {task} is not what was promised: nothing of it was kept")]
    Rejected {
        /// The task.
        task: TaskId,
        /// What differs.
        source: Box<Difference>,
    },
    /// The user or the system asked to stop.
    #[error("interrupted. {resume}")]
    Interrupted {
        /// How to go on.
        resume: String,
    },
}

impl CliError {
    /// A failure of `what`, caused by `source`.
    pub fn caused(what: impl Into<String>, source: impl Into<Source>) -> Self {
        Self::Caused { what: what.into(), source: source.into() }
    }

    /// A failed call of a contract, with its revert decoded.
    pub(crate) fn call(what: impl Into<String>, error: alloy::contract::Error) -> Self {
        let what = what.into();
        match error.as_revert_data() {
            Some(data) => Self::Refused { what, error: decode_revert(&data) },
            None => Self::caused(what, error),
        }
    }

    /// Whether the same command, given again, would begin anew: nothing of it is under way any more.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Refused { .. } | Self::Rejected { .. })
    }

    /// 2 for wrong usage, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            _ => 1,
        }
    }

    /// The messages of everything beneath it, outermost first.
    pub fn causes(&self) -> Vec<String> {
        std::iter::successors(self.source(), |error: &&dyn Error| (*error).source())
            .map(|error| error.to_string())
            .collect()
    }
}

impl From<LogsError> for CliError {
    fn from(error: LogsError) -> Self {
        Self::caused(error.to_string(), error.source)
    }
}

/// Says what was being done when an error came.
pub(crate) trait Context<T> {
    /// Wraps an error in what was being done, to what.
    fn context(self, what: impl FnOnce() -> String) -> Result<T, CliError>;
}

impl<T, E: Into<Source>> Context<T> for Result<T, E> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T, CliError> {
        self.map_err(|source| CliError::caused(what(), source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_usage_has_an_exit_code_of_its_own() {
        assert_eq!(CliError::Usage("no".into()).exit_code(), 2);
        assert_eq!(CliError::Failed("no".into()).exit_code(), 1);
    }

    #[test]
    fn every_cause_is_told() {
        let inner = CliError::caused("reading b", std::io::Error::other("disk on fire"));
        let outer = CliError::caused("reading a", inner);
        assert_eq!(outer.causes(), ["reading b", "disk on fire"]);
    }
}
