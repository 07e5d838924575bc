//! The protocol's money flows, told a second time: from `docs/protocol.md`, whose rules the comments cite, and as simply as
//! they can be told. Nothing is stored in a clever way, and every refusal comes before the first change.

mod audits;
mod bonuses;
mod court;
mod epochs;
mod jurors;
mod money;
mod nodes;
mod pool;
mod reach;
mod rewards;
pub(crate) mod survey;
mod tasks;
mod terms;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

pub(crate) use self::audits::{Solutions, hash_rate};
pub(crate) use self::court::{CaseStatus, SeatState};
pub(crate) use self::nodes::Proven;
pub(crate) use self::pool::Sworn;
pub use self::reach::EVENTS;
pub(crate) use self::tasks::place_of_seal;
pub(crate) use self::terms::{
    CALIBRATION, COURT_PERIODS, Duty, EPOCH_LENGTH, ETHER_RATE, EXCUSE_FLOORS, LATE_WINDOW, LISTED, REVIEW_MIN_TASKS,
    ROUND_WINDOW, Terms,
};
use self::{
    audits::Round, bonuses::Root, court::Case, epochs::Epochs, jurors::Jurors, nodes::Node, pool::Position,
    rewards::Stream, tasks::Task,
};
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
    jurors: Jurors,
    epochs: Epochs,
    round: Round,
    /// By round and node.
    solutions: Arc<Vec<Vec<Solutions>>>,
    roots: Vec<Root>,
    /// The present one.
    root: Option<usize>,
    /// Rewards in ether and in AIIGO.
    streams: [Stream; 2],
    /// The week, and what was given in it for each duty.
    tipped: (u64, [u128; Duty::COUNT]),
    /// When a task of this buyer and node counted last (2.16).
    counted: HashMap<(Holder, usize), u64>,
    /// How often something worth trying happened.
    reached: BTreeMap<&'static str, u64>,
}

/// What a prepared chain begins with.
#[derive(Clone, Debug)]
pub(crate) struct Beginning {
    pub(crate) now: u64,
    pub(crate) block: u64,
    pub(crate) books: Books,
    pub(crate) nodes: Vec<Proven>,
    /// Who joined the jurors, each with the position of the same number.
    pub(crate) jurors: Vec<Sworn>,
    /// When the rate of ether lapses.
    pub(crate) rate_until: u64,
    /// When the first interval between rounds began.
    pub(crate) interval_since: u64,
    pub(crate) solutions: Arc<Vec<Vec<Solutions>>>,
}

impl Model {
    /// Begins where a prepared chain does.
    pub(crate) fn new(terms: Terms, beginning: Beginning) -> Self {
        let Beginning { now, block, books, nodes, jurors, rate_until, interval_since, solutions } = beginning;
        let mut model = Self {
            terms,
            now,
            block,
            books,
            nodes: nodes.iter().map(Node::proven).collect(),
            tasks: Vec::new(),
            positions: jurors.iter().map(Position::sworn).collect(),
            cases: Vec::new(),
            jurors: Jurors::default(),
            epochs: Epochs::new(rate_until),
            round: Round { opened_at: interval_since, ..Round::default() },
            solutions,
            roots: Vec::new(),
            root: None,
            streams: [Stream::default(); 2],
            tipped: (0, [0; Duty::COUNT]),
            counted: HashMap::new(),
            reached: BTreeMap::new(),
        };
        for (position, sworn) in jurors.iter().enumerate() {
            let weight = model.books.positions[position].amount;
            model.jurors.join(sworn.juror, position, weight, sworn.from_epoch);
        }
        model
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
            Call::DrawJury { case } => self.draw_jury(caller, *case),
            Call::CommitVote { case, share } => self.commit_vote(caller, *case, *share),
            Call::RevealVote { case, share } => self.reveal_vote(caller, *case, *share),
            Call::AdvanceCase { case } => self.advance_case(caller, *case),
            Call::Appeal { case } => self.appeal(caller, *case),
            Call::WithdrawFees { to } => self.withdraw_fees(caller, *to),
            Call::JoinJury { position } => self.join_jury(caller, *position),
            Call::LeaveJury {} => self.leave_jury(caller),
            Call::ReleasePosition { juror } => self.release_position(*juror),
            Call::ReweighJuror { juror } => self.reweigh_juror(*juror),
            Call::Mine { blocks } => {
                self.block += blocks;
                Ok(())
            }
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
            Call::CloseEpoch { epoch } => self.close_epoch(*epoch),
            Call::OpenRound {} => self.open_round(caller),
            Call::AnswerRound { node, full } => self.answer_round(caller, *node, *full),
            Call::Excuse { node, task } => self.excuse(*node, *task),
            Call::ReportMissed { nodes } => self.report_missed(caller, nodes),
            Call::PostRoot { epoch, amounts } => self.post_root(caller, *epoch, amounts),
            Call::FinalizeRoot { root } => self.finalize_root(*root),
            Call::VetoRoot { root } => self.veto_root(caller, *root),
            Call::ClaimBonus { root, node } => self.claim_bonus(*root, *node),
            Call::ClaimBase { epoch, node } => self.claim_base(*epoch, *node),
        }
    }
}
