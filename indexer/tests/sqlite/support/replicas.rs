//! The made-up market's replicated tasks: rounds that take random but valid steps, as the contracts would have it.

use std::collections::BTreeMap;

use aiigo_protocol::{ContractName, EscrowManager, ReplicaStatus, TaskMarketplace};
use alloy::{
    primitives::{
        Address, B256, U256,
        aliases::{U40, U48},
    },
    sol_types::SolEvent,
};

use super::{
    events::{Log, account, hash, log, treasury},
    market::{Market, TIP},
};

/// Nodes of each task.
const SEATS: usize = 3;
/// Tasks that are not over.
const AT_ONCE: usize = 4;
/// Seconds of each window.
const WINDOW: u64 = 300;

/// Where a replicated task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Recruiting {
        extended: bool,
    },
    Drawing,
    Sealing,
    Revealing,
    /// Counted, not unanimously.
    Counted,
    Over,
}

#[derive(Clone, Debug)]
pub struct Replica {
    pub status: ReplicaStatus,
    pub result: B256,
}

#[derive(Clone, Debug)]
pub struct Replicated {
    pub id: B256,
    pub buyer: Address,
    pub escrow: U256,
    pub held: U256,
    pub phase: Phase,
    pub round: u8,
    pub replicas: BTreeMap<(u8, u64), Replica>,
}

impl Replicated {
    /// A seat's part of the escrow.
    pub fn share(&self) -> U256 {
        self.escrow / U256::from(SEATS)
    }

    /// The nodes of the present round in one of these states.
    pub fn nodes(&self, statuses: &[ReplicaStatus]) -> Vec<u64> {
        let there = self
            .replicas
            .iter()
            .filter(|((round, _), replica)| *round == self.round && statuses.contains(&replica.status));
        there.map(|((_, node), _)| *node).collect()
    }

    fn set(&mut self, node: u64, status: ReplicaStatus) {
        let replica = (1..=self.round).rev().find(|round| self.replicas.contains_key(&(*round, node)));
        let round = replica.expect("the node applied");
        self.replicas.get_mut(&(round, node)).expect("the node applied").status = status;
    }
}

fn market(event: &impl SolEvent) -> Log {
    log(ContractName::TaskMarketplace, event)
}

impl Market {
    /// A buyer wants the same work done by several nodes.
    pub(super) fn replicate(&mut self, choice: u64, time: u64) -> Vec<Log> {
        if self.replicated.iter().filter(|task| task.phase != Phase::Over).count() >= AT_ONCE {
            return Vec::new();
        }
        let mut logs = self.create(choice, time);
        let task = self.tasks.pop().expect("it was just created");
        let mut created = TaskMarketplace::TaskCreated::decode_log_data(&logs[0].data).expect("the creation");
        created.request.replicas = SEATS as u8;
        // A share is a whole number.
        let escrow = task.escrow * U256::from(SEATS);
        let held = task.held - task.escrow + escrow;
        created.escrow = escrow.to();
        logs[0] = market(&created);
        let deposited =
            EscrowManager::Deposited { taskId: task.id, payer: task.buyer, token: Address::ZERO, amount: held };
        logs[1] = log(ContractName::EscrowManager, &deposited);
        self.replicated.push(Replicated {
            id: task.id,
            buyer: task.buyer,
            escrow,
            held,
            phase: Phase::Recruiting { extended: false },
            round: 1,
            replicas: BTreeMap::new(),
        });
        logs
    }

