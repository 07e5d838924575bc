//! Keys, compatible with Foundry's: keystores by name, keystore files, mnemonics, the environment.

use std::{
    env, fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use alloy::signers::local::{LocalSignerError, MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use clap::Args;

/// The environment's key; never a flag, since others can read command lines.
const KEY_VARIABLE: &str = "AIIGO_PRIVATE_KEY";

/// Flags of every program that signs.
#[derive(Args, Clone, Debug, Default)]
pub struct SignerArgs {
    /// Name of a Foundry keystore (`cast wallet import NAME`, `aiigo account new NAME`).
    #[arg(long, value_name = "NAME", env = "AIIGO_ACCOUNT", conflicts_with_all = ["keystore", "mnemonic_file"])]
    pub account: Option<String>,
    /// A keystore file.
    #[arg(long, value_name = "FILE", env = "AIIGO_KEYSTORE", conflicts_with = "mnemonic_file")]
    pub keystore: Option<PathBuf>,
    /// File with the keystore's password; without it the terminal is asked.
    #[arg(long, value_name = "FILE", env = "AIIGO_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,
    /// File with a BIP-39 mnemonic.
    #[arg(long, value_name = "FILE", env = "AIIGO_MNEMONIC_FILE")]
    pub mnemonic_file: Option<PathBuf>,
    /// Which key of the mnemonic: m/44'/60'/0'/0/INDEX.
    #[arg(long, value_name = "INDEX", default_value_t = 0, env = "AIIGO_MNEMONIC_INDEX")]
    pub mnemonic_index: u32,
}

/// Why there is no key. Never holds the key or a password.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// Nothing was given.
    #[error("no key was given: use --account NAME, --keystore FILE, --mnemonic-file FILE, or AIIGO_PRIVATE_KEY")]
    NoKey,
    /// The environment's key is none.
    #[error("AIIGO_PRIVATE_KEY is no private key: expected 64 hexadecimal digits")]
    Variable,
    /// A file can't be read.
    #[error("cannot read {what} {path}: {source}")]
    Read {
        /// Which file it is.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No keystore has that name.
    #[error("there is no keystore `{name}` in {dir}: `aiigo account list` shows those that are there")]
    UnknownAccount {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        dir: PathBuf,
    },
    /// The password is needed and nobody can be asked.
    #[error("the keystore {path} needs a password: use --password-file, or run on a terminal")]
    NoPassword {
        /// The keystore.
        path: PathBuf,
    },
    /// Wrong password or broken keystore.
    #[error("cannot open the keystore {path}: {source}; is the password right?")]
    Keystore {
        /// The keystore.
        path: PathBuf,
        /// What the decryption said.
        source: LocalSignerError,
    },
    /// The mnemonic is none.
    #[error("{path} holds no valid BIP-39 mnemonic")]
    Mnemonic {
        /// The file.
        path: PathBuf,
    },
    /// There is no home folder.
    #[error("there is no home folder to look for keystores in: use --keystore FILE")]
    NoHome,
    /// The thread that opened the keystore died.
    #[error("opening the keystore was cut off")]
    Cancelled,
}

impl SignerArgs {
    /// Whether a key was given at all.
    pub fn is_given(&self) -> bool {
        self.account.is_some() || self.keystore.is_some() || self.mnemonic_file.is_some() || variable().is_some()
    }

    /// The key. A keystore takes a second of computing: [`load_async`](Self::load_async) is for the async runtime.
    ///
    /// # Errors
    /// If no key was given, or it can't be read or opened.
    pub fn load(&self) -> Result<PrivateKeySigner, SignerError> {
        if let Some(name) = &self.account {
            return self.open(&named_keystore(name)?);
        }
        if let Some(path) = &self.keystore {
            return self.open(path);
        }
        if let Some(path) = &self.mnemonic_file {
            warn_if_others_can_read(path);
            let phrase = read("the mnemonic file", path)?;
            let wrong = |_| SignerError::Mnemonic { path: path.clone() };
            let builder = MnemonicBuilder::<English>::default().phrase(phrase.trim()).index(self.mnemonic_index);
            return builder.map_err(wrong)?.build().map_err(wrong);
        }
        let key = variable().ok_or(SignerError::NoKey)?;
        key.trim().parse().map_err(|_| SignerError::Variable)
    }

    /// The key, opened on a thread of its own.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub async fn load_async(&self) -> Result<PrivateKeySigner, SignerError> {
        let args = self.clone();
        tokio::task::spawn_blocking(move || args.load()).await.unwrap_or(Err(SignerError::Cancelled))
    }

    fn open(&self, path: &Path) -> Result<PrivateKeySigner, SignerError> {
        // Read first: a missing file is not a wrong password.
        read("the keystore", path)?;
        let password = match &self.password_file {
            Some(file) => {
                warn_if_others_can_read(file);
                read("the password file", file)?.trim_end_matches(['\r', '\n']).to_owned()
            }
            None if io::stdin().is_terminal() => {
                rpassword::prompt_password(format!("Password of {}: ", path.display()))
                    .map_err(|_| SignerError::NoPassword { path: path.to_owned() })?
            }
            None => return Err(SignerError::NoPassword { path: path.to_owned() }),
        };
        PrivateKeySigner::decrypt_keystore(path, password)
            .map_err(|source| SignerError::Keystore { path: path.to_owned(), source })
    }
}

/// Foundry's folder of keystores: `$FOUNDRY_DIR/keystores` or `~/.foundry/keystores`.
///
/// # Errors
/// If there is no home folder.
pub fn keystore_dir() -> Result<PathBuf, SignerError> {
    match env::var_os("FOUNDRY_DIR") {
        Some(dir) => Ok(PathBuf::from(dir).join("keystores")),
        None => Ok(dirs::home_dir().ok_or(SignerError::NoHome)?.join(".foundry/keystores")),
    }
}

fn named_keystore(name: &str) -> Result<PathBuf, SignerError> {
    let dir = keystore_dir()?;
    let plain = Path::new(name).file_name().is_some_and(|file| file == name);
    let path = dir.join(name);
    if plain && path.is_file() { Ok(path) } else { Err(SignerError::UnknownAccount { name: name.to_owned(), dir }) }
}

fn variable() -> Option<String> {
    env::var(KEY_VARIABLE).ok().filter(|key| !key.trim().is_empty())
}

fn read(what: &'static str, path: &Path) -> Result<String, SignerError> {
    fs::read_to_string(path).map_err(|source| SignerError::Read { what, path: path.to_owned(), source })
}

#[cfg(unix)]
fn warn_if_others_can_read(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0) {
        tracing::warn!(path = %path.display(), "other users can read this secret: chmod 600 it");
    }
}

