//! `aiigo court check`: the program of a case, run again.

use std::{num::NonZeroUsize, sync::Arc, thread::available_parallelism};

use alloy::primitives::U256;
use clap::Args;
use tokio::sync::Semaphore;

use super::{
    case::Case,
    rerun::{Bench, Finding},
    subject::Subject,
};
use crate::{
    CliError,
    args::{ChainArgs, DataArgs, StoreArgs},
    cli::Session,
    progress::Progress,
};

/// Where programs and inputs come from, and where they are run.
#[derive(Args, Clone, Debug)]
pub(super) struct BenchArgs {
    /// Fetch from stores at private addresses too: for a test on one machine
    #[arg(long, env = "AIIGO_ALLOW_PRIVATE_GATEWAYS")]
    allow_private_gateways: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Programs that are run at a time at least.
const LEAST_RUNS: usize = 2;

fn cores() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get)
}

impl BenchArgs {
    pub(super) fn bench(&self, data: &DataArgs) -> Bench {
        Bench {
            store: self.store.dir(data),
            scratch: data.data_dir.join("reruns"),
            private_gateways: self.allow_private_gateways,
            // A program has one thread; half of the machine is left to its owner. But one that takes long does not hold
            // up all others.
            runs: Arc::new(Semaphore::new((cores() / 2).max(LEAST_RUNS))),
        }
    }
}

/// Run the program of a case again in the sandbox, and compare with the result on the chain.
#[derive(Args, Debug)]
pub(crate) struct CheckCommand {
    /// The case's number
    case: U256,
    #[command(flatten)]
    bench: BenchArgs,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    data: DataArgs,
}

impl CheckCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let chain = self.chain.connect().await?;
        let case = Case::read(&chain, self.case).await?;
        let subject = Subject::of(&chain, &case).await?;
        let progress = Progress::new(false);
        progress.waiting(format!("running task {} again", subject.task));
        let bench = self.bench.bench(&self.data);
        let finding = bench.rerun(&chain, &subject, session.stop.clone()).await?;
        drop(progress);
        let document = serde_json::json!({
            "caseId": case.id.to_string(),
            "taskId": subject.task,
            "resultHash": subject.result,
            "finding": match &finding {
                Finding::Right => "right",
                Finding::Wrong { .. } => "wrong",
                Finding::Open { .. } => "open",
            },
            "found": match &finding {
                Finding::Right => Some(subject.result),
                Finding::Wrong { found } => Some(*found),
                Finding::Open { .. } => None,
            },
            "share": finding.share(),
            "words": finding.words(),
        });
        session.output.result(&document, || {
            let vote = match finding.share() {
                Some(share) => format!("by that, vote {share}: aiigo court vote {} {share}", case.id),
                None => "look at the evidence, and vote by your own judgement".into(),
            };
            format!("Case {}: {}\n{vote}", case.id, finding.words())
        })
    }
}
