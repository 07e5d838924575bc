//! Delivering results: signed pushes to the buyer's gateways, then their hash and address on the chain.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aiigo_chain::Outcome;
use aiigo_protocol::{ContractName, TaskStatus};
use aiigo_storage::{BlobCid, ContentUri, GatewayUrl, PushGrant};
use aiigo_task::ResultManifest;

use super::{
    Desk, execute, fetch,
    tenure::{self, Tenure},
    work,
};
use crate::{
    data_dir::TaskDir,
    error::{AgentError, Context},
    store::{Stage, Work},
};

/// How long a grant is valid; gateways refuse more than a day.
const GRANT_SECONDS: u64 = 3600;
/// Rest between two rounds over the gateways.
const REST: Duration = Duration::from_secs(2);
/// Seconds kept for the transaction that follows; never more than half of what is left.
const SUBMIT_RESERVE: u64 = 30;
/// Rest between two tries to bring a result that is on the chain already.
const LATE_REST: Duration = Duration::from_secs(30);

/// A blob to push.
#[derive(Clone, Debug)]
struct Parcel {
    cid: BlobCid,
    size: u64,
    file: PathBuf,
}

/// Pushes everything, trying until shortly before the last second for the result. A buyer whose gateways take nothing
/// gets the hash on the chain all the same, and the files as soon as a gateway takes them.
pub(super) async fn deliver(desk: &Desk, work: Work) -> Result<Work, AgentError> {
    if tenure::settled(desk, &work).await? != Tenure::Held {
        return work::reconcile(desk, work).await;
    }
    let until = execute::results_until(desk, &work).await?;
    let left = until.saturating_sub(desk.clock.now().await?);
    let patience = Duration::from_secs(left - SUBMIT_RESERVE.min(left / 2));
    Ok(bring(desk, work, patience).await?.at(Stage::Submitting))
}

/// Pushes everything, if a gateway of the buyer's takes it in this time, and notes where the results are found.
pub(super) async fn bring(desk: &Desk, mut work: Work, patience: Duration) -> Result<Work, AgentError> {
    let dir = desk.data.task(work.task);
    let (manifest, blob) = execute::manifest(&dir, &work)?;
    let parcels = parcels(&dir, &manifest, Parcel { cid: blob.cid, size: blob.size, file: dir.manifest() });
    let pushed = tokio::select! {
        () = desk.sender.token().cancelled() => return Err(AgentError::stopped()),
        pushed = tokio::time::timeout(patience, push_until_taken(desk, &work, &parcels, REST)) => pushed,
    };
    let mut uri = ContentUri::new(blob.cid);
    match pushed {
        Ok(gateways) => {
            work.delivered = true;
            uri = gateways.into_iter().fold(uri, ContentUri::at);
        }
        Err(_) => {
            tracing::error!(task = %work.task, "no gateway of the buyer takes the results; giving their hash alone");
        }
    }
    work.result_uri = Some(uri.to_string());
    Ok(work)
}

/// Goes on trying to bring results whose hash is on the chain already; whether a gateway took them before the task was over.
pub(super) async fn deliver_late(desk: &Desk, work: &Work) -> Result<bool, AgentError> {
    let dir = desk.data.task(work.task);
    let (manifest, blob) = execute::manifest(&dir, work)?;
    let parcels = parcels(&dir, &manifest, Parcel { cid: blob.cid, size: blob.size, file: dir.manifest() });
    tokio::select! {
        () = desk.sender.token().cancelled() => Err(AgentError::stopped()),
        _ = push_until_taken(desk, work, &parcels, LATE_REST) => Ok(true),
        over = until_over(desk, work) => over.map(|()| false),
    }
}

/// Nobody wants the results of a task that was settled: their files go then.
async fn until_over(desk: &Desk, work: &Work) -> Result<(), AgentError> {
    loop {
        match desk.store.work(work.task).await? {
            Some(now) if !now.stage.is_over() => tokio::time::sleep(LATE_REST).await,
            _ => return Ok(()),
        }
    }
}

