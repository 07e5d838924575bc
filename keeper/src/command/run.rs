//! `aiigo-keeper run`.

use aiigo_chain::Outbox;
use aiigo_telemetry::Health;
use tokio_util::sync::CancellationToken;

use super::set_up::{Ready, set_up};
use crate::{cli::RunArgs, code::Code, error::KeeperError, metrics};

/// Where health and metrics are served unless told otherwise.
const PORT: u16 = 4351;

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
    let work = async {
        let Ready { keeper, outbox } = set_up(&args.keeper, args.jitter, health.clone()).await?;
        tokio::try_join!(drive(outbox, &token), keeper.run(&token)).map(|_| ())
    };
    // Health is served from the start: a keeper that can't reach its chain says so instead of being silent.
    tokio::try_join!(serve, work)?;
    Ok(())
}

/// Drives the outbox for as long as the keeper runs.
pub(super) async fn drive(outbox: Option<Outbox>, token: &CancellationToken) -> Result<(), KeeperError> {
    match outbox {
        Some(outbox) => {
            outbox.run(token.clone()).await.map_err(KeeperError::because(Code::DataDir, "the outbox can't go on"))
        }
        None => Ok(()),
    }
}
