//! Running a task's program again, and comparing what comes out with the result on the chain.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use aiigo_executor::{Completed, Execution, Executor, ExecutorError, Program, WasmExecutor};
use aiigo_storage::{BlobRef, cid_of_reader, free_disk};
use aiigo_task::{
    FileDigest, MAX_SECONDS, Outcome, OutputFile, Program as SpecProgram, TaskSpec, format_bytes, result_hash,
};
use alloy::primitives::B256;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::subject::Subject;
use crate::{
    Chain,
    error::{CliError, Context},
    sources::Sources,
};

/// This machine may be so much slower than the provider's.
const SLOWER: u64 = 4;
/// What stays free of the disk, bytes.
const LEFT_FREE: u64 = 1 << 30;
/// The frames of a program's calls may be so much larger or smaller on another processor.
const FRAMES: usize = 4;

/// What running the program again says about the result on the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// It is what the program gives.
    Right,
    /// The program gives another.
    Wrong {
        /// The hash of what it gives.
        found: B256,
    },
    /// It can't be told by running the program.
    Open {
        /// Why.
        why: String,
    },
}

impl Finding {
    /// The vote that follows from it, basis points for the provider.
    pub(super) fn share(&self) -> Option<u16> {
        match self {
            Self::Right => Some(10_000),
            Self::Wrong { .. } => Some(0),
            Self::Open { .. } => None,
        }
    }

    /// What it says, in words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Right => "run again here, the program gives the node's result".into(),
            Self::Wrong { found } => format!("run again here, the program gives another result: {found}"),
            Self::Open { why } => format!("running it again does not decide: {why}"),
        }
    }

    /// Weighs what a run gave.
    fn of(subject: &Subject, outcome: Outcome, found: B256) -> Self {
        match subject.appellant {
            _ if found == subject.result => Self::Right,
            // How long a program may take depends on the machine, and so does whether it ended in time.
            _ if outcome == Outcome::OutOfTime => Self::Open { why: "on this machine it does not end in time".into() },
            _ if subject.says(Outcome::OutOfTime) => {
                Self::Open { why: "the node says that it did not end in time, and on this machine it does".into() }
            }
            Some((node, result)) if found != result => Self::Open {
                why: format!("neither node {} nor node {node}, who appealed, has what the program gives", subject.node),
            },
            _ => Self::Wrong { found },
        }
    }
}

/// Where a run finds and puts things.
#[derive(Clone, Debug)]
pub(super) struct Bench {
    /// The user's own store.
    pub(super) store: PathBuf,
    /// A folder of this program's own.
    pub(super) scratch: PathBuf,
    /// Whether strangers' gateways may be at private addresses.
    pub(super) private_gateways: bool,
    /// Programs that may run at a time. Fetching takes none of it, however slowly a stranger's store answers.
    pub(super) runs: Arc<Semaphore>,
}

impl Bench {
    /// Fetches the program with its inputs, runs it in the sandbox, and compares.
    ///
    /// # Errors
    /// If something can't be fetched, or this machine fails: another try may do better.
    pub(super) async fn rerun(
        &self,
        chain: &Chain,
        subject: &Subject,
        cancel: CancellationToken,
    ) -> Result<Finding, CliError> {
        let place = Place::new(&self.scratch).context(|| format!("making a folder in {}", self.scratch.display()))?;
        self.rerun_in(&place.dir, chain, subject, cancel).await
    }

