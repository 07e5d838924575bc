//! The tree is the one that IPFS makes, and only that one is accepted.

use std::collections::HashMap;

use proptest::prelude::*;
use serde::Deserialize;
use sha2::Digest;

use super::{
    node::{Link, encode},
    *,
};

/// Made by the reference implementation, the npm package `ipfs-unixfs-importer`.
#[derive(Deserialize)]
struct Vector {
    pattern: String,
    size: usize,
    chunk: u64,
    links: u64,
    cid: BlobCid,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../../vectors/unixfs.json")).unwrap()
}

fn content(pattern: &str, size: usize) -> Vec<u8> {
    match pattern {
        "zero" => vec![0; size],
        "mixed" => (0..size).map(|i| ((i * 167) ^ (i >> 11) ^ ((i >> 18) * 13)) as u8).collect(),
        other => panic!("unknown pattern {other}"),
    }
}

type Blocks = HashMap<BlobCid, Vec<u8>>;

fn build(layout: Layout, content: &[u8]) -> (BlobRef, Blocks) {
    let mut blocks = Blocks::new();
    let blob = Builder::<WholeToo>::new(layout)
        .read_from(content, u64::MAX, &mut |cid, block| {
            blocks.insert(*cid, block.to_vec());
            Ok(())
        })
        .unwrap();
    (blob, blocks)
}

fn read(layout: Layout, root: BlobCid, blocks: &Blocks) -> Result<Vec<u8>, WalkError> {
    let mut walk = Walk::new(layout, root, u64::MAX);
    let mut content = Vec::new();
    while let Some(cid) = walk.next() {
        let block = &blocks[&cid];
        if walk.accept(block)? == Block::Leaf {
            content.extend_from_slice(block);
        }
    }
    Ok(content)
}

#[test]
fn cids_are_those_of_the_reference_implementation() {
    for Vector { pattern, size, chunk, links, cid } in vectors() {
        let layout = Layout { chunk, fanout: links };
        let root = Builder::<LeavesOnly>::new(layout)
            .read_from(&*content(&pattern, size), u64::MAX, &mut |_, _| Ok(()))
            .unwrap();
        assert_eq!((root.cid, root.size), (cid, size as u64), "{pattern} of {size} bytes in chunks of {chunk}");
    }
}

#[test]
fn the_public_functions_use_the_layout_of_ipfs() {
    let vector = vectors().into_iter().find(|vector| vector.size == 262_145).unwrap();
    let content = content(&vector.pattern, vector.size);
    assert_eq!(cid_of(&content), vector.cid);
    assert_eq!(cid_of_reader(&*content).unwrap().cid, vector.cid);
}

#[test]
fn a_reader_that_gives_too_much_is_cut_off() {
    let error = Builder::<LeavesOnly>::new(IPFS).read_from(&[0; 10][..], 9, &mut |_, _| Ok(())).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
}

#[test]
fn a_file_larger_than_wanted_is_refused_at_its_root() {
    let (blob, blocks) = build(SMALL, &[7; 100]);
    let mut walk = Walk::new(SMALL, blob.cid, 99);
    let error = walk.accept(&blocks[&blob.cid]).unwrap_err();
    assert_eq!(error, WalkError::TooLarge { cid: blob.cid, size: 100, max: 99 });
}

#[test]
fn a_tree_of_another_shape_is_refused() {
    let leaf = |content: &[u8]| {
        let cid = cid_of(content);
        (Link { cid, size: content.len() as u64, tree_size: content.len() as u64 }, content.to_vec())
    };
    let (full, short) = (leaf(&[1; 8]), leaf(&[2; 4]));
    let node = |links: &[Link]| {
        let block = encode(links);
        (cid_of_node(&block), block)
    };
    // Short leaf first; a node over a single leaf; a wrong tree size; a claim of more than there is.
    for links in [
        vec![short.0, full.0],
        vec![full.0],
        vec![full.0, Link { tree_size: 5, ..short.0 }],
        vec![full.0, Link { size: 5, tree_size: 5, ..short.0 }],
        vec![full.0, Link { size: 0, ..short.0 }],
    ] {
        let (cid, block) = node(&links);
        let blocks = Blocks::from([(cid, block), (full.0.cid, full.1.clone()), (short.0.cid, short.1.clone())]);
        assert!(matches!(read(SMALL, cid, &blocks), Err(WalkError::Layout(_))), "{links:?}");
    }
    // The right shape, to show that the above fail for their shape.
    let (cid, block) = node(&[full.0, short.0]);
    let blocks = Blocks::from([(cid, block), (full.0.cid, full.1), (short.0.cid, short.1)]);
    assert_eq!(read(SMALL, cid, &blocks).unwrap().len(), 12);
}

