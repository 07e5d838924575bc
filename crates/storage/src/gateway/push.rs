//! `PUT /ipfs/{cid}`: a provider delivers a blob.

use std::{str::FromStr, sync::Arc, time::Duration};

use alloy::primitives::{Address, B256, Signature, hex, keccak256};
use axum::{
    Json,
    body::{Body, BodyDataStream},
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use serde_json::json;

use super::{Gateway, authorize::PushDenied, ledger::LedgerError, receive::receive, refusal::Refusal};
use crate::{
    BlobCid, MAX_BLOB_BYTES, PinHolder, PushGrant, SignedGrant, StoreError,
    dag::LeavesOnly,
    grant::{GrantError, now},
    store::stored_bytes,
};

pub(crate) const CHAIN_ID: &str = "aiigo-chain-id";
pub(crate) const TASK_ID: &str = "aiigo-task-id";
pub(crate) const SIZE: &str = "aiigo-size";
pub(crate) const EXPIRES: &str = "aiigo-expires";
pub(crate) const SIGNATURE: &str = "aiigo-signature";

/// How long the authorizer may take.
const JUDGEMENT: Duration = Duration::from_secs(15);

/// What is still read of a body that is refused, so that the client gets to see why: a connection that is closed on a
/// client in the middle of its body may swallow the answer.
const LINGER_BYTES: usize = 16 << 20;
const LINGER: Duration = Duration::from_secs(3);

pub(super) async fn push(
    State(gateway): State<Gateway>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let mut content = body.into_data_stream();
    let result = take(&gateway, &name, &headers, &mut content).await;
    if result.is_err() {
        let mut left = LINGER_BYTES;
        let drain = async {
            while let Some(Ok(piece)) = content.next().await
                && left > piece.len()
            {
                left -= piece.len();
            }
        };
        let _ = tokio::time::timeout(LINGER, drain).await;
    }
    result
}

async fn take(
    gateway: &Gateway,
    name: &str,
    headers: &HeaderMap,
    content: &mut BodyDataStream,
) -> Result<Response, Refusal> {
    let cid: BlobCid = name.parse().map_err(Refusal::bad_request)?;
    let signed = signed_grant(cid, headers)?;
    let grant = signed.grant;
    check(&grant, headers)?;
    let signer = signed.signer().map_err(|error| Refusal::new(StatusCode::UNAUTHORIZED, error))?;

    // Taken before anything that costs: strangers can make the gateway recover a signer, but not more of them at once.
    let _permit = Arc::clone(&gateway.pushes)
        .try_acquire_owned()
        .map_err(|_| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many pushes at once; come back in a moment"))?;
    let allowed = match tokio::time::timeout(JUDGEMENT, gateway.authorizer.authorize(&grant, signer)).await {
        Ok(Ok(allowed)) => allowed,
        Ok(Err(denied @ PushDenied::Refused(_))) => return Err(Refusal::new(StatusCode::FORBIDDEN, denied)),
        Ok(Err(denied @ PushDenied::Unavailable(_))) => {
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, denied));
        }
        Err(_) => {
            return Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the push could not be judged in time; come back",
            ));
        }
    };

    let ledger = Arc::clone(&gateway.ledger);
    let reservation = gateway
        .store
        .blocking(move |_| Ok(ledger.reserve(account_of(grant.task_id, signer), grant.cid, grant.size, allowed)))
        .await?
        .map_err(Refusal::from)?;
    let was_there = gateway.store.size(&cid).await?.is_some();
    let room = match was_there {
        true => None,
        // Before the body is read: who is refused should not have to send it.
        false => Some(gateway.store.blocking(move |blocks| blocks.room(stored_bytes(grant.size), || Ok(None))).await?),
    };
    let received = receive(&gateway.store, &grant, content).await?;
    if !was_there {
        // One piece of work that ends even if the client is gone: what is stored is in the books.
        gateway
            .store
            .blocking(move |blocks| {
                if let Err(error) = reservation.commit() {
                    return Ok(Err(error));
                }
                let file = received.reopen().map_err(|source| blocks.io("read a temporary file in", source))?;
                blocks.put::<LeavesOnly>(file, grant.size)?;
                drop((room, reservation));
                Ok(Ok(()))
            })
            .await?
            .map_err(Refusal::from)?;
        tracing::info!(%cid, size = grant.size, task = %grant.task_id, %signer, "a blob was pushed");
    }
    // Another task's pin may end before this one's.
    gateway.store.pin(&cid, PinHolder::task(grant.chain_id, grant.task_id), "pushed").await?;
    let status = if was_there { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(json!({ "cid": cid, "size": grant.size }))).into_response())
}

/// The books are kept by task and operator: of the seats of a replicated task none can use up the room of another.
fn account_of(task_id: B256, signer: Address) -> B256 {
    keccak256([task_id.as_slice(), signer.as_slice()].concat())
}

fn signed_grant(cid: BlobCid, headers: &HeaderMap) -> Result<SignedGrant, Refusal> {
    let signature: String = field(headers, SIGNATURE)?;
    let malformed = || Refusal::bad_request(GrantError::Signature);
    let signature = hex::decode(signature).map_err(|_| malformed())?;
    Ok(SignedGrant {
        grant: PushGrant {
            chain_id: field(headers, CHAIN_ID)?,
            task_id: field(headers, TASK_ID)?,
            cid,
            size: field(headers, SIZE)?,
            expires: field(headers, EXPIRES)?,
        },
        signature: Signature::from_raw(&signature).map_err(|_| malformed())?,
    })
}

fn field<T: FromStr>(headers: &HeaderMap, name: &str) -> Result<T, Refusal> {
    let value = headers.get(name).ok_or_else(|| Refusal::bad_request(format!("the header `{name}` is missing")))?;
    let value = value.to_str().ok().and_then(|value| value.parse().ok());
    value.ok_or_else(|| Refusal::bad_request(format!("the header `{name}` is malformed")))
}

fn check(grant: &PushGrant, headers: &HeaderMap) -> Result<(), Refusal> {
    grant.check_time(now()).map_err(|error| Refusal::new(StatusCode::FORBIDDEN, error))?;
    if grant.size > MAX_BLOB_BYTES {
        let message = format!("{} bytes; a blob has at most {MAX_BLOB_BYTES}", grant.size);
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    if headers.contains_key(header::CONTENT_LENGTH)
        && field::<u64>(headers, header::CONTENT_LENGTH.as_str())? != grant.size
    {
        return Err(Refusal::bad_request(format!("the body is not of the {} bytes that the grant is for", grant.size)));
    }
    Ok(())
}

impl From<LedgerError> for Refusal {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Full { .. } | LedgerError::TooMany => Self::new(StatusCode::PAYLOAD_TOO_LARGE, error),
            LedgerError::Busy => Self::new(StatusCode::CONFLICT, error),
            LedgerError::Io { path, source } => {
                StoreError::Io { action: "keep the books of pushes in", path, source }.into()
            }
        }
    }
}
