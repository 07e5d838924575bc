//! The key that stands on the machine. Made here, it never leaves the data folder: nobody has to carry one around, and whoever
//! takes the machine gets no stake and no earnings.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use aiigo_chain::{SignerArgs, create_keystore};
use alloy::{
    primitives::{Address, hex},
    signers::local::PrivateKeySigner,
};

use crate::{
    data_dir::{DataDir, OPERATOR},
    error::{AgentError, Context},
};

/// The flags as given, or those of the key that was made in the data folder if none was.
pub(crate) fn signer(given: &SignerArgs, data: &DataDir) -> SignerArgs {
    if given.is_given() || !data.operator_keystore().is_file() { given.clone() } else { made(data) }
}

/// The key in the data folder, whatever the environment names.
fn made(data: &DataDir) -> SignerArgs {
    SignerArgs {
        keystore: Some(data.operator_keystore()),
        password_file: Some(data.operator_password()),
        ..SignerArgs::default()
    }
}

/// The operator's key, named by flags or made in the data folder.
pub(crate) async fn load(given: &SignerArgs, data: &DataDir) -> Result<PrivateKeySigner, AgentError> {
    let missing = "no operator's key: name one, or let `aiigo-agent setup --operator new` make one";
    signer(given, data).load_local().await.context(missing)
}

/// The address of the key in the data folder, made now if there is none.
///
/// An agent has to start by itself, so the password stands beside the keystore: what protects both is that only this user can
/// read them. The keystore's form lets Foundry's tools use the key.
pub(crate) async fn make(data: &DataDir) -> Result<Address, AgentError> {
    // Never touched again: its password is nowhere else.
    if data.operator_keystore().exists() {
        let key = made(data).load_local().await.context("cannot open the operator's key that was made before")?;
        return Ok(key.address());
    }
    let (folder, password_file) = (data.path().to_owned(), data.operator_password());
    let making = tokio::task::spawn_blocking(move || {
        let password = hex::encode(rand::random::<[u8; 32]>());
        write_secret(&password_file, &password).context(format!("cannot write {}", password_file.display()))?;
        create_keystore(&folder, OPERATOR, &password).context("no key for this machine")
    });
    making.await.context("making a key was cut off")?
}

/// A file that only this user can read; one without a keystore, from an earlier try, is worth nothing.
fn write_secret(path: &Path, secret: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{secret}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn a_key_is_made_once_and_used_if_no_other_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let data = DataDir::open(dir.path()).expect("a folder");
        // As a try that was killed leaves it.
        fs::write(data.operator_password(), "stale").expect("a file");
        let address = make(&data).await.expect("a key");
        assert_eq!(make(&data).await.expect("the same"), address);
        assert_eq!(load(&SignerArgs::default(), &data).await.expect("a key").address(), address);
        for file in [data.operator_keystore(), data.operator_password()] {
            assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o077, 0, "{}", file.display());
        }
        let named = SignerArgs { keystore: Some("other".into()), ..SignerArgs::default() };
        assert_eq!(signer(&named, &data).keystore, Some("other".into()));
    }
}
