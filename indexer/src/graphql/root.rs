//! The root of the API.

use async_graphql::{Context, MergedObject, Object, Result};

use super::{
    bad_input, failure,
    loaders::snapshot,
    matching::Matching,
    object::root_lists,
    objects::{
        Account, AccountFilter, AccountOrder, Assignment, AssignmentFilter, AssignmentOrder, Balance, BalanceFilter,
        BalanceOrder, CaseJuror, CaseJurorFilter, CaseJurorOrder, Challenge, ChallengeFilter, ChallengeOrder, Day,
        DayFilter, DayOrder, DisputeCase, DisputeCaseFilter, DisputeCaseOrder, Epoch, EpochFee, EpochFeeFilter,
        EpochFeeOrder, EpochFilter, EpochOrder, Escrow, EscrowFilter, EscrowOrder, Event, EventFilter, EventOrder,
        Juror, JurorFilter, JurorOrder, Meta, Node, NodeFilter, NodeOrder, Proposal, ProposalFilter, ProposalOrder,
        Protocol, Replica, ReplicaFilter, ReplicaOrder, Reward, RewardFilter, RewardOrder, Stake, StakeFilter,
        StakeOrder, Task, TaskFilter, TaskOrder, Vote, VoteFilter, VoteOrder, one,
    },
    scalars::{BigInt, Bytes},
};
use crate::store::{key, rows};

/// Everything that can be asked.
#[derive(MergedObject, Debug, Default)]
pub struct Query(Single, Lists, Matching);

/// What is found by its id.
#[derive(Debug, Default)]
pub struct Single;

#[Object]
impl Single {
    /// The state of the index: of which chain and block the answer is.
    #[graphql(name = "_meta")]
    async fn meta(&self, ctx: &Context<'_>) -> Result<Meta> {
        let state = snapshot(ctx)?.state().await.map_err(|error| failure(error.into()))?;
        state.map(Meta::from).ok_or_else(|| bad_input("nothing is indexed yet"))
    }

    /// The protocol as a whole: totals and parameters.
    async fn protocol(&self) -> Protocol {
        Protocol
    }

    /// A task.
    async fn task(&self, ctx: &Context<'_>, id: Bytes) -> Result<Option<Task>> {
        one::<rows::Task, _>(ctx, key![id.word()?]).await
    }

    /// A node.
    async fn node(&self, ctx: &Context<'_>, id: BigInt) -> Result<Option<Node>> {
        one::<rows::Node, _>(ctx, key![id.saturating_u64()]).await
    }

    /// A challenge.
    async fn challenge(&self, ctx: &Context<'_>, id: BigInt) -> Result<Option<Challenge>> {
        one::<rows::Challenge, _>(ctx, key![id.saturating_u64()]).await
    }

    /// A case of the dispute court.
    async fn case(&self, ctx: &Context<'_>, id: BigInt) -> Result<Option<DisputeCase>> {
        one::<rows::Case, _>(ctx, key![id.saturating_u64()]).await
    }

    /// A juror, present or former.
    async fn juror(&self, ctx: &Context<'_>, address: Bytes) -> Result<Option<Juror>> {
        one::<rows::Juror, _>(ctx, key![address.address()?]).await
    }

    /// The escrow of a task.
    async fn escrow(&self, ctx: &Context<'_>, task_id: Bytes) -> Result<Option<Escrow>> {
        one::<rows::Escrow, _>(ctx, key![task_id.word()?]).await
    }

    /// An address; all zeros if it never did anything.
    async fn account(&self, ctx: &Context<'_>, address: Bytes) -> Result<Account> {
        let address = address.address()?;
        Ok(one::<rows::Account, _>(ctx, key![address]).await?.unwrap_or_else(|| Account::empty(address)))
    }

    /// A position in the staking pool.
    async fn stake(&self, ctx: &Context<'_>, id: BigInt) -> Result<Option<Stake>> {
        one::<rows::Position, _>(ctx, key![id.saturating_u64()]).await
    }

    /// An epoch; null if no fee was paid in it and it is not closed.
    async fn epoch(&self, ctx: &Context<'_>, number: BigInt) -> Result<Option<Epoch>> {
        one::<rows::Epoch, _>(ctx, key![number.saturating_u64()]).await
    }

    /// A proposal.
    async fn proposal(&self, ctx: &Context<'_>, id: BigInt) -> Result<Option<Proposal>> {
        one::<rows::Proposal, _>(ctx, key![id.0]).await
    }
}

root_lists! {
    /// Lists of everything of a kind.
    Lists {
        /// Tasks, newest first.
        tasks: Task(rows::Task, TaskFilter, TaskOrder),
        /// Nodes' tries at tasks.
        assignments: Assignment(rows::Assignment, AssignmentFilter, AssignmentOrder),
        /// Nodes' parts in replicated tasks, first to last.
        replicas: Replica(rows::Replica, ReplicaFilter, ReplicaOrder),
        /// Cases of the dispute court, newest first.
        cases: DisputeCase(rows::Case, DisputeCaseFilter, DisputeCaseOrder),
        /// Jurors' seats in cases, first to last.
        case_jurors: CaseJuror(rows::CaseJuror, CaseJurorFilter, CaseJurorOrder),
        /// Jurors, present and former, the heaviest first.
        jurors: Juror(rows::Juror, JurorFilter, JurorOrder),
        /// Nodes, in the order of their registration.
        nodes: Node(rows::Node, NodeFilter, NodeOrder),
        /// Challenges, newest first.
        challenges: Challenge(rows::Challenge, ChallengeFilter, ChallengeOrder),
        /// Escrows, newest first.
        escrows: Escrow(rows::Escrow, EscrowFilter, EscrowOrder),
        /// Balances in the escrow manager.
        balances: Balance(rows::Balance, BalanceFilter, BalanceOrder),
        /// Accounts, the richest in AIIGO first.
        accounts: Account(rows::Account, AccountFilter, AccountOrder),
        /// Positions in the staking pool, newest first.
        stakes: Stake(rows::Position, StakeFilter, StakeOrder),
        /// Epochs with fees, and closed ones; newest first.
        epochs: Epoch(rows::Epoch, EpochFilter, EpochOrder),
        /// The nodes' parts in epochs, newest first.
        rewards: Reward(rows::Reward, RewardFilter, RewardOrder),
        /// The fees of nodes by epoch and token, newest first.
        epoch_fees: EpochFee(rows::EpochFee, EpochFeeFilter, EpochFeeOrder),
        /// The daily series, newest first.
        days: Day(rows::Day, DayFilter, DayOrder),
        /// Proposals, newest first.
        proposals: Proposal(rows::Proposal, ProposalFilter, ProposalOrder),
        /// Votes, newest first.
        votes: Vote(rows::Vote, VoteFilter, VoteOrder),
        /// Raw events, newest first.
        events: Event(rows::Event, EventFilter, EventOrder),
    }
}
