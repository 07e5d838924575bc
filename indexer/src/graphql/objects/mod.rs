//! The objects of the API, and what can be filtered and sorted by: columns that an index answers, or that narrow what an
//! index found.

pub mod account;
pub mod case;
pub mod day;
pub mod event;
pub mod governance;
pub mod meta;
pub mod node;
pub mod protocol;
pub mod replica;
pub mod reward;
pub mod task;

pub use account::{
    Account, AccountFilter, AccountOrder, Balance, BalanceFilter, BalanceOrder, Escrow, EscrowFilter, EscrowOrder,
    Stake, StakeFilter, StakeOrder,
};
pub use case::{
    CaseJuror, CaseJurorFilter, CaseJurorOrder, DisputeCase, DisputeCaseFilter, DisputeCaseOrder, Evidence,
    EvidenceFilter, EvidenceOrder, Juror, JurorFilter, JurorOrder,
};
pub use day::{
    Day, DayFilter, DayOrder, DayPrice, DayPriceFilter, DayPriceOrder, DayToken, DayTokenFilter, DayTokenOrder,
};
pub use event::{Event, EventFilter, EventOrder, TimelineEntry};
pub use governance::{Proposal, ProposalFilter, ProposalOrder, Vote, VoteFilter, VoteOrder};
pub use meta::Meta;
pub use node::{
    Challenge, ChallengeFilter, ChallengeOrder, Earning, Node, NodeFilter, NodeOrder, Round, RoundFilter, RoundOrder,
};
pub use protocol::Protocol;
pub use replica::{Replica, ReplicaFilter, ReplicaOrder, ReplicaRound};
pub use reward::{
    Epoch, EpochFee, EpochFeeFilter, EpochFeeOrder, EpochFilter, EpochOrder, Reward, RewardFilter, RewardOrder,
};
pub use task::{Assignment, AssignmentFilter, AssignmentOrder, Task, TaskFilter, TaskOrder};

use async_graphql::{Context, Result};

use super::{
    failure,
    loaders::{RowKey, loaders},
};
use crate::store::{Condition, PrimaryKey, Row, Value};

/// A row that another one points to; rows that many point to at once are read together.
pub(crate) async fn one<R: Row, T: From<R>>(ctx: &Context<'_>, key: PrimaryKey) -> Result<Option<T>> {
    let row = loaders(ctx)?.load(RowKey::<R>::new(key)).await.map_err(failure)?;
    Ok(row.map(T::from))
}

/// All rows that point to another one, in order; only where their number is small by the protocol's rules.
pub(crate) async fn few<R: Row, T: From<R>>(
    ctx: &Context<'_>,
    column: &'static str,
    parent: Value,
    order: &'static str,
) -> Result<Vec<T>> {
    few_of::<R, T>(ctx, Condition::EVERYTHING, column, parent, order).await
}

/// The rows that point to another one and meet a condition, in order; only where the number of these is small.
pub(crate) async fn few_of<R: Row, T: From<R>>(
    ctx: &Context<'_>,
    condition: Condition,
    column: &'static str,
    parent: Value,
    order: &'static str,
) -> Result<Vec<T>> {
    use super::{connection::MAX_PAGE, loaders::ChildKey};
    use crate::store::{Order, PageRequest};
    let request = PageRequest {
        condition,
        order: vec![Order { column: order, descending: false }],
        after: None,
        before: None,
        limit: MAX_PAGE,
        from_end: false,
    };
    let key = ChildKey::<R> { request: request.into(), column, parent, row: std::marker::PhantomData };
    let page = loaders(ctx)?.load(key).await.map_err(failure)?;
    Ok(page.map_or_else(Vec::new, |page| page.rows.into_iter().map(|paged| T::from(paged.row)).collect()))
}
