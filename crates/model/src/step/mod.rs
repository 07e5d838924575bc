//! What a property test is made of: steps that fit whatever came before, so that a sequence can lose any of them and still
//! make sense. A step's numbers choose among what there is; zero is the plainest choice, and shrinking leads there.

mod action;
mod audit;
mod court;
mod market;
mod node;
mod possible;
mod reward;
mod stake;

use proptest::prelude::*;

use self::action::Action;
use crate::{
    call::Call,
    cast::Holder,
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

/// A larger choice is one among all there are, whether it fits or not.
const FITTING: u16 = 62_000;

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
    let action = (0..Action::all()).prop_map(Action::of);
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
            // Hours that hardly anything else would wait for.
            Wait::Seconds(_) if matches!(self.action, Action::CloseEpoch | Action::ClaimBase) && self.bit(3) => {
                let end = model.epoch_end(model.books().rewards.next_epoch);
                if model.epochs_wait() { end.saturating_sub(model.now()).max(1) } else { 1 }
            }
            // A day that hardly anything else would wait for.
            Wait::Seconds(_) if self.opens_round(model) => {
                (model.round_open_to_anyone_at() + 1).saturating_sub(model.now()).max(1)
            }
            Wait::Seconds(seconds) => seconds.into(),
            Wait::Same => 0,
            Wait::Around { .. } if self.is_for_audit(model) && self.details >> 4 & 7 != 0 => 5,
            // Most juries get to their end.
            Wait::Around { .. } if self.is_for_jury(model) && self.details >> 5 & 1 == 0 => 5,
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
            Action::Jury | Action::AdvanceCase | Action::Appeal => concern == Concern::Case,
            Action::ReleasePosition => concern == Concern::Juror,
            Action::Audit | Action::ReportMissed => concern == Concern::Audit,
            Action::FinalizeRoot | Action::VetoRoot => concern == Concern::Root,
            Action::CloseEpoch => concern == Concern::Epoch,
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
        match self.possible(model) {
            Action::Create => self.create(model),
            Action::CreateBatch => self.create_batch(model),
            Action::Commit => self.commit(model),
            Action::Accept => self.accept(model),
            Action::Assign => self.bid(model),
            Action::Submit => self.execute(model, |task| Call::SubmitResult { task }),
            Action::Abandon => self.execute(model, |task| Call::AbandonTask { task }),
            Action::Timeout => self.time_out(model),
            Action::Approve => self.approve(model),
            Action::Finalize => self.finalize(model),
            Action::Cancel => self.cancel(model),
            Action::Expire => self.expire(model),
            Action::CancelBid => self.cancel_bid(model),
            Action::CancelAllBids => self.cancel_all_bids(model),
            Action::Withdraw => self.withdraw(model),
            Action::Register => self.register(model),
            Action::Stake => self.stake_more(model),
            Action::Unstake => self.unstake(model),
            Action::WithdrawStake => self.withdraw_stake(model),
            Action::Online => self.online(model),
            Action::Payout => self.payout(model),
            Action::Operator => self.operator(model),
            Action::Review => self.review(model),
            Action::EndReview => self.end_review(model),
            Action::Ban => (Holder::Treasury, Call::Ban { node: self.node(model) }),
            Action::OpenPosition => self.open_position(),
            Action::ClosePosition => self.close_position(model),
            Action::ResetWeight => self.reset_weight(model),
            Action::Claim => self.claim(model),
            Action::Collect => self.collect(model),
            Action::Burn => self.burn(),
            Action::WithdrawTips => self.withdraw_tips(model),
            Action::Dispute => self.dispute(model),
            Action::Jury => self.jury(model),
            Action::AdvanceCase => self.advance_case(model),
            Action::Appeal => self.appeal(model),
            Action::WithdrawFees => self.withdraw_fees(model),
            Action::JoinJury => self.join_jury(model),
            Action::LeaveJury => (self.juror(), Call::LeaveJury {}),
            Action::ReleasePosition => self.release_position(model),
            Action::ReweighJuror => (self.person(), Call::ReweighJuror { juror: self.juror() }),
            Action::Mine => (self.person(), self.mine()),
            Action::CloseEpoch => self.close_epoch(model),
            Action::ClaimBase => self.claim_base(model),
            Action::PostRoot => self.post_root(model),
            Action::FinalizeRoot => self.finalize_root(model),
            Action::VetoRoot => self.veto_root(model),
            Action::ClaimBonus => self.claim_bonus(model),
            Action::Audit => self.audit(model),
            Action::ReportMissed => self.report(model),
        }
    }

    /// Whoever.
    fn person(&self) -> Holder {
        Holder::PEOPLE[usize::from(self.which) % Holder::PEOPLE.len()]
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
}
