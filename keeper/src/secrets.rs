//! The challenger's secrets: hash chains whose preimages open audit rounds.
//!
//! Everything follows from one seed of 32 bytes and the verifier's address. Where a chain stands is on the chain, as the
//! verifier's head; so nothing but the seed has to be kept, and a preimage is never given out before its round is due.

use std::{
    fmt, fs, io,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use alloy::{
    primitives::{Address, B256, keccak256},
    sol_types::SolValue,
};

/// Rounds that a chain opens: about three years of daily ones.
pub const CHAIN_LENGTH: u32 = 1024;

/// The seed of all chains. Never printed.
#[derive(Clone)]
pub struct Secrets {
    seed: B256,
    chain_id: u64,
    verifier: Address,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets")
            .field("chain_id", &self.chain_id)
            .field("verifier", &self.verifier)
            .finish_non_exhaustive()
    }
}

/// What is wrong with a file of secrets.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// There is one: it is not overwritten.
    #[error("{0} is there already: the rounds depend on it, so it is never overwritten")]
    Exists(PathBuf),
    /// It can't be read or written.
    #[error("cannot use {0}: {1}")]
    File(PathBuf, #[source] io::Error),
    /// Others can read it.
    #[error("{0} can be read by others than its owner: `chmod 600` it, and think of a new seed")]
    Exposed(PathBuf),
    /// It holds something else.
    #[error("{0} holds no seed: 64 hexadecimal digits are expected")]
    NoSeed(PathBuf),
}

impl Secrets {
    /// Makes a seed from the system's randomness, in a new file that only its owner can read.
    ///
    /// # Errors
    /// If the file exists or can't be written.
    pub fn create(path: &Path) -> Result<(), SecretsError> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => SecretsError::Exists(path.to_owned()),
            _ => SecretsError::File(path.to_owned(), error),
        };
        let seed = B256::from(rand::random::<[u8; 32]>());
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        file.write_all(format!("{seed}\n").as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
    }

    /// Reads the seed for the rounds of a verifier.
    ///
    /// # Errors
    /// If the file can't be read or holds no seed.
    pub fn read(path: &Path, chain_id: u64, verifier: Address) -> Result<Self, SecretsError> {
        let failed = |error| SecretsError::File(path.to_owned(), error);
        if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(SecretsError::Exposed(path.to_owned()));
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        // The parser's own error would quote the text.
        let seed = text.trim().parse().map_err(|_| SecretsError::NoSeed(path.to_owned()))?;
        Ok(Self { seed, chain_id, verifier })
    }

    /// The head of a chain, to be committed.
    pub fn head(&self, chain: u32) -> B256 {
        self.hashes(chain).last().unwrap_or_default()
    }

    /// What opens the next round while `head` is the verifier's, if it is on one of the first `chains` chains and not used up.
    pub fn preimage(&self, head: B256, chains: u32) -> Option<B256> {
        (0..chains).rev().find_map(|chain| {
            let mut before = self.end(chain);
            self.hashes(chain).find_map(|hash| {
                let preimage = std::mem::replace(&mut before, hash);
                (hash == head).then_some(preimage)
            })
        })
    }

    /// Where a chain begins: the preimage of its last round.
    fn end(&self, chain: u32) -> B256 {
        keccak256((self.seed, self.chain_id, self.verifier, chain).abi_encode())
    }

    /// From the hash of a chain's end up to its head.
    fn hashes(&self, chain: u32) -> impl Iterator<Item = B256> {
        // As `openRound` compares: keccak256(abi.encode(preimage)).
        std::iter::successors(Some(keccak256(self.end(chain))), |hash| Some(keccak256(hash)))
            .take(CHAIN_LENGTH as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets { seed: B256::repeat_byte(7), chain_id: 1, verifier: Address::repeat_byte(2) }
    }

    #[test]
    fn every_preimage_hashes_to_the_head_before_it_until_the_chain_is_used_up() {
        let secrets = secrets();
        let mut head = secrets.head(1);
        let mut rounds = 0;
        while let Some(preimage) = secrets.preimage(head, 2) {
            assert_eq!(keccak256(preimage), head);
            head = preimage;
            rounds += 1;
        }
        assert_eq!(rounds, CHAIN_LENGTH);
    }

    #[test]
    fn chains_of_other_verifiers_networks_and_numbers_have_nothing_in_common() {
        let ours = secrets();
        let others = [
            Secrets { chain_id: 2, ..ours.clone() }.head(0),
            Secrets { verifier: Address::ZERO, ..ours.clone() }.head(0),
            Secrets { seed: B256::ZERO, ..ours.clone() }.head(0),
            ours.head(1),
        ];
        for head in others {
            assert_eq!(ours.preimage(head, 1), None);
            assert_ne!(head, ours.head(0));
        }
    }

    #[test]
    fn a_file_is_read_by_its_owner_alone_never_overwritten_and_never_shown() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("seed");
        Secrets::create(&path).expect("a seed");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        let before = fs::read_to_string(&path).expect("a text");
        assert!(matches!(Secrets::create(&path), Err(SecretsError::Exists(_))));
        assert_eq!(fs::read_to_string(&path).expect("a text"), before);
        let secrets = Secrets::read(&path, 1, Address::ZERO).expect("a seed");
        assert!(!format!("{secrets:?}").contains(&before.trim()[2..]));

        fs::write(&path, "hello").expect("written");
        let error = Secrets::read(&path, 1, Address::ZERO).expect_err("no seed");
        assert!(matches!(error, SecretsError::NoSeed(_)) && !error.to_string().contains("hello"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("open to all");
        assert!(matches!(Secrets::read(&path, 1, Address::ZERO), Err(SecretsError::Exposed(_))));
    }
}
