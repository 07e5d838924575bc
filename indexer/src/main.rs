//! Follows the chain into a database and answers questions about it over GraphQL.

use std::process::ExitCode;

/// Rows are made on one thread and freed on another, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A huge page is cleared whole for the little of it that is used.
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_thp_disable(true).ok();
    aiigo_telemetry::parse_with_settings::<aiigo_indexer::commands::Cli>().execute()
}
