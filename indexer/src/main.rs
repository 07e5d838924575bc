//! Follows the chain into a database and answers questions about it over GraphQL.

use std::process::ExitCode;

fn main() -> ExitCode {
    aiigo_telemetry::parse_with_settings::<aiigo_indexer::commands::Cli>().execute()
}
