//! `aiigo wallet import`.

use std::{
    fs,
    io::{self, IsTerminal, Read},
    path::PathBuf,
};

use alloy::signers::local::PrivateKeySigner;
use clap::Args;

use super::keystores::{keystore_name, make};
use crate::{CliError, cli::Session, error::Context};

/// Longest text that is looked at for a key, bytes.
const MOST: u64 = 1024;

/// Keep a key that you have in an encrypted keystore.
#[derive(Args, Debug)]
pub(crate) struct ImportCommand {
    /// What to call it: `--account NAME` then uses it
    #[arg(value_parser = keystore_name)]
    name: String,
    /// File with the private key, 64 hexadecimal digits; without it you are asked, or stdin is read. Never a flag: others can
    /// read command lines
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// File with the password; without it you are asked
    #[arg(long, env = "AIIGO_PASSWORD_FILE", value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl ImportCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let file = self.key_file;
        make(self.name, self.password_file, move || key(file).map(Some), session).await
    }
}

fn key(file: Option<PathBuf>) -> Result<PrivateKeySigner, CliError> {
    let mut text = String::new();
    match file {
        Some(file) => {
            let read = fs::File::open(&file).and_then(|opened| opened.take(MOST).read_to_string(&mut text));
            read.context(|| format!("reading the key in {}", file.display()))?;
        }
        None if io::stdin().is_terminal() => {
            text = rpassword::prompt_password("Private key: ").context(|| "asking for the key".into())?;
        }
        None => {
            io::stdin().take(MOST).read_to_string(&mut text).context(|| "reading the key from stdin".into())?;
        }
    }
    // The parser's own error might quote the text.
    text.trim().parse().map_err(|_| CliError::Failed("that is no private key: expected 64 hexadecimal digits".into()))
}
