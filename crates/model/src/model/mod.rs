//! The protocol's money flows, told a second time: from `docs/protocol.md`, whose rules the comments cite, and as simply as
//! they can be told. Nothing is stored in a clever way, and every refusal comes before the first change.

mod disputes;
mod money;
mod nodes;
mod pool;
mod rewards;
pub(crate) mod survey;
mod tasks;
mod terms;

use std::{collections::HashMap, fmt};

pub(crate) use self::nodes::Proven;
pub(crate) use self::terms::{LISTED, REVIEW_MIN_TASKS, Terms};
use self::{disputes::Case, nodes::Node, pool::Position, rewards::Stream, tasks::Task};
use crate::{books::Books, call::Call, cast::Holder};

/// Why the model refuses a call: the rule, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub &'static str);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// `Ok`, unless the condition is false.
fn needs(condition: bool, rule: &'static str) -> Result<(), Refusal> {
    if condition { Ok(()) } else { Err(Refusal(rule)) }
}

/// The whole protocol, as far as money goes.
#[derive(Clone, Debug)]
pub struct Model {
    terms: Terms,
    now: u64,
    block: u64,
    books: Books,
    nodes: Vec<Node>,
    tasks: Vec<Task>,
    positions: Vec<Position>,
    cases: Vec<Case>,
    /// Rewards in ether and in AIIGO.
    streams: [Stream; 2],
    /// Tips of a week for closing cases: the week, and what was given.
    tipped: (u64, u128),
    /// When a task of this buyer and node counted last (2.16).
    counted: HashMap<(Holder, usize), u64>,
}

impl Model {
    /// Begins with the balances of a prepared chain and the nodes that were proven on it.
    pub(crate) fn new(terms: Terms, now: u64, block: u64, books: Books, proven: &[Proven]) -> Self {
        let nodes = proven.iter().map(Node::proven).collect();
        Self {
            terms,
            now,
            block,
            books,
            nodes,
            tasks: Vec::new(),
            positions: Vec::new(),
            cases: Vec::new(),
            streams: [Stream::default(); 2],
            tipped: (0, 0),
            counted: HashMap::new(),
        }
    }

    /// Everybody's balances.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// Block time, unix seconds.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Moves on to a later block, or stays in this one.
    pub(crate) fn advance(&mut self, seconds: u64) {
        self.now += seconds;
        self.block += u64::from(seconds > 0);
    }

    /// Does what `caller` asks, or refuses and changes nothing.
    pub(crate) fn apply(&mut self, caller: Holder, call: &Call) -> Result<(), Refusal> {
        match call {
            Call::CreateTask { request, value } => self.create_tasks(caller, std::slice::from_ref(request), *value),
            Call::CreateTasks { requests, value } => self.create_tasks(caller, requests, *value),
            Call::CancelTask { task } => self.cancel_task(caller, *task),
            Call::ExpireTask { task } => self.expire_task(*task),
            Call::CommitAccept { node, task } => self.commit_accept(caller, *node, *task),
            Call::AcceptTask { node, task } => self.accept_task(caller, *node, *task),
            Call::AssignTask { bid } => self.assign_task(caller, bid),
            Call::CancelBid { node, nonce } => self.cancel_bid(caller, *node, *nonce),
            Call::CancelAllBids { node } => self.cancel_all_bids(caller, *node),
            Call::AbandonTask { task } => self.abandon_task(caller, *task),
            Call::SubmitResult { task } => self.submit_result(caller, *task),
            Call::ApproveTask { task } => self.approve_task(caller, *task),
            Call::FinalizeTask { task } => self.finalize_task(*task),
            Call::TimeoutTask { task } => self.timeout_task(caller, *task),
            Call::DisputeTask { task, value } => self.dispute_task(caller, *task, *value),
            Call::AdvanceCase { case } => self.advance_case(caller, *case),
            Call::Withdraw { token, to } => self.withdraw(caller, *token, *to),
            Call::WithdrawTips { to } => self.withdraw_tips(caller, *to),
            Call::RegisterNode { value } => self.register_node(caller, *value),
            Call::StakeForNode { node, amount } => self.stake_for_node(caller, *node, *amount),
            Call::Unstake { node, amount } => self.unstake(caller, *node, *amount),
            Call::WithdrawStake { node } => self.withdraw_stake(caller, *node),
            Call::SetOnline { node, online } => self.set_online(caller, *node, *online),
            Call::SetPayout { node, payout } => self.set_payout(caller, *node, *payout),
            Call::SetOperator { node, operator } => self.set_operator(caller, *node, *operator),
            Call::PutUnderReview { node } => self.put_under_review(*node),
            Call::EndReview { node } => self.end_review(caller, *node),
            Call::Ban { node } => self.ban(caller, *node),
            Call::Burn { amount } => self.burn_own(caller, *amount),
            Call::OpenPosition { amount, lock } => self.open_position(caller, *amount, *lock),
            Call::ClosePosition { position } => self.close_position(caller, *position),
            Call::ResetWeight { position } => self.reset_weight(*position),
            Call::Claim { position, token } => self.claim(caller, *position, *token),
            Call::Collect { token } => self.collect(*token),
        }
    }
}
