//! When secrets were given out, by this machine's clock and kept over restarts: an endpoint that lies about the chain's time,
//! or about rounds that were never opened, draws out one secret a pause and no more.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};

use crate::record::{read, write};

/// The secret that was given out last.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Reveal {
    /// Its hash, which the chain knew before.
    head: B256,
    /// Unix seconds.
    at: u64,
}

/// What was given out, and how long to wait before the next.
#[derive(Debug)]
pub struct Reveals {
    pause: Duration,
    last: Option<Reveal>,
    /// Where it is kept; a dry run keeps nothing.
    file: Option<PathBuf>,
}

impl Reveals {
    /// Reads what was given out before.
    ///
    /// # Errors
    /// If the file can't be read.
    pub fn open(dir: &Path, pause: Duration) -> io::Result<Self> {
        let file = dir.join("reveals.json");
        Ok(Self { pause, last: read(&file)?, file: Some(file) })
    }

    /// Of a keeper that has no secrets to keep.
    pub const fn none() -> Self {
        Self { pause: Duration::ZERO, last: None, file: None }
    }

    /// Notes that a secret is given out now, before it is. `Err` tells since when to wait, unix seconds, if it is too early for
    /// another one.
    ///
    /// # Errors
    /// If it can't be written: then the secret must stay one.
    pub(crate) fn note(&mut self, secret: B256, now: u64) -> io::Result<Result<(), u64>> {
        let head = keccak256(secret);
        if let Some(last) = self.last {
            if last.head == head {
                return Ok(Ok(()));
            }
            if now < last.at.saturating_add(self.pause.as_secs()) {
                return Ok(Err(last.at));
            }
        }
        let reveal = Reveal { head, at: now };
        if let Some(file) = &self.file {
            write(file, &reveal)?;
        }
        self.last = Some(reveal);
        Ok(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_secret_waits_for_the_pause_whatever_a_restart_forgets() {
        let dir = tempfile::tempdir().expect("a folder");
        let (first, second) = (B256::repeat_byte(1), B256::repeat_byte(2));
        let open = || Reveals::open(dir.path(), Duration::from_secs(100)).expect("readable");
        let mut reveals = open();
        assert_eq!(reveals.note(first, 1_000).expect("written"), Ok(()));
        assert_eq!(reveals.note(first, 1_001).expect("written"), Ok(()), "what is out is out");
        let mut reveals = open();
        assert_eq!(reveals.note(second, 1_099).expect("written"), Err(1_000));
        assert_eq!(reveals.note(first, 1_099).expect("written"), Ok(()));
        assert_eq!(reveals.note(second, 1_100).expect("written"), Ok(()));
        assert_eq!(open().note(first, 1_199).expect("written"), Err(1_100));
    }

    #[test]
    fn what_cannot_be_noted_is_not_given_out() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut reveals = Reveals::open(dir.path(), Duration::ZERO).expect("readable");
        drop(dir);
        assert!(reveals.note(B256::ZERO, 1).is_err());
    }
}
