//! Keys in Foundry-compatible keystores: `aiigo wallet new`, `list` and `address`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aiigo_chain::{SignerArgs, create_keystore, import_keystore, keystore_dir};
use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use clap::Args;
use serde::Serialize;

use crate::{
    CliError,
    cli::Session,
    error::Context,
    output::{facts, printable, table},
};

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
pub(super) fn keystore_name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match !text.is_empty() && !text.starts_with('.') && text.chars().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err("use letters, digits, `-`, `_` and `.`, not beginning with `.`".into()),
    }
}

/// A keystore that was made.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    name: String,
    address: Address,
    keystore: PathBuf,
}

impl NewCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        make(self.name, self.password_file, || Ok(None), session).await
    }
}

/// Makes a keystore, of a key that `given` gives or else of a new one. Nothing is asked if the name is taken.
pub(super) async fn make(
    name: String,
    password_file: Option<PathBuf>,
    given: impl FnOnce() -> Result<Option<PrivateKeySigner>, CliError> + Send + 'static,
    session: &Session,
) -> Result<(), CliError> {
    let dir = keystore_dir().context(|| "finding the keystores".into())?;
    // scrypt works for a second: not on the async runtime.
    let work = move || {
        let keystore = dir.join(&name);
        if keystore.exists() {
            return Err(CliError::Failed(format!("{} exists: choose another name", keystore.display())));
        }
        let key = given()?;
        let password = password(password_file.as_deref())?;
        let made = match key {
            Some(key) => import_keystore(&dir, &name, &password, &key),
            None => create_keystore(&dir, &name, &password),
        };
        Ok(Made { name, address: made.context(|| "keeping the key".into())?, keystore })
    };
    let made = tokio::task::spawn_blocking(work).await.context(|| "keeping the key".into())??;
    session.output.result(&made, || {
        facts(&[
            ("address", made.address.to_string()),
            ("keystore", made.keystore.display().to_string()),
            ("use it with", format!("--account {}", made.name)),
        ])
    })
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
    let password = ask("Password for the keystore: ")?;
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
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
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
                return format!(
                    "No keystores in {}: make one with `aiigo wallet new NAME`, or `aiigo wallet import NAME`",
                    dir.display()
                );
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
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
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
