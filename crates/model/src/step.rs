//! What a property test is made of: steps that fit whatever came before, so that a sequence can lose any of them and still
//! make sense. A step's numbers choose among what there is; zero is the plainest choice, and shrinking leads there.

use aiigo_protocol::TaskStatus;
use proptest::prelude::*;

use crate::{
    call::{Bid, Call, Request},
    cast::{Holder, ONE, Token},
    model::{Model, survey::Concern},
};

/// How long after the step before.
#[derive(Clone, Copy, Debug)]
enum Wait {
    /// In the next block.
    Seconds(u32),
    /// In the same block.
    Same,
    /// At one of the coming deadlines, or a second before or after.
    Around { which: u8, offset: i8 },
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Create,
    Commit,
    Accept,
    Submit,
    Approve,
    Assign,
    Finalize,
    Timeout,
    Abandon,
    Withdraw,
    CreateBatch,
    Cancel,
    Expire,
    Dispute,
    AdvanceCase,
    Stake,
    Unstake,
    WithdrawStake,
    OpenPosition,
    ClosePosition,
    ResetWeight,
    Online,
    CancelBid,
    CancelAllBids,
    Payout,
    Operator,
    Review,
    EndReview,
    Register,
    Burn,
    Ban,
    WithdrawTips,
    Collect,
    Claim,
}

/// A larger choice is one among all there are, whether it fits or not.
const FITTING: u16 = 62_000;

/// How often each is chosen.
const WEIGHTS: [(u32, Action); 34] = [
    (30, Action::Create),
    (36, Action::Commit),
    (60, Action::Accept),
    (44, Action::Submit),
    (24, Action::Approve),
    (10, Action::Assign),
    (14, Action::Finalize),
    (16, Action::Timeout),
    (10, Action::Abandon),
    (14, Action::Withdraw),
    (8, Action::CreateBatch),
    (4, Action::Cancel),
    (5, Action::Expire),
    (10, Action::Dispute),
    (12, Action::AdvanceCase),
    (8, Action::Stake),
    (6, Action::Unstake),
    (5, Action::WithdrawStake),
    (6, Action::OpenPosition),
    (7, Action::ClosePosition),
    (2, Action::ResetWeight),
    (2, Action::Online),
    (2, Action::CancelBid),
    (1, Action::CancelAllBids),
    (2, Action::Payout),
    (2, Action::Operator),
    (4, Action::Review),
    (4, Action::EndReview),
    (1, Action::Register),
    (1, Action::Burn),
    (1, Action::Ban),
    (3, Action::WithdrawTips),
    (9, Action::Collect),
    (16, Action::Claim),
];

/// One step of a sequence.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    wait: Wait,
    action: Action,
    /// Above 235: anyone, instead of who may.
    who: u8,
    /// Which task, node or token; above [`FITTING`]: any, instead of a fitting one.
    which: u16,
    /// How much.
    amount: u16,
    /// The rest: each bit or so decides one thing.
    details: u32,
}

/// Any step.
pub fn steps() -> impl Strategy<Value = Step> {
    let wait = prop_oneof![
        12 => (1_u32..12).prop_map(Wait::Seconds),
        2 => Just(Wait::Same),
        1 => (1_u32..5_000).prop_map(Wait::Seconds),
        3 => (any::<u8>(), -1_i8..2).prop_map(|(which, offset)| Wait::Around { which, offset }),
    ];
    let all: u32 = WEIGHTS.iter().map(|(weight, _)| weight).sum();
    let action = (0..all).prop_map(|mut number| {
        for (weight, action) in WEIGHTS {
            match number.checked_sub(weight) {
                Some(rest) => number = rest,
                None => return action,
            }
        }
        Action::Create
    });
    (wait, action, any::<u8>(), any::<u16>(), any::<u16>(), any::<u32>())
        .prop_map(|(wait, action, who, which, amount, details)| Step { wait, action, who, which, amount, details })
}

