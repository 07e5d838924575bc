//! The duties: what is watched, what is due, and the call that settles it. Each is a file of its own.

mod advance_disputes;
mod claim_rewards;
mod close_epochs;
mod collect_fees;
mod draw_replicas;
mod execute_proposals;
mod expire_tasks;
mod finalize_reviews;
mod finalize_roots;
mod judge_replicas;
mod note_activity;
mod open_rounds;
mod post_roots;
mod release_candidates;
mod release_jurors;
mod report_missed;
mod report_missed_rounds;
mod reset_weights;
mod review_nodes;
mod reweigh_jurors;
mod settle_replicas;
mod time_out_tasks;

use std::{fmt, str::FromStr, sync::Arc};

use aiigo_protocol::{ContractName, Deployment};
use alloy::{primitives::Address, sol_types::SolCall};

use crate::{payload::Payload, secrets::Secrets, view::View};

/// A transaction that anyone may send and whose time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Whose it is.
    pub duty: DutyName,
    /// What it is about, unique within the duty: a second late delivery of one task is another action.
    pub subject: String,
    /// The contract to call.
    pub to: Address,
    /// The call.
    pub payload: Payload,
}

impl Action {
    fn new(duty: DutyName, subject: impl fmt::Display, to: Address, call: &impl SolCall) -> Self {
        Self { duty, subject: subject.to_string(), to, payload: Payload::Call(call.abi_encode().into()) }
    }

    /// Identifies the action among all duties.
    pub fn key(&self) -> String {
        format!("{}:{}", self.duty, self.subject)
    }
}

/// One kind of work.
pub trait Duty: Send + Sync {
    /// What is due when the chain's clock shows `now` (unix seconds).
    fn due(&self, view: &View, now: u64) -> Vec<Action>;
}

macro_rules! duties {
    ($($variant:ident = $name:literal, $default:literal, $about:literal;)*) => {
        /// The duties by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DutyName { $(#[doc = $about] $variant),* }

        impl DutyName {
            /// Every duty, the most urgent first.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name on the command line, in logs and in metrics.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What it does, in a line.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about),* }
            }

            /// Whether it runs unless `--duties` says otherwise.
            pub const fn is_default(self) -> bool {
                match self { $(Self::$variant => $default),* }
            }
        }
    };
}

duties! {
    TimeOutTasks = "time-out-tasks", true, "Slash nodes that are late, reopen their tasks, earn the tip.";
    JudgeReplicas = "judge-replicas", true, "Count the results of replicated tasks, pay the majority, earn the tips of the silent.";
    FinalizeReviews = "finalize-reviews", true, "Pay providers whose buyers are silent after the review window.";
    ExpireTasks = "expire-tasks", true, "Refund buyers whose tasks nobody accepted in time.";
    DrawReplicas = "draw-replicas", true, "Draw the nodes of replicated tasks, ask for more candidates, or refund.";
    SettleReplicas = "settle-replicas", true, "Slash who was wrong in a replicated task, after the appeals.";
    ReleaseCandidates = "release-candidates", true, "Give nodes back the slots of replicated tasks that they were not drawn for.";
    ReportMissed = "report-missed", true, "Close challenges that were not answered in time.";
    OpenRounds = "open-rounds", true, "Open audit rounds: as the challenger with its secrets, or when it has revealed none.";
    ReportMissedRounds = "report-missed-rounds", true, "Record who answered no audit round, earn the tips.";
    ReviewNodes = "review-nodes", true, "Put nodes that fail too often under review.";
    NoteActivity = "note-activity", true, "Tell the verifier of nodes that became Active by time alone, as after a review.";
    CloseEpochs = "close-epochs", true, "Close reward epochs that are over.";
    AdvanceDisputes = "advance-disputes", true, "Draw juries, and end the periods of cases that are over.";
    CollectFees = "collect-fees", true, "Send the fees of closed epochs to stakers and treasury.";
    FinalizeRoots = "finalize-roots", true, "Adopt roots of bonuses that nobody vetoed in time.";
    ExecuteProposals = "execute-proposals", true, "Queue proposals that passed, execute those whose delay is over.";
    PostRoots = "post-roots", false, "Post the root of all bonuses, with a bond of 10,000 AIIGO for each.";
    ClaimRewards = "claim-rewards", false, "Mint nodes their base rewards of closed epochs, to their payout addresses.";
    ResetWeights = "reset-weights", false, "Weigh staked positions whose lock is over by what they hold.";
    ReleaseJurors = "release-jurors", false, "Let go the positions of jurors who left.";
    ReweighJurors = "reweigh-jurors", false, "Weigh jurors whom penalties made poorer by what they hold.";
}