    /// A node applies for a seat, takes its application back, or is released.
    pub(super) fn apply(&mut self, pick: usize, choice: u64) -> Vec<Log> {
        let nodes = self.nodes.len() as u64;
        let holds = |task: &Replicated| task.replicas.values().any(|replica| replica.status == ReplicaStatus::Applied);
        let mut live: Vec<&mut Replicated> =
            self.replicated.iter_mut().filter(|task| task.phase != Phase::Over || holds(task)).collect();
        let Some(index) = pick.checked_rem(live.len()) else { return Vec::new() };
        let task = live.swap_remove(index);
        let id = task.id;
        let waits = matches!(task.phase, Phase::Recruiting { .. } | Phase::Drawing);
        let releasable = task.replicas.iter().find(|((round, _), replica)| {
            replica.status == ReplicaStatus::Applied && (!waits || *round < task.round || choice.is_multiple_of(9))
        });
        if let Some(((round, node), _)) = releasable {
            let (round, node) = (*round, *node);
            // Once the draw is fixed, who stands for this round's draw stays.
            if task.phase == Phase::Drawing && round == task.round {
                return Vec::new();
            }
            task.set(node, ReplicaStatus::Released);
            return vec![market(&TaskMarketplace::ReplicaReleased { taskId: id, nodeId: node })];
        }
        let free = (1..=nodes).find(|node| !task.replicas.contains_key(&(task.round, *node)));
        let (Some(node), Phase::Recruiting { .. }) = (free, task.phase) else { return Vec::new() };
        let replica = Replica { status: ReplicaStatus::Applied, result: B256::ZERO };
        task.replicas.insert((task.round, node), replica);
        let (operator, round) = (account(200 + node), task.round);
        vec![market(&TaskMarketplace::ReplicaApplied { taskId: id, nodeId: node, operator, round })]
    }

    /// A replicated task goes a step further.
    pub(super) fn try_replicas(&mut self, pick: usize, choice: u64, time: u64) -> Vec<Log> {
        let open: Vec<usize> =
            (0..self.replicated.len()).filter(|index| self.replicated[*index].phase != Phase::Over).collect();
        let Some(index) = pick.checked_rem(open.len()).map(|index| open[index]) else { return Vec::new() };
        let mut task = self.replicated[index].clone();
        let logs = match task.phase {
            Phase::Recruiting { extended } => self.close_window(&mut task, extended, time),
            Phase::Drawing if choice.is_multiple_of(5) => vec![fix_draw(&mut task, time)],
            Phase::Drawing => draw(&mut task, choice, time),
            Phase::Sealing => seal(&mut task, choice, time),
            Phase::Revealing => self.reveal_or_judge(&mut task, choice, time),
            Phase::Counted => settle(&mut task),
            Phase::Over => Vec::new(),
        };
        self.replicated[index] = task;
        logs
    }

    fn close_window(&mut self, task: &mut Replicated, extended: bool, time: u64) -> Vec<Log> {
        let candidates = task.nodes(&[ReplicaStatus::Applied]).len();
        if candidates >= SEATS {
            return vec![fix_draw(task, time)];
        }
        if extended {
            return self.expire_replicas(task);
        }
        task.phase = Phase::Recruiting { extended: true };
        let accept_by = U40::from(time + WINDOW);
        vec![market(&TaskMarketplace::ReplicaWindowExtended {
            taskId: task.id,
            candidates: U256::from(candidates),
            acceptBy: accept_by,
        })]
    }

    fn expire_replicas(&mut self, task: &mut Replicated) -> Vec<Log> {
        task.phase = Phase::Over;
        let refund = std::mem::take(&mut task.held);
        *self.balances.entry(task.buyer).or_default() += refund;
        let (id, buyer) = (task.id, task.buyer);
        vec![
            market(&TaskMarketplace::TaskExpired { taskId: id, refund: task.escrow }),
            log(
                ContractName::EscrowManager,
                &EscrowManager::Refunded { taskId: id, buyer, token: Address::ZERO, amount: refund },
            ),
        ]
    }

    /// One more shows its result, or nobody who hasn't does.
    fn reveal_or_judge(&mut self, task: &mut Replicated, choice: u64, time: u64) -> Vec<Log> {
        let sealed = task.nodes(&[ReplicaStatus::Sealed]);
        if let Some(node) = sealed.first().filter(|_| !choice.is_multiple_of(7)) {
            let result = hash(&[b"result", task.id.as_slice(), &[u8::from(choice.is_multiple_of(3)), task.round]]);
            let replica = task.replicas.get_mut(&(task.round, *node)).expect("a seat");
            (replica.status, replica.result) = (ReplicaStatus::Revealed, result);
            return vec![market(&TaskMarketplace::ReplicaRevealed {
                taskId: task.id,
                nodeId: *node,
                resultHash: result,
                resultURI: format!("ipfs://result-{node}"),
            })];
        }
        self.judge_replicas(task, time)
    }

