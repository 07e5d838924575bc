//! SIGTERM and SIGINT as a cancellation token.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::TelemetryError;

/// How long a program may take to leave once it was asked to. Everything is persisted before it is done, so nothing is
/// lost by ending what hangs.
const GRACE: Duration = Duration::from_secs(10);
/// Exit code of a program that a signal ended: 128 + SIGTERM.
const ENDED_BY_SIGNAL: i32 = 143;

/// Tells every part of a program that it is time to leave.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// Leaves on SIGTERM or SIGINT; on a second one, or after 10 s, the process ends at once. Must be called inside the
    /// runtime.
    ///
    /// # Errors
    /// If the system gives no signals.
    pub fn on_signals() -> Result<Self, TelemetryError> {
        let mut signals = Signals {
            terminate: signal(SignalKind::terminate()).map_err(TelemetryError::Signals)?,
            interrupt: signal(SignalKind::interrupt()).map_err(TelemetryError::Signals)?,
        };
        let shutdown = Self::default();
        let token = shutdown.token.clone();
        tokio::spawn(async move {
            let name = signals.next().await;
            tracing::info!("{name}: leaving");
            token.cancel();
            tokio::select! {
                name = signals.next() => tracing::warn!("{name} again: leaving without finishing"),
                () = tokio::time::sleep(GRACE) => {
                    tracing::error!("not done {} s after {name}: leaving without finishing", GRACE.as_secs());
                }
            }
            std::process::exit(ENDED_BY_SIGNAL);
        });
        Ok(shutdown)
    }

    /// Cancelled when it is time to leave.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
