//! What a program may use at most, and the largest values that anybody may ask for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    canonical::MAX_SAFE_INTEGER,
    check::{Fault, fault},
};

/// Smallest memory limit: one WebAssembly page, bytes.
pub const MIN_MEMORY_BYTES: u64 = 64 << 10;
/// Largest memory limit: all that a 32-bit WebAssembly memory can have, bytes.
pub const MAX_MEMORY_BYTES: u64 = 4 << 30;
/// Most compute units.
pub const MAX_FUEL: u64 = MAX_SAFE_INTEGER;
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
    /// Linear memory, bytes.
    #[schemars(range(min = MIN_MEMORY_BYTES, max = MAX_MEMORY_BYTES))]
    pub memory_bytes: u64,
    /// Compute units: about one for each WebAssembly instruction.
    #[schemars(range(min = 1, max = MAX_FUEL))]
    pub fuel: u64,
    /// Wall-clock time, seconds.
    #[schemars(range(min = 1, max = MAX_SECONDS))]
    pub seconds: u64,
    /// All files that the program writes, together, bytes.
    #[schemars(range(min = 1, max = MAX_OUTPUT_BYTES))]
    pub output_bytes: u64,
}

impl Limits {
    pub(crate) fn check(&self) -> Result<(), Fault> {
        for (field, value, min, max) in [
            ("memoryBytes", self.memory_bytes, MIN_MEMORY_BYTES, MAX_MEMORY_BYTES),
            ("fuel", self.fuel, 1, MAX_FUEL),
            ("seconds", self.seconds, 1, MAX_SECONDS),
            ("outputBytes", self.output_bytes, 1, MAX_OUTPUT_BYTES),
        ] {
            if !(min..=max).contains(&value) {
                return Err(fault(
                    format_args!("limits.{field}"),
                    format_args!("{value} is not between {min} and {max}"),
                ));
            }
        }
        Ok(())
    }
}
