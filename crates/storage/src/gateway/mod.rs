//! A store on the network: the [IPFS Trustless Gateway] over `GET` and `HEAD`, and signed pushes over `PUT`.
//!
//! [IPFS Trustless Gateway]: https://specs.ipfs.tech/http-gateways/trustless-gateway/

mod authorize;
mod format;
mod get;
mod ledger;
mod push;
mod receive;
mod refusal;

use std::sync::Arc;

use axum::{Router, routing::get};
use tokio::sync::Semaphore;

pub use authorize::{NoPushes, PushAuthorizer, PushDenied};
pub(crate) use push::{CHAIN_ID, EXPIRES, SIGNATURE, SIZE, TASK_ID};

use crate::DirStore;
use ledger::Ledger;

/// Pushes that are received at once; further ones are asked to come back.
const MAX_PUSHES: usize = 16;

/// What the handlers share.
#[derive(Clone)]
struct Gateway {
    store: DirStore,
    authorizer: Arc<dyn PushAuthorizer>,
    ledger: Arc<Ledger>,
    pushes: Arc<Semaphore>,
}

/// Serves a store:
///
/// - `GET`, `HEAD /ipfs/{cid}`: one block (`?format=raw` or `Accept: application/vnd.ipld.raw`) or all blocks of a file, or
///   of a folder and all below it (`?format=car` or `Accept: application/vnd.ipld.car`);
/// - `PUT /ipfs/{cid}`: the content of a file, with a signed [`PushGrant`](crate::PushGrant) in the headers `Aiigo-Chain-Id`,
///   `Aiigo-Task-Id`, `Aiigo-Size`, `Aiigo-Expires` and `Aiigo-Signature`. 201 if it was stored, 200 if it was there, 507 if there
///   is no room. The blob is pinned for the task ([`PinHolder::task`](crate::PinHolder::task)).
pub fn gateway_router(store: DirStore, authorizer: Arc<dyn PushAuthorizer>) -> Router {
    let ledger = Arc::new(Ledger::new(store.path().join("pushes")));
    let pushes = Arc::new(Semaphore::new(MAX_PUSHES));
    Router::new().route("/ipfs/{cid}", get(get::get).head(get::head).put(push::push)).with_state(Gateway {
        store,
        authorizer,
        ledger,
        pushes,
    })
}
