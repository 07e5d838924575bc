//! Is a result what the provider promised on the chain, and what the buyer asked for?
//!
//! The chain holds one hash, over exit code and outputs. The manifest that the provider stored must give that hash, name
//! this task and this spec, and stay within it; each file must then have the size and the digest of the manifest. Where
//! a file's blocks come from does not matter: they are checked against its CID when they are read.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use aiigo_protocol::TaskId;
use aiigo_storage::UriError;
use aiigo_task::{DocumentError, GuestPath, Outcome, OutputFile, ResultManifest, Sha256Digest, TaskSpec};
use alloy::primitives::B256;
use sha2::{Digest, Sha256};

/// Bytes read at a time.
const BUFFER: usize = 256 << 10;

/// What a result must match.
#[derive(Clone, Copy, Debug)]
pub struct Promise<'a> {
    /// The task.
    pub task_id: TaskId,
    /// What was ordered.
    pub spec: &'a TaskSpec,
    /// The result hash on the chain.
    pub result_hash: B256,
}

/// Something in a result that is not as promised.
#[derive(Debug, thiserror::Error)]
pub enum Difference {
    /// What the provider put on the chain leads nowhere.
    #[error("the result's URI on the chain: {0}")]
    Uri(#[from] UriError),
    /// The manifest is not one of this task, or not the one whose hash is on the chain.
    #[error(transparent)]
    Manifest(#[from] DocumentError),
    /// The program is said to have ended well, but a file that was asked for is not there.
    #[error("{path}: not delivered, though the program is said to have ended well (exit code 0)")]
    Missing {
        /// The file.
        path: GuestPath,
    },
    /// A file of another size.
    #[error("{path}: it has {found} bytes, but the manifest says {expected}")]
    Size {
        /// The file.
        path: GuestPath,
        /// Bytes.
        found: u64,
        /// Bytes.
        expected: u64,
    },
    /// A file with other content.
    #[error("{path}: its SHA-256 is {found}, but the manifest says {expected}")]
    Content {
        /// The file.
        path: GuestPath,
        /// Of the file that was fetched.
        found: Sha256Digest,
        /// Of the file that the result hash covers.
        expected: Sha256Digest,
    },
    /// A file that was fetched can't be read again.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: GuestPath,
        /// What the system said.
        source: io::Error,
    },
}

/// Reads a manifest and checks all of it that can be checked without the files.
///
/// # Errors
/// With the first difference.
pub fn manifest(json: &[u8], promise: &Promise<'_>) -> Result<ResultManifest, Difference> {
    let manifest = ResultManifest::parse_promised(json, promise.task_id.0, promise.spec, promise.result_hash)?;
    if manifest.outcome == Outcome::Exited && manifest.exit_code == 0 {
        let delivered = |path: &GuestPath| manifest.outputs.iter().any(|output| output.path == *path);
        if let Some(path) = promise.spec.outputs.iter().find(|path| !delivered(path)) {
            return Err(Difference::Missing { path: path.clone() });
        }
    }
    Ok(manifest)
}

/// Checks a file that was fetched against what the manifest says of it.
///
/// # Errors
/// If size or digest differ, or the file can't be read.
pub fn file(output: &OutputFile, file: &Path) -> Result<(), Difference> {
    let path = || output.path.clone();
    let (found, digest) = digest(file).map_err(|source| Difference::Read { path: path(), source })?;
    if found != output.size {
        return Err(Difference::Size { path: path(), found, expected: output.size });
    }
    match digest == output.sha256 {
        true => Ok(()),
        false => Err(Difference::Content { path: path(), found: digest, expected: output.sha256 }),
    }
}

/// Size and SHA-256 of a file.
pub(super) fn digest(file: &Path) -> io::Result<(u64, Sha256Digest)> {
    let mut file = fs::File::open(file)?;
    let (mut hasher, mut size, mut buffer) = (Sha256::new(), 0, vec![0; BUFFER]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((size, Sha256Digest(hasher.finalize().into()))),
            read => {
                hasher.update(&buffer[..read]);
                size += read as u64;
            }
        }
    }
}
