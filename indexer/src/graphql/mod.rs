//! The API: GraphQL over the store, read-only.
//!
//! Every request reads one snapshot of the database, so that one answer is of one block, and asks it in batches, so that
//! a page of parents costs one statement for each kind of child.

mod batch;
pub mod connection;
pub mod enums;
pub mod filter;
mod limits;
mod loaders;
pub mod matching;
mod object;
pub mod objects;
pub mod root;
pub mod scalars;
pub mod subscription;

use std::sync::Arc;

use async_graphql::{EmptyMutation, Error, ErrorExtensions, Request, Response, Schema};
use futures::{Stream, StreamExt, future::Either, stream};

pub use limits::{MAX_COST, MAX_DEPTH};
pub use root::Query;
pub use subscription::Changes;

use self::batch::Session;
use crate::{
    bonuses::BonusRoots,
    feed::Feed,
    store::{Reader, Snapshot, StoreError},
};

/// The API's schema.
pub type ApiSchema = Schema<Query, EmptyMutation, Changes>;

/// Builds the schema.
pub fn schema() -> ApiSchema {
    Schema::build(Query::default(), EmptyMutation, Changes)
        .limit_recursive_depth(limits::MAX_NESTING)
        .limit_directives(limits::MAX_DIRECTIVES)
        .extension(limits::Limits)
        .data(BonusRoots::default())
        .data(matching::Markets::default())
        .finish()
}

/// The API over a database.
#[derive(Clone)]
pub struct Api {
    schema: ApiSchema,
    reader: Reader,
    feed: Feed,
}

impl Api {
    /// The API over a database.
    pub fn new(reader: Reader) -> Self {
        let feed = Feed::new(reader.clone());
        Self { schema: schema(), reader, feed }
    }

    /// What subscribers are told from; somebody has to run it.
    pub const fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Answers a query.
    pub async fn execute(&self, request: Request) -> Response {
        self.execute_on(request, Arc::new(self.reader.snapshot())).await
    }

    /// Answers a query from a given snapshot.
    pub async fn execute_on(&self, request: Request, snapshot: Arc<Snapshot>) -> Response {
        if let Err(error) = limits::check_brackets(&request.query) {
            return Response::from_errors(vec![error]);
        }
        let session = Session::of(self.reader.clone(), snapshot);
        self.schema.execute(request.data(Arc::new(session))).await
    }

    /// Answers a query once, and a subscription with every change; each answer reads a snapshot of its own.
    pub fn stream(&self, request: Request) -> impl Stream<Item = Response> + Send + use<> {
        if let Err(error) = limits::check_brackets(&request.query) {
            return Either::Left(stream::iter([Response::from_errors(vec![error])]));
        }
        let session = Arc::new(Session::new(self.reader.clone()));
        let request = request.data(Arc::clone(&session)).data(self.feed.clone());
        Either::Right(self.schema.execute_stream(request).inspect(move |_| session.renew()))
    }
}

/// An error that the client can mend.
fn bad_input(message: impl Into<String>) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", "BAD_INPUT"))
}

/// An error of the store, as a client may see it.
fn failure(error: Arc<StoreError>) -> Error {
    let (message, code) = match &*error {
        StoreError::TimedOut(_) => (error.to_string(), "TIMED_OUT"),
        StoreError::Busy => (error.to_string(), "BUSY"),
        _ => {
            tracing::error!(%error, "a query failed");
            ("the indexer cannot read its database; its log says why".to_owned(), "INTERNAL")
        }
    };
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}
