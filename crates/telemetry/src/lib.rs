//! What every long-running program needs around its work: logs, settings, metrics, health endpoints, shutdown; and
//! the shape of what a `doctor` finds.

mod doctor;
mod error;
mod health;
mod listen;
mod logs;
mod manual;
mod metrics;
mod ops;
mod report;
mod settings;
mod shutdown;
mod text;

pub use doctor::{Check, Checkup};
pub use error::TelemetryError;
pub use health::Health;
pub use listen::{ListenArgs, Listener};
pub use logs::{LogArgs, LogFormat, init_logs};
pub use manual::ManualCommand;
pub use metrics::install_metrics;
pub use ops::{ops_router, serve, serve_ops};
pub use report::report_and_exit_code;
pub use settings::{
    Setting, SettingSource, SettingsError, parse_with_settings, settings_with_sources, try_parse_with_settings,
};
pub use shutdown::Shutdown;
pub use text::{printable, printable_json, printable_lines};
