//! The objects of the API, and what can be filtered and sorted by: columns that an index answers, or that narrow what an
//! index found.

pub mod account;
pub mod event;
pub mod governance;
pub mod meta;
pub mod node;
pub mod protocol;
pub mod reward;
pub mod task;

pub use account::{
    Account, AccountFilter, AccountOrder, Balance, BalanceFilter, BalanceOrder, Escrow, EscrowFilter, EscrowOrder,
    Stake, StakeFilter, StakeOrder,
};
pub use event::{Event, EventFilter, EventOrder, TimelineEntry};
pub use governance::{Proposal, ProposalFilter, ProposalOrder, Vote, VoteFilter, VoteOrder};
pub use meta::Meta;
pub use node::{Challenge, ChallengeFilter, ChallengeOrder, Node, NodeFilter, NodeOrder};
pub use protocol::Protocol;
pub use reward::{
    Epoch, EpochFee, EpochFeeFilter, EpochFeeOrder, EpochFilter, EpochOrder, Reward, RewardFilter, RewardOrder,
};
pub use task::{Assignment, AssignmentFilter, AssignmentOrder, Task, TaskFilter, TaskOrder};

use async_graphql::{Context, Result};

use super::{
    failure,
    loaders::{RowKey, loaders},
};
use crate::store::{Row, Value};

/// A row that another one points to; rows that many point to at once are read together.
pub(crate) async fn one<R: Row, T: From<R>>(ctx: &Context<'_>, key: impl Into<Vec<Value>>) -> Result<Option<T>> {
    let row = loaders(ctx)?.load(RowKey::<R>::new(key.into())).await.map_err(failure)?;
    Ok(row.map(T::from))
}

/// All rows that point to another one, in order; only where their number is small by the protocol's rules.
pub(crate) async fn few<R: Row, T: From<R>>(
    ctx: &Context<'_>,
    column: &'static str,
    parent: Value,
    order: &'static str,
) -> Result<Vec<T>> {
    use super::{connection::MAX_PAGE, loaders::ChildKey};
    use crate::store::{Condition, Order, PageRequest};
    let request = PageRequest {
        condition: Condition::EVERYTHING,
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