impl Step {
    /// Seconds to the step before.
    pub(crate) fn wait(&self, model: &Model) -> u64 {
        match self.wait {
            // Two weeks that hardly anything else would wait for.
            Wait::Seconds(_) if matches!(self.action, Action::WithdrawStake) && self.bit(3) => {
                let ready_at = model.unbonding_ready_at(usize::from(self.which) % model.node_count());
                ready_at.saturating_sub(model.now()).max(1)
            }
            Wait::Seconds(seconds) => seconds.into(),
            Wait::Same => 0,
            Wait::Around { which, offset } => {
                let mut deadlines = model.deadlines();
                // Far ones end everything that runs.
                let horizon = match which {
                    0..=199 => model.now() + 3_600,
                    200..=249 => model.now() + 2 * 86_400,
                    250.. => u64::MAX,
                };
                deadlines.retain(|(moment, _)| *moment <= horizon);
                // Half of them wait for what the step itself is about.
                if which % 2 == 0 && deadlines.iter().any(|(_, concern)| self.concerns(*concern)) {
                    deadlines.retain(|(_, concern)| self.concerns(*concern));
                }
                let index = usize::from(which).pow(2) * deadlines.len() / (256 * 256);
                let moment = deadlines.get(index).map_or(1, |(at, _)| at - model.now());
                moment.saturating_add_signed(offset.into()).max(1)
            }
        }
    }

    fn concerns(&self, concern: Concern) -> bool {
        match self.action {
            Action::Accept => matches!(concern, Concern::Seal | Concern::Acceptance),
            Action::Assign | Action::Expire => concern == Concern::Acceptance,
            Action::Abandon => concern == Concern::Abandoning,
            Action::Submit | Action::Timeout => concern == Concern::Result,
            Action::Finalize | Action::Dispute => concern == Concern::Approval,
            Action::WithdrawStake => concern == Concern::Unbonding,
            Action::ClosePosition | Action::ResetWeight => concern == Concern::Lock,
            Action::AdvanceCase => concern == Concern::Case,
            _ => false,
        }
    }

    /// What the step is after the steps before.
    pub(crate) fn resolve(&self, model: &Model) -> (Holder, Call) {
        let (caller, call) = self.intend(model);
        let people = Holder::PEOPLE;
        let caller = if self.who > 235 { people[usize::from(self.who) % people.len()] } else { caller };
        (caller, call)
    }

