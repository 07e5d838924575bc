//! The keeper: follows the chain, sees what is due, and does it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use aiigo_chain::{FollowError, Follower, Outbox, Outcome, Update};
use aiigo_protocol::ContractName;
use aiigo_telemetry::Health;
use alloy::{
    consensus::Transaction as _,
    network::TransactionResponse,
    primitives::{Address, B256, U256, utils::format_ether},
    providers::{DynProvider, Provider},
};
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
    sending::{self, Sent},
    start::{follow, genesis, schedule},
    trial::{Limits, Objection, TipSources, Trials, Tried},
    turns::Turns,
    view::{Accounts, View, WrongRoot},
};

/// Actions that are tried or on their way at a time. More would only queue behind each other's nonces.
pub(crate) const IN_FLIGHT: usize = 32;

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
    budget: Budget,
    ledger: Ledger,
    plans: Plans,
    turns: Turns,
    running: JoinSet<Progress>,
    /// Wei that the actions on their way may cost.
    reserved: BTreeMap<PlanKey, U256>,
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
        budget: Budget,
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
        let from = match &hands {
            Hands::Sending { outbox, .. } => outbox.address(),
            Hands::Dry(address) => *address,
        };
        let trials = Trials::new(provider.clone(), from, tip_sources);
        let (updates, _following) = follow(follower);
        Ok(Self {
            provider,
            updates,
            _following,
            view,
            duties,
            config,
            hands,
            trials,
            budget,
            ledger,
            plans,
            turns,
            running: JoinSet::new(),
            reserved: BTreeMap::new(),
            wrong_roots: Vec::new(),
            health,
            now: 0,
            block: 0,
        })
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
        let mut landed_in = 0;
        while self.now == 0 || !self.plans.all_tried() || self.block < landed_in {
            tokio::select! {
                () = token.cancelled() => break,
                step = self.step() => {
                    let (attempts, block) = step?;
                    done.extend(attempts);
                    // What an action makes due, the next epoch to close, is seen only with its block.
                    landed_in = landed_in.max(block);
                }
            }
        }
        Ok(Visit { done, wrong_roots: self.wrong_roots })
    }

    /// Waits for one thing to happen, takes it in, and tries what is due. Returns the attempts that are over and the
    /// highest block in which one landed.
    async fn step(&mut self) -> Result<(Vec<Done>, u64), KeeperError> {
        let wait = self.plans.next_at(&self.turns).map(|at| at.saturating_duration_since(Instant::now()));
        let full = self.plans.in_flight() >= IN_FLIGHT;
        let mut done = Vec::new();
        let mut landed_in = 0;
        tokio::select! {
            // What is due is judged by the newest block that is here.
            biased;
            update = self.updates.recv() => {
                let update = update.ok_or("it ended").map_err(KeeperError::because(Code::Defect, "following the chain broke off"))?;
                let update = update.map_err(KeeperError::because(Code::Follow, "cannot follow the chain"))?;
                let over = self.take_in(update);
                self.meet_others(&over).await;
            }
            Some(progress) = self.running.join_next() => {
                // A task that panicked is a defect: let it be seen.
                match progress.map_err(KeeperError::because(Code::Defect, "an attempt broke off"))? {
                    Progress::Tried { key, action, tried } => done.extend(self.judge(key, action, tried)),
                    Progress::Sent(sent) => {
                        if let Ok(Outcome::Landed { block, .. }) = &sent.outcome {
                            landed_in = *block;
                        }
                        done.push(self.finish(sent));
                    }
                }
            }
            () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() && !full && self.now > 0 => {}
        }
        if self.now > 0 {
            done.extend(self.act());
        }
        Ok((done, landed_in))
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
        let due: Vec<Action> = self.duties.iter().flat_map(|(_, duty)| duty.due(&self.view, self.now)).collect();
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

    /// Tries everything whose time has come.
    fn act(&mut self) -> Vec<Done> {
        let mut done = Vec::new();
        for (key, action) in self.plans.ready(&self.turns, Instant::now(), IN_FLIGHT) {
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
    fn judge(&mut self, key: PlanKey, action: Action, tried: Result<Tried, Objection>) -> Option<Done> {
        let tried = match tried.and_then(|tried| self.can_pay(tried)) {
            Ok(tried) => tried,
            Err(Objection { ending, code, reason }) => {
                let done = Done::ended(action.duty, &action.subject, ending, code, &reason);
                return Some(self.close(&key, done, U256::ZERO));
            }
        };
        let Hands::Sending { outbox, .. } = &self.hands else {
            return Some(self.close(&key, Done::would_send(&action), U256::ZERO));
        };
        let (provider, outbox) = (self.provider.clone(), outbox.clone());
        self.reserved.insert(key.clone(), tried.offer.cost);
        self.running.spawn(async move { Progress::Sent(sending::send(provider, outbox, key, action, tried).await) });
        None
    }

    /// Whether the budget and the account have room for it beside what is on its way.
    fn can_pay(&self, tried: Tried) -> Result<Tried, Objection> {
        let cost = tried.offer.cost;
        let reserved = self.reserved.values().fold(U256::ZERO, |sum, cost| sum.saturating_add(*cost));
        let costs = format!("it would cost up to {} ETH", format_ether(cost));
        if !self.budget.allows(unix_now(), reserved, cost) {
            let spent = format_ether(self.budget.spent(unix_now()));
            let reason = format!("{costs}; spent in the last 24 hours: {spent} ETH");
            return Err(Objection::unaffordable(Code::BudgetUsedUp, reason));
        }
        let is_short = tried.balance < reserved.saturating_add(cost);
        if is_short && matches!(self.hands, Hands::Sending { .. }) {
            let reason = format!("{costs}; {} has {} ETH", self.trials.from, format_ether(tried.balance));
            return Err(Objection::unaffordable(Code::BalanceLow, reason));
        }
        Ok(tried)
    }

    /// Takes in what became of an action that was handed over.
    fn finish(&mut self, Sent { key, outcome, cost }: Sent) -> Done {
        let reserved = self.reserved.remove(&key).unwrap_or_default();
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
            Err(reason) => ended(Ending::Failed, Code::DataDir, &reason),
        };
        let cost = match done.ending {
            // Its gas is lost: at most what was set aside for it.
            Ending::Landed | Ending::Reverted => cost.unwrap_or(reserved),
            _ => U256::ZERO,
        };
        if cost > U256::ZERO {
            self.pay(cost);
        }
        self.close(&key, done, cost)
    }

    /// Ends an attempt in the books.
    fn close(&mut self, key: &PlanKey, done: Done, cost: U256) -> Done {
        let latency = self.plans.finished(key, Instant::now());
        self.ledger.enter(key.0, Entry { ending: done.ending, cost, latency });
        done
    }

    fn pay(&mut self, amount: U256) {
        if let Err(error) = self.budget.pay(unix_now(), amount) {
            tracing::warn!("{} cannot record what was spent: {error}", Code::DataDir);
        }
        let spent = self.budget.spent(unix_now());
        metrics::set_spent(spent);
        self.health.set_status("spentEth", format_ether(spent).into());
    }
}
