//! What a subscriber is told.

use std::sync::Arc;

use async_graphql::Object;

use crate::{
    graphql::{
        objects::{DisputeCase, Event, Node, Task},
        scalars::{BigInt, Bytes, Expose},
    },
    store::{Block, Row, StoreError, Value, decode, feed::Change, rows},
};

/// A change of a row of one kind.
pub(super) struct Told<R> {
    pub(super) change: Arc<Change>,
    pub(super) before: Option<R>,
    pub(super) after: Option<R>,
    /// Whether the row meets what was asked for.
    pub(super) matches: bool,
}

impl<R: Row> Told<R> {
    /// A change, if it is of such a row, and the row meets what is asked for or did so before.
    ///
    /// # Errors
    /// If the feed is damaged.
    pub(super) fn of(change: &Arc<Change>, meets: impl Fn(&[Value]) -> bool) -> Result<Option<Self>, StoreError> {
        if change.table != R::TABLE {
            return Ok(None);
        }
        let side = |values: &Option<Vec<Value>>| values.as_deref().is_some_and(&meets);
        let (matches, matched) = (side(&change.after), side(&change.before));
        if !matches && !matched {
            return Ok(None);
        }
        let row = |values: &Option<Vec<Value>>| values.clone().map(decode).transpose();
        let (before, after) = (row(&change.before)?, row(&change.after)?);
        Ok(Some(Self { change: Arc::clone(change), before, after, matches }))
    }
}

/// Declares the change of an object that changes.
macro_rules! change_of {
    ($(#[$meta:meta])* $name:ident over $row:ty: $(#[$now_meta:meta])* $now:ident is $object:ident) => {
        $(#[$meta])*
        pub struct $name(Told<$row>);

        impl From<Told<$row>> for $name {
            fn from(told: Told<$row>) -> Self {
                Self(told)
            }
        }

        $(#[$meta])*
        #[Object]
        impl $name {
            /// Its place in the feed: a subscription with this as `after` goes on behind it.
            async fn cursor(&self) -> String {
                cursor(&self.0.change)
            }

            /// The block that made it; if it was retracted, the last block that stands.
            async fn block(&self) -> BigInt {
                self.0.change.block.expose()
            }

            /// Whether a reorganisation of the chain took back what was told before.
            async fn retracted(&self) -> bool {
                self.0.change.retracted
            }

            /// Whether it meets `where` now; false: it did before, and does no more.
            async fn matches(&self) -> bool {
                self.0.matches
            }

            /// As it was before; null if it is new.
            async fn before(&self) -> Option<$object> {
                self.0.before.clone().map($object::from)
            }

            $(#[$now_meta])*
            async fn $now(&self) -> Option<$object> {
                self.0.after.clone().map($object::from)
            }
        }
    };
}

change_of! {
    /// A task that is new, or changed.
    TaskChange over rows::Task:
    /// As it is now; null if its creation was retracted. What is asked for beyond its own fields is as last indexed.
    task is Task
}

change_of! {
    /// A node that is new, or changed.
    NodeChange over rows::Node:
    /// As it is now; null if its registration was retracted. What is asked for beyond its own fields is as last indexed.
    node is Node
}

change_of! {
    /// A case of the dispute court that is new, or changed.
    CaseChange over rows::Case:
    /// As it is now; null if its opening was retracted. What is asked for beyond its own fields is as last indexed.
    case is DisputeCase
}

/// An event that was logged, or whose block was retracted.
pub struct EventChange(Told<rows::Event>);

impl From<Told<rows::Event>> for EventChange {
    fn from(told: Told<rows::Event>) -> Self {
        Self(told)
    }
}

/// An event that was logged, or whose block was retracted.
#[Object]
impl EventChange {
    /// Its place in the feed: a subscription with this as `after` goes on behind it.
    async fn cursor(&self) -> String {
        cursor(&self.0.change)
    }

    /// Whether its block is no longer part of the chain.
    async fn retracted(&self) -> bool {
        self.0.change.retracted
    }

    /// The event.
    async fn event(&self) -> Option<Event> {
        self.0.after.clone().or_else(|| self.0.before.clone()).map(Event::from)
    }
}

/// A block that was indexed, or retracted. It comes after everything else that is told of it.
pub struct BlockChange(Told<Block>);

impl From<Told<Block>> for BlockChange {
    fn from(told: Told<Block>) -> Self {
        Self(told)
    }
}

impl BlockChange {
    fn block(&self) -> Option<&Block> {
        self.0.after.as_ref().or(self.0.before.as_ref())
    }
}

/// A block that was indexed, or retracted. It comes after everything else that is told of it.
#[Object]
impl BlockChange {
    /// Its place in the feed: a subscription with this as `after` goes on behind it.
    async fn cursor(&self) -> String {
        cursor(&self.0.change)
    }

    /// Whether it is no longer part of the chain.
    async fn retracted(&self) -> bool {
        self.0.change.retracted
    }

    /// Its number.
    async fn number(&self) -> BigInt {
        self.0.change.block.expose()
    }

    /// Its hash.
    async fn hash(&self) -> Option<Bytes> {
        self.block().map(|block| block.hash.expose())
    }

    /// The hash of the block below.
    async fn parent_hash(&self) -> Option<Bytes> {
        self.block().map(|block| block.parent_hash.expose())
    }

    /// Its time, Unix seconds.
    async fn timestamp(&self) -> Option<BigInt> {
        self.block().map(|block| block.timestamp.expose())
    }
}

fn cursor(change: &Change) -> String {
    change.sequence.to_string()
}
