//! How much memory the program may have.

use std::io;

use wasmtime::ResourceLimiter;

use crate::fault::Stop;

/// Elements in the program's table of functions: large interpreters have tens of thousands.
const MAX_TABLE_ELEMENTS: usize = 1 << 20;
/// Tables of a module; compilers emit one.
pub(crate) const MAX_TABLES: usize = 8;

/// Grants linear memory up to a limit and remembers if it ever refused.
#[derive(Debug)]
pub(crate) struct MemoryLimiter {
    limit: usize,
    peak: usize,
    refused: bool,
    table_refused: bool,
}

impl MemoryLimiter {
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self {
            limit: usize::try_from(limit_bytes).unwrap_or(usize::MAX),
            peak: 0,
            refused: false,
            table_refused: false,
        }
    }

    /// Largest size of the linear memory, bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.peak as u64
    }

    /// Whether the program asked for more than its limit. It was told no; if it then traps, this was why.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    /// Whether a table was to be larger than any may be.
    pub(crate) fn table_refused(&self) -> bool {
        self.table_refused
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.limit {
            self.refused = true;
            return Ok(false);
        }
        let granted = maximum.is_none_or(|maximum| desired <= maximum);
        if granted {
            self.peak = self.peak.max(desired);
        }
        Ok(granted)
    }

    /// Growth beyond the limits was refused before: here it is the machine that has no memory, and that is no result.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(Stop::Host(io::Error::new(io::ErrorKind::OutOfMemory, error.to_string())).into())
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.table_refused |= desired > MAX_TABLE_ELEMENTS;
        Ok(desired <= MAX_TABLE_ELEMENTS && maximum.is_none_or(|maximum| desired <= maximum))
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        1
    }
}
