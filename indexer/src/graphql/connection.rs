//! Relay connections over the store's pages, at the root and below parents alike.

use std::{marker::PhantomData, sync::Arc};

use async_graphql::{
    Context, Object, OutputType, Result,
    connection::{Connection, CursorType, Edge, OpaqueCursor},
};
use serde::{Deserialize, Serialize};

use super::{
    bad_input,
    filter::{RowFilter, RowOrder},
    loaders::{ChildKey, CountKey, loaders},
};
use crate::store::{Bound, Condition, Order, Page, PageRequest, Row, Table, Value};

/// Rows on a page if the request doesn't say.
const DEFAULT_PAGE: u32 = 20;

/// Rows on a page at most.
pub(crate) const MAX_PAGE: u32 = 200;

/// A page of a list.
pub type List<T> = Connection<OpaqueCursor<Place>, T, Total>;

/// Where a row stands in an ordered list: what a cursor holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    order: String,
    values: Bound,
}

/// The size of the whole list, counted only if asked for.
#[derive(Debug)]
pub struct Total {
    key: CountKey,
}

/// Fields of every connection.
#[Object]
impl Total {
    /// How many rows there are on all pages.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let count = loaders(ctx)?.load(self.key.clone()).await.map_err(super::failure)?;
        Ok(count.unwrap_or_default().try_into().unwrap_or(i32::MAX))
    }
}

/// The arguments of a connection.
#[derive(Debug, Default)]
pub(crate) struct PageArgs {
    pub(crate) first: Option<i32>,
    pub(crate) after: Option<String>,
    pub(crate) last: Option<i32>,
    pub(crate) before: Option<String>,
}

impl PageArgs {
    /// The page that is asked for.
    pub(crate) fn request<F: RowFilter, O: RowOrder>(
        self,
        table: &Table,
        filter: Option<Box<F>>,
        order: Option<Vec<O>>,
    ) -> Result<PageRequest> {
        let (limit, from_end) = match (self.first, self.last) {
            (Some(_), Some(_)) => return Err(bad_input("give `first` or `last`, not both")),
            (None, Some(last)) => (page_size("last", last)?, true),
            (Some(first), None) => (page_size("first", first)?, false),
            (None, None) => (DEFAULT_PAGE, false),
        };
        let order: Vec<Order> = match order {
            Some(order) if !order.is_empty() => order.iter().map(RowOrder::order).collect(),
            _ => O::DEFAULT.to_vec(),
        };
        if let Some(twice) = order.iter().enumerate().find(|(i, o)| order[..*i].iter().any(|p| p.column == o.column)) {
            return Err(bad_input(format!("`orderBy` names `{}` twice", twice.1.column)));
        }
        let condition = filter.map(|filter| filter.condition()).transpose()?.unwrap_or(Condition::EVERYTHING);
        let mut request = PageRequest { condition, order, after: None, before: None, limit, from_end };
        let signature = signature(&request, table);
        request.after = self.after.map(|cursor| bound("after", &cursor, &signature)).transpose()?;
        request.before = self.before.map(|cursor| bound("before", &cursor, &signature)).transpose()?;
        Ok(request)
    }
}

fn page_size(name: &str, size: i32) -> Result<u32> {
    u32::try_from(size)
        .ok()
        .filter(|size| *size <= MAX_PAGE)
        .ok_or_else(|| bad_input(format!("`{name}` is {size}; it must be from 0 to {MAX_PAGE}")))
}

/// What a page costs, counted in fields: so many times what a row costs.
pub(crate) fn page_cost(first: Option<i32>, last: Option<i32>, row: usize) -> usize {
    let size = first.or(last).map_or(DEFAULT_PAGE, |size| size.clamp(1, MAX_PAGE as i32) as u32);
    1 + size as usize * row
}

/// What a short list without pages costs: by the protocol's rules it has about ten entries at most.
pub(crate) const fn few_cost(entry: usize) -> usize {
    1 + 10 * entry
}

/// An order in one word, so that a cursor of another order is noticed.
fn signature(request: &PageRequest, table: &Table) -> String {
    let order = request.full_order(table);
    let words = order.iter().map(|order| format!("{}{}", order.column, if order.descending { "-" } else { "+" }));
    words.collect()
}

fn bound(name: &str, cursor: &str, signature: &str) -> Result<Bound> {
    let place = OpaqueCursor::<Place>::decode_cursor(cursor)
        .map_err(|_| bad_input(format!("`{name}` is no cursor of this API: pass one that an answer contained")))?;
    if place.0.order != signature || place.0.values.len() != signature.matches(['+', '-']).count() {
        return Err(bad_input(format!("`{name}` is a cursor of another list or another `orderBy`")));
    }
    Ok(place.0.values)
}

/// A page of all rows of a table.
pub(crate) async fn root_page<R, T>(ctx: &Context<'_>, request: PageRequest) -> Result<List<T>>
where
    R: Row,
    T: OutputType + From<R>,
{
    let page = loaders(ctx)?.snapshot().page::<R>(&request).await.map_err(|error| super::failure(Arc::new(error)))?;
    let key = CountKey { table: R::TABLE, condition: request.condition.clone(), parent: None };
    Ok(connection(&request, page, key))
}

/// A page of a parent's rows; the pages of all parents of one query are read together.
pub(crate) async fn child_page<R, T>(
    ctx: &Context<'_>,
    request: PageRequest,
    column: &'static str,
    parent: Value,
) -> Result<List<T>>
where
    R: Row,
    T: OutputType + From<R>,
{
    let request = Arc::new(request);
    let count =
        CountKey { table: R::TABLE, condition: request.condition.clone(), parent: Some((column, parent.clone())) };
    let key = ChildKey::<R> { request: Arc::clone(&request), column, parent, row: PhantomData };
    let page = loaders(ctx)?.load(key).await.map_err(super::failure)?;
    let page = page.unwrap_or(Page { rows: Vec::new(), has_next: false, has_previous: false });
    Ok(connection(&request, page, count))
}

fn connection<R, T>(request: &PageRequest, page: Page<R>, count: CountKey) -> List<T>
where
    R: Row,
    T: OutputType + From<R>,
{
    let signature = signature(request, R::TABLE);
    let mut list = List::with_additional_fields(page.has_previous, page.has_next, Total { key: count });
    list.edges.extend(page.rows.into_iter().map(|paged| {
        let place = Place { order: signature.clone(), values: paged.bound };
        Edge::new(OpaqueCursor(place), T::from(paged.row))
    }));
    list
}
