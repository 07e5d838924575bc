//! The loop: what the chain tells goes in, work on tasks comes out.

use std::{collections::HashSet, sync::Arc, time::Duration};

use aiigo_chain::{Follower, FollowerConfig, LocatedEvent, Update};
use aiigo_executor::Sandboxes;
use aiigo_protocol::{
    Event, NodeId, NodeStatus, ReplicaStatus, TaskId, TaskMarketplace, TaskMarketplace::TaskMarketplaceEvents,
    units::format_amount,
};
use aiigo_telemetry::Health;
use alloy::{primitives::U256, signers::local::PrivateKeySigner};
use tokio::task::JoinSet;

use super::{
    Desk,
    accept::Turns,
    audits::Audits,
    candidates::{self, Refusals},
    clock::Clock,
    gate::Gate,
    offers::Offers,
    promises::Promises,
    replica::{self, Claims, News},
    tidy,
    work::{self, Ended},
};
use crate::{
    cache::Cache,
    data_dir::DataDir,
    error::{AgentError, Context},
    machine::Gpus,
    market::{Market, status_of},
    policy::{Change, PolicyFile, Refusal},
    prove::Prover,
    resources::Resources,
    sender::Sender,
    store::{Stage, Store, Subject, Work},
};

/// How long the work in hand may take to write itself down once the agent has to leave.
const LEAVE: Duration = Duration::from_secs(8);

/// What serving needs.
pub(crate) struct ServeConfig {
    pub(crate) market: Market,
    pub(crate) node: NodeId,
    pub(crate) sender: Sender,
    pub(crate) signer: PrivateKeySigner,
    pub(crate) store: Store,
    pub(crate) data: DataDir,
    pub(crate) policy: Arc<PolicyFile>,
    /// Also use gateways on private and local addresses.
    pub(crate) private_gateways: bool,
    pub(crate) executor: Arc<Sandboxes>,
    pub(crate) cache: Cache,
    pub(crate) prover: Arc<Prover>,
    pub(crate) health: Health,
    pub(crate) poll_interval: Duration,
}

/// Serves until the agent has to leave.
///
/// # Errors
/// If the chain can't be followed any more, or the database fails.
pub(crate) async fn serve(config: ServeConfig) -> Result<(), AgentError> {
    let ServeConfig {
        market,
        node,
        sender,
        signer,
        store,
        data,
        policy,
        private_gateways,
        executor,
        cache,
        prover,
        health,
        poll_interval,
    } = config;
    let following = FollowerConfig { poll_interval, ..FollowerConfig::default() };
    let follower = Follower::new(market.provider().clone(), Arc::clone(market.deployment()), following, Vec::new());
    let token = sender.token().clone();
    let desk = Desk {
        market,
        node,
        sender,
        signer,
        store,
        resources: Resources::new(data.path(), cache.clone()),
        data,
        policy,
        private_gateways,
        executor,
        cache,
        clock: Clock::new(token),
        turns: Turns::default(),
        promises: Promises::default(),
        news: News::default(),
    };
    let mut server = Server {
        desk: Arc::new(desk),
        health,
        audits: Audits::new(node, prover),
        offers: Offers::default(),
        gate: Gate::default(),
        gpus: Arc::new(Gpus::open()),
        said: Said::default(),
        refusals: Refusals::default(),
        engaged: HashSet::new(),
        accepted: HashSet::new(),
        claims: Claims::new(node),
        running: JoinSet::new(),
        waiting: JoinSet::new(),
    };
    server.resume().await?;
    let served = server.follow(follower).await;
    server.health.set_ready(false);
    server.leave().await;
    served
}

/// What `status` was told last, so that it is written down once.
#[derive(Debug, Default)]
struct Said {
    closed: Option<Option<String>>,
    mistake: Option<Option<String>>,
}

struct Server {
    desk: Arc<Desk>,
    health: Health,
    audits: Audits,
    offers: Offers,
    gate: Gate,
    gpus: Arc<Gpus>,
    said: Said,
    refusals: Refusals,
    /// Tasks that are worked on.
    engaged: HashSet<TaskId>,
    /// Tasks that the chain gave to this node since the last look.
    accepted: HashSet<TaskId>,
    /// Replicated tasks that the chain says this node has something in.
    claims: Claims,
    running: JoinSet<(TaskId, Result<Ended, AgentError>)>,
    /// Work that takes no power of the machine at present: others have the word.
    waiting: JoinSet<(TaskId, Result<Ended, AgentError>)>,
}

