//! What has to come before what.

use aiigo_protocol::TaskStatus;

use super::{FITTING, Step, action::Action};
use crate::{
    cast::{Holder, Token},
    model::{CaseStatus, Model},
};

impl Step {
    /// The action, or what has to come before it.
    pub(super) fn possible(&self, model: &Model) -> Action {
        let none = |status| model.tasks_with(status).is_empty();
        let mut action = self.action;
        if self.which > FITTING {
            return action;
        }
        if self.is_for_audit(model) || self.opens_round(model) {
            return Action::Audit;
        }
        if self.is_for_bonus(model)
            && let Some(action) = self.bonus(model)
        {
            return action;
        }
        if self.is_for_jury(model) {
            return Action::Jury;
        }
        if matches!(action, Action::WithdrawFees) && model.books().fees.iter().all(|fees| *fees == 0) {
            action = Action::Jury;
        }
        if matches!(action, Action::Appeal) && model.cases_with(CaseStatus::Ruled).is_empty() {
            action = Action::Jury;
        }
        if matches!(action, Action::ReleasePosition) && model.held().is_empty() {
            action = Action::LeaveJury;
        }
        if matches!(action, Action::ClaimBonus) && model.present_root().is_none() {
            action = Action::FinalizeRoot;
        }
        if matches!(action, Action::FinalizeRoot | Action::VetoRoot) && model.pending_roots().is_empty() {
            action = Action::PostRoot;
        }
        if matches!(action, Action::PostRoot) && (model.books().rewards.next_epoch == 0 || model.with_base().is_empty())
        {
            action = Action::ClaimBase;
        }
        let all_accounted = (0..model.node_count()).all(|node| !model.is_due(node));
        if matches!(action, Action::Audit | Action::ReportMissed) && all_accounted {
            action = Action::Accept;
        }
        if matches!(action, Action::ClaimBase) && model.base_claimable().is_empty() {
            action = Action::CloseEpoch;
        }
        if matches!(action, Action::CloseEpoch) && !model.epoch_is_over() {
            action = Action::Approve;
        }
        if matches!(action, Action::ClosePosition) && model.free_positions(1).is_empty()
            || matches!(action, Action::JoinJury) && model.free_positions(model.least_position()).is_empty()
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
        if matches!(action, Action::Jury | Action::AdvanceCase) && none(TaskStatus::Disputed) {
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
}
