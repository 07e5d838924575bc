//! Proves a machine's power and earns by running tasks in a sandbox.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Mesa would ask the server of a screen which GPU it prefers, and complain on stderr where there is none.
    // SAFETY: no other thread runs yet.
    unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    aiigo_telemetry::parse_with_settings::<aiigo_agent::Cli>().execute()
}
