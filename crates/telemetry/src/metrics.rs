//! The process' metrics, in Prometheus' text format.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::TelemetryError;

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Installs the recorder behind `metrics::counter!` and its like. A second call changes nothing.
///
/// # Errors
/// If another recorder was installed by somebody else.
pub fn install_metrics() -> Result<(), TelemetryError> {
    if RECORDER.get().is_some() {
        return Ok(());
    }
    let handle =
        PrometheusBuilder::new().install_recorder().map_err(|_| TelemetryError::AlreadySetUp { what: "metrics" })?;
    // Lost only against a second caller whose recorder can't have been installed after ours.
    let _ = RECORDER.set(handle);
    Ok(())
}

/// The metrics now; empty before [`install_metrics`].
pub(crate) fn render() -> String {
    RECORDER.get().map_or_else(String::new, |handle| {
        handle.run_upkeep();
        handle.render()
    })
}
