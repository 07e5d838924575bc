//! Running a task's program, and laying out what it delivers.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use aiigo_executor::{Completed, Execution, Executor, ExecutorError, Program};
use aiigo_protocol::TaskId;
use aiigo_storage::{BlobCid, BlobRef, cid_of_reader};
use aiigo_task::{
    CapturedText, OutputFile, Program as SpecProgram, ResourceType, ResultManifest, ResultParts, TaskSpec,
};
use alloy::primitives::B256;

use super::{
    Desk, accept, fetch,
    patience::{self, Next, Patience},
    tenure::{self, Tenure},
    work,
};
use crate::{
    data_dir::TaskDir,
    error::{AgentError, Context},
    live::Show,
    store::{Stage, Work},
};

/// Seconds of the time for the result that are kept for delivering it.
const MIN_RESERVE: u64 = 2;
const MAX_RESERVE: u64 = 30;

/// Runs the program of a task that is this node's alone, and writes the results down. What this machine can't do for a while
/// is tried again; what it still can't do then goes back to the market, while that costs less than being late.
pub(super) async fn execute(desk: &Desk, mut work: Work) -> Result<Work, AgentError> {
    let mut patience = Patience::default();
    loop {
        if tenure::settled(desk, &work).await? != Tenure::Held {
            return work::reconcile(desk, work).await;
        }
        let terms = Terms::of(desk, work.task).await?;
        let produced = tokio::select! {
            produced = produce(desk, &work, terms.results_until) => produced?,
            lost = tenure::lost(desk, &work) => {
                lost?;
                tracing::warn!(task = %work.task, "the task is this node's no more: its program is stopped");
                return work::reconcile(desk, work).await;
            }
        };
        let reason = match produced {
            Produced::Results { hash, .. } => {
                return Ok(Work { result_hash: Some(hash), ..work.at(Stage::Delivering) });
            }
            Produced::TooLate => return Ok(work.ended(Stage::Failed, "there is no time left to run it")),
            Produced::Nothing(reason) => return give_back(desk, work, reason).await,
            Produced::NotNow(reason) => reason,
        };
        const TOO_LATE: &str = "too late to give it back, so trying on";
        let (word, pause) = match patience.after_failure(desk.clock.now().await?, terms.returnable_until) {
            Next::Again(pause) => ("trying again", pause),
            Next::Stuck(pause) => (TOO_LATE, pause),
            Next::GiveBack if accept::abandon(desk, work.task).await? => {
                return Ok(work.ended(Stage::Abandoned, reason));
            }
            // It landed too late: what may pass may still pass in time.
            Next::GiveBack => (TOO_LATE, patience::LONGEST_PAUSE),
        };
        tracing::warn!(task = %work.task, reason, tries = patience.tries(), ?pause, word, "this machine can't run the task now");
        work.note = Some(format!("{word} ({} failures): {reason}", patience.tries()));
        desk.store.save(&work).await?;
        tokio::select! {
            () = desk.sender.token().cancelled() => return Err(AgentError::stopped()),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Gives a task back, if that is still allowed, with the reason for `status`.
async fn give_back(desk: &Desk, work: Work, reason: String) -> Result<Work, AgentError> {
    let given_back = accept::abandon(desk, work.task).await?;
    match given_back {
        true => Ok(work.ended(Stage::Abandoned, reason)),
        false => Ok(work.ended(Stage::Failed, reason)),
    }
}

/// Times of a task that is this node's, unix seconds of the chain.
pub(super) struct Terms {
    /// Last second for the result.
    results_until: u64,
    /// Last second to give it back: `TaskMarketplace._abandonableUntil`.
    pub(super) returnable_until: u64,
}

impl Terms {
    pub(super) async fn of(desk: &Desk, task: TaskId) -> Result<Self, AgentError> {
        let (_, task) = desk.market.task(task).await?;
        let rules = desk.market.task_parameters().await?;
        // Who took it by a bid promised a time of its own.
        let time = if task.agreedEta == 0 { task.duration } else { task.agreedEta };
        let (since, time) = (task.assignedAt.to::<u64>(), u64::from(time));
        let window = (time / 10).max(rules.minAbandonWindow.into()).min(time);
        Ok(Self { results_until: since + time + u64::from(rules.grace), returnable_until: since + window })
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
    /// This machine can't run it, and that may pass.
    NotNow(String),
    /// This machine can't run it, and another try would end the same.
    Nothing(String),
}

/// Runs the program so that its results come until `until`, unix seconds of the chain, and writes them down. A run that was
/// broken off starts again; one that ended is not repeated.
pub(super) async fn produce(desk: &Desk, work: &Work, until: u64) -> Result<Produced, AgentError> {
    let dir = desk.data.task(work.task);
    if !dir.manifest().exists() {
        let Some(seconds) = seconds_left(desk, until).await? else { return Ok(Produced::TooLate) };
        let ended = match run(desk, work, &dir, seconds).await {
            Ok(completed) => write_results(work, dir.clone(), completed).await.map_err(Trouble::of),
            Err(trouble) => Err(trouble),
        };
        match ended {
            Ok(()) => {}
            Err(Trouble::Agent(error)) => return Err(error),
            Err(Trouble::Passing(reason)) => return Ok(Produced::NotNow(reason)),
            Err(Trouble::DiskFull(reason)) => {
                // Also the agent's own memory may be on this disk: first of all there must be room again.
                dir.clear();
                return Ok(Produced::Nothing(format!("the disk is full: {reason}")));
            }
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
    /// The agent has to leave, or the chain does not answer.
    Agent(AgentError),
    /// It may pass: an engine that is down, files that no gateway gives.
    Passing(String),
    /// No room is left, neither for this nor for anything else.
    DiskFull(String),
    /// Another try would end the same.
    Lasting(String),
}

impl Trouble {
    /// Of the machine: whether it passes shows in time.
    fn of(error: AgentError) -> Self {
        match (error.is_stop(), is_disk_full(&error)) {
            (true, _) => Self::Agent(error),
            (_, true) => Self::DiskFull(error.full()),
            _ => Self::Passing(error.full()),
        }
    }
}

/// Whether a lack of room is among the causes.
fn is_disk_full(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        matches!(kind, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    })
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
    Ok(Terms::of(desk, work.task).await?.results_until)
}

async fn run(desk: &Desk, work: &Work, dir: &TaskDir, seconds: u64) -> Result<Completed, Trouble> {
    // All there already, unless this machine lost it.
    fetch::files(desk, work.task, &work.spec).await.map_err(Trouble::of)?;
    let spec = &work.spec;
    let mut execution = execution(desk, work.task, spec).await.map_err(Trouble::Agent)?;
    execution.limits.seconds = execution.limits.seconds.min(seconds);
    tracing::info!(task = %work.task, name = spec.name, "running the program");
    let show = Show::begin(dir.clone(), execution.progress.clone(), execution.limits);
    let scratch = dir.scratch();
    let ended = tokio::select! {
        ended = desk.executor.run(execution, &scratch, desk.sender.token().child_token()) => ended,
        never = show.go_on() => match never {},
    };
    show.end().await;
    match ended {
        Ok(completed) => {
            tracing::info!(task = %work.task, outcome = %completed.outcome, code = completed.exit_code,
                millis = completed.usage.wall_millis, fuel = completed.usage.fuel, "the program ended");
            Ok(completed)
        }
        Err(ExecutorError::Cancelled) => Err(Trouble::Agent(AgentError::stopped())),
        Err(
            error @ (ExecutorError::ModuleTooLarge { .. }
            | ExecutorError::CompileTooSlow { .. }
            | ExecutorError::CompileFailed { .. }
            | ExecutorError::File { .. }
            | ExecutorError::Unsupported(_)
            | ExecutorError::ImageRefused { .. }
            | ExecutorError::TooSmall(_)
            | ExecutorError::Engine(_)),
        ) => Err(Trouble::Lasting(error.to_string())),
        Err(error) => Err(Trouble::of(AgentError::because("the sandbox fails", error))),
    }
}

/// A run of the spec's program, on the files of the task.
pub(super) async fn execution(desk: &Desk, task: TaskId, spec: &TaskSpec) -> Result<Execution, AgentError> {
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

fn lay_out(task: TaskId, spec: &TaskSpec, dir: &TaskDir, completed: Completed) -> Result<(), AgentError> {
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
