//! A UnixFS directory in the dag-pb format, as `ipfs add -r` writes it while it is small enough not to be sharded.
//!
//! Formats: <https://ipld.io/specs/codecs/dag-pb/spec/>, <https://specs.ipfs.tech/unixfs/#dag-pb-directory>. Only the one
//! canonical encoding is read: what decodes encodes to the same bytes.

use super::node::{DATA, TYPE, has_link, put_link, take_link};
use crate::BlobCid;

/// A name in a folder, and what it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) cid: BlobCid,
    /// Bytes of all blocks below it, its own included.
    pub(crate) tree_size: u64,
}

/// Largest folder that is one block, by the measure of `ipfs add`: the bytes of its names and binary CIDs. What is larger
/// it shards (HAMT), which is not read or written here.
pub(crate) const MAX_FOLDER_BYTES: usize = 256 << 10;

/// Longest name, bytes: the limit of common file systems.
const MAX_NAME_BYTES: usize = 255;

/// Bytes of a binary CID.
const CID_BYTES: usize = 36;

const DIRECTORY: u8 = 1; // Data.DataType.Directory

/// A block that is no folder of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FolderError {
    /// It is something else, or written in another way.
    Layout,
    /// It has a name that must not become a file's.
    Name,
}

/// The block of a folder, whose entries are sorted by name; `None` if it is so large that `ipfs add` would shard it.
pub(crate) fn encode(entries: &[Entry]) -> Option<Vec<u8>> {
    let estimate: usize = entries.iter().map(|entry| entry.name.len() + CID_BYTES).sum();
    if estimate > MAX_FOLDER_BYTES {
        return None;
    }
    let mut block = Vec::with_capacity(estimate + entries.len() * 14 + 4);
    for entry in entries {
        put_link(&mut block, &entry.cid, entry.name.as_bytes(), entry.tree_size);
    }
    block.extend_from_slice(&[DATA, 2, TYPE, DIRECTORY]);
    Some(block)
}

/// The entries of a folder's block.
pub(crate) fn decode(block: &[u8]) -> Result<Vec<Entry>, FolderError> {
    let mut rest = block;
    let mut entries: Vec<Entry> = Vec::new();
    while has_link(rest) {
        let (cid, name, tree_size) = take_link(&mut rest).ok_or(FolderError::Layout)?;
        let name = std::str::from_utf8(name).map_err(|_| FolderError::Name)?;
        if !is_safe_name(name) {
            return Err(FolderError::Name);
        }
        if entries.last().is_some_and(|last| last.name.as_bytes() >= name.as_bytes()) {
            return Err(FolderError::Layout);
        }
        entries.push(Entry { name: name.to_owned(), cid, tree_size });
    }
    // Whatever was skipped or spelt otherwise shows up here.
    if encode(&entries).as_deref() == Some(block) { Ok(entries) } else { Err(FolderError::Layout) }
}

/// Whether a name means one file in the folder where it is used, on any system.
pub(crate) fn is_safe_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
        && name.len() <= MAX_NAME_BYTES
        && !name.contains(['/', '\0'])
        && (cfg!(unix) || !name.contains(['\\', ':']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(name: &str) -> Entry {
        Entry { name: name.into(), cid: BlobCid::raw([7; 32]), tree_size: 300 }
    }

    #[test]
    fn the_empty_folder_is_the_well_known_one() {
        let block = encode(&[]).unwrap();
        assert_eq!(block, [0x0a, 2, 8, 1]);
        assert_eq!(decode(&block), Ok(Vec::new()));
    }

    #[test]
    fn a_folder_decodes_to_what_it_was_made_of() {
        let entries = [entry("B"), entry("a"), entry("a.txt"), entry(&"z".repeat(255)), entry("ä")];
        assert_eq!(decode(&encode(&entries).unwrap()).unwrap(), entries);
    }

    #[test]
    fn any_other_order_or_spelling_is_refused() {
        for entries in [[entry("b"), entry("a")], [entry("a"), entry("a")]] {
            assert_eq!(decode(&encode(&entries).unwrap()), Err(FolderError::Layout));
        }
        let block = encode(&[entry("a"), entry("b")]).unwrap();
        for end in 0..block.len() {
            assert!(decode(&block[..end]).is_err(), "{end}");
        }
        assert!(decode(&[&block[..], &[0x18, 0]].concat()).is_err());
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["", ".", "..", "a/b", "/etc/passwd", "../x", "a\0b", &"n".repeat(256)] {
            assert_eq!(decode(&encode(&[entry(name)]).unwrap()), Err(FolderError::Name), "{name:?}");
        }
        for name in ["...", ".hidden", "a b", "\u{1b}[2J", "-rf"] {
            assert!(decode(&encode(&[entry(name)]).unwrap()).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn a_folder_that_ipfs_would_shard_is_none() {
        let entries = |count: usize| (0..count).map(|index| entry(&format!("{index:028}"))).collect::<Vec<_>>();
        assert!(encode(&entries(4096)).is_some_and(|block| block.len() <= super::super::MAX_BLOCK_BYTES));
        assert!(encode(&entries(4097)).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(
            mut block in proptest::collection::vec(any::<u8>(), 0..200),
            flip in any::<(usize, u8)>(),
        ) {
            let _ = decode(&block);
            block = encode(&[entry("a"), entry("b")]).unwrap();
            let index = flip.0 % block.len();
            block[index] ^= flip.1;
            if let Ok(entries) = decode(&block) {
                prop_assert_eq!(encode(&entries), Some(block));
            }
        }
    }
}