    fn intend(&self, model: &Model) -> (Holder, Call) {
        let person = Holder::PEOPLE[usize::from(self.which) % Holder::PEOPLE.len()];
        let buyer = [Holder::Alice, Holder::Bob][usize::from(self.which) % 2];
        let node = usize::from(self.which) % model.node_count();
        let keys = model.keys(node);
        let acting = if self.bit(0) { keys.owner } else { keys.operator };
        match self.possible(model) {
            Action::Create => {
                let request = self.request(model, self.details, self.amount);
                let value = self.value(model, std::slice::from_ref(&request));
                (buyer, Call::CreateTask { request, value })
            }
            Action::CreateBatch => {
                let count = 1 + self.details % 3;
                let requests: Vec<_> = (0..count)
                    .map(|turn| self.request(model, self.details.rotate_left(9 * turn), self.amount >> turn))
                    .collect();
                let value = self.value(model, &requests);
                (buyer, Call::CreateTasks { requests, value })
            }
            Action::Commit => (acting, Call::CommitAccept { node, task: self.wanted(model) }),
            Action::Accept => {
                let sealed: Vec<_> = (0..model.node_count()).filter(|node| model.sealed(*node).is_some()).collect();
                let node = self.among(&sealed, model.node_count());
                match model.sealed(node) {
                    Some((task, sender)) => (sender, Call::AcceptTask { node, task }),
                    None => (acting, Call::AcceptTask { node, task: self.task(model, TaskStatus::Open) }),
                }
            }
            Action::Assign => self.bid(model),
            Action::Submit => self.execute(model, |task| Call::SubmitResult { task }),
            Action::Abandon => self.execute(model, |task| Call::AbandonTask { task }),
            Action::Timeout => (person, Call::TimeoutTask { task: self.task(model, TaskStatus::InProgress) }),
            Action::Approve => self.as_buyer(model, TaskStatus::Completed, |task| Call::ApproveTask { task }),
            Action::Finalize => (person, Call::FinalizeTask { task: self.task(model, TaskStatus::Completed) }),
            Action::Cancel => self.as_buyer(model, TaskStatus::Open, |task| Call::CancelTask { task }),
            Action::Expire => (person, Call::ExpireTask { task: self.task(model, TaskStatus::Open) }),
            Action::Dispute => self.dispute(model),
            Action::AdvanceCase => {
                (person, Call::AdvanceCase { case: self.among(&model.open_cases(), model.case_count()) })
            }
            Action::Withdraw => self.withdraw(model),
            Action::WithdrawTips => {
                let tipped = Holder::PEOPLE.iter().find(|person| model.books().tips[person.index()] > 0);
                (tipped.copied().unwrap_or(person), Call::WithdrawTips { to: self.anyone() })
            }
            Action::Register => (person, Call::RegisterNode { value: self.off(model.registration_fee()) }),
            Action::Stake => (keys.owner, Call::StakeForNode { node, amount: self.portion(600 * ONE) }),
            Action::Unstake => {
                (keys.owner, Call::Unstake { node, amount: self.portion(model.books().nodes[node].stake) })
            }
            Action::WithdrawStake => (keys.owner, Call::WithdrawStake { node }),
            Action::Online => (acting, Call::SetOnline { node, online: !self.bit(1) }),
            Action::CancelBid => (acting, Call::CancelBid { node, nonce: u64::from(self.details % 4) }),
            Action::CancelAllBids => (acting, Call::CancelAllBids { node }),
            Action::Payout => (keys.owner, Call::SetPayout { node, payout: self.anyone() }),
            Action::Operator => (keys.owner, Call::SetOperator { node, operator: self.anyone() }),
            Action::Review => (person, Call::PutUnderReview { node: self.among(&model.failing(), model.node_count()) }),
            Action::EndReview => {
                (Holder::Treasury, Call::EndReview { node: self.among(&model.under_review(), model.node_count()) })
            }
            Action::Ban => (Holder::Treasury, Call::Ban { node }),
            Action::Burn => (person, Call::Burn { amount: self.portion(1_000 * ONE) }),
            Action::OpenPosition => {
                let lock = [0, 600, 30 * 86_400, 365 * 86_400, 365 * 86_400 + 1][self.details as usize % 5];
                (person, Call::OpenPosition { amount: self.portion(2_000 * ONE), lock })
            }
            Action::ClosePosition => {
                let (owner, position) = self.position(model, person);
                (owner, Call::ClosePosition { position })
            }
            Action::Claim => {
                let earned = model.claimable();
                let fitting =
                    earned.get(usize::from(self.which) % earned.len().max(1)).filter(|_| self.which <= FITTING);
                match fitting {
                    Some((position, token)) => {
                        (model.position_owner(*position), Call::Claim { position: *position, token: *token })
                    }
                    None => {
                        (person, Call::Claim { position: 0, token: Token::ALL[usize::from(self.which) % Token::COUNT] })
                    }
                }
            }
            Action::Collect => {
                let owed = model.books().credits[Holder::Vault.index()];
                let owed: Vec<_> = Token::ALL.into_iter().filter(|token| owed[token.index()] > 0).collect();
                let token = owed.get(usize::from(self.which) % owed.len().max(1)).copied().unwrap_or(Token::Ether);
                (person, Call::Collect { token })
            }
            Action::ResetWeight => {
                (person, Call::ResetWeight { position: usize::from(self.which) % model.position_count().max(1) })
            }
        }
    }

