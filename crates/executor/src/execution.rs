//! What a sandbox is asked to do, and what it answers.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use aiigo_task::{ImageReference, Limits, Outcome, TaskSpec, Usage};
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::Progress;

/// What runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A WebAssembly module: its file on this machine, whose content has been verified.
    Module(PathBuf),
    /// A container image by its digest.
    Image(ImageReference),
}

/// One run of a program.
#[derive(Clone, Debug)]
pub struct Execution {
    /// What runs.
    pub program: Program,
    /// Arguments after the program's name, or after an image's entry point.
    pub args: Vec<String>,
    /// The whole environment; that of an image comes below it.
    pub env: BTreeMap<String, String>,
    /// Files of this machine and the paths where the program sees them, read-only.
    pub inputs: Vec<(PathBuf, String)>,
    /// Paths of the files that the program is to write.
    pub outputs: Vec<String>,
    /// What it may use.
    pub limits: Limits,
    /// Whether a container gets the GPUs of this machine; a module has no use for them.
    pub gpus: bool,
    /// Where the run tells how far it is.
    pub progress: Progress,
}

impl Execution {
    /// A run of a spec's program: `program` is that program on this machine, `inputs` are the spec's in their order.
    pub fn of(spec: &TaskSpec, program: Program, inputs: impl IntoIterator<Item = PathBuf>, gpus: bool) -> Self {
        let paths = spec.inputs.iter().map(|input| input.path.to_string());
        Self {
            program,
            args: spec.args.clone(),
            env: spec.env.clone(),
            inputs: inputs.into_iter().zip(paths).collect(),
            outputs: spec.outputs.iter().map(ToString::to_string).collect(),
            limits: spec.limits,
            gpus,
            progress: Progress::default(),
        }
    }
}

/// A run that came to an end, whichever.
#[derive(Debug)]
pub struct Completed {
    /// How it ended.
    pub outcome: Outcome,
    /// The program's exit code, or the one that stands for the outcome ([`Outcome::exit_code`]).
    pub exit_code: i32,
    /// The declared outputs that the program wrote, with their files in the scratch directory, in the order declared.
    /// None unless it exited.
    pub outputs: Vec<(String, PathBuf)>,
    /// The beginning of what it printed ([`aiigo_task::CAPTURE_BYTES`] at most).
    pub stdout: Vec<u8>,
    /// The same of standard error; a program that was stopped finds the reason in its last line.
    pub stderr: Vec<u8>,
    /// What it used.
    pub usage: Usage,
    /// Whether a module's calls went deeper than the stack. How deep they may go depends on the processor: unlike all else
    /// that a module does, this need not come out the same elsewhere.
    pub stack_exhausted: bool,
}

/// Something that runs programs.
#[async_trait]
pub trait Executor: Send + Sync {
    /// Gets ready what a run needs beside its files, before anybody is promised anything: an image is pulled here.
    ///
    /// # Errors
    /// If this machine can't or won't run the program.
    async fn prepare(&self, execution: &Execution) -> Result<(), ExecutorError>;

    /// Runs a program to its end, within its limits. `scratch` is a directory of the run's own; outputs stay there until
    /// the caller removes it.
    ///
    /// # Errors
    /// Only if this machine could not do its part, or the run was cancelled; whatever the program did is an
    /// [`Outcome`].
    async fn run(
        &self,
        execution: Execution,
        scratch: &Path,
        cancel: CancellationToken,
    ) -> Result<Completed, ExecutorError>;
}

/// Why a run has no outcome.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// The sandbox can't be set up on this machine.
    #[error("the WASM engine does not start: {0}")]
    Engine(String),
    /// There is no sandbox here for such a program.
    #[error("this machine does not run {0}")]
    Unsupported(&'static str),
    /// The Docker engine does not do what it is asked.
    #[error("the Docker engine fails: {what}: {reason}")]
    Docker {
        /// What was to be done.
        what: String,
        /// What it said.
        reason: String,
    },
    /// The image is not run here, now or ever.
    #[error("the image {image} is refused: {reason}")]
    ImageRefused {
        /// The image.
        image: ImageReference,
        /// Why.
        reason: String,
    },
    /// The image can't be had now.
    #[error("the image {image} can't be had: {reason}")]
    ImageUnavailable {
        /// The image.
        image: ImageReference,
        /// Why.
        reason: String,
    },
    /// The task's limits are above what this machine has.
    #[error("this machine is too small: {0}")]
    TooSmall(String),
    /// The module's file can't be read.
    #[error("cannot read the module {path}: {source}")]
    Module {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The module is larger than this executor takes.
    #[error("the module {path} has {size} bytes; at most {limit} are taken")]
    ModuleTooLarge {
        /// The file.
        path: PathBuf,
        /// Its size, bytes.
        size: u64,
        /// The most, bytes.
        limit: u64,
    },
    /// Compiling takes too long on this machine.
    #[error("the module {path} was not compiled within {seconds} s")]
    CompileTooSlow {
        /// The file.
        path: PathBuf,
        /// The time given.
        seconds: u64,
    },
    /// A valid module, but this machine can't compile it: the code generator has limits of its own, and needs memory.
    #[error("the module {path} cannot be compiled here: {reason}")]
    CompileFailed {
        /// The file.
        path: PathBuf,
        /// The compiler's words.
        reason: String,
    },
    /// This machine has no room for the program's memory or code.
    #[error("the program cannot be set up here: {0}")]
    Setup(String),
    /// An input or output of the execution can't stand where it should.
    #[error("the file {path} of the task cannot be set up: {reason}")]
    File {
        /// Its path as the program would see it.
        path: String,
        /// Why.
        reason: String,
    },
    /// The scratch directory or a file in it fails.
    #[error("the scratch directory {path} fails: {source}")]
    Scratch {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No thread, or it died.
    #[error("the sandbox's thread fails: {0}")]
    Thread(String),
    /// The run was cancelled before its end.
    #[error("the run was cancelled")]
    Cancelled,
}
