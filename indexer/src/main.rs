//! Follows the chain into a database and answers questions about it over GraphQL.

use std::process::ExitCode;

/// Rows are made on one thread and freed on another, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    aiigo_telemetry::parse_with_settings::<aiigo_indexer::commands::Cli>().execute()
}
