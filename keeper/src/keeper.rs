//! The keeper: follows the chain, sees what is due, and does it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use aiigo_chain::{FollowError, Follower, Outbox, OutboxError, Outcome, Update};
use aiigo_protocol::{ContractName, units::format_amount};
use aiigo_telemetry::Health;
use alloy::{
    consensus::Transaction as _,
    network::TransactionResponse,
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider},
};
use reqwest::Url;
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    budget::{Budget, unix_now},
    code::Code,
    duties::{Action, Duty, DutyName, Means},
    error::KeeperError,
    ledger::{Entry, Ledger},
    metrics,
    payload::Payload,
    plan::{PlanKey, Plans},
    policy::Policy,
    report::{Done, Ending, Visit},
    reveals::Reveals,
    second_opinion::{Difference, SecondOpinion},
    sending::{self, Sent},
    start::{follow, genesis, schedule},
    trial::{Limits, Objection, TipSources, Trials, Tried},
    turns::Turns,
    view::{Accounts, View, WrongRoot},
    window::Window,
};

/// What the keeper does, and how much it may cost.
#[derive(Clone, Debug)]
pub struct KeeperConfig {
    /// The duties it has, each with what it may do.
    pub duties: BTreeMap<DutyName, Policy>,
    /// A new action starts after a random part of it.
    pub jitter: Duration,
    /// Never offers more wei per gas.
    pub max_fee_per_gas: u128,
    /// Never spends more wei on one transaction, unless the duty says otherwise.
    pub max_cost: U256,
    /// Nor more than this in a day.
    pub budget: Budget,
    /// Whose roots of bonuses are compared with the keeper's own.
    pub indexer: Option<Url>,
}

/// How the keeper acts.
pub enum Hands {
    /// Sends transactions.
    Sending {
        /// By this.
        outbox: Outbox,
        /// What the challenger's secrets gave away.
        reveals: Reveals,
    },
    /// Tries them as this account and sends nothing.
    Dry(Address),
}

/// How far an attempt has come.
enum Progress {
    Tried { key: PlanKey, action: Action, tried: Result<Tried, Objection> },
    Sent(Sent),
}

/// The keeper itself.
pub struct Keeper {
    provider: DynProvider,
    updates: mpsc::Receiver<Result<Update, FollowError>>,
    /// Follows the chain, whatever else is being done.
    _following: JoinSet<()>,
    view: View,
    duties: Vec<(DutyName, Box<dyn Duty>)>,
    config: KeeperConfig,
    hands: Hands,
    trials: Trials,
    ledger: Ledger,
    plans: Plans,
    turns: Turns,
    window: Window,
    second_opinion: Option<SecondOpinion>,
    difference: Option<Difference>,
    running: JoinSet<Progress>,
    /// Attempts that landed in a block that is not here yet.
    ahead: Vec<Sent>,
    /// As they were last seen.
    wrong_roots: Vec<WrongRoot>,
    health: Health,
    /// The clock of the last block that was taken in, unix seconds; 0 before the first live one.
    now: u64,
    block: u64,
}

impl Keeper {
    /// A keeper at the beginning of the chain's history.
    ///
    /// # Errors
    /// If the chain does not tell when reward epochs and audit rounds begin.
    pub async fn new(
        provider: DynProvider,
        means: &Means,
        follower: Follower,
        config: KeeperConfig,
        hands: Hands,
        health: Health,
    ) -> Result<Self, KeeperError> {
        let deployment = &means.deployment;
        let accounts = Accounts {
            vault: deployment.address(ContractName::FeeVault),
            rewards: deployment.address(ContractName::RewardDistributor),
            keeper: means.account,
        };
        let view = View::new(accounts, schedule(&provider, deployment).await?, genesis(&provider, deployment).await?);
        let duties = config.duties.keys().map(|name| (*name, name.duty(means))).collect();
        let retries = config.duties.iter().map(|(name, policy)| (*name, policy.retry)).collect();
        let plans = Plans::new(config.jitter, retries);
        let turns = Turns::new(means.account, config.jitter);
        let ledger = Ledger::new(config.duties.keys().copied(), health.clone());
        let tip_sources = TipSources {
            escrow: deployment.address(ContractName::EscrowManager),
            tips: deployment.address(ContractName::KeeperTips),
        };
        let trials = Trials::new(provider.clone(), means.account, tip_sources);
        let second_opinion = config.indexer.clone().map(SecondOpinion::new);
        let (updates, _following) = follow(follower);
        let keeper = Self {
            provider,
            updates,
            _following,
            view,
            duties,
            config,
            hands,
            trials,
            ledger,
            plans,
            turns,
            window: Window::new(),
            second_opinion,
            difference: None,
            running: JoinSet::new(),
            ahead: Vec::new(),
            wrong_roots: Vec::new(),
            health,
            now: 0,
            block: 0,
        };
        keeper.show_spending().await;
        Ok(keeper)
    }

