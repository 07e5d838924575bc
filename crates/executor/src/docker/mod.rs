//! The Docker sandbox.
//!
//! # What a container sees
//! Its image, read-only, and nothing of the machine: no network but its own loopback, no device, no process and no file
//! of the host. It runs as a user that exists nowhere, without capabilities and without a way to get any, under the
//! engine's seccomp profile. The inputs are at `/job/<path>`, read-only; outputs are written to `/job/<path>`. The
//! working directory is the image's own, or `/job` if it names none. `/tmp` and `/dev/shm` can be written and count as
//! memory. The environment is the task's, above what the image itself sets (`PATH`, mostly).
//!
//! # How it is bounded
//! Memory without swap, processors, processes, open files, time, and bytes written: everything that can be written is in
//! memory, with a size that the kernel keeps, so a program can't fill the host's disk, whatever the disk's file system.
//! What it prints is streamed and kept up to a limit; the engine writes no log.
//!
//! # How it ends
//! As a module does: a program that exited has delivered its outputs, whatever its code. A command that can't be started
//! has trapped. Nothing stays behind at the engine, also after a crash: what an agent leaves, its next start removes.

mod allowlist;
mod container;
mod engine;
mod image;
mod leftovers;
mod meter;
mod names;
mod outputs;
mod place;
mod run;
mod shelf;
mod tar;

use std::{
    path::Path,
    sync::{PoisonError, RwLock},
};

use aiigo_task::{ImageReference, format_bytes};
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

pub use self::{
    allowlist::{ImageAllowlist, ImagePattern, PatternError},
    engine::{DockerHost, EngineReport},
    shelf::ImageShelf,
};
use self::{
    engine::Engine,
    image::Image,
    names::Names,
    shelf::{Shelf, Use},
};
use crate::{Completed, Execution, Executor, ExecutorError, Program, wasm::fresh_directory};

/// What a Docker sandbox needs to know.
#[derive(Clone, Debug)]
pub struct DockerConfig {
    /// Where the engine listens.
    pub host: DockerHost,
    /// Whose containers they are: lower-case letters and digits, at most 40, the same after a restart and no other's.
    pub instance: String,
    /// The images that may run.
    pub allowed: ImageAllowlist,
    /// Whether tasks that ask for GPUs get this machine's; others never do.
    pub gpus: bool,
    /// How the images that are pulled are kept; without one they stay for ever.
    pub shelf: Option<ImageShelf>,
}

/// Runs images with a Docker engine.
#[derive(Debug)]
pub struct DockerExecutor {
    engine: Engine,
    instance: String,
    allowed: RwLock<ImageAllowlist>,
    gpus: bool,
    shelf: Shelf,
}

impl DockerExecutor {
    /// Connects to the engine, and removes what an earlier process of this instance left there.
    ///
    /// # Errors
    /// If there is no engine, it can't keep the limits, or something can't be removed.
    pub async fn start(config: DockerConfig) -> Result<Self, ExecutorError> {
        let DockerConfig { host, instance, allowed, gpus, shelf } = config;
        let refused = |reason: String| ExecutorError::Docker { what: "setting up the sandbox".into(), reason };
        if !names::is_instance(&instance) {
            return Err(refused(format!("`{instance}` is no name of an instance")));
        }
        let engine = Engine::connect(&host).await?;
        if !engine.report.lacks.is_empty() {
            return Err(refused(format!("the engine has no {}", engine.report.lacks.join(", no "))));
        }
        for missing in &engine.report.misses {
            tracing::warn!(missing, "the Docker engine lacks a protection");
        }
        leftovers::sweep(&engine, &instance).await?;
        Ok(Self { engine, instance, allowed: RwLock::new(allowed), gpus, shelf: Shelf::new(shelf) })
    }

    /// From now on these images may run, and no others; what runs goes on.
    pub fn allow(&self, images: ImageAllowlist) {
        *self.allowed.write().unwrap_or_else(PoisonError::into_inner) = images;
    }

    /// What an engine says of itself, without changing anything there.
    ///
    /// # Errors
    /// If it can't be reached.
    pub async fn look(host: &DockerHost) -> Result<EngineReport, ExecutorError> {
        Ok(Engine::connect(host).await?.report)
    }

    /// The image of an execution that may run and fits; it stays while it is used.
    async fn image(&self, execution: &Execution) -> Result<(Image, Use), ExecutorError> {
        let reference = image_of(execution)?;
        let refused = |reason: &str| ExecutorError::ImageRefused { image: reference.clone(), reason: reason.into() };
        if !self.allowed.read().unwrap_or_else(PoisonError::into_inner).allows(reference) {
            return Err(refused("it is not on the list of allowed images"));
        }
        if execution.gpus && !self.gpus {
            return Err(refused("it asks for GPUs, and containers get none here"));
        }
        self.check_size(execution)?;
        let held = self.shelf.hold(reference);
        let image = image::obtain(&self.engine, &self.shelf, reference).await?;
        match image.has_command || !execution.args.is_empty() {
            true => Ok((image, held)),
            false => Err(refused("it has no command, and the task gives none")),
        }
    }

    fn check_size(&self, execution: &Execution) -> Result<(), ExecutorError> {
        let (memory, cpus) = (container::memory_bytes(execution), execution.limits.cpus.unwrap_or(1));
        let machine = &self.engine.report;
        if memory > machine.memory_bytes {
            let (memory, has) = (format_bytes(memory), format_bytes(machine.memory_bytes));
            return Err(ExecutorError::TooSmall(format!("memory and outputs need {memory}, and it has {has}")));
        }
        if cpus > machine.cpus {
            return Err(ExecutorError::TooSmall(format!(
                "{cpus} processors are asked for, and it has {}",
                machine.cpus
            )));
        }
        Ok(())
    }
}

#[async_trait]
impl Executor for DockerExecutor {
    async fn prepare(&self, execution: &Execution) -> Result<(), ExecutorError> {
        self.image(execution).await.map(|_| ())
    }

    async fn run(
        &self,
        execution: Execution,
        scratch: &Path,
        cancel: CancellationToken,
    ) -> Result<Completed, ExecutorError> {
        let (image, held) = tokio::select! {
            image = self.image(&execution) => image?,
            () = cancel.cancelled() => return Err(ExecutorError::Cancelled),
        };
        let files = scratch.join("files");
        fresh_directory(&files).await.map_err(|source| ExecutorError::Scratch { path: files.clone(), source })?;
        // If the caller stops waiting, the program must stop too, and what it leaves must go: both are beyond the caller.
        let cancel = cancel.child_token();
        let _stop_with_caller = cancel.clone().drop_guard();
        let (engine, names) = (self.engine.clone(), Names::new(&self.instance));
        let run = tokio::spawn(async move {
            let ended = tokio::select! {
                ended = run::run(&engine, &image, &names, &execution, &files) => ended,
                () = cancel.cancelled() => Err(ExecutorError::Cancelled),
            };
            if let Err(error) = leftovers::remove(&engine, &names).await {
                // The next start removes it; the result is none the worse.
                tracing::error!(%error, "a container or volume stays behind");
            }
            drop(held);
            ended
        });
        run.await.map_err(|error| ExecutorError::Thread(error.to_string()))?
    }
}

fn image_of(execution: &Execution) -> Result<&ImageReference, ExecutorError> {
    match &execution.program {
        Program::Image(image) => Ok(image),
        Program::Module(_) => Err(ExecutorError::Unsupported("WebAssembly modules in containers")),
    }
}
