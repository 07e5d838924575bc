//! Logs go to stderr, as text or JSON: stdout is for results.

use std::io::{self, IsTerminal};

use clap::{Args, ValueEnum};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::TelemetryError;

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Flags of every program.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// How log lines look.
    #[arg(long, value_enum, default_value_t, env = "AIIGO_LOG_FORMAT", global = true)]
    pub log_format: LogFormat,
    /// What is logged: a level, or levels by module (`warn,aiigo_chain=debug`).
    #[arg(long = "log", value_name = "FILTER", default_value = "info", env = "AIIGO_LOG", global = true)]
    pub log_filter: String,
}

/// Sets up the process' logs.
///
/// # Errors
/// If the filter can't be read or logs are already set up.
pub fn init_logs(args: &LogArgs) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&args.log_filter)
        .map_err(|error| TelemetryError::Filter { filter: args.log_filter.clone(), reason: error.to_string() })?;
    let registry = tracing_subscriber::registry().with(filter);
    let done = match args.log_format {
        LogFormat::Text => {
            registry.with(fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal())).try_init()
        }
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(io::stderr)).try_init(),
    };
    done.map_err(|_| TelemetryError::AlreadySetUp { what: "logs" })
}
