//! `aiigo court watch`: follows the cases of one juror, and with `--auto` judges them by running the programs again.
//!
//! Nothing of what it knows is lost with it: where a case stands is on the chain, and a vote's secret is on the disk before
//! the vote is sealed. Killed at any point, it seals or opens after its next start what it had decided before.

use std::{collections::BTreeMap, time::Duration};

use aiigo_chain::search_back;
use aiigo_protocol::{CaseStatus, ContractName, DisputeCourt, JuryRound, SeatState};
use aiigo_task::parse_duration;
use alloy::{
    primitives::{B256, U256},
    rpc::types::Filter,
    sol_types::SolEvent,
};
use clap::Args;
use serde::Serialize;
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::DropGuard;

use super::{
    case::{Case, Seat, in_words},
    check::BenchArgs,
    rerun::{Bench, Finding},
    secrets::Secrets,
    subject::Subject,
    vote,
};
use crate::{
    CliError, args::WalletArgs, cli::Session, confirm::ConfirmArgs, error::Context, format, progress::Progress,
    wallet::Wallet,
};

/// Blocks that are read again at each look, because a reorg may have changed them.
const REREAD: u64 = 64;
/// Rest of a case after something failed in it.
const REST: Duration = Duration::from_secs(5);
/// Seconds to the end of the time for votes from which on a program that has not ended is told.
const URGENT: u64 = 3600;

/// Follow the cases in which you have a seat.
#[derive(Args, Debug)]
pub(crate) struct WatchCommand {
    /// Judge by running the programs again: the whole to the provider if the result is the same, else nothing; votes are
    /// opened in time
    #[arg(long)]
    auto: bool,
    /// Do what is due now, and end
    #[arg(long)]
    once: bool,
    /// Pause between two looks at the chain
    #[arg(long, value_name = "TIME", default_value = "12s", value_parser = parse_duration)]
    interval: Duration,
    #[command(flatten)]
    bench: BenchArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    wallet: WalletArgs,
}

impl WatchCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        if self.auto {
            let lines = [
                format!("as {}, seal and open a vote in every case that you are drawn for,", wallet.address()),
                "by what the task's program gives when it is run again on this machine".into(),
            ];
            self.confirm.agree(&wallet, &lines, &[], session).await?;
        }
        let secrets = Secrets::of(&wallet);
        let bench = self.bench.bench(&self.wallet.data);
        let mut watcher = Watcher {
            wallet: &wallet,
            session,
            secrets,
            bench,
            auto: self.auto,
            progress: Progress::new(true),
            seen: None,
            cases: BTreeMap::new(),
            reruns: JoinSet::new(),
            failed: false,
        };
        watcher.watch(self.interval, self.once).await?;
        let documents: Vec<_> = watcher.cases.values().filter_map(|followed| followed.document.clone()).collect();
        session.output.result(&documents, || match documents.len() {
            0 => "No case".into(),
            cases => format!("{cases} cases followed"),
        })
    }
}

/// A case with a seat of this juror's.
#[derive(Debug, Default)]
struct Followed {
    /// What was said of it last.
    told: Option<(CaseStatus, JuryRound, SeatState)>,
    /// What was last said to need attention.
    noted: Option<String>,
    finding: Option<Finding>,
    /// Ends the run of its program that is under way.
    rerun: Option<DropGuard>,
    /// Nothing is tried before.
    rest_until: Option<Instant>,
    document: Option<Document>,
}

/// A case in the command's result.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    case_id: String,
    status: &'static str,
    seat: &'static str,
    /// What was decided, sealed or opened: basis points for the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finding: Option<String>,
}

struct Watcher<'a> {
    wallet: &'a Wallet,
    session: &'a Session,
    secrets: Secrets,
    bench: Bench,
    auto: bool,
    progress: Progress,
    /// The newest block that was searched for seats.
    seen: Option<u64>,
    cases: BTreeMap<U256, Followed>,
    /// Programs that are being run again.
    reruns: JoinSet<(U256, Result<Finding, CliError>)>,
    /// Whether anything failed in a case.
    failed: bool,
}

