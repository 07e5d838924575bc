//! Keys, compatible with Foundry's: keystores by name, keystore files, mnemonics, the environment; and devices.

#[cfg(any(feature = "ledger", feature = "aws-kms"))]
mod device;
mod key;
mod keystore;

use std::{
    env, fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use alloy::signers::local::{LocalSignerError, MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use clap::Args;

pub use self::{
    key::Key,
    keystore::{create_keystore, import_keystore},
};

/// The environment's key; never a flag, since others can read command lines.
const KEY_VARIABLE: &str = "AIIGO_PRIVATE_KEY";

/// Flags of every program that signs.
#[derive(Args, Clone, Debug, Default)]
pub struct SignerArgs {
    /// Name of a Foundry keystore (`cast wallet import NAME`, `aiigo wallet new NAME`).
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
    /// The key of a Ledger: m/44'/60'/INDEX'/0/0.
    #[cfg(feature = "ledger")]
    #[arg(
        long,
        value_name = "INDEX",
        num_args = 0..=1,
        default_missing_value = "0",
        env = "AIIGO_LEDGER",
        conflicts_with_all = ["account", "keystore", "mnemonic_file"]
    )]
    pub ledger: Option<usize>,
    /// A key of AWS KMS: its id, ARN or alias. Credentials and region are those of AWS' own tools.
    #[cfg(feature = "aws-kms")]
    #[arg(
        long,
        value_name = "KEY",
        env = "AIIGO_KMS_KEY",
        conflicts_with_all = ["account", "keystore", "mnemonic_file"]
    )]
    pub kms_key: Option<String>,
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
    #[error("there is no keystore `{name}` in {dir}: `aiigo wallet list` shows those that are there")]
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
    /// Others can read the file, and so have the key.
    #[error("{path} can be read by others than its owner: `chmod 600` it, and think of a new mnemonic")]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The mnemonic is none.
    #[error("{path} holds no valid BIP-39 mnemonic")]
    Mnemonic {
        /// The file.
        path: PathBuf,
    },
    /// A keystore can't be made.
    #[error("cannot make the keystore {path}: {reason}")]
    Make {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// There is no home folder.
    #[error("there is no home folder to look for keystores in: use --keystore FILE")]
    NoHome,
    /// The device does not give its account.
    #[error("cannot use {device}: {reason}")]
    Device {
        /// Which it is.
        device: &'static str,
        /// What it said.
        reason: String,
    },
    /// The key can't leave its device.
    #[error("this program also signs what is no transaction, and needs the key itself: give it one of its own")]
    NotLocal,
    /// The thread that opened the keystore died.
    #[error("opening the keystore was cut off")]
    Cancelled,
}

impl SignerArgs {
    /// Whether a key was given at all.
    pub fn is_given(&self) -> bool {
        let files = self.account.is_some() || self.keystore.is_some() || self.mnemonic_file.is_some();
        files || self.is_device() || variable().is_some()
    }

    /// Whether the key is in a device.
    fn is_device(&self) -> bool {
        #[cfg(feature = "ledger")]
        if self.ledger.is_some() {
            return true;
        }
        #[cfg(feature = "aws-kms")]
        if self.kms_key.is_some() {
            return true;
        }
        false
    }

    /// The key itself. A keystore takes a second of computing: [`load_local`](Self::load_local) is for the async runtime.
    ///
    /// # Errors
    /// If no key was given, it is in a device, or it can't be read or opened.
    pub fn load(&self) -> Result<PrivateKeySigner, SignerError> {
        if self.is_device() {
            return Err(SignerError::NotLocal);
        }
        if let Some(name) = &self.account {
            return self.open(&named_keystore(name)?);
        }
        if let Some(path) = &self.keystore {
            return self.open(path);
        }
        if let Some(path) = &self.mnemonic_file {
            if others_can_read(path) {
                return Err(SignerError::Exposed { path: path.clone() });
            }
            let phrase = read("the mnemonic file", path)?;
            let wrong = |_| SignerError::Mnemonic { path: path.clone() };
            let builder = MnemonicBuilder::<English>::default().phrase(phrase.trim()).index(self.mnemonic_index);
            return builder.map_err(wrong)?.build().map_err(wrong);
        }
        parse(&variable().ok_or(SignerError::NoKey)?)
    }

