//! The proof of power: how a machine shows how fast it hashes, and what that tells.
//!
//! For a fixed time a node tries nonces and keeps the 64 with the smallest hashes `keccak256(seed ‖ nonce)`. The largest of
//! these, h, tells how many were tried: about 63 × 2²⁵⁶ / h, with a relative error of 1/√62 = 12.7%. The chain checks 64
//! hashes and believes no clock but its own.
//!
//! A [`Registry`] finds the [`Device`]s of this machine through its [`Backend`]s; a [`Solver`] sends them out on stretches of
//! nonces that do not overlap, and hashes each nonce that they report once more by the reference before it counts.

#[cfg(test)]
mod agreement;
mod best;
mod cpu;
mod device;
mod estimate;
#[cfg(any(feature = "cuda", feature = "wgpu"))]
mod gpu;
mod hash;
mod keccak;
pub mod pci;
mod registry;
mod search;
mod solver;

pub use cpu::processor_name;
pub use device::{Backend, CpuOptions, Device, DeviceError, DeviceKind, Fault, Hits, LostDevice, Unavailable};
pub use estimate::{
    DEFAULT_HASHES_PER_TFLOPS, LOWER_BOUND_OF_MEAN, LOWER_BOUND_OF_ONE, RELATIVE_ERROR, UNAUDITED_SHARE,
    estimate_hash_rate, milli_tflops,
};
#[cfg(feature = "wgpu")]
pub use gpu::{GraphicsProcessor, graphics_processors};
pub use hash::{hash, node_seed};
pub use keccak::Job;
pub use registry::{Finding, Found, Registry};
pub use solver::{DeviceCount, NONCES, PowError, SOLUTION_BYTES, Solution, Solver};
