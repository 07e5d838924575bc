//! Governance parameters, kept as the JSON of the contracts' structs.

use aiigo_protocol::{INodeRegistry, IProofOfWorkVerifier};
use alloy::primitives::Address;
use serde::{Serialize, de::DeserializeOwned};

use super::Moment;
use crate::store::{Changes, StoreError, key, rows::Parameter};

/// The marketplace's parameters.
pub(crate) const MARKET: &str = "market";
/// The registry's parameters.
pub(crate) const REGISTRY: &str = "registry";
/// The verifier's parameters.
pub(crate) const VERIFIER: &str = "verifier";
/// The court's parameters.
pub(crate) const COURT: &str = "court";
/// Start, length and size of the reward schedule.
pub(crate) const SCHEDULE: &str = "schedule";
/// The stakers' part of the rewards, basis points.
pub(crate) const STAKER_SHARE: &str = "stakerShareBps";

/// The limits of a payment token.
pub(crate) fn limits_of(token: Address) -> String {
    format!("limits:{token}")
}

/// Keeps a set of parameters.
pub(super) async fn set(db: &mut Changes, name: &str, value: &impl Serialize, at: Moment) -> Result<(), StoreError> {
    let value = serde_json::to_string(value).map_err(|error| damaged(name, &error))?;
    db.put(Parameter { name: name.to_owned(), value, updated_at: at.time }).await
}

/// A set of parameters, if it was ever announced.
pub(super) async fn get<T: DeserializeOwned>(db: &mut Changes, name: &str) -> Result<Option<T>, StoreError> {
    let stored = db.find::<Parameter>(&key![name.to_owned()]).await?;
    stored.map(|stored| serde_json::from_str(&stored.value).map_err(|error| damaged(name, &error))).transpose()
}

/// The registry's parameters; it announces them before the first node can register.
pub(super) async fn registry(db: &mut Changes) -> Result<INodeRegistry::Parameters, StoreError> {
    get(db, REGISTRY).await?.ok_or_else(|| missing(REGISTRY))
}

/// The verifier's parameters; it announces them before the first challenge.
pub(super) async fn verifier(db: &mut Changes) -> Result<IProofOfWorkVerifier::Parameters, StoreError> {
    get(db, VERIFIER).await?.ok_or_else(|| missing(VERIFIER))
}

pub(super) fn missing(name: &str) -> StoreError {
    StoreError::Missing { table: "parameters", key: key![name.to_owned()] }
}

fn damaged(name: &str, error: &serde_json::Error) -> StoreError {
    let found = crate::store::Value::Text(format!("{name}: {error}"));
    StoreError::Damaged {
        table: "parameters",
        source: crate::store::ColumnError::new("JSON of the contract's struct", found),
    }
}