impl Server {
    /// Goes on with what an earlier run left.
    async fn resume(&mut self) -> Result<(), AgentError> {
        tidy::tidy(&self.desk).await?;
        for work in self.desk.store.unfinished().await? {
            tracing::info!(task = %work.task, stage = work.stage.name(), "going on with a task");
            self.go_on(work);
        }
        Ok(())
    }

    /// Goes on with a task, beside the others or beside what the machine can do at a time.
    fn go_on(&mut self, work: Work) {
        let task = work.task;
        let busy = work.stage.is_busy();
        let resume = |desk: Arc<Desk>| async move { work::resume(&desk, work).await };
        if busy {
            return self.start(task, resume);
        }
        self.engaged.insert(task);
        let work = resume(Arc::clone(&self.desk));
        self.waiting.spawn(async move { (task, work.await) });
    }

    /// Works on a task beside the loop.
    fn start<F: Future<Output = Result<Ended, AgentError>> + Send + 'static>(
        &mut self,
        task: TaskId,
        work: impl FnOnce(Arc<Desk>) -> F,
    ) {
        self.engaged.insert(task);
        let work = work(Arc::clone(&self.desk));
        self.running.spawn(async move { (task, work.await) });
    }

    async fn follow(&mut self, mut follower: Follower) -> Result<(), AgentError> {
        let token = self.desk.sender.token().clone();
        loop {
            tokio::select! {
                biased;
                () = token.cancelled() => return Ok(()),
                Some(ended) = self.running.join_next() => self.ended(ended.context("a task's work died")?).await?,
                Some(ended) = self.waiting.join_next() => self.ended(ended.context("a task's work died")?).await?,
                Some(()) = self.audits.ended() => {}
                update = follower.next() => self.update(update.context("cannot follow the chain")?).await?,
            }
        }
    }

    async fn update(&mut self, update: Update) -> Result<(), AgentError> {
        match update {
            Update::Applied { block, events, head, finalized, live, .. } => {
                self.desk.clock.set(head);
                for event in &events {
                    self.offers.apply(event);
                    if let Some(decoded) = &event.event {
                        self.audits.apply(event.block.number, decoded);
                    }
                    self.note(event).await?;
                }
                self.offers.settle(finalized);
                self.claims.settle(finalized);
                self.refusals.retain(&self.offers);
                self.health.set_status("block", block.number.into());
                if live {
                    self.live(block.timestamp).await;
                }
            }
            Update::Retracted { to } => {
                tracing::warn!(block = to.number, "blocks were replaced");
                self.offers.retract(to.number);
                self.audits.retract(to.number);
                self.claims.retract(to.number);
                self.desk.news.ring();
            }
        }
        Ok(())
    }

    /// At each new head: is the node ready, and is there something to do?
    async fn live(&mut self, now: u64) {
        // The contract knows which of them were being executed.
        self.audits.begin(now, &self.desk.sender, || self.engaged.iter().copied().collect());
        self.recover_seats();
        match self.look_for_work(now).await {
            Ok(ready) => self.health.set_ready(ready),
            // The next block brings the next chance.
            Err(error) => tracing::warn!(error = error.full(), "cannot look for work now"),
        }
        self.health.set_status("running", self.running.len().into());
        metrics::gauge!("aiigo_agent_running").set(self.running.len() as f64);
    }

    /// Takes tasks up to the provider's concurrency; whether the node is Active.
    async fn look_for_work(&mut self, now: u64) -> Result<bool, AgentError> {
        // What is owed is owed by a node that is suspended or leaves, too.
        self.recover();
        let info = self.desk.market.node(self.desk.node).await?;
        let status = status_of(&info)?;
        self.health.set_status("nodeStatus", status.name().into());
        if status != NodeStatus::Active {
            return Ok(false);
        }
        if self.audits.is_answering() || !self.takes_tasks().await? {
            return Ok(true);
        }
        let open: Vec<_> = self
            .offers
            .open_at(now)
            .into_iter()
            .filter(|(task, _)| !self.engaged.contains(task) && !self.refusals.stands(*task))
            .collect();
        if open.is_empty() {
            return Ok(true);
        }
        let policy = self.desk.policy.policy();
        let standing = candidates::standing(&self.desk.market, self.desk.node, now).await?;
        let left = self.desk.promises.left(standing.clone());
        for (task, offer) in candidates::ordered(open, &policy) {
            if self.running.len() >= policy.tasks {
                break;
            }
            match policy.judge(&offer, &standing) {
                Err(refusal) => self.refuse(task, &refusal).await?,
                // There may be room at the next block.
                Ok(()) if policy.judge(&offer, &left).is_err() => {}
                Ok(()) => self.start(task, |desk| async move { work::begin(&desk, task, &offer).await }),
            }
        }
        Ok(true)
    }

    /// Reads the policy again, and looks whether any task is taken now; `status` is told why not.
    async fn takes_tasks(&mut self) -> Result<bool, AgentError> {
        let policy = Arc::clone(&self.desk.policy);
        let gpus = Arc::clone(&self.gpus);
        let looked = tokio::task::spawn_blocking(move || (policy.refresh(), gpus.readings())).await;
        let (change, gpus) = looked.context("cannot read the policy")?;
        match change {
            Change::None => {}
            Change::Policy => {
                tracing::info!("another policy is in force");
                self.desk.executor.allow(self.desk.policy.policy().images.iter().cloned().collect());
                self.refusals.clear();
            }
            Change::Mistake(mistake) => tracing::error!(mistake, "the policy is wrong; the one before stays in force"),
        }
        let mistake = self.desk.policy.mistake();
        if self.said.mistake.as_ref() != Some(&mistake) {
            self.desk.store.set_remark(Subject::Policy, mistake.as_deref()).await?;
            self.said.mistake = Some(mistake);
        }
        let mode = self.desk.store.mode().await?;
        let closed = self.gate.closed(mode, &self.desk.policy.policy(), &gpus, self.running.is_empty());
        if self.said.closed.as_ref() != Some(&closed) {
            match &closed {
                Some(reason) => tracing::info!(reason, "taking no tasks"),
                None => tracing::info!("taking tasks"),
            }
            self.desk.store.set_remark(Subject::Closed, closed.as_deref()).await?;
            self.said.closed = Some(closed);
        }
        Ok(matches!(self.said.closed, Some(None)))
    }

    /// Leaves a task alone, and remembers why.
    async fn refuse(&mut self, task: TaskId, refusal: &Refusal) -> Result<(), AgentError> {
        match self.refusals.add(task, refusal) {
            true => self.desk.store.decline(task, refusal).await,
            false => Ok(()),
        }
    }

    /// Tasks that the chain gave to this node and nobody works on.
    fn recover(&mut self) {
        for task in std::mem::take(&mut self.accepted) {
            let Some(offer) = self.offers.get(task).cloned() else { continue };
            if !self.engaged.contains(&task) {
                self.start(task, |desk| async move { work::recover(&desk, task, &offer).await });
            }
        }
    }

    /// Applications and seats of this node that nobody works on. A seat can't wait for the node to be Active.
    fn recover_seats(&mut self) {
        for task in self.claims.open().collect::<Vec<_>>() {
            if self.engaged.contains(&task) || self.refusals.stands(task) {
                continue;
            }
            let Some(offer) = self.offers.get(task).cloned() else { continue };
            self.start(task, |desk| async move { replica::recover(&desk, task, &offer).await });
        }
    }

    /// What an event means for this node.
    async fn note(&mut self, located: &LocatedEvent) -> Result<(), AgentError> {
        let Some(Event::TaskMarketplace(event)) = &located.event else { return Ok(()) };
        self.claims.apply(located.block.number, event);
        self.note_replica(event, located.block.timestamp).await?;
        match event {
            TaskMarketplaceEvents::TaskAccepted(accepted) if accepted.nodeId == self.desk.node.0 => {
                self.accepted.insert(TaskId(accepted.taskId));
            }
            TaskMarketplaceEvents::ResultSubmitted(submitted) => {
                self.accepted.remove(&TaskId(submitted.taskId));
            }
            TaskMarketplaceEvents::TaskReopened(reopened) => {
                self.accepted.remove(&TaskId(reopened.taskId));
                self.refusals.forget(TaskId(reopened.taskId));
            }
            TaskMarketplaceEvents::TaskVerified(verified) if verified.nodeId == self.desk.node.0 => {
                self.settle(TaskId(verified.taskId), verified.providerAmount, located.block.timestamp, "paid").await?;
            }
            TaskMarketplaceEvents::TaskResolved(ruled) if ruled.nodeId == self.desk.node.0 => {
                let amount = ruled.providerAmount.saturating_add(ruled.bondToProvider);
                let percent = f64::from(ruled.share) / 100.0;
                let note = match ruled.ruled {
                    true => format!("disputed, and the court gave the provider {percent}%"),
                    false => format!("disputed, and the case had no ruling: the provider has {percent}%"),
                };
                self.settle(TaskId(ruled.taskId), amount, located.block.timestamp, &note).await?;
            }
            TaskMarketplaceEvents::TaskDisputed(disputed) if disputed.nodeId == self.desk.node.0 => {
                self.note_dispute(disputed).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// What an event about a replicated task means for this node; `at` is its block's time.
    async fn note_replica(&mut self, event: &TaskMarketplaceEvents, at: u64) -> Result<(), AgentError> {
        match event {
            TaskMarketplaceEvents::ReplicasReopened(reopened) => self.refusals.forget(TaskId(reopened.taskId)),
            TaskMarketplaceEvents::ReplicaPaid(paid) if paid.nodeId == self.desk.node.0 => {
                self.desk.store.set_paid(TaskId(paid.taskId), paid.providerAmount, at).await?;
            }
            TaskMarketplaceEvents::ReplicaTimedOut(late) if late.nodeId == self.desk.node.0 => {
                replica::settled(&self.desk, TaskId(late.taskId), ReplicaStatus::TimedOut).await?;
            }
            TaskMarketplaceEvents::ReplicaSettled(settled) if settled.nodeId == self.desk.node.0 => {
                let verdict = ReplicaStatus::try_from(settled.verdict);
                let verdict = verdict.context("the market gives a verdict that this agent does not know: update it")?;
                replica::settled(&self.desk, TaskId(settled.taskId), verdict).await?;
            }
            _ => {}
        }
        if replica::changed(event).is_some_and(|task| self.engaged.contains(&task)) {
            self.desk.news.ring();
        }
        Ok(())
    }

    /// Tells the provider of a dispute, and what can be done. The files of the run stay until the ruling.
    async fn note_dispute(&self, disputed: &TaskMarketplace::TaskDisputed) -> Result<(), AgentError> {
        let (task, case) = (TaskId(disputed.taskId), disputed.caseId);
        let files = self.desk.data.task(task);
        let note = format!(
            "disputed in case {case}: answer with `submitEvidence({case}, EVIDENCE_URI)` of DisputeCourt; the files of the \
             run are in {}",
            files.path().display()
        );
        tracing::warn!(%task, %case, complaint = disputed.evidenceURI, "the buyer disputes a result");
        self.desk.store.set_note(task, &note).await
    }

    /// Notes what a buyer paid, or a jury awarded.
    async fn settle(&mut self, task: TaskId, amount: U256, at: u64, note: &str) -> Result<(), AgentError> {
        let Some(mut work) = self.desk.store.work(task).await? else { return Ok(()) };
        if work.paid.is_some() {
            return Ok(());
        }
        (work.paid, work.settled_at) = (Some(amount), Some(at));
        tracing::info!(%task, paid = format_amount(amount), "settled");
        metrics::counter!("aiigo_agent_settled_total").increment(1);
        self.desk.store.save(&work.ended(Stage::Settled, note)).await?;
        self.desk.data.task(task).remove();
        Ok(())
    }

    async fn ended(&mut self, (task, ended): (TaskId, Result<Ended, AgentError>)) -> Result<(), AgentError> {
        self.engaged.remove(&task);
        match ended {
            Ok(Ended::Refused(refusal)) => self.refuse(task, &refusal).await,
            // It may be open again later, and then others may be slower.
            Ok(Ended::Worked(work)) if work.stage == Stage::Lost => {
                self.refuse(task, &Refusal::not_now(work.note.as_deref().unwrap_or_default())).await
            }
            Ok(Ended::Worked(_)) => Ok(()),
            Ok(Ended::GoesOn(work)) => {
                self.go_on(*work);
                Ok(())
            }
            Err(error) if error.is_stop() => Ok(()),
            // Only the database fails for good; going on without it could do work twice.
            Err(error) => Err(error),
        }
    }

    /// Waits until the work in hand has noticed that it has to leave; everything is written down already.
    async fn leave(&mut self) {
        let all = async {
            while self.running.join_next().await.is_some() {}
            while self.waiting.join_next().await.is_some() {}
        };
        if tokio::time::timeout(LEAVE, all).await.is_err() {
            tracing::warn!("work in hand did not end in time; the next run goes on with it");
            self.running.abort_all();
            self.waiting.abort_all();
        }
    }
}
