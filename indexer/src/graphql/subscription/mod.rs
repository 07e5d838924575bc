//! Subscriptions: what changes, as it is indexed, and what a reorganisation of the chain takes back.

mod change;

use std::future::ready;

use async_graphql::{Context, ErrorExtensions, Result, Subscription};
use futures::{Stream, StreamExt};

use self::change::Told;
pub use self::change::{BlockChange, CaseChange, EventChange, NodeChange, TaskChange};
use super::{
    bad_input, failure,
    filter::RowFilter,
    objects::{DisputeCaseFilter, EventFilter, NodeFilter, TaskFilter},
};
use crate::{
    feed::{Feed, FeedError},
    store::{Block, Condition, Row, rows},
};

/// What happens, as it is indexed. `after` takes the `cursor` of a change, or of `_meta`: nothing between an answer and a
/// subscription from its cursor is missed, nor while a connection is away. Changes are kept for a while; a cursor that is
/// too old gets an error with the code GONE.
#[derive(Debug, Default)]
pub struct Changes;

#[Subscription(name = "Subscription")]
impl Changes {
    /// Every block. It comes after everything else that is told of it.
    async fn blocks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<BlockChange>> + use<>> {
        told::<Block, _>(ctx, Condition::EVERYTHING, after).await
    }

    /// Tasks that are new or change, and meet `where` or did so before.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Only what meets this.")] filter: Option<TaskFilter>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<TaskChange>> + use<>> {
        told::<rows::Task, _>(ctx, condition(filter)?, after).await
    }

    /// Nodes that are new or change, and meet `where` or did so before.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Only what meets this.")] filter: Option<NodeFilter>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<NodeChange>> + use<>> {
        told::<rows::Node, _>(ctx, condition(filter)?, after).await
    }

    /// Cases of the dispute court that are new or change, and meet `where` or did so before.
    async fn cases(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Only what meets this.")] filter: Option<DisputeCaseFilter>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<CaseChange>> + use<>> {
        told::<rows::Case, _>(ctx, condition(filter)?, after).await
    }

    /// Raw events that meet `where`.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Only what meets this.")] filter: Option<EventFilter>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<EventChange>> + use<>> {
        told::<rows::Event, _>(ctx, condition(filter)?, after).await
    }
}

fn condition(filter: Option<impl RowFilter>) -> Result<Condition> {
    filter.map_or(Ok(Condition::EVERYTHING), RowFilter::condition)
}

/// The changes of rows of a kind that meet a condition.
async fn told<R: Row, T: From<Told<R>>>(
    ctx: &Context<'_>,
    condition: Condition,
    after: Option<String>,
) -> Result<impl Stream<Item = Result<T>> + use<R, T>> {
    let after = after.map(|cursor| cursor.parse().map_err(|_| bad_input("`after` is not a cursor of a change")));
    let changes = ctx.data::<Feed>()?.changes(after.transpose()?).await.map_err(|error| failure(error.into()))?;
    let meets = move |row: &[crate::store::Value]| condition.holds(R::TABLE, row);
    Ok(changes.filter_map(move |change| {
        let told = change.and_then(|change| Ok(Told::<R>::of(&change, &meets)?));
        ready(match told {
            Ok(told) => told.map(|told| Ok(T::from(told))),
            Err(FeedError::Store(error)) => Some(Err(failure(error.into()))),
            Err(gone) => {
                Some(Err(async_graphql::Error::new(gone.to_string())
                    .extend_with(|_, extensions| extensions.set("code", "GONE"))))
            }
        })
    }))
}
