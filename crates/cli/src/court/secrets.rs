//! Sealed votes and what opens them. Whoever loses the salt of a sealed vote can't open it and loses stake, so it is on the
//! disk before anything is sent, and stays there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use aiigo_protocol::JuryRound;
use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::SolValue,
};
use serde::{Deserialize, Serialize};

use crate::{
    error::{CliError, Context},
    format,
    runs::write_atomically,
    wallet::Wallet,
};

/// What opens a sealed vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Secret {
    /// Basis points for the provider.
    pub(super) share: u16,
    salt: B256,
    /// Unix seconds.
    made_at: u64,
}

impl Secret {
    pub(super) fn salt(&self) -> B256 {
        self.salt
    }
}

/// The secrets of one juror on one chain.
#[derive(Clone, Debug)]
pub(super) struct Secrets {
    dir: PathBuf,
    chain_id: u64,
    juror: Address,
}

impl Secrets {
    pub(super) fn of(wallet: &Wallet) -> Self {
        Self::new(wallet.data_dir(), wallet.chain().deployment().chain_id, wallet.address())
    }

    fn new(data_dir: &Path, chain_id: u64, juror: Address) -> Self {
        Self { dir: data_dir.join("votes"), chain_id, juror }
    }

    /// Where the secrets of a vote are.
    pub(super) fn file(&self, case: U256, round: JuryRound) -> PathBuf {
        self.dir.join(format!("{}-{}-case-{case}-{}.json", self.chain_id, self.juror, round.name().to_lowercase()))
    }

    /// What would seal a vote for `share`. The same share gets the same salt again, so that a command given twice sends one
    /// transaction. It must be kept before it is used.
    pub(super) fn draft(&self, case: U256, round: JuryRound, share: u16) -> Result<Secret, CliError> {
        let known = self.read(case, round)?.into_iter().find(|secret| secret.share == share);
        Ok(known.unwrap_or_else(|| Secret { share, salt: B256::new(rand::random()), made_at: format::now() }))
    }

    /// Puts a secret on the disk, as what was decided last. One decided otherwise stays beside it, for either may be sealed.
    pub(super) fn keep(&self, case: U256, round: JuryRound, secret: Secret) -> Result<(), CliError> {
        // A vote by hand may come beside a watcher's.
        let _lock = self.lock().context(|| format!("locking {}", self.dir.display()))?;
        let mut secrets = self.read(case, round)?;
        secrets.retain(|known| *known != secret);
        secrets.push(secret);
        let bytes = serde_json::to_vec_pretty(&secrets).context(|| "writing a vote".into())?;
        write_atomically(&self.file(case, round), &bytes)
    }

    /// What was decided last, sealed or not.
    pub(super) fn decided(&self, case: U256, round: JuryRound) -> Result<Option<Secret>, CliError> {
        Ok(self.read(case, round)?.pop())
    }

    /// What opens the vote that the court holds.
    pub(super) fn opening(&self, case: U256, round: JuryRound, commitment: B256) -> Result<Option<Secret>, CliError> {
        let opens = |secret: &Secret| self.hash(case, round, secret) == commitment;
        Ok(self.read(case, round)?.into_iter().find(opens))
    }

    /// The sealed vote, as the court computes it (rule 6.12 of `docs/protocol.md`).
    pub(super) fn hash(&self, case: U256, round: JuryRound, secret: &Secret) -> B256 {
        keccak256((case, U256::from(round as u8), self.juror, U256::from(secret.share), secret.salt).abi_encode())
    }

    /// Nobody else writes as long as it is held.
    fn lock(&self) -> io::Result<fs::File> {
        fs::create_dir_all(&self.dir)?;
        let file = fs::File::create(self.dir.join(".lock"))?;
        file.lock()?;
        Ok(file)
    }

    fn read(&self, case: U256, round: JuryRound) -> Result<Vec<Secret>, CliError> {
        let file = self.file(case, round);
        let what = || format!("reading the vote in {}", file.display());
        match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).context(what),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).context(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const CASE: U256 = U256::ONE;

    fn secrets(dir: &Path) -> Secrets {
        Secrets::new(dir, 31337, Address::repeat_byte(1))
    }

    fn decide(dir: &Path, share: u16) -> Secret {
        let secret = secrets(dir).draft(CASE, JuryRound::First, share).expect("a secret");
        secrets(dir).keep(CASE, JuryRound::First, secret).expect("kept");
        secret
    }

    #[test]
    fn a_vote_is_on_the_disk_for_its_owner_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        decide(dir.path(), 10_000);
        let file = secrets(dir.path()).file(CASE, JuryRound::First);
        assert_eq!(fs::metadata(file).expect("a file").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn whatever_was_sealed_can_be_opened() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = decide(dir.path(), 10_000);
        assert_eq!(decide(dir.path(), 10_000), first);
        let second = decide(dir.path(), 0);
        assert_ne!(first.salt, second.salt);
        let secrets = secrets(dir.path());
        assert_eq!(secrets.decided(CASE, JuryRound::First).expect("a file"), Some(second));
        for secret in [first, second] {
            let sealed = secrets.hash(CASE, JuryRound::First, &secret);
            assert_eq!(secrets.opening(CASE, JuryRound::First, sealed).expect("a file"), Some(secret));
        }
        assert_eq!(secrets.opening(CASE, JuryRound::First, B256::ZERO).expect("a file"), None);
        assert_eq!(secrets.decided(CASE, JuryRound::Appeal).expect("no file"), None);
    }

    #[test]
    fn votes_that_are_kept_at_the_same_time_are_all_kept() {
        let dir = tempfile::tempdir().expect("a folder");
        let place = dir.path();
        let decided = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|share| scope.spawn(move || decide(place, share))).collect();
            threads.into_iter().map(|thread| thread.join().expect("decided")).collect::<Vec<_>>()
        });
        let secrets = secrets(dir.path());
        for secret in decided {
            let sealed = secrets.hash(CASE, JuryRound::First, &secret);
            assert_eq!(secrets.opening(CASE, JuryRound::First, sealed).expect("a file"), Some(secret));
        }
    }

    #[test]
    fn a_file_that_is_no_vote_is_named_and_stays() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = secrets(dir.path()).file(CASE, JuryRound::First);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(&file, "half").expect("a file");
        let refused = secrets(dir.path()).draft(CASE, JuryRound::First, 1).expect_err("no vote");
        assert!(refused.to_string().contains("votes"), "{refused}");
        assert_eq!(fs::read_to_string(file).expect("a file"), "half");
    }
}
