//! The keeper: follows the chain, sees what is due, and does it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use aiigo_chain::{FollowError, Follower, Intent, Outbox, Outcome, Priority, Update};
use aiigo_protocol::{ContractName, Deployment, ProofOfWorkVerifier, RewardDistributor};
use aiigo_telemetry::Health;
use alloy::{
    consensus::Transaction as _,
    network::TransactionResponse,
    primitives::{Address, Bytes, U256, utils::format_ether},
    providers::{DynProvider, Provider},
    rpc::types::TransactionReceipt,
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    budget::Budget,
    code::Code,
    duties::{Action, Duty, DutyName, Means},
    error::KeeperError,
    ledger::{Entry, Ledger},
    metrics,
    plan::{PlanKey, Plans},
    policy::Policy,
    report::{Done, Ending, Visit},
    trial::{self, TipSources, Trial},
    turns::Turns,
    view::{Accounts, Genesis, Schedule, View, WrongRoot},
};

/// Transactions on their way at a time. More would only queue behind each other's nonces.
const IN_FLIGHT: usize = 16;
/// Updates of the chain that wait to be taken in.
const UPDATES: usize = 16;
/// Gas above what a trial took, percent: what the outbox adds.
const GAS_MARGIN: u64 = 30;
/// An action that no block took in so many seconds is given up, and thought over again.
const PATIENCE: u64 = 180;

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
    Sending(Outbox),
    /// Tries them as this account and sends nothing.
    Dry(Address),
}

/// What is offered for an action.
#[derive(Clone, Copy, Debug)]
struct Offer {
    /// Wei.
    max_fee_per_gas: u128,
    /// The most that it may cost, wei.
    cost: U256,
}