#[cfg(not(unix))]
fn warn_if_others_can_read(_: &Path) {}

#[cfg(test)]
mod tests {
    use alloy::signers::k256::elliptic_curve::rand_core::OsRng;

    use super::*;

    #[test]
    fn a_keystore_opens_with_the_password_from_a_file() {
        let dir = tempfile::tempdir().expect("a folder");
        let key = PrivateKeySigner::random();
        PrivateKeySigner::encrypt_keystore(dir.path(), &mut OsRng, key.to_bytes(), "secret", Some("operator"))
            .expect("a keystore");
        let password = dir.path().join("password");
        fs::write(&password, "secret\n").expect("a file");
        let mut args = SignerArgs {
            keystore: Some(dir.path().join("operator")),
            password_file: Some(password.clone()),
            ..SignerArgs::default()
        };
        assert_eq!(args.load().expect("the right password").address(), key.address());

        fs::write(&password, "wrong").expect("a file");
        let error = args.load().expect_err("a wrong password").to_string();
        assert!(error.contains("is the password right?"), "{error}");

        args.keystore = Some(dir.path().join("nothing"));
        assert!(matches!(args.load(), Err(SignerError::Read { what: "the keystore", .. })));
    }

    #[test]
    fn a_mnemonic_gives_the_key_at_its_index() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("mnemonic");
        fs::write(&file, "test test test test test test test test test test test junk\n").expect("a file");
        let args = SignerArgs { mnemonic_file: Some(file), mnemonic_index: 1, ..SignerArgs::default() };
        let address = args.load().expect("a mnemonic").address();
        assert_eq!(address.to_string(), "0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
    }

    #[test]
    fn an_account_name_is_no_path() {
        assert!(matches!(named_keystore("../key"), Err(SignerError::UnknownAccount { .. })));
    }
}
