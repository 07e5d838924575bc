//! `aiigo-keeper run`.

use std::time::{Duration, Instant};

use aiigo_chain::{Key, Outbox};
use aiigo_telemetry::Health;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::set_up::{Ready, set_up};
use crate::{cli::RunArgs, code::Code, error::KeeperError, metrics};

/// Where health and metrics are served unless told otherwise.
pub(super) const PORT: u16 = 4351;
/// Pause before the first new beginning; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause, and how long a keeper has to work for the pauses to begin anew.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Watches and acts until the token is cancelled.
pub(crate) async fn run(args: &RunArgs, token: CancellationToken) -> Result<(), KeeperError> {
    aiigo_telemetry::install_metrics().map_err(KeeperError::because(Code::Settings, "cannot start the metrics"))?;
    metrics::describe();
    let listener =
        args.listen.bind(PORT).await.map_err(KeeperError::because(Code::Listen, "cannot serve health and metrics"))?;
    let health = Health::new();
    let serve = async {
        let served = aiigo_telemetry::serve_ops(listener, health.clone(), token.clone()).await;
        served.map_err(KeeperError::because(Code::Listen, "cannot serve health and metrics any more"))
    };
    // Health is served from the start: a keeper that can't reach its chain says so instead of being silent.
    tokio::try_join!(serve, supervise(args, &health, &token))?;
    Ok(())
}

/// Works, and begins anew after what passes by itself.
async fn supervise(args: &RunArgs, health: &Health, token: &CancellationToken) -> Result<(), KeeperError> {
    let mut pause = FIRST_PAUSE;
    // Its password may be asked for: once.
    let key = OnceCell::new();
    loop {
        let began = Instant::now();
        let error = match work(args, &key, health, token).await {
            Err(error) if error.code.passes_by_itself() => error,
            ended => return ended,
        };
        health.set_ready(false);
        if began.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, seconds = pause.as_secs(), "the keeper stopped and begins anew");
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
        }
    }
}

/// One life of the keeper.
async fn work(
    args: &RunArgs,
    key: &OnceCell<Key>,
    health: &Health,
    token: &CancellationToken,
) -> Result<(), KeeperError> {
    let Ready { keeper, outbox } = set_up(&args.keeper, args.jitter, key, health.clone()).await?;
    tokio::try_join!(drive(outbox, token), keeper.run(token)).map(|_| ())
}

/// Drives the outbox for as long as the keeper runs.
pub(super) async fn drive(outbox: Option<Outbox>, token: &CancellationToken) -> Result<(), KeeperError> {
    match outbox {
        Some(outbox) => {
            let ended = outbox.run(token.clone()).await;
            ended.map_err(|error| KeeperError::because(Code::of(&error), "the outbox can't go on")(error))
        }
        None => Ok(()),
    }
}