    /// Works until the token is cancelled. What is on its way then is in the outbox, and goes on at the next start.
    ///
    /// # Errors
    /// If the chain can't be followed any more.
    pub async fn run(mut self, token: &CancellationToken) -> Result<(), KeeperError> {
        while !token.is_cancelled() {
            tokio::select! {
                () = token.cancelled() => break,
                step = self.step() => { step?; }
            }
        }
        Ok(())
    }

    /// Takes in the chain's history, tries everything that is due once, and returns what became of it, and what is wrong.
    ///
    /// # Errors
    /// If the chain can't be followed.
    pub async fn once(mut self, token: &CancellationToken) -> Result<Visit, KeeperError> {
        let mut done = Vec::new();
        while self.now == 0 || !self.plans.all_tried() || self.awaits_opinion() {
            tokio::select! {
                () = token.cancelled() => break,
                step = self.step() => done.extend(step?),
            }
        }
        let no_opinion = self.second_opinion.as_ref().and_then(|second_opinion| second_opinion.gave_none());
        let no_opinion = no_opinion.map(str::to_owned);
        Ok(Visit { done, wrong_roots: self.wrong_roots, difference: self.difference, no_opinion })
    }

    /// Waits for one thing to happen, takes it in, and tries what is due. Returns the attempts that are over.
    async fn step(&mut self) -> Result<Vec<Done>, KeeperError> {
        let wait = self.plans.next_at(&self.turns).map(|at| at.saturating_duration_since(Instant::now()));
        let full = self.plans.in_flight() >= self.window.size();
        let mut done = Vec::new();
        tokio::select! {
            // What is due is judged by the newest block that is here.
            biased;
            update = self.updates.recv() => {
                let update = update.ok_or("it ended").map_err(KeeperError::because(Code::Defect, "following the chain broke off"))?;
                let update = update.map_err(KeeperError::because(Code::Follow, "cannot follow the chain"))?;
                let over = self.take_in(update);
                self.meet_others(&over).await;
                done.extend(self.finish_seen().await);
            }
            Some(progress) = self.running.join_next() => {
                // A task that panicked is a defect: let it be seen.
                match progress.map_err(KeeperError::because(Code::Defect, "an attempt broke off"))? {
                    Progress::Tried { key, action, tried } => done.extend(self.judge(key, action, tried).await),
                    Progress::Sent(sent) => {
                        self.ahead.push(sent);
                        done.extend(self.finish_seen().await);
                    }
                }
            }
            difference = opinion(&mut self.second_opinion) => {
                self.compare_with(difference);
                // In half of a history nothing is judged, as in `take_in`.
                if self.now > 0 {
                    self.survey();
                }
            }
            () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() && !full && self.now > 0 => {}
        }
        if self.now > 0 {
            done.extend(self.act());
        }
        Ok(done)
    }

    /// Returns the actions that the update ended.
    fn take_in(&mut self, update: Update) -> Vec<Action> {
        match update {
            Update::Retracted { to } => {
                tracing::info!(block = to.number, "the chain reorganised: going back");
                self.view.retract(to.number);
                self.block = to.number;
                // Half of a history: nothing is judged by it before the new branch is taken in.
                self.now = 0;
            }
            Update::Applied { block, events, finalized, live, .. } => {
                for located in &events {
                    if let Some(event) = &located.event {
                        self.view.apply(located.block.into(), event);
                    }
                }
                self.view.reach(block.into());
                self.view.settle(finalized.min(block.number));
                self.block = block.number;
                self.trials.saw_block();
                if live {
                    self.now = block.timestamp;
                    self.turns.saw_block(Instant::now());
                    self.health.set_ready(true);
                }
            }
        }
        if self.now > 0 { self.survey() } else { Vec::new() }
    }

    /// Looks in the last block who did what was due.
    async fn meet_others(&mut self, over: &[Action]) {
        if over.is_empty() {
            return;
        }
        // Not to know them costs little.
        let Ok(Some(block)) = self.provider.get_block_by_number(self.block.into()).full().await else { return };
        for transaction in block.transactions.into_transactions() {
            let does =
                |action: &Action| transaction.to() == Some(action.to) && action.payload.is_like(transaction.input());
            if transaction.from() == self.trials.from || !over.iter().any(does) {
                continue;
            }
            // Who only pretends has to pay for the work.
            let receipt = self.provider.get_transaction_receipt(transaction.tx_hash()).await;
            if receipt.ok().flatten().is_some_and(|receipt| receipt.status() && !receipt.logs().is_empty()) {
                self.turns.saw_at_work(transaction.from(), Instant::now());
            }
        }
    }

