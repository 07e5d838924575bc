//! The `aiigo` command: jobs, nodes, stakes, votes and disputes from the terminal.

use std::process::ExitCode;

fn main() -> ExitCode {
    aiigo_telemetry::parse_with_settings::<aiigo_cli::Cli>().execute()
}
