//! Running a task's program, and laying out what it delivers.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use aiigo_executor::{Completed, Execution, ExecutorError, Program};
use aiigo_storage::{BlobCid, BlobRef, cid_of_reader};
use aiigo_task::{
    CapturedText, OutputFile, Program as SpecProgram, ResourceType, ResultManifest, ResultParts, TaskSpec,
};
use alloy::primitives::B256;

use super::{Desk, accept, fetch};
use crate::{
    data_dir::TaskDir,
    error::{AgentError, Context},
    store::{Stage, Work},
};

/// Seconds of the time for the result that are kept for delivering it.
const MIN_RESERVE: u64 = 2;
const MAX_RESERVE: u64 = 30;

/// Runs the program of a task that is this node's alone, and writes the results down.
pub(super) async fn execute(desk: &Desk, work: Work) -> Result<Work, AgentError> {
    let until = results_until(desk, &work).await?;
    match produce(desk, &work, until).await? {
        Produced::Results { hash, .. } => Ok(Work { result_hash: Some(hash), ..work.at(Stage::Delivering) }),
        Produced::TooLate => Ok(work.ended(Stage::Failed, "there is no time left to run it")),
        Produced::Nothing(reason) => {
            let given_back = accept::abandon(desk, &work).await?;
            match given_back {
                true => Ok(work.ended(Stage::Abandoned, reason)),
                false => Ok(work.ended(Stage::Failed, reason)),
            }
        }
    }
}

/// What came of running a program.
pub(super) enum Produced {
    /// They are on disk.
    Results {
        /// What the chain is to hold of them.
        hash: B256,
        /// Their manifest.
        manifest: BlobCid,
    },
    /// No time is left to run it.
    TooLate,
    /// This machine can't run it.
    Nothing(String),
}

/// Runs the program so that its results come until `until`, unix seconds of the chain, and writes them down. A run that was
/// broken off starts again; one that ended is not repeated.
pub(super) async fn produce(desk: &Desk, work: &Work, until: u64) -> Result<Produced, AgentError> {
    let dir = desk.data.task(work.task);
    if !dir.manifest().exists() {
        let Some(seconds) = seconds_left(desk, until).await? else { return Ok(Produced::TooLate) };
        match run(desk, work, &dir, seconds).await {
            Ok(completed) => write_results(work, dir.clone(), completed).await?,
            Err(Trouble::Agent(error)) => return Err(error),
            Err(Trouble::Lasting(reason)) => {
                tracing::error!(task = %work.task, reason, "this machine can't run the task");
                return Ok(Produced::Nothing(reason));
            }
        }
    }
    let (manifest, blob) = manifest(&dir, work)?;
    Ok(Produced::Results { hash: manifest.result_hash(), manifest: blob.cid })
}

/// Why there is nothing to deliver.
enum Trouble {
    /// It may pass, or the agent has to leave.
    Agent(AgentError),
    /// Another try would end the same.
    Lasting(String),
}

impl From<AgentError> for Trouble {
    fn from(error: AgentError) -> Self {
        Self::Agent(error)
    }
}

/// Seconds that the program may run so that its result can still be delivered; `None`: it is too late.
async fn seconds_left(desk: &Desk, until: u64) -> Result<Option<u64>, AgentError> {
    let grace = u64::from(desk.market.task_parameters().await?.grace);
    let reserve = (grace / 2).clamp(MIN_RESERVE, MAX_RESERVE);
    let left = until.saturating_sub(desk.clock.now().await?).saturating_sub(reserve);
    Ok((left > 0).then_some(left))
}

/// Last second for the result, unix seconds of the chain.
pub(super) async fn results_until(desk: &Desk, work: &Work) -> Result<u64, AgentError> {
    let (_, task) = desk.market.task(work.task).await?;
    let grace = desk.market.task_parameters().await?.grace;
    Ok(task.assignedAt.to::<u64>() + u64::from(task.duration) + u64::from(grace))
}

async fn run(desk: &Desk, work: &Work, dir: &TaskDir, seconds: u64) -> Result<Completed, Trouble> {
    // All there already, unless this machine lost it.
    fetch::files(desk, work.task, &work.spec).await?;
    let spec = &work.spec;
    let mut execution = execution(desk, work.task, spec).await?;
    execution.limits.seconds = execution.limits.seconds.min(seconds);
    tracing::info!(task = %work.task, name = spec.name, "running");
    let ended = desk.executor.run(execution, &dir.scratch(), desk.sender.token().child_token()).await;
    match ended {
        Ok(completed) => {
            tracing::info!(task = %work.task, outcome = %completed.outcome, code = completed.exit_code,
                millis = completed.usage.wall_millis, fuel = completed.usage.fuel, "the program ended");
            Ok(completed)
        }
        Err(ExecutorError::Cancelled) => Err(AgentError::stopped().into()),
        Err(
            error @ (ExecutorError::ModuleTooLarge { .. }
            | ExecutorError::CompileTooSlow { .. }
            | ExecutorError::File { .. }
            | ExecutorError::Unsupported(_)
            | ExecutorError::ImageRefused { .. }
            | ExecutorError::TooSmall(_)
            | ExecutorError::Engine(_)),
        ) => Err(Trouble::Lasting(error.to_string())),
        Err(error) => Err(AgentError::because("the sandbox fails", error).into()),
    }
}