fn cid_of_node(block: &[u8]) -> BlobCid {
    BlobCid::dag_pb(sha2::Sha256::digest(block).into())
}

/// Small enough that a few bytes make a tall tree.
const SMALL: Layout = Layout { chunk: 8, fanout: 3 };

proptest! {
    #[test]
    fn what_is_built_reads_back(content in proptest::collection::vec(any::<u8>(), 0..700)) {
        let (blob, blocks) = build(SMALL, &content);
        prop_assert_eq!(blob.sha256.0, <[u8; 32]>::from(sha2::Sha256::digest(&content)));
        prop_assert_eq!(read(SMALL, blob.cid, &blocks).unwrap(), content);
    }

    #[test]
    fn it_does_not_matter_in_which_pieces_content_arrives(
        content in proptest::collection::vec(any::<u8>(), 0..300),
        cuts in proptest::collection::vec(0..300usize, 0..6),
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(content.len())).collect();
        cuts.sort_unstable();
        let mut builder = Builder::<WholeToo>::new(SMALL);
        let mut nowhere = |_: &BlobCid, _: &[u8]| Ok(());
        let mut from = 0;
        for cut in cuts.into_iter().chain([content.len()]) {
            builder.push(&content[from..cut], &mut nowhere).unwrap();
            from = cut;
        }
        prop_assert_eq!(builder.finish(&mut nowhere).unwrap(), build(SMALL, &content).0);
    }

    #[test]
    fn a_flipped_bit_in_any_block_is_found(
        content in proptest::collection::vec(any::<u8>(), 1..300),
        place in any::<(prop::sample::Index, prop::sample::Index, u8)>(),
    ) {
        let (blob, mut blocks) = build(SMALL, &content);
        let cids: Vec<BlobCid> = { let mut cids: Vec<_> = blocks.keys().copied().collect(); cids.sort(); cids };
        let cid = cids[place.0.index(cids.len())];
        let block = blocks.get_mut(&cid).unwrap();
        let byte = place.1.index(block.len());
        block[byte] ^= 1 << (place.2 % 8);
        prop_assert_eq!(read(SMALL, blob.cid, &blocks).unwrap_err(), WalkError::Tampered(cid));
    }

    #[test]
    fn hostile_folders_stay_within_the_limits_and_below_where_they_begin(
        forged in proptest::collection::vec(
            proptest::collection::vec((name(), any::<prop::sample::Index>(), 0..20_u64), 0..5), 1..8),
    ) {
        let (file, mut blocks) = build(SMALL, b"more than a leaf");
        let mut made = vec![(cid_of(b"leaf"), 4), (file.cid, blocks[&file.cid].len() as u64 + 16)];
        blocks.insert(cid_of(b"leaf"), b"leaf".to_vec());
        for entries in forged {
            // Some lie about what is below them.
            let mut entries: Vec<Entry> = entries.into_iter().map(|(name, index, lie)| {
                let (cid, size) = made[index.index(made.len())];
                Entry { name, cid, tree_size: if lie < 3 { lie } else { size } }
            }).collect();
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            entries.dedup_by(|a, b| a.name == b.name);
            let block = encode_folder(&entries).unwrap();
            let size = entries.iter().map(|entry| entry.tree_size).sum::<u64>() + block.len() as u64;
            made.push((cid_of_node(&block), size));
            blocks.insert(cid_of_node(&block), block);
        }
        let root = made.last().unwrap().0;
        let mut walk = Walk::tree(SMALL, root, FolderLimits { bytes: 60, entries: 12 });
        let (mut bytes, mut entries) = (0, 0);
        while let Some(cid) = walk.next() {
            if let Some(path) = walk.next_path().filter(|path| !path.is_empty()) {
                entries += 1;
                prop_assert!(path.split('/').all(is_safe_name), "{}", path);
            }
            match walk.accept(&blocks[&cid]) {
                Ok(Block::Leaf) => bytes += blocks[&cid].len(),
                Ok(Block::Node | Block::Folder) => {}
                Err(WalkError::Tampered(cid)) => prop_assert!(false, "{} is what it says", cid),
                Err(_) => break,
            }
        }
        prop_assert!(bytes <= 60 && entries <= 12, "{} bytes, {} entries", bytes, entries);
    }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z]{1,2}", 1 => prop_oneof![Just("..".to_owned()), Just("a/b".to_owned()), "[./]{0,3}"]]
}
