//! What can be read in batches: rows by key, pages of children, counts, timelines.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    marker::PhantomData,
    sync::Arc,
};

use alloy::primitives::B256;
use async_graphql::{Context, Result};

use super::batch::{Key, Loaded, Loaders, Session};
use crate::store::{Column, Condition, Page, PageRequest, PrimaryKey, Row, Snapshot, Table, Value, rows::Event};

/// The loaders of the answer at hand.
pub(crate) fn loaders(ctx: &Context<'_>) -> Result<Arc<Loaders>> {
    Ok(ctx.data::<Arc<Session>>()?.loaders())
}

/// The snapshot of the answer at hand.
pub(crate) fn snapshot(ctx: &Context<'_>) -> Result<Arc<Snapshot>> {
    Ok(loaders(ctx)?.snapshot())
}

/// A row by its primary key.
pub(crate) struct RowKey<R> {
    key: PrimaryKey,
    row: PhantomData<fn() -> R>,
}

impl<R> RowKey<R> {
    pub(crate) const fn new(key: PrimaryKey) -> Self {
        Self { key, row: PhantomData }
    }
}

/// A page of a parent's rows.
pub(crate) struct ChildKey<R> {
    pub(crate) request: Arc<PageRequest>,
    pub(crate) column: &'static str,
    pub(crate) parent: Value,
    pub(crate) row: PhantomData<fn() -> R>,
}

/// The size of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CountKey {
    pub(crate) table: &'static Table,
    pub(crate) condition: Condition,
    pub(crate) parent: Option<(&'static str, Value)>,
}

/// The events of a task.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TimelineKey(pub(crate) B256);

/// Derives would ask the same of `R`, which no key holds.
macro_rules! key_traits {
    ($key:ident { $($field:ident),+ }) => {
        impl<R> Clone for $key<R> {
            fn clone(&self) -> Self {
                Self { $($field: self.$field.clone(),)+ row: PhantomData }
            }
        }

        impl<R> PartialEq for $key<R> {
            fn eq(&self, other: &Self) -> bool {
                $(self.$field == other.$field)&&+
            }
        }

        impl<R> Eq for $key<R> {}

        impl<R> Hash for $key<R> {
            fn hash<H: Hasher>(&self, state: &mut H) {
                $(self.$field.hash(state);)+
            }
        }
    };
}

key_traits!(RowKey { key });
key_traits!(ChildKey { request, column, parent });

impl<R: Row> Key for RowKey<R> {
    type Value = R;

    async fn load(snapshot: &Snapshot, keys: &[Self]) -> Loaded<Self, Self::Value> {
        let keys: Vec<PrimaryKey> = keys.iter().map(|key| key.key.clone()).collect();
        let found = snapshot.get_many::<R>(&keys).await?;
        Ok(found.into_iter().map(|(key, row)| (RowKey::new(key), row)).collect())
    }
}

impl<R: Row> Key for ChildKey<R> {
    type Value = Page<R>;

    async fn load(snapshot: &Snapshot, keys: &[Self]) -> Loaded<Self, Self::Value> {
        let mut groups: HashMap<(&PageRequest, &'static str), Vec<Value>> = HashMap::new();
        for key in keys {
            groups.entry((&*key.request, key.column)).or_default().push(key.parent.clone());
        }
        let mut loaded = HashMap::with_capacity(keys.len());
        for ((request, column), parents) in groups {
            let shared = Arc::new(request.clone());
            for (parent, page) in snapshot.pages::<R>(request, column, &parents).await? {
                let key = ChildKey { request: Arc::clone(&shared), column, parent, row: PhantomData };
                loaded.insert(key, page);
            }
        }
        Ok(loaded)
    }
}

impl Key for CountKey {
    type Value = u64;

    async fn load(snapshot: &Snapshot, keys: &[Self]) -> Loaded<Self, Self::Value> {
        let mut loaded = HashMap::with_capacity(keys.len());
        let mut groups: HashMap<(&'static str, &'static str, &Condition), Vec<&CountKey>> = HashMap::new();
        for key in keys {
            match &key.parent {
                Some((column, _)) => groups.entry((key.table.name, column, &key.condition)).or_default().push(key),
                None => {
                    let count = snapshot.count(key.table, &key.condition).await?;
                    loaded.insert(key.clone(), count);
                }
            }
        }
        for ((_, column, condition), keys) in groups {
            let Some(first) = keys.first() else { continue };
            let parents: Vec<Value> = keys.iter().filter_map(|key| Some(key.parent.as_ref()?.1.clone())).collect();
            let counts = snapshot.counts(first.table, condition, column, &parents).await?;
            for key in keys {
                let count = key.parent.as_ref().and_then(|(_, parent)| counts.get(parent)).copied();
                loaded.insert(key.clone(), count.unwrap_or_default());
            }
        }
        Ok(loaded)
    }
}

impl Key for TimelineKey {
    type Value = Vec<Event>;

    async fn load(snapshot: &Snapshot, keys: &[Self]) -> Loaded<Self, Self::Value> {
        let tasks: Vec<Value> = keys.iter().map(|key| key.0.value()).collect();
        let mut found = snapshot.timelines(&tasks).await?;
        Ok(keys.iter().map(|key| (key.clone(), found.remove(&key.0.value()).unwrap_or_default())).collect())
    }
}
