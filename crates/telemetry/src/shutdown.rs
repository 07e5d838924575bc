//! SIGTERM and SIGINT as a cancellation token.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::TelemetryError;

/// Tells every part of a program that it is time to leave.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// Leaves on SIGTERM or SIGINT. Must be called inside the runtime.
    ///
    /// # Errors
    /// If the system gives no signals.
    pub fn on_signals() -> Result<Self, TelemetryError> {
        let mut terminate = signal(SignalKind::terminate()).map_err(TelemetryError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(TelemetryError::Signals)?;
        let shutdown = Self::default();
        let token = shutdown.token.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => tracing::info!("SIGTERM: leaving"),
                _ = interrupt.recv() => tracing::info!("SIGINT: leaving"),
                () = token.cancelled() => {}
            }
            token.cancel();
        });
        Ok(shutdown)
    }

    /// Cancelled when it is time to leave.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }
}
