//! Why a fetch or a push fails: what was tried, and what each gateway said.

use std::{error::Error, fmt, io, path::PathBuf, time::Duration};

use crate::{BlobCid, FolderFault, GatewayUrl, dag::WalkError};

/// What one gateway did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The gateway.
    pub gateway: GatewayUrl,
    /// Why it did not serve.
    pub reason: String,
    /// Whether it sent a block that is not what its CID says.
    pub tampered: bool,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.gateway, self.reason)
    }
}

fn list(attempts: &[Attempt]) -> String {
    match attempts {
        [] => "no gateway is known; name one".into(),
        attempts => attempts.iter().map(Attempt::to_string).collect::<Vec<_>>().join("; "),
    }
}

/// Why a blob could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No gateway delivered the blob.
    #[error("cannot fetch {cid}: {}", list(attempts))]
    Failed {
        /// The blob.
        cid: BlobCid,
        /// What each gateway did, in the order of the attempts.
        attempts: Vec<Attempt>,
    },
    /// The time is over.
    #[error("cannot fetch {cid} in {} s: {}", after.as_secs(), list(attempts))]
    TooSlow {
        /// The blob.
        cid: BlobCid,
        /// The time that was allowed.
        after: Duration,
        /// What each gateway did, in the order of the attempts.
        attempts: Vec<Attempt>,
    },
    /// The blob is larger than wanted. Its root says so, so every gateway would.
    #[error("{cid} has {size} bytes; at most {max} are allowed")]
    TooLarge {
        /// The blob.
        cid: BlobCid,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        max: u64,
    },
    /// The folder has what none may have.
    #[error("the folder {cid} {fault}")]
    Folder {
        /// The folder.
        cid: BlobCid,
        /// What is wrong with it.
        fault: FolderFault,
    },
    /// It is a file.
    #[error("{0} is a file, not a folder")]
    NoFolder(BlobCid),
    /// The CID is right, but no CID of ours.
    #[error("{0} is no file of the layout that `ipfs add --cid-version=1 --raw-leaves` makes")]
    Layout(BlobCid),
    /// The file can't be written.
    #[error("cannot write {path}: {source}")]
    Destination {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// HTTP can't be used at all.
    #[error("cannot set up HTTP: {0}")]
    Client(String),
}

/// Why a blob could not be pushed.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// No gateway took the blob.
    #[error("cannot push {cid}: {}", list(attempts))]
    Failed {
        /// The blob.
        cid: BlobCid,
        /// What each gateway said, in the order of the attempts.
        attempts: Vec<Attempt>,
    },
    /// The time is over.
    #[error("cannot push {cid} in {} s: {}", after.as_secs(), list(attempts))]
    TooSlow {
        /// The blob.
        cid: BlobCid,
        /// The time that was allowed.
        after: Duration,
        /// What each gateway said, in the order of the attempts.
        attempts: Vec<Attempt>,
    },
    /// The file can't be read.
    #[error("cannot read {path}: {source}")]
    Source {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what the grant is for.
    #[error("{path} has {size} bytes, but the grant is for {granted}")]
    WrongSize {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The granted size in bytes.
        granted: u64,
    },
}

/// What ends work with one gateway.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The gateway does not serve; the next may.
    Gateway { reason: String, lasting: bool, tampered: bool },
    /// The gateway sends no ordered CAR; it may still send blocks.
    NoCar,
    /// No gateway can help.
    Final(FetchError),
}

impl Trouble {
    /// It may pass: worth another try.
    pub(super) fn passing(reason: impl Into<String>) -> Self {
        Self::Gateway { reason: reason.into(), lasting: false, tampered: false }
    }

    /// It will stay so.
    pub(super) fn lasting(reason: impl Into<String>) -> Self {
        Self::Gateway { reason: reason.into(), lasting: true, tampered: false }
    }
}

impl From<WalkError> for Trouble {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Tampered(_) => Self::Gateway { reason: error.to_string(), lasting: true, tampered: true },
            WalkError::Layout(cid) => Self::Final(FetchError::Layout(cid)),
            WalkError::TooLarge { cid, size, max } => Self::Final(FetchError::TooLarge { cid, size, max }),
            WalkError::Folder { cid, fault } => Self::Final(FetchError::Folder { cid, fault }),
        }
    }
}

impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        Self::passing(root_cause(&error))
    }
}

/// The last cause of an error: `connection refused` rather than `error sending request`.
pub(super) fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
