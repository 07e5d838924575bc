//! Identifiers that must not be confused with plain numbers and hashes.

use std::{fmt, str::FromStr};

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};

/// A node of the registry: 1, 2, 3, … in the order of registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub u64);

/// A task: `keccak256(abi.encode(chainid, marketplace, buyer, buyer's nonce, specHash))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(pub B256);

/// A text that is no id.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a {kind}: expected {expected}")]
pub struct IdError {
    text: String,
    kind: &'static str,
    expected: &'static str,
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for NodeId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(id) if id > 0 => Ok(Self(id)),
            _ => Err(IdError { text: text.to_owned(), kind: "node id", expected: "a whole number from 1" }),
        }
    }
}

impl FromStr for TaskId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| IdError {
            text: text.to_owned(),
            kind: "task id",
            expected: "0x and 64 hexadecimal digits",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_parse_what_they_print() {
        let task = TaskId(B256::repeat_byte(0xab));
        assert_eq!(task.to_string().parse::<TaskId>().expect("round trip"), task);
        assert_eq!("7".parse::<NodeId>().expect("round trip"), NodeId(7));
    }

    #[test]
    fn a_wrong_id_is_named_in_the_error() {
        let error = "0".parse::<NodeId>().expect_err("0 is no node").to_string();
        assert!(error.contains("`0` is not a node id"), "{error}");
        assert!("0xzz".parse::<TaskId>().is_err());
    }
}
