//! Getting what a task needs, verified and bounded, before anything is promised.

use std::time::Duration;

use aiigo_executor::{Executor, ExecutorError};
use aiigo_protocol::{TaskId, TaskMarketplace::TaskRequest};
use aiigo_storage::{BlobRef, ClientOptions, ContentUri, GatewayClient};
use aiigo_task::{FileDigest, MAX_DOCUMENT_BYTES, Program, TaskSpec};

use super::{Desk, execute};
use crate::{
    data_dir::TaskDir,
    error::{AgentError, Context},
    policy::{Offer, Policy, Refusal},
};

/// Longest fetch of one file: a task's files are fetched before it is accepted, so nothing is lost but time.
const FETCH_TIME: Duration = Duration::from_secs(600);

/// A client with the provider's policy.
pub(super) fn client(
    allow_private: bool,
    gateways: impl IntoIterator<Item = aiigo_storage::GatewayUrl>,
    total_timeout: Duration,
) -> Result<GatewayClient, AgentError> {
    let options = ClientOptions { allow_private, total_timeout, ..ClientOptions::default() };
    GatewayClient::with_options(gateways, options).context("cannot set up the storage client")
}

/// The spec that a task promises; bad ones are the buyer's fault, and the task is left alone.
pub(super) async fn spec(desk: &Desk, offer: &Offer) -> Result<TaskSpec, Refusal> {
    spec_of(desk.private_gateways, &desk.policy.policy(), &offer.request).await
}

/// The same, of a request.
pub(crate) async fn spec_of(allow_private: bool, policy: &Policy, request: &TaskRequest) -> Result<TaskSpec, Refusal> {
    let uri: ContentUri =
        request.specURI.parse().map_err(|error| Refusal::never(format!("its spec can't be found: {error}")))?;
    let client = client(allow_private, uri.gateways, FETCH_TIME).map_err(|error| Refusal::not_now(error.full()))?;
    let bytes = client
        .fetch_bytes(&uri.cid, MAX_DOCUMENT_BYTES as u64)
        .await
        .map_err(|error| Refusal::not_now(format!("its spec can't be fetched: {error}")))?;
    let spec = TaskSpec::parse_promised(&bytes, request.specHash)
        .map_err(|error| Refusal::never(format!("its spec is refused: {error}")))?;
    policy.judge_spec(&spec, request)?;
    Ok(spec)
}

/// Everything that a task needs, and a program that this machine runs.
pub(super) async fn all(desk: &Desk, task: TaskId, spec: &TaskSpec) -> Result<(), Refusal> {
    files(desk, task, spec).await.map_err(|error| Refusal::not_now(error.full()))?;
    program(desk, task, spec).await
}

/// Whether the sandbox runs the program; it pulls an image or compiles a module now, while nothing is promised.
async fn program(desk: &Desk, task: TaskId, spec: &TaskSpec) -> Result<(), Refusal> {
    let execution = execute::execution(desk, task, spec).await.map_err(|error| Refusal::not_now(error.full()))?;
    desk.executor.prepare(&execution).await.map_err(|error| match error {
        ExecutorError::ImageRefused { .. } | ExecutorError::TooSmall(_) | ExecutorError::Unsupported(_) => {
            Refusal::never(error.to_string())
        }
        passing => Refusal::not_now(passing.to_string()),
    })
}

/// Module and inputs, into the task's folder. What is there already was verified when it came.
pub(super) async fn files(desk: &Desk, task: TaskId, spec: &TaskSpec) -> Result<(), AgentError> {
    let dir = desk.data.task(task);
    dir.create().context(format!("cannot create the folder of task {task}"))?;
    let client = client(desk.private_gateways, spec.gateways.iter().cloned(), FETCH_TIME)?;
    if let Program::Wasm(module) = spec.program() {
        fetch(desk, &client, &dir, module, dir.module()).await?;
    }
    for (index, input) in spec.inputs.iter().enumerate() {
        let digest = FileDigest { cid: input.cid, size: input.size, sha256: input.sha256 };
        fetch(desk, &client, &dir, &digest, dir.input(index)).await?;
    }
    Ok(())
}

async fn fetch(
    desk: &Desk,
    client: &GatewayClient,
    dir: &TaskDir,
    wanted: &BlobRef,
    path: std::path::PathBuf,
) -> Result<(), AgentError> {
    // Files appear as a whole or not at all, in a folder that nobody else writes to.
    if tokio::fs::metadata(&path).await.is_ok_and(|metadata| metadata.len() == wanted.size) {
        return Ok(());
    }
    dir.create().context(format!("cannot create {}", path.display()))?;
    let (cache, blob, place) = (desk.cache.clone(), *wanted, path.clone());
    if tokio::task::spawn_blocking(move || cache.take(&blob, &place)).await.context("looking for a kept file died")? {
        return Ok(());
    }
    let got = client.fetch(&wanted.cid, wanted.size, &path).await.context("cannot fetch a file of the task")?;
    if got != *wanted {
        let _ = tokio::fs::remove_file(&path).await;
        return Err(AgentError::new(format!("{} is not the file that the spec describes", wanted.cid)));
    }
    let cache = desk.cache.clone();
    tokio::task::spawn_blocking(move || cache.keep(&got, &path)).await.context("keeping a file died")
}
