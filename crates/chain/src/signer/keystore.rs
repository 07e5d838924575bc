//! Making keystores.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use alloy::{
    primitives::Address,
    signers::{k256::elliptic_curve::rand_core::OsRng, local::PrivateKeySigner},
};

use super::SignerError;

/// Makes a key, and writes its keystore as a file that only this user can read. Takes a second of computing: not for the
/// async runtime.
///
/// # Errors
/// If a file of this name is there, or the folder can't be written to: then there is no new file.
pub fn create_keystore(dir: &Path, name: &str, password: &str) -> Result<Address, SignerError> {
    import_keystore(dir, name, password, &PrivateKeySigner::random_with(&mut OsRng))
}

/// [`create_keystore`] of a key that is there already.
///
/// # Errors
/// As [`create_keystore`].
pub fn import_keystore(dir: &Path, name: &str, password: &str, key: &PrivateKeySigner) -> Result<Address, SignerError> {
    let failed = |reason: String| SignerError::Make { path: dir.join(name), reason };
    let io = |error: std::io::Error| failed(error.to_string());
    fs::create_dir_all(dir).map_err(io)?;
    // Written aside and moved when whole: never a half keystore, never one over another.
    let aside = tempfile::tempdir_in(dir).map_err(io)?;
    let bytes = key.to_bytes();
    PrivateKeySigner::encrypt_keystore(aside.path(), &mut OsRng, bytes, password, Some(name))
        .map_err(|error| failed(error.to_string()))?;
    let file = aside.path().join(name);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).map_err(io)?;
    fs::File::open(&file).and_then(|file| file.sync_all()).map_err(io)?;
    // Unlike a rename, a link never replaces what is there.
    fs::hard_link(&file, dir.join(name)).map_err(io)?;
    // A key that is used must not be gone after a loss of power.
    fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(io)?;
    Ok(key.address())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keystore_is_private_and_opens_with_its_password() {
        let dir = tempfile::tempdir().expect("a folder");
        let address = create_keystore(dir.path(), "alice", "secret").expect("a keystore");
        let file = dir.path().join("alice");
        assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
        let signer = PrivateKeySigner::decrypt_keystore(&file, "secret").expect("the right password");
        assert_eq!(signer.address(), address);
        assert!(PrivateKeySigner::decrypt_keystore(&file, "wrong").is_err());
    }

    #[test]
    fn a_keystore_is_never_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        create_keystore(dir.path(), "alice", "secret").expect("a keystore");
        let before = fs::read(dir.path().join("alice")).expect("a file");
        assert!(create_keystore(dir.path(), "alice", "other").is_err());
        assert_eq!(fs::read(dir.path().join("alice")).expect("a file"), before);
    }
}
