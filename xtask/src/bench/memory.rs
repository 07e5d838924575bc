//! What a process holds.

use std::fs;

use crate::project::Error;

/// The most memory that a process ever held, megabytes.
pub(super) fn largest(process: u32) -> Result<f64, Error> {
    megabytes(process, "VmHWM:")
}

/// What it holds now, megabytes.
pub(super) fn now(process: u32) -> Result<f64, Error> {
    megabytes(process, "VmRSS:")
}

fn megabytes(process: u32, name: &str) -> Result<f64, Error> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("the system tells no memory")?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024.0 / 1e6)
}