    async fn rerun_in(
        &self,
        dir: &Path,
        chain: &Chain,
        subject: &Subject,
        cancel: CancellationToken,
    ) -> Result<Finding, CliError> {
        let mut sources = Sources::open(&self.store, self.private_gateways)?;
        let spec = sources.spec(chain, &subject.created).await?;
        // Whoever says to be right may also give what the other withholds.
        sources.add(&subject.gateways, false);
        let SpecProgram::Wasm(module) = spec.program() else {
            return Ok(Finding::Open { why: "a container image need not give the same result twice".into() });
        };
        self.judge_disk(module, &spec)?;
        let file = dir.join("module.wasm");
        fetch(&sources, module, &file, "the module").await?;
        let mut inputs = Vec::with_capacity(spec.inputs.len());
        for (index, input) in spec.inputs.iter().enumerate() {
            let wanted = FileDigest { cid: input.cid, size: input.size, sha256: input.sha256 };
            let file = dir.join(format!("input-{index}"));
            fetch(&sources, &wanted, &file, input.path.as_str()).await?;
            inputs.push(file);
        }
        let mut execution = Execution::of(&spec, Program::Module(file), inputs, false);
        execution.limits.seconds = execution.limits.seconds.saturating_mul(SLOWER).min(MAX_SECONDS);
        let _place = self.runs.acquire().await.context(|| "waiting for other programs".into())?;
        let run = Run { dir, spec: &spec, execution, cancel };
        let ended = run.with_stack(WasmExecutor::STACK_BYTES).await?;
        let ran = match ended {
            Ok(ran) => ran,
            Err(why) => return Ok(Finding::Open { why }),
        };
        // A program that uses up its stack here need not do so where the provider ran it, nor the other way round.
        let other_stack = match ran.stack_exhausted {
            true => Some(WasmExecutor::STACK_BYTES * FRAMES),
            false => subject.says(Outcome::Trapped).then_some(WasmExecutor::STACK_BYTES / FRAMES),
        };
        if let Some(bytes) = other_stack
            && run.with_stack(bytes).await?.map_or(true, |other| other.found != ran.found)
        {
            return Ok(Finding::Open { why: "how deep its calls may go depends on the processor".into() });
        }
        Ok(Finding::of(subject, ran.outcome, ran.found))
    }
}

impl Bench {
    /// The disk is the juror's, who has other work for it.
    fn judge_disk(&self, module: &BlobRef, spec: &TaskSpec) -> Result<(), CliError> {
        let free = free_disk(&self.scratch).context(|| format!("looking at the disk of {}", self.scratch.display()))?;
        let needed = spec.inputs.iter().map(|input| input.size).fold(module.size, u64::saturating_add);
        let needed = needed.saturating_add(spec.limits.output_bytes);
        match needed <= free.saturating_sub(LEFT_FREE) {
            true => Ok(()),
            false => Err(CliError::Failed(format!(
                "it needs {} of disk, and {} has {}: make room, or vote by hand",
                format_bytes(needed),
                self.scratch.display(),
                format_bytes(free)
            ))),
        }
    }
}

/// A program that is to be run, perhaps more than once.
struct Run<'a> {
    dir: &'a Path,
    spec: &'a TaskSpec,
    execution: Execution,
    cancel: CancellationToken,
}

/// How it ended.
struct Ran {
    outcome: Outcome,
    /// The result's hash.
    found: B256,
    stack_exhausted: bool,
}

impl Run<'_> {
    /// Runs it with so much stack; inside, why this can't be done here.
    async fn with_stack(&self, bytes: usize) -> Result<Result<Ran, String>, CliError> {
        let executor = WasmExecutor::with_stack(bytes).context(|| "starting the sandbox".into())?;
        match executor.run(self.execution.clone(), &self.dir.join("scratch"), self.cancel.clone()).await {
            Ok(completed) => {
                let (outcome, stack_exhausted) = (completed.outcome, completed.stack_exhausted);
                let spec = self.spec.clone();
                let work = tokio::task::spawn_blocking(move || hash(&spec, completed));
                let found = work.await.context(|| "hashing the outputs".into())??;
                Ok(Ok(Ran { outcome, found, stack_exhausted }))
            }
            Err(ExecutorError::Cancelled) => Err(CliError::Interrupted {
                resume: "The program was being run again: give the same command again".into(),
            }),
            Err(
                error @ (ExecutorError::ModuleTooLarge { .. }
                | ExecutorError::CompileTooSlow { .. }
                | ExecutorError::CompileFailed { .. }
                | ExecutorError::File { .. }
                | ExecutorError::Unsupported(_)
                | ExecutorError::TooSmall(_)),
            ) => Ok(Err(error.to_string())),
            Err(error) => Err(error).context(|| format!("running `{}` again", self.spec.name)),
        }
    }
}

async fn fetch(sources: &Sources, wanted: &BlobRef, to: &Path, what: &str) -> Result<(), CliError> {
    let got = sources.file(&wanted.cid, wanted.size, to, what).await?;
    match got == *wanted {
        true => Ok(()),
        false => Err(CliError::Failed(format!("{what} ({}) is not the file that the spec describes", wanted.cid))),
    }
}

/// The result hash of a run, as the provider's agent computes it.
fn hash(spec: &TaskSpec, completed: Completed) -> Result<B256, CliError> {
    let mut outputs = Vec::with_capacity(completed.outputs.len());
    for (path, file) in completed.outputs {
        let what = || format!("reading the output {path} of `{}`", spec.name);
        let BlobRef { cid, size, sha256 } = fs::File::open(&file).and_then(cid_of_reader).context(what)?;
        outputs.push(OutputFile { path: path.parse().context(what)?, cid, size, sha256 });
    }
    Ok(result_hash(completed.outcome.exit_code(completed.exit_code), &outputs))
}