    fn judge_replicas(&mut self, task: &mut Replicated, time: u64) -> Vec<Log> {
        let (id, enforcer) = (task.id, account(500));
        let mut logs = Vec::new();
        let silent = task.nodes(&[ReplicaStatus::Drawn, ReplicaStatus::Sealed]);
        for node in &silent {
            task.set(*node, ReplicaStatus::TimedOut);
            let tip = U256::from(TIP);
            logs.push(market(&TaskMarketplace::ReplicaTimedOut { taskId: id, nodeId: *node, enforcer, tip }));
            logs.extend(self.slash(*node, 1, 20));
        }
        if !silent.is_empty() {
            let amount = U256::from(TIP) * U256::from(silent.len());
            task.held -= amount;
            *self.balances.entry(enforcer).or_default() += amount;
            let paid = EscrowManager::TipPaid { taskId: id, to: enforcer, token: Address::ZERO, amount };
            logs.push(log(ContractName::EscrowManager, &paid));
        }
        let shown = task.nodes(&[ReplicaStatus::Revealed]);
        let with = |task: &Replicated, result: B256| -> Vec<u64> {
            shown.iter().copied().filter(|node| task.replicas[&(task.round, *node)].result == result).collect()
        };
        let results = shown.iter().map(|node| task.replicas[&(task.round, *node)].result);
        let best = results.max_by_key(|result| with(task, *result).len());
        let (result, agreeing) = match best {
            Some(result) if 2 * with(task, result).len() > SEATS => (result, with(task, result)),
            _ => {
                logs.extend(self.disagree(task, &shown, time));
                return logs;
            }
        };
        let unanimous = agreeing.len() == shown.len();
        logs.push(market(&TaskMarketplace::ReplicasJudged {
            taskId: id,
            round: task.round,
            resultHash: result,
            agreeing: U256::from(agreeing.len()),
            settleAfter: if unanimous { U40::ZERO } else { U40::from(time + 86_400) },
        }));
        logs.extend(self.pay_replicas(task, &agreeing, &shown));
        task.phase = Phase::Counted;
        if unanimous {
            logs.extend(settle(task));
        }
        logs
    }

    fn disagree(&mut self, task: &mut Replicated, shown: &[u64], time: u64) -> Vec<Log> {
        let (task_id, round) = (task.id, task.round);
        let revealed = U256::from(shown.len());
        let mut logs = vec![market(&TaskMarketplace::ReplicasDisagreed { taskId: task_id, round, revealed })];
        for node in shown {
            logs.push(last_word(task, *node, ReplicaStatus::Undecided));
        }
        if round == 2 {
            logs.extend(self.expire_replicas(task));
            return logs;
        }
        task.round = 2;
        task.phase = Phase::Recruiting { extended: false };
        let accept_by = U40::from(time + WINDOW);
        logs.push(market(&TaskMarketplace::ReplicasReopened { taskId: task_id, round: 2, acceptBy: accept_by }));
        logs
    }

