//! The proof of power: how a machine shows how fast it hashes, and what that tells.
//!
//! For a fixed time a node tries nonces and keeps the 64 with the smallest hashes `keccak256(seed ‖ nonce)`. The largest of
//! these, h, tells how many were tried: about 63 × 2²⁵⁶ / h, with a relative error of 1/√62 = 12.7%. The chain checks 64
//! hashes and believes no clock but its own.

mod best;
mod estimate;
mod hash;
mod keccak;
mod solver;

pub use estimate::estimate_hash_rate;
pub use hash::{hash, node_seed};
pub use solver::{NONCES, PowError, SOLUTION_BYTES, Solution, Solver};
