//! Before a transaction: what it will do, what it costs, and whether that is wanted.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;

use crate::{
    CliError,
    cli::Session,
    error::Context,
    format,
    output::printable,
    wallet::{Call, Wallet},
};

/// `--yes`.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ConfirmArgs {
    /// Do it without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
}

impl ConfirmArgs {
    /// Whether there is an answer to be had.
    ///
    /// # Errors
    /// Wrong usage if nobody is there to ask.
    pub(crate) fn possible(self) -> Result<(), CliError> {
        match self.yes || (io::stdin().is_terminal() && io::stderr().is_terminal()) {
            true => Ok(()),
            false => Err(CliError::Usage("there is no terminal to ask on: add --yes if that is what you want".into())),
        }
    }

    /// Shows on stderr what `calls` do and cost, and asks unless told not to. Only the first call is tried beforehand: those
    /// after it build on it.
    ///
    /// # Errors
    /// If the contract would refuse, nobody can be asked, or the answer is no.
    pub(crate) async fn agree(
        self,
        wallet: &Wallet,
        lines: &[String],
        calls: &[&Call],
        session: &Session,
    ) -> Result<(), CliError> {
        let mut text = String::from("This will:\n");
        for line in lines {
            text.push_str(&format!("  {}\n", printable(line)));
        }
        if let Some((first, rest)) = calls.split_first() {
            let cost = wallet.cost(first).await?;
            let more = match rest.len() {
                0 => String::new(),
                1 => ", and one more transaction after it".to_owned(),
                more => format!(", and {more} more transactions after it"),
            };
            text.push_str(&format!("Gas: about {}, at most {}{more}", cost.gas, format::eth(cost.most)));
        }
        self.agree_that(text, session).await
    }

    /// Shows a text that says what will happen, and asks unless told not to.
    ///
    /// # Errors
    /// If nobody can be asked, or the answer is no.
    pub(crate) async fn agree_that(self, text: String, session: &Session) -> Result<(), CliError> {
        eprintln!("{text}");
        self.possible()?;
        if self.yes {
            return Ok(());
        }
        match ask("Go ahead?".into(), "Nothing was sent.".into(), session).await? {
            true => Ok(()),
            false => Err(CliError::Failed("not wanted: nothing was sent".into())),
        }
    }
}

/// Asks a question on the terminal; only yes is yes. `resume` is said if the command is interrupted meanwhile.
pub(crate) async fn ask(question: String, resume: String, session: &Session) -> Result<bool, CliError> {
    let answer = tokio::task::spawn_blocking(move || {
        let mut answer = String::new();
        write!(io::stderr(), "{question} [y/N] ")?;
        io::stderr().flush()?;
        io::stdin().lock().read_line(&mut answer)?;
        Ok::<_, io::Error>(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    });
    tokio::select! {
        answer = answer => {
            let what = || "asking on the terminal".to_owned();
            answer.context(what)?.context(what)
        }
        () = session.stop.cancelled() => Err(CliError::Interrupted { resume }),
    }
}
