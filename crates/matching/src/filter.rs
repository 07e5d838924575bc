//! Who can't do a task at all.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Candidate, Requirements};

/// Why a candidate is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Refusal {
    /// It is not verified, staked and online.
    NotActive,
    /// It is another kind of machine.
    WrongResource {
        /// The kind that is asked for, by the contracts' number.
        wanted: u8,
        /// What it is.
        actual: u8,
    },
    /// Its free power is too small.
    TooLittlePower {
        /// Milli-TFLOPS that are asked for.
        wanted: u64,
        /// Milli-TFLOPS that are free.
        free: u64,
    },
    /// Its stake backs no further task.
    NoFreeSlot,
    /// It is not trusted enough.
    TrustTooLow {
        /// The level that is asked for.
        wanted: u8,
        /// Its level.
        actual: u8,
    },
    /// It asks for more than the task pays.
    TooExpensive {
        /// The most that is paid for an hour.
        budget: u128,
        /// What it asks for an hour.
        asked: u128,
    },
    /// It is not, or not known to be, in an acceptable region.
    WrongRegion {
        /// Where it is, if that is known.
        actual: Option<String>,
    },
    /// Its uptime is, or is not known not to be, below what must be assured.
    UptimeTooLow {
        /// Basis points that are asked for.
        wanted: u16,
        /// Its uptime, if that is known.
        actual: Option<u16>,
    },
    /// It failed this task before.
    Excluded,
    /// It belongs to the buyer.
    OwnedByBuyer,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotActive => f.write_str("it is not active"),
            Self::WrongResource { wanted, actual } => write!(f, "it is of resource type {actual}, not {wanted}"),
            Self::TooLittlePower { wanted, free } => {
                write!(f, "it has {free} milli-TFLOPS free, the task asks for {wanted}")
            }
            Self::NoFreeSlot => f.write_str("its stake backs no further task"),
            Self::TrustTooLow { wanted, actual } => {
                write!(f, "its trust level is {actual}, the task asks for {wanted}")
            }
            Self::TooExpensive { budget, asked } => write!(f, "it asks for {asked} an hour, the task pays {budget}"),
            Self::WrongRegion { actual: Some(region) } => write!(f, "it is in {region}, which is not acceptable"),
            Self::WrongRegion { actual: None } => f.write_str("its region is not known"),
            Self::UptimeTooLow { wanted, actual: Some(actual) } => {
                write!(f, "its uptime is {actual} bps, the task asks for {wanted}")
            }
            Self::UptimeTooLow { wanted, actual: None } => {
                write!(f, "its uptime is not known, the task asks for {wanted} bps")
            }
            Self::Excluded => f.write_str("it failed this task before"),
            Self::OwnedByBuyer => f.write_str("it belongs to the buyer"),
        }
    }
}

/// Every reason against a candidate; none if it can do the task.
pub(crate) fn refusals(wanted: &Requirements, candidate: &Candidate) -> impl Iterator<Item = Refusal> {
    let known = |value: Option<u16>, least: u16| value.is_some_and(|value| value >= least);
    let region_fits =
        wanted.regions.is_empty() || candidate.region.as_ref().is_some_and(|region| wanted.regions.contains(region));
    let asked = candidate.price_per_hour.unwrap_or(0);
    [
        (!candidate.active).then_some(Refusal::NotActive),
        (candidate.resource_type != wanted.resource_type)
            .then_some(Refusal::WrongResource { wanted: wanted.resource_type, actual: candidate.resource_type }),
        (candidate.free_milli_tflops < wanted.milli_tflops)
            .then_some(Refusal::TooLittlePower { wanted: wanted.milli_tflops, free: candidate.free_milli_tflops }),
        (candidate.free_slots == 0).then_some(Refusal::NoFreeSlot),
        (candidate.trust < wanted.trust)
            .then_some(Refusal::TrustTooLow { wanted: wanted.trust, actual: candidate.trust }),
        (asked > wanted.max_price_per_hour)
            .then_some(Refusal::TooExpensive { budget: wanted.max_price_per_hour, asked }),
        (!region_fits).then(|| Refusal::WrongRegion { actual: candidate.region.clone() }),
        wanted
            .min_uptime_bps
            .filter(|least| !known(candidate.uptime_bps, *least))
            .map(|wanted| Refusal::UptimeTooLow { wanted, actual: candidate.uptime_bps }),
        wanted.excluded.contains(&candidate.node_id).then_some(Refusal::Excluded),
        (wanted.buyer.as_ref() == Some(&candidate.owner)).then_some(Refusal::OwnedByBuyer),
    ]
    .into_iter()
    .flatten()
}
