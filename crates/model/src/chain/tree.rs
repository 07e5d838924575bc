//! Trees of bonuses as RewardDistributor reads them (8.9): a leaf for each node with an amount.

use alloy::{
    primitives::{B256, U256, keccak256},
    sol_types::SolValue,
};

/// Of a tree without a leaf: nothing can be proven under it.
const EMPTY: B256 = B256::repeat_byte(0xee);

pub(super) fn root(amounts: &[u128]) -> B256 {
    let mut level: Vec<_> = leaves(amounts).into_iter().map(|(_, leaf)| leaf).collect();
    while level.len() > 1 {
        level = parents(&level);
    }
    level.first().copied().unwrap_or(EMPTY)
}

/// The siblings on the way from a node's leaf to the root; nothing if it has none.
pub(super) fn proof(amounts: &[u128], node: usize) -> Vec<B256> {
    let leaves = leaves(amounts);
    let Some(mut place) = leaves.iter().position(|(of, _)| *of == node) else { return Vec::new() };
    let mut level: Vec<_> = leaves.into_iter().map(|(_, leaf)| leaf).collect();
    let mut proof = Vec::new();
    while level.len() > 1 {
        proof.extend(level.get(place ^ 1));
        level = parents(&level);
        place /= 2;
    }
    proof
}

fn leaves(amounts: &[u128]) -> Vec<(usize, B256)> {
    let positive = amounts.iter().enumerate().filter(|(_, amount)| **amount > 0);
    let hash = |node: usize, amount: u128| {
        let content = (U256::from(node + 1), U256::from(amount)).abi_encode();
        keccak256(keccak256(content))
    };
    positive.map(|(node, amount)| (node, hash(node, *amount))).collect()
}

/// Pairs, the smaller hash first; who has no pair goes up alone.
fn parents(level: &[B256]) -> Vec<B256> {
    let pair = |pair: &[B256]| match pair {
        [one, other] => keccak256([one.min(other).0, one.max(other).0].concat()),
        alone => alone[0],
    };
    level.chunks(2).map(pair).collect()
}