/// A folder for one run, which may be large. It goes away with the run, or with the next one if this process is killed.
#[derive(Debug)]
struct Place {
    dir: PathBuf,
    /// Locked as long as the folder is in use.
    _lock: fs::File,
}

impl Place {
    /// How the folders of runs begin; one that is being made begins otherwise.
    const PREFIX: &str = "run-";
    const LOCK: &str = "lock";

    fn new(scratch: &Path) -> io::Result<Self> {
        fs::create_dir_all(scratch)?;
        Self::sweep(scratch)?;
        let name = format!("{}{:032x}", Self::PREFIX, rand::random::<u128>());
        let (made, dir) = (scratch.join(format!("new-{name}")), scratch.join(name));
        fs::create_dir(&made)?;
        let lock = fs::File::create_new(made.join(Self::LOCK))?;
        lock.lock()?;
        fs::rename(made, &dir)?;
        fs::create_dir(dir.join("scratch"))?;
        Ok(Self { dir, _lock: lock })
    }

    /// Removes what runs left behind whose processes are gone.
    fn sweep(scratch: &Path) -> io::Result<()> {
        for entry in fs::read_dir(scratch)?.flatten() {
            let is_run = entry.file_name().to_string_lossy().starts_with(Self::PREFIX);
            let lock = fs::File::open(entry.path().join(Self::LOCK));
            if is_run && lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
                // Another process may be at it, too.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Should it stay, the next run removes it.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[cfg(test)]
mod tests {
    use aiigo_protocol::{NodeId, TaskId, TaskMarketplace::TaskCreated};

    use super::*;

    #[test]
    fn a_run_takes_its_folder_away_and_that_of_one_that_was_killed() {
        let scratch = tempfile::tempdir().expect("a folder");
        let left = || fs::read_dir(scratch.path()).expect("a folder").count();
        let first = Place::new(scratch.path()).expect("a place");
        let second = Place::new(scratch.path()).expect("a place");
        assert_eq!(left(), 2, "the first is in use");
        drop(second);
        // As a killed process leaves it: there, and not locked.
        fs::create_dir(scratch.path().join("run-killed")).expect("a folder");
        fs::write(scratch.path().join("run-killed").join(Place::LOCK), "").expect("a file");
        let third = Place::new(scratch.path()).expect("a place");
        assert_eq!(left(), 2);
        drop((first, third));
        assert_eq!(left(), 0);
    }

    const FOUND: B256 = B256::repeat_byte(1);
    const OTHER: B256 = B256::repeat_byte(2);

    fn subject(result: B256, appellant: Option<B256>) -> Subject {
        Subject {
            task: TaskId(B256::ZERO),
            node: NodeId(1),
            created: TaskCreated::default(),
            result,
            appellant: appellant.map(|result| (NodeId(2), result)),
            gateways: Vec::new(),
        }
    }

    fn share(result: B256, appellant: Option<B256>, outcome: Outcome) -> Option<u16> {
        Finding::of(&subject(result, appellant), outcome, FOUND).share()
    }

    #[test]
    fn the_vote_follows_the_comparison() {
        assert_eq!(share(FOUND, None, Outcome::Exited), Some(10_000));
        assert_eq!(share(OTHER, None, Outcome::Exited), Some(0));
        assert_eq!(share(OTHER, None, Outcome::OutOfFuel), Some(0));
    }

    #[test]
    fn of_two_nodes_the_one_with_what_the_program_gives_is_right() {
        assert_eq!(share(FOUND, Some(OTHER), Outcome::Exited), Some(10_000));
        assert_eq!(share(OTHER, Some(FOUND), Outcome::Exited), Some(0));
        assert_eq!(share(OTHER, Some(B256::ZERO), Outcome::Exited), None, "neither of them");
    }

    #[test]
    fn what_depends_on_the_machine_is_left_to_people() {
        let late = result_hash(Outcome::OutOfTime.exit_code(0), &[]);
        assert_eq!(share(late, None, Outcome::Exited), None);
        assert_eq!(share(OTHER, None, Outcome::OutOfTime), None);
        let both = Finding::of(&subject(late, None), Outcome::OutOfTime, late);
        assert_eq!(both.share(), Some(10_000), "here as there it does not end in time");
    }
}