/// What duties act with.
#[derive(Clone, Debug)]
pub struct Means {
    /// Where the contracts are.
    pub deployment: Arc<Deployment>,
    /// Who sends.
    pub account: Address,
    /// The challenger's, if this keeper is trusted with them.
    pub secrets: Option<Secrets>,
}

impl DutyName {
    /// The duty itself.
    pub fn duty(self, means: &Means) -> Box<dyn Duty> {
        let Means { deployment, account, secrets } = means;
        let market = deployment.address(ContractName::TaskMarketplace);
        let verifier = deployment.address(ContractName::ProofOfWorkVerifier);
        let registry = deployment.address(ContractName::NodeRegistry);
        let rewards = deployment.address(ContractName::RewardDistributor);
        let court = deployment.address(ContractName::DisputeCourt);
        match self {
            Self::TimeOutTasks => Box::new(time_out_tasks::TimeOutTasks { market }),
            Self::FinalizeReviews => Box::new(finalize_reviews::FinalizeReviews { market }),
            Self::ExpireTasks => Box::new(expire_tasks::ExpireTasks { market }),
            Self::ReportMissed => Box::new(report_missed::ReportMissed { verifier }),
            Self::OpenRounds => {
                Box::new(open_rounds::OpenRounds { verifier, account: *account, secrets: secrets.clone() })
            }
            Self::ReportMissedRounds => Box::new(report_missed_rounds::ReportMissedRounds { verifier }),
            Self::CloseEpochs => Box::new(close_epochs::CloseEpochs { rewards }),
            Self::JudgeReplicas => Box::new(judge_replicas::JudgeReplicas { market }),
            Self::DrawReplicas => Box::new(draw_replicas::DrawReplicas { market }),
            Self::SettleReplicas => Box::new(settle_replicas::SettleReplicas { market }),
            Self::ReleaseCandidates => Box::new(release_candidates::ReleaseCandidates { market }),
            Self::ReviewNodes => Box::new(review_nodes::ReviewNodes { registry }),
            Self::NoteActivity => Box::new(note_activity::NoteActivity { registry }),
            Self::AdvanceDisputes => Box::new(advance_disputes::AdvanceDisputes { court }),
            Self::CollectFees => {
                Box::new(collect_fees::CollectFees { vault: deployment.address(ContractName::FeeVault) })
            }
            Self::ExecuteProposals => Box::new(execute_proposals::ExecuteProposals {
                governor: deployment.address(ContractName::AIIGOGovernor),
            }),
            Self::FinalizeRoots => Box::new(finalize_roots::FinalizeRoots { rewards }),
            Self::PostRoots => {
                Box::new(post_roots::PostRoots { rewards, token: deployment.address(ContractName::AIIGOToken) })
            }
            Self::ClaimRewards => Box::new(claim_rewards::ClaimRewards { rewards }),
            Self::ResetWeights => {
                Box::new(reset_weights::ResetWeights { pool: deployment.address(ContractName::StakingPool) })
            }
            Self::ReleaseJurors => Box::new(release_jurors::ReleaseJurors { court }),
            Self::ReweighJurors => Box::new(reweigh_jurors::ReweighJurors { court }),
        }
    }

    /// Whether how often it is due depends on time, or on votes and bonds, rather than on how much users ask for.
    pub(crate) const fn is_made_by_time(self) -> bool {
        matches!(
            self,
            Self::OpenRounds
                | Self::CloseEpochs
                | Self::CollectFees
                | Self::FinalizeRoots
                | Self::ExecuteProposals
                | Self::PostRoots
        )
    }

    /// The duties that run unless told otherwise.
    pub fn defaults() -> Vec<Self> {
        Self::ALL.iter().copied().filter(|name| name.is_default()).collect()
    }
}

impl fmt::Display for DutyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no duty.
#[derive(Debug, thiserror::Error)]
#[error("there is no duty `{0}`; `aiigo-keeper duties` lists them")]
pub struct UnknownDuty(String);

impl FromStr for DutyName {
    type Err = UnknownDuty;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|duty| duty.name() == text).ok_or_else(|| UnknownDuty(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
