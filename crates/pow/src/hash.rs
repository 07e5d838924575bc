//! The two hashes of a challenge, as the verifier contract computes them.

use alloy_primitives::{Address, B256, U256, keccak256};

/// The seed of one node's challenge: `keccak256(abi.encode(chainId, verifier, challengeSeed, nodeId))`. It binds the work to
/// the chain, the contract and the node, so nobody can use another's.
pub fn node_seed(chain_id: u64, verifier: Address, challenge_seed: B256, node_id: u64) -> B256 {
    let words = [U256::from(chain_id).into(), verifier.into_word(), challenge_seed, U256::from(node_id).into()];
    keccak256(words.concat())
}

/// The hash of a nonce: `keccak256(seed ‖ nonce)`, the nonce as 8 bytes, big-endian.
pub fn hash(seed: B256, nonce: u64) -> B256 {
    let mut message = [0; 40];
    message[..32].copy_from_slice(seed.as_slice());
    message[32..].copy_from_slice(&nonce.to_be_bytes());
    keccak256(message)
}
