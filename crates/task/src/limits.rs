//! What a program may use at most, and the largest values that anybody may ask for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    canonical::{self, MAX_SAFE_INTEGER},
    check::{Fault, fault},
    program::Program,
};

/// Smallest memory limit: one WebAssembly page, bytes.
pub const MIN_MEMORY_BYTES: u64 = 64 << 10;
/// Largest memory limit of a module: all that a 32-bit WebAssembly memory can have, bytes.
pub const MAX_MEMORY_BYTES: u64 = 4 << 30;
/// Smallest memory limit of a container: less than its own start needs is refused by engines, bytes.
pub const MIN_IMAGE_MEMORY_BYTES: u64 = 16 << 20;
/// Largest memory limit of a container, bytes.
pub const MAX_IMAGE_MEMORY_BYTES: u64 = 1 << 40;
/// Most compute units.
pub const MAX_FUEL: u64 = MAX_SAFE_INTEGER;
/// Most processors of a container.
pub const MAX_CPUS: u32 = 1024;
/// Longest run: 30 days, seconds.
pub const MAX_SECONDS: u64 = 30 * 24 * 3600;
/// Largest outputs, all together, bytes.
pub const MAX_OUTPUT_BYTES: u64 = 16 << 30;
/// Largest module, bytes.
pub const MAX_MODULE_BYTES: u64 = 64 << 20;
/// Largest inputs, all together, bytes.
pub const MAX_INPUT_BYTES: u64 = 64 << 30;

/// What a program may use at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Memory, bytes: a module's linear memory, at most 4 GiB; all of a container's, at least 16 MiB.
    #[schemars(range(min = MIN_MEMORY_BYTES, max = MAX_IMAGE_MEMORY_BYTES))]
    pub memory_bytes: u64,
    /// Compute units of a module: about one for each WebAssembly instruction. A container has none.
    #[serde(default, deserialize_with = "canonical::present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64", range(min = 1, max = MAX_FUEL))]
    pub fuel: Option<u64>,
    /// Processors that a container may keep busy. A module has one, and does not say so.
    #[serde(default, deserialize_with = "canonical::present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = MAX_CPUS))]
    pub cpus: Option<u32>,
    /// Wall-clock time, seconds.
    #[schemars(range(min = 1, max = MAX_SECONDS))]
    pub seconds: u64,
    /// All files that the program writes, together, bytes.
    #[schemars(range(min = 1, max = MAX_OUTPUT_BYTES))]
    pub output_bytes: u64,
}

impl Limits {
    pub(crate) fn check(&self, program: Program<'_>) -> Result<(), Fault> {
        let (least, most) = match program {
            Program::Wasm(_) => (MIN_MEMORY_BYTES, MAX_MEMORY_BYTES),
            Program::Image(_) => (MIN_IMAGE_MEMORY_BYTES, MAX_IMAGE_MEMORY_BYTES),
        };
        within("memoryBytes", self.memory_bytes, least, most)?;
        match program {
            Program::Wasm(_) => {
                within("fuel", required("fuel", self.fuel)?, 1, MAX_FUEL)?;
                absent("cpus", self.cpus, "a module has one processor")?;
            }
            Program::Image(_) => {
                within("cpus", required("cpus", self.cpus.map(u64::from))?, 1, MAX_CPUS.into())?;
                absent("fuel", self.fuel, "a container's compute units are not counted; `cpus` bounds it")?;
            }
        }
        within("seconds", self.seconds, 1, MAX_SECONDS)?;
        within("outputBytes", self.output_bytes, 1, MAX_OUTPUT_BYTES)
    }
}

fn within(field: &str, value: u64, min: u64, max: u64) -> Result<(), Fault> {
    match (min..=max).contains(&value) {
        true => Ok(()),
        false => Err(fault(format_args!("limits.{field}"), format_args!("{value} is not between {min} and {max}"))),
    }
}

fn required(field: &str, value: Option<u64>) -> Result<u64, Fault> {
    value.ok_or_else(|| fault(format_args!("limits.{field}"), "is missing"))
}

fn absent<T>(field: &str, value: Option<T>, reason: &str) -> Result<(), Fault> {
    match value {
        None => Ok(()),
        Some(_) => Err(fault(format_args!("limits.{field}"), format_args!("has no meaning here: {reason}"))),
    }
}
