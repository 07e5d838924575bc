//! The tree of cumulative bonuses: OpenZeppelin's StandardMerkleTree of `["uint64", "uint256"]`, node for node.

use std::collections::BTreeMap;

use aiigo_protocol::NodeId;
use alloy::{
    primitives::{B256, U256, keccak256},
    sol_types::SolValue,
};
use serde::{Serialize, Serializer, ser::SerializeStruct};

/// A node's leaf: `keccak256(keccak256(abi.encode(node, amount)))`, hashed twice so that no inner node can pass for one.
pub fn leaf(node: NodeId, amount: U256) -> B256 {
    keccak256(keccak256((node.0, amount).abi_encode()))
}

/// An inner node: what is below it, the lesser hash first.
fn parent(a: B256, b: B256) -> B256 {
    keccak256(if a < b { [a, b] } else { [b, a] }.concat())
}

/// A node's amount, and where its leaf stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// AIIGO wei.
    amount: U256,
    index: usize,
}

/// What each node has earned in bonuses, and proofs of it.
///
/// Serialized, it is the dump of the JavaScript library `@openzeppelin/merkle-tree`, format `standard-v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BonusTree {
    /// The root first; below the node at i are those at 2i + 1 and 2i + 2; the last is the least leaf.
    hashes: Vec<B256>,
    entries: BTreeMap<NodeId, Entry>,
}

impl BonusTree {
    /// The tree of amounts in AIIGO wei; `None` without any.
    pub fn new(amounts: &BTreeMap<NodeId, U256>) -> Option<Self> {
        if amounts.is_empty() {
            return None;
        }
        let mut leaves: Vec<(B256, NodeId, U256)> =
            amounts.iter().map(|(node, amount)| (leaf(*node, *amount), *node, *amount)).collect();
        leaves.sort_unstable_by(|a, b| b.cmp(a));
        let inner = leaves.len() - 1;
        let mut hashes = vec![B256::ZERO; inner];
        let mut entries = BTreeMap::new();
        for (hash, node, amount) in leaves {
            entries.insert(node, Entry { amount, index: hashes.len() });
            hashes.push(hash);
        }
        for index in (0..inner).rev() {
            hashes[index] = parent(hashes[2 * index + 1], hashes[2 * index + 2]);
        }
        Some(Self { hashes, entries })
    }

    /// What `postRoot` takes.
    pub fn root(&self) -> B256 {
        self.hashes[0] // there is at least one leaf
    }

    /// A node's cumulative amount, AIIGO wei: what `claimBonus` takes.
    pub fn amount(&self, node: NodeId) -> Option<U256> {
        self.entries.get(&node).map(|entry| entry.amount)
    }

    /// The proof of a node's amount, from its leaf upwards: what `claimBonus` takes.
    pub fn proof(&self, node: NodeId) -> Option<Vec<B256>> {
        let mut index = self.entries.get(&node)?.index;
        let mut proof = Vec::new();
        while index > 0 {
            // Left children stand at odd places.
            let sibling = if index % 2 == 1 { index + 1 } else { index - 1 };
            proof.push(self.hashes[sibling]);
            index = (index - 1) / 2;
        }
        Some(proof)
    }
}

impl Serialize for BonusTree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Value {
            value: [String; 2],
            tree_index: usize,
        }
        let value = |(node, entry): (&NodeId, &Entry)| Value {
            value: [node.to_string(), entry.amount.to_string()],
            tree_index: entry.index,
        };
        let mut dump = serializer.serialize_struct("StandardMerkleTree", 4)?;
        dump.serialize_field("format", "standard-v1")?;
        dump.serialize_field("leafEncoding", &["uint64", "uint256"])?;
        dump.serialize_field("tree", &self.hashes)?;
        dump.serialize_field("values", &self.entries.iter().map(value).collect::<Vec<_>>())?;
        dump.end()
    }
}