/// An attempt that came back from the outbox, or could not be made.
struct Attempt {
    key: PlanKey,
    outcome: Result<Outcome, String>,
    /// What its transaction cost, wei; `None` if that is not known.
    cost: Option<U256>,
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
    tip_sources: TipSources,
    budget: Budget,
    ledger: Ledger,
    plans: Plans,
    turns: Turns,
    running: JoinSet<Attempt>,
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
        let (updates, _following) = follow(follower);
        Ok(Self {
            provider,
            updates,
            _following,
            view,
            duties,
            config,
            hands,
            tip_sources,
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
            Some(attempt) = self.running.join_next() => {
                // A task that panicked is a defect: let it be seen.
                let attempt = attempt.map_err(KeeperError::because(Code::Defect, "an attempt broke off"))?;
                if let Ok(Outcome::Landed { block, .. }) = &attempt.outcome {
                    landed_in = *block;
                }
                done.push(self.finish(attempt));
            }
            () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() && !full && self.now > 0 => {}
        }
        if self.now > 0 {
            done.extend(self.act().await);
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
            if !over.iter().any(does) {
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
    async fn act(&mut self) -> Vec<Done> {
        let mut done = Vec::new();
        for (key, action) in self.plans.ready(&self.turns, Instant::now(), IN_FLIGHT) {
            self.plans.started(&key);
            if let Some(over) = self.attempt(&key, &action).await {
                let latency = self.plans.finished(&key, Instant::now());
                self.ledger.enter(key.0, Entry { ending: over.ending, cost: U256::ZERO, latency });
                done.push(over);
            }
        }
        done
    }

    /// Looks whether an action works and is worth it, and hands it to the outbox. `Some` if that was all.
    async fn attempt(&mut self, key: &PlanKey, action: &Action) -> Option<Done> {
        let from = match &self.hands {
            Hands::Sending(outbox) => outbox.address(),
            Hands::Dry(address) => *address,
        };
        let over = |ending, code, reason: &str| Some(Done::ended(action.duty, &action.subject, ending, code, reason));
        let data = match action.payload.complete(&self.provider).await {
            Ok(data) => data,
            Err(error) => return over(Ending::Failed, Code::Unreachable, &error.to_string()),
        };
        let offer = match trial::simulate(&self.provider, from, action.to, data.clone()).await {
            Ok(Trial::Works { gas, fee_per_gas }) => {
                let offer = self.offer(action, gas, fee_per_gas);
                match self.objection(action, &data, from, offer, fee_per_gas).await {
                    Some((code, reason)) => return over(Ending::Unaffordable, code, &reason),
                    None => offer,
                }
            }
            Ok(Trial::Refused(revert)) => return over(Ending::Refused, Code::Refused, &revert.to_string()),
            Err(error) => return over(Ending::Failed, Code::Unreachable, &error.to_string()),
        };
        let Hands::Sending(outbox) = &self.hands else { return Some(Done::would_send(action)) };
        self.reserved.insert(key.clone(), offer.cost);
        let (provider, outbox) = (self.provider.clone(), outbox.clone());
        self.running.spawn(send(provider, outbox, key.clone(), action.clone(), data, offer.max_fee_per_gas));
        None
    }

    /// What an action may cost at most: room for fees to double while it waits, within its limit.
    fn offer(&self, action: &Action, gas: u64, fee_per_gas: u128) -> Offer {
        let gas = U256::from(gas) * U256::from(100 + GAS_MARGIN) / U256::from(100);
        let affordable = self.max_cost(action.duty).checked_div(gas).unwrap_or_default().saturating_to();
        let max_fee_per_gas = fee_per_gas.saturating_mul(2).min(affordable).min(self.config.max_fee_per_gas);
        Offer { max_fee_per_gas, cost: gas.saturating_mul(U256::from(max_fee_per_gas)) }
    }

    fn max_cost(&self, duty: DutyName) -> U256 {
        self.config.duties.get(&duty).and_then(|policy| policy.max_cost).unwrap_or(self.config.max_cost)
    }

    /// Why an action that works should not be paid for now.
    async fn objection(
        &self,
        action: &Action,
        data: &Bytes,
        from: Address,
        Offer { max_fee_per_gas, cost }: Offer,
        fee_per_gas: u128,
    ) -> Option<(Code, String)> {
        let policy = self.config.duties.get(&action.duty).copied().unwrap_or_default();
        let dry = matches!(self.hands, Hands::Dry(_));
        let reserved = self.reserved.values().fold(U256::ZERO, |sum, cost| sum.saturating_add(*cost));
        let costs = format!("it would cost up to {} ETH", format_ether(cost));
        if fee_per_gas > max_fee_per_gas {
            let limit = format_ether(self.max_cost(action.duty));
            let asked = format!(
                "the chain asks for {fee_per_gas} wei per gas; the limits, {limit} ETH among them, allow {max_fee_per_gas}"
            );
            return Some((Code::TooExpensive, asked));
        }
        if let Some(profit) = policy.min_profit {
            let income = trial::income(&self.provider, self.tip_sources, from, action.to, data.clone()).await;
            let income = match income {
                Ok(income) => income,
                Err(error) => return Some((Code::Unprofitable, format!("what it would earn is not known: {error}"))),
            };
            if income < cost.saturating_add(profit) {
                return Some((Code::Unprofitable, format!("{costs} and earn {} ETH", format_ether(income))));
            }
        }
        if !self.budget.allows(unix_now(), reserved, cost) {
            let spent = format_ether(self.budget.spent(unix_now()));
            return Some((Code::BudgetUsedUp, format!("{costs}; spent in the last 24 hours: {spent} ETH")));
        }
        if dry {
            return None;
        }
        let balance = self.provider.get_balance(from).await.ok()?;
        let short = balance < reserved.saturating_add(cost);
        short.then(|| (Code::BalanceLow, format!("{costs}; {from} has {} ETH", format_ether(balance))))
    }

    /// Takes in the end of an attempt.
    fn finish(&mut self, attempt: Attempt) -> Done {
        let Attempt { key, outcome, cost } = attempt;
        let reserved = self.reserved.remove(&key).unwrap_or_default();
        let latency = self.plans.finished(&key, Instant::now());
        let (duty, subject) = key;
        let ended = |ending, code, reason: &str| Done::ended(duty, &subject, ending, code, reason);
        let done = match outcome {
            Ok(Outcome::Landed { tx_hash, block, gas_used, .. }) => {
                Done::landed(duty, &subject, tx_hash, block, gas_used)
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
        self.ledger.enter(duty, Entry { ending: done.ending, cost, latency });
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

/// Follows the chain beside everything else: who is busy with a thousand actions still hears of each block.
fn follow(mut follower: Follower) -> (mpsc::Receiver<Result<Update, FollowError>>, JoinSet<()>) {
    let (sender, updates) = mpsc::channel(UPDATES);
    let mut following = JoinSet::new();
    following.spawn(async move {
        loop {
            let update = follower.next().await;
            let is_last = update.is_err();
            if sender.send(update).await.is_err() || is_last {
                return;
            }
        }
    });
    (updates, following)
}

/// Hands an action to the outbox under a key that was not used up by an earlier attempt, and waits for its end.
async fn send(
    provider: DynProvider,
    outbox: Outbox,
    key: PlanKey,
    action: Action,
    data: Bytes,
    max_fee_per_gas: u128,
) -> Attempt {
    let sent = async {
        let mut number = 1_u32;
        let id = |number| format!("{}#{number}", action.key());
        // Over, and yet the action is due again: a reorg undid it, or it failed. The next attempt has its own key. A
        // database that fails here fails again at once, when the intent is written.
        while let Ok(Some(_)) = outbox.outcome(&id(number)).await {
            number += 1;
        }
        let intent = Intent {
            key: id(number),
            label: format!("{} {}", action.duty, action.subject),
            to: action.to,
            data,
            value: U256::ZERO,
            deadline: Some(unix_now().saturating_add(PATIENCE)),
            max_fee_per_gas: Some(max_fee_per_gas),
            max_cost: None,
            priority: Priority::Normal,
        };
        outbox.send(intent).await
    };
    let outcome = sent.await.map_err(|error| error.to_string());
    let cost = match &outcome {
        Ok(Outcome::Landed { receipt, .. }) => Some(paid(receipt)),
        Ok(Outcome::Reverted { tx_hash: Some(hash), .. }) => {
            provider.get_transaction_receipt(*hash).await.ok().flatten().as_ref().map(paid)
        }
        _ => None,
    };
    Attempt { key, outcome, cost }
}

/// What a transaction cost, wei.
fn paid(receipt: &TransactionReceipt) -> U256 {
    U256::from(receipt.gas_used) * U256::from(receipt.effective_gas_price)
}

/// This machine's clock, by which the outbox counts.
fn unix_now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs()
}

/// When reward epochs begin and end.
async fn schedule(provider: &DynProvider, deployment: &Deployment) -> Result<Schedule, KeeperError> {
    let rewards = RewardDistributor::new(deployment.address(ContractName::RewardDistributor), provider);
    let read = async |epoch: u64| {
        let start = rewards.epochStart(U256::from(epoch)).call().await;
        start.map(|start| start.saturating_to::<u64>())
    };
    let what = "cannot read when reward epochs begin";
    let start = read(0).await.map_err(KeeperError::because(Code::Unreachable, what))?;
    let second = read(1).await.map_err(KeeperError::because(Code::Unreachable, what))?;
    Ok(Schedule { start, length: second.saturating_sub(start).max(1) })
}

/// When audit rounds begin.
async fn genesis(provider: &DynProvider, deployment: &Deployment) -> Result<Genesis, KeeperError> {
    let verifier = ProofOfWorkVerifier::new(deployment.address(ContractName::ProofOfWorkVerifier), provider);
    let round = verifier.currentRound().call().await;
    let round = round.map_err(KeeperError::because(Code::Unreachable, "cannot read when audit rounds begin"))?;
    // Of a later round the history tells; its time is too late for round zero, and so gives no secret away too early.
    Ok(Genesis { opened_at: round.openedAt.to() })
}