    /// Asks every duty what is due. Returns what is not any more.
    fn survey(&mut self) -> Vec<Action> {
        let mut due: Vec<Action> = self.duties.iter().flat_map(|(_, duty)| duty.due(&self.view, self.now)).collect();
        if let (Some(second_opinion), Some(own)) = (&mut self.second_opinion, self.view.own_epoch()) {
            second_opinion.ask(own);
            due.retain(|action| action.duty != DutyName::PostRoots || second_opinion.confirms(own));
        }
        let over = self.plans.update(due, Instant::now());
        self.ledger.set_due(|duty| self.plans.due_of(duty));
        self.compare_roots();
        let (tasks, challenges) = self.view.watched();
        metrics::set_view(self.block, tasks, challenges);
        self.health.set_status("block", self.block.into());
        self.health.set_status("due", self.plans.len().into());
        over
    }

    /// Raises the alarm, once for each root that differs from the keeper's own.
    fn compare_roots(&mut self) {
        let wrong: Vec<WrongRoot> = self.view.wrong_roots().collect();
        for root in wrong.iter().filter(|root| !self.wrong_roots.contains(root)) {
            let WrongRoot { id, epoch, poster, root, own } = root;
            let own = own.map_or_else(|| "none".to_owned(), |own| own.to_string());
            tracing::error!(%id, epoch, %poster, %root, own, "{} a posted root of bonuses is wrong", Code::WrongRoot);
        }
        metrics::set_wrong_roots(wrong.len());
        self.health.set_status("wrongRoots", wrong.len().into());
        self.wrong_roots = wrong;
    }

    /// Takes in what the indexer said.
    fn compare_with(&mut self, difference: Option<Difference>) {
        if let Some(Difference { epoch, own, indexer }) = difference.filter(|_| difference != self.difference) {
            tracing::error!(epoch, ?own, ?indexer, "{} the indexer has another root of bonuses", Code::OtherRoot);
        }
        let asked = self.second_opinion.as_ref().zip(self.view.own_epoch());
        if difference.is_some() || asked.is_some_and(|(second_opinion, own)| second_opinion.confirms(own)) {
            self.difference = difference;
            metrics::set_differing_root(difference.is_some());
            self.health.set_status("differingRoot", difference.is_some().into());
        }
    }

    /// Whether the indexer has still to say what it thinks of the newest root.
    fn awaits_opinion(&self) -> bool {
        let asked = self.second_opinion.as_ref().zip(self.view.own_epoch());
        asked.is_some_and(|(second_opinion, own)| !second_opinion.knows(own) && second_opinion.gave_none().is_none())
    }

    /// Tries everything whose time has come.
    fn act(&mut self) -> Vec<Done> {
        let mut done = Vec::new();
        for (key, action) in self.plans.ready(&self.turns, Instant::now(), self.window.size()) {
            self.plans.started(&key);
            if let Payload::Reveal(secret) = action.payload
                && let Some(over) = self.keep_secret(&action, secret)
            {
                done.push(self.close(&key, over, U256::ZERO));
                continue;
            }
            let trials = self.trials.clone();
            let policy = self.policy(action.duty);
            let cost = policy.max_cost.unwrap_or(self.config.max_cost);
            let limits = Limits { cost, fee_per_gas: self.config.max_fee_per_gas };
            self.running.spawn(async move {
                let tried = trials.run(&action, limits, policy.min_profit).await;
                Progress::Tried { key, action, tried }
            });
        }
        done
    }

    /// To try it is to give the secret away: `Some` if that is too early, or for nothing.
    fn keep_secret(&mut self, action: &Action, secret: B256) -> Option<Done> {
        let Hands::Sending { reveals, .. } = &mut self.hands else { return Some(Done::would_send(action)) };
        let (code, reason) = match reveals.note(secret, unix_now()) {
            Ok(Ok(())) => return None,
            Ok(Err(last)) => (Code::RevealTooSoon, format!("the last secret was given out at {last} (unix seconds)")),
            Err(error) => (Code::DataDir, format!("cannot note that a secret is given out: {error}")),
        };
        Some(Done::ended(action.duty, &action.subject, Ending::Failed, code, &reason))
    }

    fn policy(&self, duty: DutyName) -> Policy {
        self.config.duties.get(&duty).copied().unwrap_or_default()
    }