impl Watcher<'_> {
    async fn watch(&mut self, interval: Duration, once: bool) -> Result<(), CliError> {
        loop {
            match self.look().await {
                Ok(acted) if once && !acted && self.reruns.is_empty() => {
                    return match self.failed {
                        true => Err(CliError::Failed("not all that is due could be done".into())),
                        false => Ok(()),
                    };
                }
                Ok(_) => {}
                // A case lasts longer than most failures of a network.
                Err(error) if once || matches!(error, CliError::Interrupted { .. }) => return self.stopped_or(error),
                Err(error) => self.progress.note(&format!("{}; trying again", in_a_line(&error))),
            }
            self.progress.waiting(match (self.reruns.is_empty(), self.cases.len()) {
                (false, _) => "running a program again".to_owned(),
                (true, cases) => format!("following {cases} cases"),
            });
            tokio::select! {
                () = self.session.stop.cancelled() => return Ok(()),
                Some(done) = self.reruns.join_next() => {
                    let (id, finding) = done.context(|| "running a program again".into())?;
                    self.found(id, finding);
                }
                () = tokio::time::sleep(if once { REST.min(interval) } else { interval }) => {}
            }
        }
    }

    /// Whoever is asked to stop while something is under way has not failed.
    fn stopped_or(&self, error: CliError) -> Result<(), CliError> {
        match error {
            CliError::Interrupted { .. } if self.session.stop.is_cancelled() => Ok(()),
            error => Err(error),
        }
    }

    /// Looks at every case, and does what is due. Whether anything was.
    async fn look(&mut self) -> Result<bool, CliError> {
        self.find_seats().await?;
        let mut acted = false;
        for id in self.cases.keys().copied().collect::<Vec<_>>() {
            match self.follow(id).await {
                Ok(did) => acted |= did,
                Err(error @ CliError::Interrupted { .. }) => return Err(error),
                // Other cases must not wait for this one.
                Err(error) => {
                    self.note(id, in_a_line(&error));
                    self.rest(id);
                    self.failed = true;
                }
            }
        }
        Ok(acted)
    }

    /// Cases that this juror was drawn for since the last look.
    async fn find_seats(&mut self) -> Result<(), CliError> {
        let chain = self.wallet.chain();
        let head = chain.head().await?.number;
        let from = self.seen.map_or(0, |seen| seen.saturating_sub(REREAD)).max(chain.deployment().block);
        let filter = Filter::new()
            .address(chain.deployment().address(ContractName::DisputeCourt))
            .event_signature(DisputeCourt::JurorDrawn::SIGNATURE_HASH)
            .topic2(B256::left_padding_from(self.wallet.address().as_slice()));
        let logs = search_back(chain.provider(), &filter, from, head, |_| false).await?;
        for drawn in logs.iter().filter_map(|log| DisputeCourt::JurorDrawn::decode_log(&log.inner).ok()) {
            self.cases.entry(drawn.caseId).or_default();
        }
        self.seen = Some(head);
        Ok(())
    }

    async fn follow(&mut self, id: U256) -> Result<bool, CliError> {
        let Some(followed) = self.cases.get(&id) else { return Ok(false) };
        if followed.told.is_some_and(|(status, ..)| status == CaseStatus::Closed) {
            return Ok(false);
        }
        let case = Case::read(self.wallet.chain(), id).await?;
        let juror = self.wallet.address();
        let Some(seat) = case.seats.iter().rev().find(|seat| seat.juror == juror).copied() else {
            // A reorganisation took the draw back; or the endpoint lags behind it.
            return Ok(false);
        };
        self.tell(&case, &seat)?;
        if !(case.status == CaseStatus::Committing && seat.present && seat.state == SeatState::Drawn) {
            // What a program gives is of no use any more.
            if let Some(followed) = self.cases.get_mut(&id) {
                followed.rerun = None;
            }
        }
        let rests = self.cases.get(&id).and_then(|followed| followed.rest_until);
        if !self.auto || !seat.present || case.is_overdue() || rests.is_some_and(|until| Instant::now() < until) {
            return Ok(false);
        }
        self.act(&case, &seat).await
    }

    /// Says what is new in a case.
    fn tell(&mut self, case: &Case, seat: &Seat) -> Result<(), CliError> {
        let decided = self.secrets.decided(case.id, seat.round)?.map(|secret| secret.share);
        let Some(followed) = self.cases.get_mut(&case.id) else { return Ok(()) };
        followed.document = Some(Document {
            case_id: case.id.to_string(),
            status: case.status.name(),
            seat: seat.state.name(),
            share: decided,
            finding: followed.finding.as_ref().map(Finding::words),
        });
        let now = (case.status, case.round, seat.state);
        if followed.told == Some(now) {
            return Ok(());
        }
        followed.told = Some(now);
        let ruling = case.ruling().map(|share| format!(", {}", in_words(share))).unwrap_or_default();
        let line = format!("case {} is {}{ruling}; your seat: {}; {}", case.id, case.status, seat.state, case.next());
        self.progress.step(&line);
        if !self.auto {
            let todo = match (case.status, seat.state) {
                (CaseStatus::Committing, SeatState::Drawn) => format!("to vote: aiigo court vote {} SHARE", case.id),
                (CaseStatus::Revealing, SeatState::Committed) => format!("to open it: aiigo court reveal {}", case.id),
                _ => return Ok(()),
            };
            self.progress.detail(&todo);
        }
        Ok(())
    }

    /// Does what the case needs of this juror now. Whether anything was done.
    async fn act(&mut self, case: &Case, seat: &Seat) -> Result<bool, CliError> {
        match (case.status, seat.state) {
            (CaseStatus::Committing, SeatState::Drawn) => self.judge(case).await,
            (CaseStatus::Revealing, SeatState::Committed) => {
                if self.secrets.opening(case.id, case.round, seat.commitment)?.is_none() {
                    let file = self.secrets.file(case.id, case.round);
                    self.note(case.id, format!("what opens your vote is not in {}: put it there", file.display()));
                    return Ok(false);
                }
                let tx = vote::reveal(self.wallet, case, self.session).await?;
                self.progress.step(&format!("case {}: opened your vote, tx {tx}", case.id));
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Seals a vote, once it is known which.
    async fn judge(&mut self, case: &Case) -> Result<bool, CliError> {
        let id = case.id;
        let secret = match self.secrets.decided(id, case.round)? {
            // Killed between deciding and sealing.
            Some(secret) => secret,
            None => match self.cases.get(&id).and_then(|followed| followed.finding.clone()) {
                None => {
                    self.rerun(case);
                    if case.deadline.saturating_sub(case.now) < URGENT {
                        let by = format::local(case.deadline);
                        self.note(id, format!("its program has not ended yet, and votes are sealed until {by}: if need be, vote by hand: aiigo court vote {id} SHARE"));
                    }
                    return Ok(false);
                }
                Some(finding) => match finding.share() {
                    Some(share) => {
                        let secret = self.secrets.draft(id, case.round, share)?;
                        self.secrets.keep(id, case.round, secret)?;
                        secret
                    }
                    None => {
                        self.note(
                            id,
                            format!("{}; look at it, and vote by hand: aiigo court show {id}", finding.words()),
                        );
                        return Ok(false);
                    }
                },
            },
        };
        let tx = vote::seal(self.wallet, case, &self.secrets, &secret, self.session).await?;
        self.progress.step(&format!("case {id}: sealed your vote, {}, tx {tx}", in_words(secret.share)));
        Ok(true)
    }

    /// Begins to run the program of a case again, unless that is under way.
    fn rerun(&mut self, case: &Case) {
        let Some(followed) = self.cases.get_mut(&case.id) else { return };
        if followed.rerun.is_some() {
            return;
        }
        let (chain, bench, case) = (self.wallet.chain().clone(), self.bench.clone(), case.clone());
        let stop = self.session.stop.child_token();
        followed.rerun = Some(stop.clone().drop_guard());
        self.reruns.spawn(async move {
            let finding = async {
                let subject = Subject::of(&chain, &case).await?;
                bench.rerun(&chain, &subject, stop).await
            };
            (case.id, finding.await)
        });
    }

    fn found(&mut self, id: U256, finding: Result<Finding, CliError>) {
        if let Some(followed) = self.cases.get_mut(&id) {
            followed.rerun = None;
        }
        match finding {
            Ok(finding) => {
                self.progress.step(&format!("case {id}: {}", finding.words()));
                if let Some(followed) = self.cases.get_mut(&id) {
                    followed.finding = Some(finding);
                }
            }
            Err(CliError::Interrupted { .. }) => {}
            Err(error) => {
                let why = in_a_line(&error);
                self.note(
                    id,
                    format!(
                        "the program could not be run again: {why}; trying again; by hand: aiigo court vote {id} SHARE"
                    ),
                );
                self.rest(id);
                self.failed = true;
            }
        }
    }

    fn rest(&mut self, id: U256) {
        if let Some(followed) = self.cases.get_mut(&id) {
            followed.rest_until = Some(Instant::now() + REST);
        }
    }

    /// Says what needs attention, once.
    fn note(&mut self, id: U256, text: String) {
        let Some(followed) = self.cases.get_mut(&id) else { return };
        if followed.noted.as_ref() != Some(&text) {
            self.progress.note(&format!("case {id}: {text}"));
            followed.noted = Some(text);
        }
    }
}

fn in_a_line(error: &CliError) -> String {
    std::iter::once(error.to_string()).chain(error.causes()).collect::<Vec<_>>().join(": ")
}
