//! `aiigo-keeper once`.

use std::{process::ExitCode, time::Duration};

use aiigo_telemetry::Health;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    run::drive,
    set_up::{Ready, set_up},
};
use crate::{
    cli::KeeperArgs,
    error::KeeperError,
    report::{Done, Ending},
};

/// What was due and what became of it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    done: Vec<Done>,
}

/// Does what is due now, once.
pub(crate) async fn once(args: &KeeperArgs, token: CancellationToken) -> Result<Report, KeeperError> {
    let Ready { keeper, outbox } = set_up(args, Duration::ZERO, Health::new()).await?;
    // The outbox is driven for as long as there is something to do.
    let over = token.child_token();
    let work = async {
        let done = keeper.once(&over).await;
        over.cancel();
        done
    };
    let ((), done) = tokio::try_join!(drive(outbox, &over), work)?;
    Ok(Report { done })
}

impl Report {
    /// Failed if something that is due was neither done nor refused by the contracts.
    pub(crate) fn exit_code(&self) -> ExitCode {
        let failed =
            self.done.iter().any(|done| matches!(done.ending, Ending::Expired | Ending::Unaffordable | Ending::Failed));
        if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        if self.done.is_empty() {
            return "nothing is due".to_owned();
        }
        let line = |done: &Done| {
            let detail = done.tx_hash.map(|hash| hash.to_string()).or_else(|| done.reason.clone()).unwrap_or_default();
            format!("{:20} {:12} {} {detail}\n", done.duty, done.ending.label(), done.subject)
        };
        self.done.iter().map(line).collect()
    }
}