    fn pay_replicas(&mut self, task: &mut Replicated, agreeing: &[u64], shown: &[u64]) -> Vec<Log> {
        let (id, due) = (task.id, task.share());
        let fee = due * U256::from(8) / U256::from(100);
        let mut logs = Vec::new();
        let (mut accounts, mut amounts) = (Vec::new(), Vec::new());
        for node in shown {
            if !agreeing.contains(node) {
                task.set(*node, ReplicaStatus::Outvoted);
                let other = task.replicas[&(task.round, *node)].result;
                let outvoted = TaskMarketplace::ReplicaOutvoted { taskId: id, nodeId: *node, resultHash: other };
                logs.push(market(&outvoted));
                continue;
            }
            task.set(*node, ReplicaStatus::Agreed);
            let (provider_amount, fee_amount) = (due - fee, fee);
            let paid = TaskMarketplace::ReplicaPaid {
                taskId: id,
                nodeId: *node,
                due,
                providerAmount: provider_amount,
                feeAmount: fee_amount,
            };
            logs.push(market(&paid));
            accounts.push(account(300 + node));
            amounts.push(provider_amount);
        }
        let seats = U256::from(agreeing.len());
        let held = std::mem::take(&mut task.held);
        logs.push(market(&TaskMarketplace::ReplicasVerified {
            taskId: id,
            enforcer: account(500),
            due: due * seats,
            providerAmount: (due - fee) * seats,
            feeAmount: fee * seats,
            refundAmount: task.escrow - due * seats,
        }));
        accounts.extend([treasury(), task.buyer]);
        amounts.extend([fee * seats, held - due * seats]);
        for (who, amount) in accounts.iter().zip(&amounts).filter(|(_, amount)| !amount.is_zero()) {
            *self.balances.entry(*who).or_default() += amount;
        }
        let split = EscrowManager::PaymentSplit { taskId: id, token: Address::ZERO, accounts, amounts };
        logs.push(log(ContractName::EscrowManager, &split));
        logs
    }
}

fn fix_draw(task: &mut Replicated, time: u64) -> Log {
    task.phase = Phase::Drawing;
    market(&TaskMarketplace::ReplicaDrawFixed {
        taskId: task.id,
        round: task.round,
        candidates: U256::from(task.nodes(&[ReplicaStatus::Applied]).len()),
        drawBlock: U48::from(time / 12 + 97),
    })
}

fn draw(task: &mut Replicated, choice: u64, time: u64) -> Vec<Log> {
    let candidates = task.nodes(&[ReplicaStatus::Applied]);
    let from = choice as usize % candidates.len();
    let drawn: Vec<u64> = candidates.iter().cycle().skip(from).take(SEATS).copied().collect();
    drawn.iter().for_each(|node| task.set(*node, ReplicaStatus::Drawn));
    task.phase = Phase::Sealing;
    vec![market(&TaskMarketplace::ReplicasDrawn {
        taskId: task.id,
        round: task.round,
        randomness: hash(&[b"draw", &choice.to_be_bytes()]),
        nodeIds: drawn,
        sealUntil: U40::from(time + 120),
    })]
}

/// One more seals its result, or nobody who hasn't does.
fn seal(task: &mut Replicated, choice: u64, time: u64) -> Vec<Log> {
    let working = task.nodes(&[ReplicaStatus::Drawn]);
    let Some(node) = working.first().filter(|_| !choice.is_multiple_of(8)) else {
        task.phase = Phase::Revealing;
        return Vec::new();
    };
    task.set(*node, ReplicaStatus::Sealed);
    let sealed_hash = hash(&[b"sealed", &choice.to_be_bytes()]);
    let mut logs =
        vec![market(&TaskMarketplace::ReplicaSealed { taskId: task.id, nodeId: *node, sealedHash: sealed_hash })];
    if working.len() == 1 && task.nodes(&[ReplicaStatus::Sealed]).len() == SEATS {
        task.phase = Phase::Revealing;
        let until = U40::from(time + 3_600);
        logs.push(market(&TaskMarketplace::ReplicasAllSealed { taskId: task.id, revealUntil: until }));
    }
    logs
}

/// The time to appeal is over.
fn settle(task: &mut Replicated) -> Vec<Log> {
    task.phase = Phase::Over;
    let mut logs = Vec::new();
    for node in task.nodes(&[ReplicaStatus::Agreed]) {
        logs.push(last_word(task, node, ReplicaStatus::Agreed));
    }
    for node in task.nodes(&[ReplicaStatus::Outvoted]) {
        logs.push(last_word(task, node, ReplicaStatus::Slashed));
    }
    logs
}

fn last_word(task: &mut Replicated, node: u64, verdict: ReplicaStatus) -> Log {
    task.set(node, verdict);
    market(&TaskMarketplace::ReplicaSettled { taskId: task.id, nodeId: node, verdict: verdict.into() })
}
