//! The protocol as Rust sees it: ABI bindings, the addresses of a deployment, ids and units. No I/O.
//!
//! The bindings are built from the JSON under `abi/`, which `cargo xtask abi` regenerates from the contracts; a build
//! of this crate needs neither Node.js nor a Solidity compiler.

mod abi;
mod address;
mod bid;
mod contracts;
mod deployment;
mod description;
mod error;
mod event;
mod ids;
mod json_abi;
mod kinds;
mod limits;
pub mod units;

pub use abi::*;
pub use address::{AddressError, parse_address};
pub use bid::{BidError, SignedBid, bid_digest};
pub use deployment::{ContractName, Deployed, Deployment, DeploymentError};
pub use description::NodeDescription;
pub use error::{DecodedRevert, decode_revert};
pub use event::Event;
pub use ids::{IdError, NodeId, TaskId};
pub use kinds::{
    CaseStatus, Cause, JuryRound, NodeStatus, ReplicaStatus, ResourceType, SeatState, TaskStatus, UnknownKind,
};