    /// Hands an action that works to the outbox, if there is money for it. `Some` if that was all.
    async fn judge(&mut self, key: PlanKey, action: Action, tried: Result<Tried, Objection>) -> Option<Done> {
        let handed = match tried {
            Ok(tried) => self.hand_over(&action, tried).await,
            Err(objection) => Err(objection),
        };
        let over = match (handed, &self.hands) {
            (Ok(intent), Hands::Sending { outbox, .. }) => {
                let (provider, outbox) = (self.provider.clone(), outbox.clone());
                self.running.spawn(async move { Progress::Sent(sending::wait(provider, outbox, key, intent).await) });
                return None;
            }
            (Ok(_), Hands::Dry(_)) => Done::would_send(&action),
            (Err(Objection { ending, code, reason }), _) => {
                Done::ended(action.duty, &action.subject, ending, code, &reason)
            }
        };
        Some(self.close(&key, over, U256::ZERO))
    }

    /// The outbox' key of an action that budget and account have room for, beside what is on its way.
    async fn hand_over(&self, action: &Action, tried: Tried) -> Result<String, Objection> {
        let Hands::Sending { outbox, .. } = &self.hands else { return Ok(String::new()) };
        let broken = |error: OutboxError| Objection::failed(Code::of(&error), error.to_string());
        let spending = outbox.spending(Budget::since(unix_now())).await.map_err(broken)?;
        let cost = tried.offer.cost;
        let costs = format!("it would cost up to {} ETH", format_amount(cost));
        if !self.config.budget.allows(spending, action.duty, cost) {
            let reason = format!(
                "{costs}; spent in the last 24 hours: {} ETH, and up to {} ETH on their way",
                format_amount(spending.paid),
                format_amount(spending.committed)
            );
            return Err(Objection::unaffordable(Code::BudgetUsedUp, reason));
        }
        if tried.balance < spending.committed.saturating_add(cost) {
            let reason = format!("{costs}; {} has {} ETH", self.trials.from, format_amount(tried.balance));
            return Err(Objection::unaffordable(Code::BalanceLow, reason));
        }
        sending::submit(outbox, action, tried).await.map_err(broken)
    }

    /// Finishes attempts that are over. What landed waits for its block: that tells what is due now, and who else is at
    /// work, before there is room for another attempt.
    async fn finish_seen(&mut self) -> Vec<Done> {
        let block = self.block;
        let seen: Vec<Sent> = self.ahead.extract_if(.., |sent| sent.landed_in() <= Some(block)).collect();
        if seen.is_empty() {
            return Vec::new();
        }
        let done = seen.into_iter().map(|sent| self.finish(sent)).collect();
        self.show_spending().await;
        done
    }

    /// Takes in what became of an action that was handed over.
    fn finish(&mut self, Sent { key, outcome, cost }: Sent) -> Done {
        let (duty, subject) = (key.0, key.1.as_str());
        let ended = |ending, code, reason: &str| Done::ended(duty, subject, ending, code, reason);
        let done = match outcome {
            Ok(Outcome::Landed { tx_hash, block, gas_used, .. }) => {
                Done::landed(duty, subject, tx_hash, block, gas_used)
            }
            Ok(Outcome::Reverted { tx_hash: tx_hash @ Some(_), error }) => {
                Done { tx_hash, ..ended(Ending::Reverted, Code::Reverted, &error.to_string()) }
            }
            Ok(Outcome::Reverted { tx_hash: None, error }) => ended(Ending::Refused, Code::Refused, &error.to_string()),
            Ok(Outcome::Expired) => ended(Ending::Expired, Code::Expired, "no block took it in time"),
            Err(error) => ended(Ending::Failed, Code::of(&error), &error.to_string()),
        };
        match done.ending {
            Ending::Landed => self.window.landed(),
            Ending::Reverted => self.window.wasted(),
            _ => {}
        }
        self.close(&key, done, cost)
    }

    /// Ends an attempt in the books.
    fn close(&mut self, key: &PlanKey, done: Done, cost: U256) -> Done {
        let latency = self.plans.finished(key, Instant::now());
        self.ledger.enter(key.0, Entry { ending: done.ending, cost, latency });
        done
    }

    /// Tells what gas has cost in the last 24 hours.
    async fn show_spending(&self) {
        let Hands::Sending { outbox, .. } = &self.hands else { return };
        match outbox.spending(Budget::since(unix_now())).await {
            Ok(spending) => {
                metrics::set_spent(spending.paid);
                self.health.set_status("spentEth", format_amount(spending.paid).into());
            }
            Err(error) => tracing::warn!("{} cannot tell what was spent: {error}", Code::of(&error)),
        }
    }
}

/// The indexer's next answer; never, if there is no indexer.
async fn opinion(second_opinion: &mut Option<SecondOpinion>) -> Option<Difference> {
    match second_opinion {
        Some(second_opinion) => second_opinion.answer().await,
        None => std::future::pending().await,
    }
}
