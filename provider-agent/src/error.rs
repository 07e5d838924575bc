//! What goes wrong in an agent.

use std::error::Error;

use aiigo_protocol::{DecodedRevert, decode_revert};

/// An error with what was being done.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct AgentError {
    what: String,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
    stopped: bool,
}

impl AgentError {
    /// An error of its own.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None, stopped: false }
    }

    /// Something that failed, and because of what.
    pub(crate) fn because(what: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { what: what.into(), source: Some(source.into()), stopped: false }
    }

    /// Not a fault: the agent was asked to leave.
    pub(crate) fn stopped() -> Self {
        Self { what: "the agent was asked to leave".into(), source: None, stopped: true }
    }

    /// Whether the agent was only asked to leave.
    pub(crate) fn is_stop(&self) -> bool {
        self.stopped
    }

    /// The contract's refusal of a call, readable.
    pub(crate) fn refused(what: impl Into<String>, error: &DecodedRevert) -> Self {
        Self::new(format!("{}: the contract refuses: {error}", what.into()))
    }

    /// The whole chain of causes on one line.
    pub(crate) fn full(&self) -> String {
        let mut text = self.what.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            let said = error.to_string();
            if !text.contains(&said) {
                text.push_str(": ");
                text.push_str(&said);
            }
            cause = error.source();
        }
        text
    }
}

/// What was being done when something failed.
pub(crate) trait Context<T> {
    /// Adds it.
    fn context(self, what: impl Into<String>) -> Result<T, AgentError>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> Context<T> for Result<T, E> {
    fn context(self, what: impl Into<String>) -> Result<T, AgentError> {
        self.map_err(|source| AgentError::because(what, source))
    }
}

/// The failure of a contract read, with a revert decoded.
pub(crate) fn read_error(what: impl Into<String>, error: alloy::contract::Error) -> AgentError {
    match error.as_revert_data() {
        Some(data) => AgentError::refused(what, &decode_revert(&data)),
        None => AgentError::because(what, error),
    }
}
