//! Proves a machine's power and earns by running tasks in a sandbox.

use std::process::ExitCode;

fn main() -> ExitCode {
    aiigo_telemetry::parse_with_settings::<aiigo_agent::Cli>().execute()
}
