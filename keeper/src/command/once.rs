//! `aiigo-keeper once`.

use std::{process::ExitCode, time::Duration};

use aiigo_telemetry::Health;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::{
    run::drive,
    set_up::{Ready, set_up},
};
use crate::{
    cli::KeeperArgs,
    code::Code,
    error::KeeperError,
    report::{Done, Ending, Visit},
    second_opinion::Difference,
    view::WrongRoot,
};

/// Does what is due now, once.
pub(crate) async fn once(args: &KeeperArgs, token: CancellationToken) -> Result<Visit, KeeperError> {
    let Ready { keeper, outbox } = set_up(args, Duration::ZERO, &OnceCell::new(), Health::new()).await?;
    // The outbox is driven for as long as there is something to do.
    let over = token.child_token();
    let work = async {
        let visit = keeper.once(&over).await;
        over.cancel();
        visit
    };
    let ((), visit) = tokio::try_join!(drive(outbox, &over), work)?;
    Ok(visit)
}

impl Visit {
    /// Failed if something that is due was neither done nor refused by the contracts, or a root is wrong or doubtful.
    pub(crate) fn exit_code(&self) -> ExitCode {
        let failed =
            self.done.iter().any(|done| matches!(done.ending, Ending::Expired | Ending::Unaffordable | Ending::Failed));
        let doubtful = self.difference.is_some() || self.no_opinion.is_some();
        if failed || doubtful || !self.wrong_roots.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let line = |done: &Done| {
            let detail = done.tx_hash.map(|hash| hash.to_string()).or_else(|| done.reason.clone()).unwrap_or_default();
            format!("{:20} {:12} {} {detail}\n", done.duty, done.ending.label(), done.subject)
        };
        let alarm =
            |wrong: &WrongRoot| format!("{} root {} of epoch {} is wrong\n", Code::WrongRoot, wrong.id, wrong.epoch);
        let differs = self.difference.iter().map(|Difference { epoch, .. }| {
            format!("{} the indexer has another root of epoch {epoch}\n", Code::OtherRoot)
        });
        let silent =
            self.no_opinion.iter().map(|reason| format!("{} no opinion of the indexer: {reason}\n", Code::Unreachable));
        let text: String =
            self.done.iter().map(line).chain(self.wrong_roots.iter().map(alarm)).chain(differs).chain(silent).collect();
        if text.is_empty() { "nothing is due".to_owned() } else { text }
    }
}
