//! `aiigo account`: keys in Foundry-compatible keystores.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aiigo_chain::{SignerArgs, create_keystore, keystore_dir};
use alloy::primitives::Address;
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::{
    CliError,
    cli::Session,
    error::Context,
    output::{facts, printable, table},
};

/// `aiigo account`.
#[derive(Subcommand, Debug)]
pub(crate) enum AccountCommand {
    New(NewCommand),
    List(ListCommand),
    Address(AddressCommand),
}

impl AccountCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::New(command) => command.run(session).await,
            Self::List(command) => command.run(session),
            Self::Address(command) => command.run(session).await,
        }
    }
}

/// Make a new key and keep it in an encrypted keystore.
#[derive(Args, Debug)]
pub(crate) struct NewCommand {
    /// What to call it: `--account NAME` then uses it
    #[arg(value_parser = keystore_name)]
    name: String,
    /// File with the password; without it you are asked
    #[arg(long, env = "AIIGO_PASSWORD_FILE", value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// A name is a file in the keystore folder, and must not lead out of it.
fn keystore_name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match !text.is_empty() && !text.starts_with('.') && text.chars().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err("use letters, digits, `-`, `_` and `.`, not beginning with `.`".into()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewAccount {
    name: String,
    address: Address,
    keystore: PathBuf,
}

impl NewCommand {
    async fn run(self, session: &Session) -> Result<(), CliError> {
        let dir = keystore_dir().context(|| "finding the keystores".into())?;
        let name = self.name.clone();
        // scrypt works for a second: not on the async runtime.
        let work = move || {
            let keystore = dir.join(&name);
            if keystore.exists() {
                return Err(CliError::Failed(format!("{} exists: choose another name", keystore.display())));
            }
            let password = password(self.password_file.as_deref())?;
            let address = create_keystore(&dir, &name, &password).context(|| "making a key".into())?;
            Ok(NewAccount { name, address, keystore })
        };
        let account = tokio::task::spawn_blocking(work).await.context(|| "making a key".into())??;
        session.output.result(&account, || {
            facts(&[
                ("address", account.address.to_string()),
                ("keystore", account.keystore.display().to_string()),
                ("use it with", format!("--account {}", account.name)),
            ])
        })
    }
}

fn password(file: Option<&Path>) -> Result<String, CliError> {
    if let Some(file) = file {
        let text = fs::read_to_string(file).context(|| format!("reading the password file {}", file.display()))?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    let ask = |prompt| {
        rpassword::prompt_password(prompt)
            .context(|| "asking for a password; without a terminal, use --password-file FILE".into())
    };
    let password = ask("Password for the new key: ")?;
    if password.is_empty() {
        return Err(CliError::Failed("the password is empty: anyone who reads the file would have the key".into()));
    }
    match ask("The same again: ")? == password {
        true => Ok(password),
        false => Err(CliError::Failed("the passwords differ: nothing was made; try again".into())),
    }
}

/// List the keystores.
#[derive(Args, Debug)]
pub(crate) struct ListCommand {}

#[derive(Serialize)]
struct Keystore {
    name: String,
    path: PathBuf,
}

impl ListCommand {
    fn run(self, session: &Session) -> Result<(), CliError> {
        let dir = keystore_dir().context(|| "finding the keystores".into())?;
        let mut found: Vec<Keystore> = match fs::read_dir(&dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            entries => entries
                .context(|| format!("reading {}", dir.display()))?
                .flatten()
                .filter(|entry| entry.path().is_file())
                .map(|entry| Keystore { name: entry.file_name().to_string_lossy().into_owned(), path: entry.path() })
                .collect(),
        };
        found.sort_by(|a, b| a.name.cmp(&b.name));
        session.output.result(&found, || {
            if found.is_empty() {
                return format!("No keystores in {}: make one with `aiigo account new NAME`", dir.display());
            }
            let mut rows = table(["NAME", "FILE"]);
            rows.add_rows(found.iter().map(|k| [printable(&k.name), printable(&k.path.display().to_string())]));
            rows.to_string()
        })
    }
}

/// Print the address of a key.
#[derive(Args, Debug)]
pub(crate) struct AddressCommand {
    #[command(flatten)]
    signer: SignerArgs,
}

impl AddressCommand {
    async fn run(self, session: &Session) -> Result<(), CliError> {
        let signer = self.signer.load_async().await.context(|| "loading the account's key".into())?;
        let address = signer.address();
        session.output.result(&serde_json::json!({ "address": address }), || address.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_lead_out_of_the_folder() {
        for name in ["../alice", "a/b", "", ".hidden", "a b"] {
            assert!(keystore_name(name).is_err(), "{name}");
        }
        assert!(keystore_name("alice-2.main_net").is_ok());
    }
}
