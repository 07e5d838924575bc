//! What somebody does, with everything decided: the same for the model and for the chain.

use crate::cast::{Holder, Token};

/// What a buyer asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // as in the contracts
pub struct Request {
    pub token: Token,
    pub min_trust: u8,
    pub replicas: u8,
    pub min_power: u32,
    pub duration: u32,
    pub accept_window: u32,
    pub review_window: u32,
    pub max_audit_age: u32,
    pub price_per_hour: u128,
    pub watcher: Option<Holder>,
    /// 0: a processor, which no node here is.
    pub gpu: bool,
}

/// A signed bid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // as in the contracts
pub struct Bid {
    pub task: usize,
    pub node: usize,
    pub price_per_hour: u128,
    pub eta: u32,
    pub expiry: u64,
    pub epoch: u32,
    pub nonce: u64,
    pub signer: Holder,
}

macro_rules! calls {
    ($($name:ident { $($field:ident: $type:ty),* },)*) => {
        /// One call. Nodes and tasks by position, from 0; `value` is the ether sent along, in wei.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs)] // as in the contracts
        pub enum Call { $($name { $($field: $type),* }),* }

        impl Call {
            /// Every kind of call.
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];

            /// The kind of this call.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name { .. } => stringify!($name)),* }
            }
        }
    };
}

calls! {
    CreateTask { request: Request, value: u128 },
    CreateTasks { requests: Vec<Request>, value: u128 },
    CancelTask { task: usize },
    ExpireTask { task: usize },
    CommitAccept { node: usize, task: usize },
    AcceptTask { node: usize, task: usize },
    AssignTask { bid: Bid },
    CancelBid { node: usize, nonce: u64 },
    CancelAllBids { node: usize },
    AbandonTask { task: usize },
    SubmitResult { task: usize },
    ApproveTask { task: usize },
    FinalizeTask { task: usize },
    TimeoutTask { task: usize },
    DisputeTask { task: usize, value: u128 },
    DrawJury { case: usize },
    CommitVote { case: usize, share: u128 },
    RevealVote { case: usize, share: u128 },
    AdvanceCase { case: usize },
    Appeal { case: usize },
    WithdrawFees { to: Holder },
    JoinJury { position: usize },
    LeaveJury {},
    ReleasePosition { juror: Holder },
    ReweighJuror { juror: Holder },
    Mine { blocks: u64 },
    Withdraw { token: Token, to: Holder },
    WithdrawTips { to: Holder },
    RegisterNode { value: u128 },
    StakeForNode { node: usize, amount: u128 },
    Unstake { node: usize, amount: u128 },
    WithdrawStake { node: usize },
    SetOnline { node: usize, online: bool },
    SetPayout { node: usize, payout: Holder },
    SetOperator { node: usize, operator: Holder },
    PutUnderReview { node: usize },
    EndReview { node: usize },
    Ban { node: usize },
    Burn { amount: u128 },
    OpenPosition { amount: u128, lock: u64 },
    ClosePosition { position: usize },
    ResetWeight { position: usize },
    Claim { position: usize, token: Token },
    Collect { token: Token },
    CloseEpoch { epoch: u64 },
    ClaimBase { epoch: u64, node: usize },
    OpenRound {},
    AnswerRound { node: usize, full: bool },
    Excuse { node: usize, task: usize },
    ReportMissed { nodes: Vec<usize> },
    PostRoot { epoch: u64, amounts: Vec<u128> },
    FinalizeRoot { root: usize },
    VetoRoot { root: usize },
    ClaimBonus { root: usize, node: usize },
}

/// What calls make, and speak of by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Task,
    Node,
    Case,
    Position,
    Root,
}

impl Call {
    /// What the call makes, and how many, if it is done.
    pub(crate) fn makes(&self) -> Option<(Kind, usize)> {
        match self {
            Self::CreateTask { .. } => Some((Kind::Task, 1)),
            Self::CreateTasks { requests, .. } => Some((Kind::Task, requests.len())),
            Self::DisputeTask { .. } => Some((Kind::Case, 1)),
            Self::PostRoot { .. } => Some((Kind::Root, 1)),
            Self::RegisterNode { .. } => Some((Kind::Node, 1)),
            Self::OpenPosition { .. } => Some((Kind::Position, 1)),
            _ => None,
        }
    }

    /// What the call speaks of.
    pub(crate) fn speaks_of(&mut self) -> Vec<(Kind, &mut usize)> {
        match self {
            Self::CancelTask { task }
            | Self::ExpireTask { task }
            | Self::AbandonTask { task }
            | Self::SubmitResult { task }
            | Self::ApproveTask { task }
            | Self::FinalizeTask { task }
            | Self::TimeoutTask { task }
            | Self::DisputeTask { task, .. } => vec![(Kind::Task, task)],
            Self::CommitAccept { node, task } | Self::AcceptTask { node, task } | Self::Excuse { node, task } => {
                vec![(Kind::Node, node), (Kind::Task, task)]
            }
            Self::AssignTask { bid } => vec![(Kind::Node, &mut bid.node), (Kind::Task, &mut bid.task)],
            Self::CancelBid { node, .. }
            | Self::CancelAllBids { node }
            | Self::StakeForNode { node, .. }
            | Self::Unstake { node, .. }
            | Self::WithdrawStake { node }
            | Self::SetOnline { node, .. }
            | Self::SetPayout { node, .. }
            | Self::SetOperator { node, .. }
            | Self::PutUnderReview { node }
            | Self::EndReview { node }
            | Self::Ban { node }
            | Self::AnswerRound { node, .. }
            | Self::ClaimBase { node, .. } => vec![(Kind::Node, node)],
            Self::ReportMissed { nodes } => nodes.iter_mut().map(|node| (Kind::Node, node)).collect(),
            Self::FinalizeRoot { root } | Self::VetoRoot { root } => vec![(Kind::Root, root)],
            Self::ClaimBonus { root, node } => vec![(Kind::Root, root), (Kind::Node, node)],
            Self::DrawJury { case }
            | Self::CommitVote { case, .. }
            | Self::RevealVote { case, .. }
            | Self::AdvanceCase { case }
            | Self::Appeal { case } => vec![(Kind::Case, case)],
            Self::JoinJury { position }
            | Self::ClosePosition { position }
            | Self::ResetWeight { position }
            | Self::Claim { position, .. } => {
                vec![(Kind::Position, position)]
            }
            Self::CreateTask { .. }
            | Self::CreateTasks { .. }
            | Self::Withdraw { .. }
            | Self::WithdrawTips { .. }
            | Self::Collect { .. }
            | Self::CloseEpoch { .. }
            | Self::OpenRound {}
            | Self::PostRoot { .. }
            | Self::WithdrawFees { .. }
            | Self::LeaveJury {}
            | Self::ReleasePosition { .. }
            | Self::ReweighJuror { .. }
            | Self::Mine { .. }
            | Self::RegisterNode { .. }
            | Self::Burn { .. }
            | Self::OpenPosition { .. } => Vec::new(),
        }
    }
}
