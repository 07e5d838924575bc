//! What a step can be about, and how often each is chosen.

macro_rules! actions {
    ($($weight:literal $name:ident,)*) => {
        #[derive(Clone, Copy, Debug)]
        pub(super) enum Action { $($name),* }

        const WEIGHTS: &[(u32, Action)] = &[$(($weight, Action::$name)),*];
    };
}

actions! {
    // Tasks.
    30 Create,
    36 Commit,
    60 Accept,
    44 Submit,
    24 Approve,
    10 Assign,
    14 Finalize,
    16 Timeout,
    10 Abandon,
    14 Withdraw,
    8 CreateBatch,
    4 Cancel,
    5 Expire,
    2 CancelBid,
    1 CancelAllBids,
    // Nodes.
    8 Stake,
    6 Unstake,
    5 WithdrawStake,
    2 Online,
    2 Payout,
    2 Operator,
    8 Review,
    10 EndReview,
    1 Register,
    1 Ban,
    // The pool, and money that waits.
    6 OpenPosition,
    7 ClosePosition,
    2 ResetWeight,
    16 Claim,
    9 Collect,
    1 Burn,
    3 WithdrawTips,
    // Disputes.
    24 Dispute,
    40 Jury,
    12 AdvanceCase,
    6 Appeal,
    6 WithdrawFees,
    6 JoinJury,
    2 LeaveJury,
    3 ReleasePosition,
    2 ReweighJuror,
    1 Mine,
    // Rewards.
    14 CloseEpoch,
    12 ClaimBase,
    6 PostRoot,
    8 FinalizeRoot,
    4 VetoRoot,
    14 ClaimBonus,
    // Audits.
    6 Audit,
    4 ReportMissed,
}

impl Action {
    /// The sum of all weights.
    pub(super) fn all() -> u32 {
        WEIGHTS.iter().map(|(weight, _)| weight).sum()
    }

    /// The action of a number below the sum of all weights.
    pub(super) fn of(mut number: u32) -> Self {
        for (weight, action) in WEIGHTS {
            match number.checked_sub(*weight) {
                Some(rest) => number = rest,
                None => return *action,
            }
        }
        Self::Create
    }
}
