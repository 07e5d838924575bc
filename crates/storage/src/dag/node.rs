//! A UnixFS file node in the dag-pb format, as `ipfs add` writes it: links first, then the file's metadata.
//!
//! Formats: <https://ipld.io/specs/codecs/dag-pb/spec/>, <https://specs.ipfs.tech/unixfs/>. Only the one canonical
//! encoding is read: what decodes encodes to the same bytes.

use cid::Cid;

use crate::BlobCid;

/// A link to a child of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) cid: BlobCid,
    /// Content bytes below it.
    pub(crate) size: u64,
    /// Bytes of all blocks below it, itself included.
    pub(crate) tree_size: u64,
}

/// Bytes of a binary CIDv1 with SHA-256: version, codec, hash code, hash length, hash.
const CID_BYTES: usize = 36;

const LINK: u8 = 2 << 3 | 2; // PBNode.Links, and PBLink.Name
pub(super) const DATA: u8 = 1 << 3 | 2; // PBNode.Data, and PBLink.Hash
const TSIZE: u8 = 3 << 3; // PBLink.Tsize, and Data.filesize
pub(super) const TYPE: u8 = 1 << 3; // Data.Type
const BLOCK_SIZE: u8 = 4 << 3; // Data.blocksizes
const FILE: u8 = 2; // Data.DataType.File

/// The block of a node.
pub(crate) fn encode(links: &[Link]) -> Vec<u8> {
    let mut block = Vec::with_capacity(links.len() * 60 + 16);
    for link in links {
        put_link(&mut block, &link.cid, b"", link.tree_size);
    }
    let mut data = vec![TYPE, FILE, TSIZE];
    put_varint(&mut data, links.iter().map(|link| link.size).sum());
    for link in links {
        data.push(BLOCK_SIZE);
        put_varint(&mut data, link.size);
    }
    block.push(DATA);
    put_varint(&mut block, data.len() as u64);
    block.extend_from_slice(&data);
    block
}

/// The links of a node's block; `None` if it is anything else than the canonical block of a file node.
pub(crate) fn decode(block: &[u8]) -> Option<Vec<Link>> {
    let mut rest = block;
    let mut links = Vec::new();
    while has_link(rest) {
        let (cid, _, tree_size) = take_link(&mut rest)?;
        links.push(Link { cid, size: 0, tree_size });
    }
    take_tag(&mut rest, DATA)?;
    let mut data = take_sized(&mut rest)?;
    for tag in [TYPE, FILE, TSIZE] {
        take_tag(&mut data, tag)?;
    }
    take_varint(&mut data)?;
    let mut total: u64 = 0;
    for link in &mut links {
        take_tag(&mut data, BLOCK_SIZE)?;
        link.size = take_varint(&mut data)?;
        total = total.checked_add(link.size)?;
    }
    // Whatever was skipped or spelt otherwise shows up here.
    (!links.is_empty() && encode(&links) == block).then_some(links)
}

/// Appends a link: what it leads to, its name, and the bytes of all blocks below it.
pub(super) fn put_link(block: &mut Vec<u8>, cid: &BlobCid, name: &[u8], tree_size: u64) {
    let mut fields = vec![DATA, CID_BYTES as u8];
    fields.extend_from_slice(&cid.to_bytes());
    fields.push(LINK);
    put_varint(&mut fields, name.len() as u64);
    fields.extend_from_slice(name);
    fields.push(TSIZE);
    put_varint(&mut fields, tree_size);
    block.push(LINK);
    put_varint(block, fields.len() as u64);
    block.extend_from_slice(&fields);
}

pub(super) fn has_link(block: &[u8]) -> bool {
    block.first() == Some(&LINK)
}

/// Takes a link, in one of the ways that it can be written: who needs the canonical one encodes and compares.
pub(super) fn take_link<'a>(from: &mut &'a [u8]) -> Option<(BlobCid, &'a [u8], u64)> {
    take_tag(from, LINK)?;
    let mut fields = take_sized(from)?;
    take_tag(&mut fields, DATA)?;
    let cid = take_sized(&mut fields)?;
    let cid = BlobCid::try_from(Cid::try_from(cid).ok()?).ok()?;
    take_tag(&mut fields, LINK)?;
    let name = take_sized(&mut fields)?;
    take_tag(&mut fields, TSIZE)?;
    Some((cid, name, take_varint(&mut fields)?))
}

/// Appends an unsigned LEB128 number.
pub(crate) fn put_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

/// Takes an unsigned LEB128 number of at most 63 bits, as multiformats have it.
pub(crate) fn take_varint(from: &mut &[u8]) -> Option<u64> {
    let mut value: u64 = 0;
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take_tag(from: &mut &[u8], tag: u8) -> Option<()> {
    let (&byte, rest) = from.split_first()?;
    *from = rest;
    (byte == tag).then_some(())
}

fn take_sized<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let size = usize::try_from(take_varint(from)?).ok()?;
    let (field, rest) = from.split_at_checked(size)?;
    *from = rest;
    Some(field)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn link(index: u8, size: u64) -> Link {
        Link { cid: BlobCid::raw([index; 32]), size, tree_size: size + 7 }
    }

    #[test]
    fn a_node_decodes_to_what_it_was_made_of() {
        for count in [1, 2, 174] {
            let links: Vec<Link> = (0..count).map(|index| link(index, 262_144 * u64::from(index) + 1)).collect();
            assert_eq!(decode(&encode(&links)).unwrap(), links);
        }
    }

    #[test]
    fn any_other_spelling_is_refused() {
        let block = encode(&[link(1, 5), link(2, 6)]);
        assert!(decode(&[]).is_none());
        assert!(decode(&encode(&[])).is_none(), "a node without links is an empty file, which is a raw leaf here");
        for index in 0..block.len() {
            assert!(decode(&block[..index]).is_none());
        }
        assert!(decode(&[block.as_slice(), &[0x18, 0]].concat()).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(mut block in proptest::collection::vec(any::<u8>(), 0..200), flip in any::<(usize, u8)>()) {
            let _ = decode(&block);
            block = encode(&[link(1, 5), link(2, 6)]);
            let index = flip.0 % block.len();
            block[index] ^= flip.1;
            if let Some(links) = decode(&block) {
                prop_assert_eq!(encode(&links), block);
            }
        }
    }
}