/// Outputs first, the manifest last: who has the manifest can have the rest.
fn parcels(dir: &TaskDir, manifest: &ResultManifest, last: Parcel) -> Vec<Parcel> {
    let outputs = manifest.outputs.iter().map(|output| (output.cid, output.size));
    let printed = [manifest.stdout, manifest.stderr].into_iter().flatten().map(|text| (text.cid, text.size));
    let mut parcels: Vec<Parcel> = Vec::new();
    for (cid, size) in outputs.chain(printed) {
        if parcels.iter().all(|parcel| parcel.cid != cid) {
            parcels.push(Parcel { cid, size, file: dir.results().join(cid.to_string()) });
        }
    }
    parcels.push(last);
    parcels
}

async fn push_until_taken(desk: &Desk, work: &Work, parcels: &[Parcel], rest: Duration) -> Vec<GatewayUrl> {
    loop {
        match push(desk, work, parcels).await {
            Ok(gateways) => return gateways,
            Err(error) => {
                tracing::warn!(task = %work.task, error = error.full(), "cannot deliver the results yet");
                tokio::time::sleep(rest).await;
            }
        }
    }
}

/// Pushes each blob to a gateway that takes it; returns the gateways that took any.
async fn push(desk: &Desk, work: &Work, parcels: &[Parcel]) -> Result<Vec<GatewayUrl>, AgentError> {
    let gateways = work.spec.gateways.iter().cloned();
    let patience = Duration::from_secs(GRANT_SECONDS);
    let client = fetch::client(desk.private_gateways, gateways, patience)?;
    let mut taken = Vec::new();
    for parcel in parcels {
        let grant = PushGrant {
            chain_id: desk.market.chain_id(),
            task_id: work.task.0,
            cid: parcel.cid,
            size: parcel.size,
            expires: unix_now() + GRANT_SECONDS,
        };
        let grant = grant.sign(&desk.signer).context("cannot sign the delivery")?;
        let gateway = client.push(&parcel.file, &grant).await.context("cannot deliver the results")?;
        if !taken.contains(&gateway) {
            taken.push(gateway);
        }
    }
    Ok(taken)
}

/// Puts the result on the chain.
pub(super) async fn submit(desk: &Desk, work: Work) -> Result<Work, AgentError> {
    let (Some(hash), Some(uri)) = (work.result_hash, work.result_uri.clone()) else {
        return Err(AgentError::new(format!("task {} has no result to submit", work.task)));
    };
    if tenure::settled(desk, &work).await? != Tenure::Held {
        return work::reconcile(desk, work).await;
    }
    let until = execute::results_until(desk, &work).await?;
    let call = desk.market.tasks().submitResult(work.task.0, hash, uri).calldata().clone();
    let call = desk.market.call(ContractName::TaskMarketplace, call);
    let key = format!("result:{}", work.task);
    let label = format!("submit the result of task {}", work.task);
    match desk.sender.until_landed(&key, &label, call, Some(until)).await? {
        Outcome::Landed { .. } => {
            tracing::info!(task = %work.task, "the result is on the chain; the buyer looks");
            Ok(work.at(Stage::Reviewing))
        }
        Outcome::Reverted { error, .. } => {
            // The chain decides: the same result may have landed before.
            let (status, task) = desk.market.task(work.task).await?;
            let ours = task.nodeId == desk.node.0;
            if !ours && tenure::comes_back(desk, &work).await? {
                return Err(AgentError::new("a reorganisation took the acceptance back: waiting for it"));
            }
            match status {
                TaskStatus::Completed | TaskStatus::Disputed | TaskStatus::Verified | TaskStatus::Resolved if ours => {
                    Ok(work.at(Stage::Reviewing))
                }
                TaskStatus::InProgress if ours && desk.clock.now().await? <= until => {
                    Err(AgentError::refused("cannot submit the result", &error))
                }
                _ => Ok(work.ended(Stage::Failed, format!("the result was refused: {error}"))),
            }
        }
        Outcome::Expired => Ok(work.ended(Stage::Failed, "the result was not included in time")),
    }
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
