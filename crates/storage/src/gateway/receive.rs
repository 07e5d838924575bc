//! The body of a push: into a temporary file, while its CID is computed.

use std::{io::Write, time::Duration};

use axum::{body::BodyDataStream, http::StatusCode};
use bytes::BytesMut;
use futures::StreamExt;
use tempfile::NamedTempFile;
use tokio::time::{Instant, timeout_at};

use super::refusal::Refusal;
use crate::{
    BlobCid, DirStore, PushGrant, StoreError,
    dag::{Builder, IPFS, LeavesOnly},
};

/// Bytes that are collected before they are hashed and written.
const PIECE: usize = 256 << 10;
/// Time for any push, and the slowest transfer that is waited for, bytes per second.
const PATIENCE: Duration = Duration::from_secs(60);
const SLOWEST: u64 = 32 << 10;

/// Takes a body that must be exactly the granted blob.
pub(super) async fn receive(
    store: &DirStore,
    grant: &PushGrant,
    content: &mut BodyDataStream,
) -> Result<NamedTempFile, Refusal> {
    let deadline = Instant::now() + PATIENCE + Duration::from_secs(grant.size / SLOWEST);
    let mut state = Incoming::open(store).await?;
    let mut waiting = BytesMut::new();
    let mut left = grant.size;
    loop {
        let piece = timeout_at(deadline, content.next())
            .await
            .map_err(|_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body arrives too slowly"))?;
        let end = piece.is_none();
        if let Some(piece) = piece {
            let piece = piece.map_err(|error| Refusal::bad_request(format!("the body broke off: {error}")))?;
            left = left.checked_sub(piece.len() as u64).ok_or_else(|| {
                Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("more than the granted {} bytes", grant.size))
            })?;
            waiting.extend_from_slice(&piece);
        }
        if waiting.len() >= PIECE || end {
            state = state.write(store, waiting.split()).await?;
        }
        if end {
            break;
        }
    }
    if left > 0 {
        return Err(Refusal::bad_request(format!("the body ended {left} bytes before the granted {}", grant.size)));
    }
    let (cid, file) = state.finish(store).await?;
    if cid != grant.cid {
        let message = format!("the body is {cid}, not the granted {}", grant.cid);
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, message));
    }
    Ok(file)
}

/// A blob on its way in.
struct Incoming {
    builder: Builder<LeavesOnly>,
    file: NamedTempFile,
}

impl Incoming {
    async fn open(store: &DirStore) -> Result<Self, StoreError> {
        store
            .blocking(|blocks| {
                let file = blocks.temporary_file().map_err(|source| blocks.io("write to", source))?;
                Ok(Self { builder: Builder::new(IPFS), file })
            })
            .await
    }

    async fn write(mut self, store: &DirStore, piece: BytesMut) -> Result<Self, StoreError> {
        store
            .blocking(move |blocks| {
                self.file
                    .write_all(&piece)
                    .and_then(|()| self.builder.push(&piece, &mut |_, _| Ok(())))
                    .map_err(|source| blocks.io("write to", source))?;
                Ok(self)
            })
            .await
    }

    async fn finish(self, store: &DirStore) -> Result<(BlobCid, NamedTempFile), StoreError> {
        store
            .blocking(move |blocks| {
                let root = self.builder.finish(&mut |_, _| Ok(())).map_err(|source| blocks.io("write to", source))?;
                Ok((root.cid, self.file))
            })
            .await
    }
}
