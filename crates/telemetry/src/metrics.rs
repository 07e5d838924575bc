//! The process' metrics, in Prometheus' text format.

use std::{sync::OnceLock, thread, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::TelemetryError;

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Upper bounds of the buckets of every histogram of seconds, whose names end in `_seconds`: a fast answer to a slow job.
const SECONDS: [f64; 12] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0];
/// How often recorded samples are folded into their buckets, so that they can't pile up if nobody asks for them.
const UPKEEP: Duration = Duration::from_secs(5);

/// Installs the recorder behind `metrics::counter!` and its like. A second call changes nothing.
///
/// # Errors
/// If another recorder was installed by somebody else.
pub fn install_metrics() -> Result<(), TelemetryError> {
    if RECORDER.get().is_some() {
        return Ok(());
    }
    let taken = |_| TelemetryError::AlreadySetUp { what: "metrics" };
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &SECONDS).map_err(taken)?;
    let handle = builder.install_recorder().map_err(taken)?;
    // Without the thread a scrape does the upkeep: see `render`.
    let _ = thread::Builder::new().name("metrics".to_owned()).spawn({
        let handle = handle.clone();
        move || {
            loop {
                thread::sleep(UPKEEP);
                handle.run_upkeep();
            }
        }
    });
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
