//! Asking whoever sits at the terminal. Questions go to stderr: stdout is for results.

use std::io::{self, IsTerminal};

use dialoguer::Confirm;

use crate::error::{AgentError, Context};

/// Shows what will happen, and asks whether it shall.
///
/// # Errors
/// If the answer is no (`otherwise` says what that leaves as it was), or there is nobody to ask.
pub(super) async fn consent(what: String, otherwise: &str) -> Result<(), AgentError> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(AgentError::new(format!("{what}Say --yes to do it: {otherwise}")));
    }
    let asked = on_terminal(move || Confirm::new().with_prompt(format!("{what}Do it?")).default(false).interact());
    match asked.await? {
        true => Ok(()),
        false => Err(AgentError::new(otherwise)),
    }
}

/// Asks on a thread that may wait for somebody.
pub(super) async fn on_terminal<T: Send + 'static>(
    question: impl FnOnce() -> dialoguer::Result<T> + Send + 'static,
) -> Result<T, AgentError> {
    let asked = tokio::task::spawn_blocking(question).await.context("asking was cut off")?;
    asked.context("no answer from the terminal: say it by flags, and --yes")
}
