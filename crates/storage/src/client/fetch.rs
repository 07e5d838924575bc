//! A file or folder from whichever gateways have it.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    Attempt, FetchError, GatewayClient,
    attempt::Trouble,
    sink::{Sink, Taken},
    source::{self, Car},
};
use crate::{BlobCid, GatewayUrl, dag::Walk};

/// Attempts at one gateway without a single new block, before it is given up.
const MAX_STRIKES: u32 = 3;
/// Rest between two rounds over the gateways, times the round.
const REST: Duration = Duration::from_millis(200);

/// What a gateway has shown of itself.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    strikes: u32,
    out: bool,
    blocks_only: bool,
}

/// The walk over the blob and the place that its content goes to. Verified blocks stay, whoever sent them.
struct Progress<S> {
    walk: Walk,
    sink: S,
    blocks: u64,
}

/// Takes a walk from its beginning to its end.
pub(super) async fn fetch<S: Sink>(client: &GatewayClient, cid: BlobCid, walk: Walk, sink: S) -> Result<S, FetchError> {
    let deadline = Instant::now() + client.options.total_timeout;
    let mut progress = Some(Progress { walk, sink, blocks: 0 });
    let mut attempts = Vec::new();
    let work = rounds(client, cid, &mut progress, &mut attempts);
    match timeout_at(deadline, work).await {
        Ok(result) => result?,
        Err(_) => return Err(FetchError::TooSlow { cid, after: client.options.total_timeout, attempts }),
    }
    match progress {
        Some(Progress { sink, .. }) => Ok(sink),
        None => Err(FetchError::Failed { cid, attempts }),
    }
}

/// Goes round the gateways until the blob is complete or none is left.
async fn rounds<S: Sink>(
    client: &GatewayClient,
    cid: BlobCid,
    progress: &mut Option<Progress<S>>,
    attempts: &mut Vec<Attempt>,
) -> Result<(), FetchError> {
    let mut standings: HashMap<&GatewayUrl, Standing> = HashMap::new();
    for round in 0.. {
        let mut tried = false;
        for gateway in &client.gateways {
            let standing = standings.entry(gateway).or_default();
            if standing.out {
                continue;
            }
            tried = true;
            let before = progress.as_ref().map_or(0, |progress| progress.blocks);
            let trouble = match from_gateway(client, gateway, standing, progress).await {
                Ok(()) => return Ok(()),
                Err(trouble) => trouble,
            };
            let (reason, lasting, tampered) = match trouble {
                Trouble::Gateway { reason, lasting, tampered } => (reason, lasting, tampered),
                Trouble::NoCar => ("it sends neither CARs nor blocks".into(), true, false),
                Trouble::Final(error) => return Err(error),
            };
            tracing::warn!(%gateway, %cid, %reason, "a gateway failed");
            let attempt = Attempt { gateway: gateway.clone(), reason, tampered };
            if !attempts.contains(&attempt) {
                attempts.push(attempt);
            }
            let advanced = progress.as_ref().is_some_and(|progress| progress.blocks > before);
            standing.strikes = if advanced { 1 } else { standing.strikes + 1 };
            standing.out = lasting || standing.strikes >= MAX_STRIKES;
        }
        if !tried {
            break;
        }
        if standings.values().any(|standing| !standing.out) {
            sleep(REST * (round + 1)).await;
        }
    }
    Err(FetchError::Failed { cid, attempts: std::mem::take(attempts) })
}

/// Takes all that one gateway gives, until the blob is complete.
async fn from_gateway<S: Sink>(
    client: &GatewayClient,
    gateway: &GatewayUrl,
    standing: &mut Standing,
    progress: &mut Option<Progress<S>>,
) -> Result<(), Trouble> {
    while let Some(current) = progress.as_ref()
        && let Some(cid) = current.walk.next()
    {
        // A gateway that checks what it serves has no CAR of what is no file by itself.
        if standing.blocks_only || !current.walk.next_stands_alone() {
            let block = source::block(client, gateway, &cid).await?;
            accept(progress, block).await?;
            continue;
        }
        match subtree(client, gateway, cid, progress).await {
            Err(Trouble::NoCar) => standing.blocks_only = true,
            other => other?,
        }
    }
    Ok(())
}

/// Takes the blocks below the next CID as one stream. After a change of gateways only what is missing is asked for.
async fn subtree<S: Sink>(
    client: &GatewayClient,
    gateway: &GatewayUrl,
    root: BlobCid,
    progress: &mut Option<Progress<S>>,
) -> Result<(), Trouble> {
    let mut car = Car::open(client, gateway, &root).await?;
    let pending = progress.as_ref().map_or(0, |progress| progress.walk.pending());
    while let Some(current) = progress.as_ref()
        && current.walk.pending() >= pending
        && let Some(cid) = current.walk.next()
    {
        let block = car.next(&cid).await?;
        accept(progress, block).await?;
    }
    Ok(())
}

/// Verifies a block and writes its content, off the asynchronous runtime.
async fn accept<S: Sink>(progress: &mut Option<Progress<S>>, block: Bytes) -> Result<(), Trouble> {
    // It is only ever away during this call; a call that was cancelled ended the fetch.
    let Some(mut current) = progress.take() else { return Err(Trouble::lasting("the fetch was cancelled")) };
    let work = tokio::task::spawn_blocking(move || {
        let (path, cid) = (current.walk.next_path(), current.walk.next());
        let result = current.walk.accept(&block).map_err(Trouble::from).and_then(|kind| match cid {
            Some(cid) => {
                let taken = Taken { cid, kind, path: path.as_deref(), block: &block };
                current.sink.take(&taken).map_err(Trouble::Final)
            }
            None => Ok(()),
        });
        current.blocks += u64::from(result.is_ok());
        (current, result)
    });
    match work.await {
        Ok((current, result)) => {
            *progress = Some(current);
            result
        }
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Trouble::lasting("the program is shutting down")),
    }
}