    /// The key itself, opened on a thread of its own.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub async fn load_local(&self) -> Result<PrivateKeySigner, SignerError> {
        let args = self.clone();
        tokio::task::spawn_blocking(move || args.load()).await.unwrap_or(Err(SignerError::Cancelled))
    }

    /// The key, wherever it is.
    ///
    /// # Errors
    /// If no key was given, it can't be read or opened, or its device is not there.
    pub async fn load_async(&self) -> Result<Key, SignerError> {
        #[cfg(feature = "ledger")]
        if let Some(index) = self.ledger {
            return Box::pin(device::ledger(index)).await;
        }
        #[cfg(feature = "aws-kms")]
        if let Some(id) = &self.kms_key {
            // Boxed: the types of its futures are too deep for their callers.
            return Box::pin(device::kms(id)).await;
        }
        Ok(self.load_local().await?.into())
    }

    fn open(&self, path: &Path) -> Result<PrivateKeySigner, SignerError> {
        // Read first: a missing file is not a wrong password.
        read("the keystore", path)?;
        let password = match &self.password_file {
            Some(file) => {
                if others_can_read(file) {
                    tracing::warn!(path = %file.display(), "other users can read this password: chmod 600 it");
                }
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

/// The parser's own error might quote the text.
fn parse(key: &str) -> Result<PrivateKeySigner, SignerError> {
    key.trim().parse().map_err(|_| SignerError::Variable)
}

fn read(what: &'static str, path: &Path) -> Result<String, SignerError> {
    fs::read_to_string(path).map_err(|source| SignerError::Read { what, path: path.to_owned(), source })
}

#[cfg(unix)]
fn others_can_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_can_read(_: &Path) -> bool {
    false
}

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

    const PHRASE: &str = "test test test test test test test test test test test junk";

    fn mnemonic(dir: &Path, phrase: &str, mode: u32) -> SignerArgs {
        use std::os::unix::fs::PermissionsExt;
        let file = dir.join("mnemonic");
        fs::write(&file, format!("{phrase}\n")).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("its owner");
        SignerArgs { mnemonic_file: Some(file), mnemonic_index: 1, ..SignerArgs::default() }
    }

    #[test]
    fn a_mnemonic_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        for mode in [0o640, 0o604, 0o644] {
            let refused = mnemonic(dir.path(), PHRASE, mode).load();
            assert!(matches!(refused, Err(SignerError::Exposed { .. })), "{mode:o}");
        }
    }

    #[test]
    fn what_is_no_key_is_not_quoted() {
        let error = parse("0xdeadbeef-my-key").expect_err("no key").to_string();
        assert!(!error.contains("deadbeef"), "{error}");
        let dir = tempfile::tempdir().expect("a folder");
        let error = mnemonic(dir.path(), "correct horse battery staple", 0o600).load().expect_err("no mnemonic");
        assert!(!format!("{error} {error:?}").contains("horse"), "{error}");
    }

    #[test]
    fn no_flag_takes_a_secret() {
        let flags = <SignerArgs as Args>::augment_args(clap::Command::new("program"));
        let names: Vec<_> = flags.get_arguments().filter_map(|flag| flag.get_long()).collect();
        let harmless = ["account", "keystore", "password-file", "mnemonic-file", "mnemonic-index", "ledger", "kms-key"];
        assert!(names.iter().all(|name| harmless.contains(name)), "{names:?}");
    }

    #[test]
    fn a_mnemonic_gives_the_key_at_its_index() {
        let dir = tempfile::tempdir().expect("a folder");
        let args = mnemonic(dir.path(), PHRASE, 0o600);
        let address = args.load().expect("a mnemonic").address();
        assert_eq!(address.to_string(), "0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
    }

    #[test]
    fn an_account_name_is_no_path() {
        assert!(matches!(named_keystore("../key"), Err(SignerError::UnknownAccount { .. })));
    }
}
