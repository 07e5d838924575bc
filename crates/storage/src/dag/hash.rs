//! How often content is hashed: once for its leaves, and once more only for those who need the SHA-256 of the whole.

use aiigo_task::Sha256Digest;
use sha2::{Digest, Sha256};

use super::build::Root;
use crate::BlobRef;

/// Hashes leaves in their order.
pub(crate) trait Hashing: Default {
    /// What is known of a finished tree.
    type Built;

    /// The SHA-256 of the next leaf.
    fn leaf(&mut self, leaf: &[u8]) -> [u8; 32];

    fn built(self, root: Root) -> Self::Built;
}

/// For a CID nothing but the blocks is hashed.
#[derive(Default)]
pub(crate) struct LeavesOnly;

impl Hashing for LeavesOnly {
    type Built = Root;

    fn leaf(&mut self, leaf: &[u8]) -> [u8; 32] {
        Sha256::digest(leaf).into()
    }

    fn built(self, root: Root) -> Root {
        root
    }
}

/// The whole content's SHA-256 too, as specs and manifests name it.
#[derive(Default)]
pub(crate) struct WholeToo {
    /// After the first leaf.
    whole: Option<Sha256>,
}

impl Hashing for WholeToo {
    type Built = BlobRef;

    fn leaf(&mut self, leaf: &[u8]) -> [u8; 32] {
        match &mut self.whole {
            // The content begins as its first leaf does: no need to hash that twice.
            None => self.whole.insert(Sha256::new_with_prefix(leaf)).clone().finalize().into(),
            Some(whole) => {
                whole.update(leaf);
                Sha256::digest(leaf).into()
            }
        }
    }

    fn built(self, root: Root) -> BlobRef {
        let sha256 = Sha256Digest(self.whole.unwrap_or_default().finalize().into());
        BlobRef { cid: root.cid, size: root.size, sha256 }
    }
}