    /// The action, or what has to come before it.
    fn possible(&self, model: &Model) -> Action {
        let none = |status| model.tasks_with(status).is_empty();
        let mut action = self.action;
        if self.which > FITTING {
            return action;
        }
        if matches!(action, Action::ClosePosition | Action::ResetWeight | Action::Claim) && model.position_count() == 0
        {
            action = Action::OpenPosition;
        }
        if matches!(action, Action::Claim) && model.claimable().is_empty() {
            action = Action::Collect;
        }
        if matches!(action, Action::EndReview) && model.under_review().is_empty() {
            action = Action::Review;
        }
        if matches!(action, Action::Collect) && model.books().credits[Holder::Vault.index()] == [0; Token::COUNT] {
            action = Action::Approve;
        }
        if matches!(action, Action::AdvanceCase) && none(TaskStatus::Disputed) {
            action = Action::Dispute;
        }
        if matches!(action, Action::Approve | Action::Finalize | Action::Dispute) && none(TaskStatus::Completed) {
            action = Action::Submit;
        }
        if matches!(action, Action::Submit | Action::Abandon | Action::Timeout) && none(TaskStatus::InProgress) {
            action = Action::Accept;
        }
        if matches!(action, Action::Accept) && (0..model.node_count()).all(|node| model.sealed(node).is_none()) {
            action = Action::Commit;
        }
        let impossible = match action {
            Action::Commit | Action::Assign => model.wanted().is_empty(),
            Action::Cancel | Action::Expire => none(TaskStatus::Open),
            _ => false,
        };
        if impossible { Action::Create } else { action }
    }

    fn bit(&self, number: u32) -> bool {
        self.details >> (31 - number) & 1 == 1
    }

    fn anyone(&self) -> Holder {
        Holder::PEOPLE[self.details as usize % Holder::PEOPLE.len()]
    }

    /// One of the fitting, if there is one.
    fn among(&self, fitting: &[usize], all: usize) -> usize {
        let which = usize::from(self.which);
        if fitting.is_empty() || self.which > FITTING { which % all.max(1) } else { fitting[which % fitting.len()] }
    }

    fn wanted(&self, model: &Model) -> usize {
        self.among(&model.wanted(), model.task_count())
    }

    fn task(&self, model: &Model, status: TaskStatus) -> usize {
        self.among(&model.tasks_with(status), model.task_count())
    }

    /// A part of the whole, and now and then a little more.
    fn portion(&self, whole: u128) -> u128 {
        whole * u128::from(self.amount) / 60_000
    }

    /// Now and then one too little or too much.
    fn off(&self, right: u128) -> u128 {
        match self.details >> 26 {
            61 => right.saturating_sub(1),
            62 => right + 1,
            _ => right,
        }
    }

    fn as_buyer(&self, model: &Model, status: TaskStatus, call: impl Fn(usize) -> Call) -> (Holder, Call) {
        let task = self.task(model, status);
        (if task < model.task_count() { model.buyer(task) } else { Holder::Alice }, call(task))
    }

    fn execute(&self, model: &Model, call: impl Fn(usize) -> Call) -> (Holder, Call) {
        let task = self.task(model, TaskStatus::InProgress);
        let node = if task < model.task_count() { model.node_of(task) } else { None };
        let keys = node.map(|node| model.keys(node));
        let caller = keys.map_or(Holder::Stranger, |keys| if self.bit(0) { keys.owner } else { keys.operator });
        (caller, call(task))
    }

    fn position(&self, model: &Model, stranger: Holder) -> (Holder, usize) {
        let position = usize::from(self.which) % model.position_count().max(1);
        (if position < model.position_count() { model.position_owner(position) } else { stranger }, position)
    }

    fn withdraw(&self, model: &Model) -> (Holder, Call) {
        let owed: Vec<_> = Holder::PEOPLE
            .iter()
            .flat_map(|person| Token::ALL.map(|token| (*person, token)))
            .filter(|(person, token)| model.books().credits[person.index()][token.index()] > 0)
            .collect();
        match owed.get(usize::from(self.which) % owed.len().max(1)) {
            Some((person, token)) => (*person, Call::Withdraw { token: *token, to: self.anyone() }),
            None => (self.anyone(), Call::Withdraw { token: Token::Ether, to: self.anyone() }),
        }
    }

