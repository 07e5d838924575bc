//! Moves the protocol along when time passes.

use std::process::ExitCode;

fn main() -> ExitCode {
    aiigo_telemetry::parse_with_settings::<aiigo_keeper::Cli>().execute()
}
