//! One row against the contracts.

use std::fmt::Display;

use serde::Serialize;

/// A value that the index and the contracts tell differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it is of: `node`, `task`, …
    pub kind: &'static str,
    /// Of which.
    pub id: String,
    /// Which value.
    pub field: &'static str,
    /// What the index says.
    pub indexed: String,
    /// What the contracts say.
    pub chain: String,
}

/// The values of a row that were compared.
#[derive(Debug)]
pub struct Check {
    kind: &'static str,
    id: String,
    differences: Vec<Difference>,
}

impl Check {
    /// Of a row.
    pub(super) fn of(kind: &'static str, id: impl Display) -> Self {
        Self { kind, id: id.to_string(), differences: Vec::new() }
    }

    /// Compares a value.
    pub(super) fn same<T: PartialEq + Display>(mut self, field: &'static str, indexed: T, chain: T) -> Self {
        if indexed != chain {
            self.differences.push(Difference {
                kind: self.kind,
                id: self.id.clone(),
                field,
                indexed: indexed.to_string(),
                chain: chain.to_string(),
            });
        }
        self
    }

    pub(super) fn into_differences(self) -> Vec<Difference> {
        self.differences
    }
}