    fn dispute(&self, model: &Model) -> (Holder, Call) {
        let task = self.task(model, TaskStatus::Completed);
        if task >= model.task_count() {
            return (Holder::Alice, Call::DisputeTask { task, value: 0 });
        }
        let request = model.request(task);
        let completed = model.books().tasks[task].status == TaskStatus::Completed;
        let bond = if completed && request.token == Token::Ether { self.off(model.bond(task)) } else { 0 };
        let caller = request.watcher.filter(|_| self.bit(0)).unwrap_or(model.buyer(task));
        (caller, Call::DisputeTask { task, value: bond })
    }

    fn bid(&self, model: &Model) -> (Holder, Call) {
        let task = self.wanted(model);
        let node = usize::from(self.amount) % model.node_count();
        let keys = model.keys(node);
        let (buyer, duration, escrow) = if task < model.task_count() {
            (model.buyer(task), model.request(task).duration, model.escrow(task))
        } else {
            (Holder::Alice, 60, 0)
        };
        let eta = duration.saturating_sub(self.details % 3 * (duration / 4)) + u32::from(self.details % 61 == 60);
        let whole = escrow * 3_600 / u128::from(eta.max(1));
        let price_per_hour = whole - whole * u128::from(self.amount >> 8) / 300 + u128::from(self.details % 67 == 66);
        let bid = Bid {
            task,
            node,
            price_per_hour,
            eta,
            expiry: model.now() + [600, 0][usize::from(self.bit(2))] - u64::from(self.details % 29 == 28),
            epoch: model.bid_epoch(node) + u32::from(self.details % 31 == 30),
            nonce: u64::from(self.details >> 8 & 3),
            signer: if self.details % 37 == 36 {
                keys.payout
            } else if self.bit(0) {
                keys.owner
            } else {
                keys.operator
            },
        };
        (buyer, Call::AssignTask { bid })
    }

    fn value(&self, model: &Model, requests: &[Request]) -> u128 {
        let ether = requests.iter().filter(|request| request.token == Token::Ether);
        let cost = ether.map(|request| model.quote(request)).map(|(escrow, tips)| escrow + tips).sum();
        self.off(cost)
    }

    /// Mostly a request that the market takes.
    fn request(&self, model: &Model, details: u32, amount: u16) -> Request {
        let flaw = details >> 24;
        let token = Token::ALL[details as usize % Token::COUNT];
        let duration = [600, 3_600, 600, 86_400, 20_011, 3_600, 30, 5][(details >> 2) as usize % 8];
        // Up to six tenths of what a node may have open: two large ones don't fit.
        let escrow = model.token_cap(token) * u128::from(amount) / 110_000;
        Request {
            token,
            min_trust: match flaw {
                1 => 2,
                2 => 5,
                _ => u8::from(flaw > 128),
            },
            replicas: if flaw == 3 { 3 } else { 1 },
            min_power: match flaw {
                4 => 0,
                5 => 9,
                _ => 1 + u32::from(details >> 5 & 3 == 3),
            },
            duration: if flaw == 6 { 4 } else { duration },
            accept_window: match flaw {
                7 => 604_801,
                15 => 0,
                _ => [86_400, 604_800, 600, 86_400, 86_400, 600, 30, 1][(details >> 7) as usize % 8],
            },
            review_window: match flaw {
                8 => 90,
                9 => 59,
                _ => [120, 60, 86_400][(details >> 10) as usize % 3],
            },
            max_audit_age: if flaw == 10 { 86_400 } else { 0 },
            price_per_hour: match flaw {
                11 => 19_999,
                12 => 20_000,
                13 => 20_001 * 3_600 / u128::from(duration),
                _ => escrow * 3_600 / u128::from(duration) + u128::from(details >> 12 & 1),
            },
            watcher: (details >> 13 & 3 == 1).then_some(Holder::Stranger),
            gpu: flaw != 14,
        }
    }
}
