//! The tree against trees of the JavaScript library `@openzeppelin/merkle-tree` 1.0.8.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::collections::BTreeMap;

use aiigo_protocol::NodeId;
use aiigo_rewards::{BonusTree, leaf};
use alloy::primitives::{B256, U256, keccak256};
use serde_json::Value;

/// Each with the library's dump, its root, and the proof of each value.
fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!("openzeppelin.json")).expect("JSON")
}

/// What the dump's values say.
fn amounts(dump: &Value) -> BTreeMap<NodeId, U256> {
    let values = dump["values"].as_array().expect("values");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    values
        .iter()
        .map(|entry| {
            let node = text(&entry["value"][0]).parse().expect("a node id");
            (node, text(&entry["value"][1]).parse().expect("an amount"))
        })
        .collect()
}

#[test]
fn the_tree_is_the_librarys_hash_for_hash() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 5);
    for vector in vectors {
        let amounts = amounts(&vector["dump"]);
        let tree = BonusTree::new(&amounts).expect("leaves");
        assert_eq!(serde_json::to_value(&tree).expect("a dump"), vector["dump"]);
        assert_eq!(serde_json::to_value(tree.root()).expect("a root"), vector["root"]);
        for (index, (node, amount)) in amounts.iter().enumerate() {
            assert_eq!(tree.amount(*node), Some(*amount));
            let proof = tree.proof(*node).expect("a proof");
            assert_eq!(serde_json::to_value(proof).expect("a proof"), vector["proofs"][index]);
        }
    }
}

#[test]
fn every_proof_of_a_tree_of_any_size_leads_to_its_root() {
    let lead = |from: B256, proof: Vec<B256>| {
        proof.into_iter().fold(from, |below, beside| keccak256([below.min(beside), below.max(beside)].concat()))
    };
    for size in 1..40 {
        let amounts: BTreeMap<_, _> = (1..=size).map(|id| (NodeId(id), U256::from(id * id))).collect();
        let tree = BonusTree::new(&amounts).expect("leaves");
        for (node, amount) in amounts {
            assert_eq!(lead(leaf(node, amount), tree.proof(node).expect("a proof")), tree.root());
            assert_ne!(lead(leaf(node, amount + U256::from(1)), tree.proof(node).expect("a proof")), tree.root());
        }
        assert_eq!(tree.proof(NodeId(size + 1)), None);
    }
}

#[test]
fn no_tree_is_empty() {
    assert_eq!(BonusTree::new(&BTreeMap::new()), None);
}