/// A run of the spec's program, on the files of the task.
pub(super) async fn execution(
    desk: &Desk,
    task: aiigo_protocol::TaskId,
    spec: &TaskSpec,
) -> Result<Execution, AgentError> {
    let dir = desk.data.task(task);
    let (program, gpus) = match spec.program() {
        SpecProgram::Wasm(_) => (Program::Module(dir.module()), false),
        SpecProgram::Image(image) => {
            // A node takes tasks of its own kind only: those of a GPU node are for its GPUs.
            let kind = desk.market.node(desk.node).await?.resourceType;
            (Program::Image(image.clone()), kind == ResourceType::GPU as u8)
        }
    };
    let inputs = (0..spec.inputs.len()).map(|at| dir.input(at));
    Ok(Execution::of(spec, program, inputs, gpus))
}

/// Names every result by its content and writes the manifest last: its presence says that all the rest is there.
async fn write_results(work: &Work, dir: TaskDir, completed: Completed) -> Result<(), AgentError> {
    let (task, spec) = (work.task, work.spec.clone());
    let written = tokio::task::spawn_blocking(move || lay_out(task, &spec, &dir, completed)).await;
    written.context("writing the results was cut off")?
}

fn lay_out(
    task: aiigo_protocol::TaskId,
    spec: &TaskSpec,
    dir: &TaskDir,
    completed: Completed,
) -> Result<(), AgentError> {
    let what = || format!("cannot write the results of task {task}");
    let results = dir.results();
    fs::create_dir_all(&results).context(what())?;
    let mut outputs = Vec::with_capacity(completed.outputs.len());
    for (path, file) in completed.outputs {
        let path = path.parse().context(what())?;
        let BlobRef { cid, size, sha256 } = adopt(&file, &results).context(what())?;
        outputs.push(OutputFile { path, cid, size, sha256 });
    }
    let parts = ResultParts {
        task_id: task.0,
        outcome: completed.outcome,
        exit_code: completed.exit_code,
        outputs,
        stdout: printed(&completed.stdout, &results).context(what())?,
        stderr: printed(&completed.stderr, &results).context(what())?,
        usage: completed.usage,
    };
    let manifest = ResultManifest::new(spec, parts).context(what())?.canonical();
    put(&manifest, &results).context(what())?;
    write_whole(&dir.manifest(), &manifest).context(what())?;
    // The program's other files are nobody's.
    let _ = fs::remove_dir_all(dir.scratch());
    Ok(())
}

/// Moves a file of the scratch directory to where its content says.
fn adopt(file: &Path, results: &Path) -> io::Result<BlobRef> {
    let opened = fs::File::open(file)?;
    opened.sync_all()?;
    let blob = cid_of_reader(opened)?;
    // Two outputs with one content are one blob.
    fs::rename(file, results.join(blob.cid.to_string()))?;
    Ok(blob)
}

fn printed(text: &[u8], results: &Path) -> io::Result<Option<CapturedText>> {
    if text.is_empty() {
        return Ok(None);
    }
    let BlobRef { cid, size, .. } = put(text, results)?;
    Ok(Some(CapturedText { cid, size }))
}

fn put(content: &[u8], results: &Path) -> io::Result<BlobRef> {
    let blob = cid_of_reader(content)?;
    write_whole(&results.join(blob.cid.to_string()), content)?;
    Ok(blob)
}

/// The file appears as a whole or not at all.
fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let half: PathBuf = path.with_extension("part");
    let mut file = fs::File::create(&half)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(half, path)
}

/// The manifest on disk, as the next stage needs it.
pub(super) fn manifest(dir: &TaskDir, work: &Work) -> Result<(ResultManifest, BlobRef), AgentError> {
    let what = || format!("cannot read the result manifest of task {}", work.task);
    let bytes = fs::read(dir.manifest()).context(what())?;
    let blob = cid_of_reader(bytes.as_slice()).context(what())?;
    Ok((ResultManifest::parse(&bytes).context(what())?, blob))
}
