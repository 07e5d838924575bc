//! The sandboxes of a machine behind one interface.

use std::path::Path;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{Completed, DockerExecutor, Execution, Executor, ExecutorError, ImageAllowlist, Program, WasmExecutor};

/// Runs each program in the sandbox made for it.
#[derive(Debug)]
pub struct Sandboxes {
    wasm: WasmExecutor,
    docker: Option<DockerExecutor>,
}

impl Sandboxes {
    /// Modules run in `wasm`, images in `docker`; without it they are refused.
    pub fn new(wasm: WasmExecutor, docker: Option<DockerExecutor>) -> Self {
        Self { wasm, docker }
    }

    /// From now on these images may run, and no others.
    pub fn allow(&self, images: ImageAllowlist) {
        if let Some(docker) = &self.docker {
            docker.allow(images);
        }
    }

    fn sandbox_of(&self, execution: &Execution) -> Result<&dyn Executor, ExecutorError> {
        match (&execution.program, &self.docker) {
            (Program::Module(_), _) => Ok(&self.wasm),
            (Program::Image(_), Some(docker)) => Ok(docker),
            (Program::Image(_), None) => Err(ExecutorError::Unsupported("container images")),
        }
    }
}

#[async_trait]
impl Executor for Sandboxes {
    async fn prepare(&self, execution: &Execution) -> Result<(), ExecutorError> {
        self.sandbox_of(execution)?.prepare(execution).await
    }

    async fn run(
        &self,
        execution: Execution,
        scratch: &Path,
        cancel: CancellationToken,
    ) -> Result<Completed, ExecutorError> {
        self.sandbox_of(&execution)?.run(execution, scratch, cancel).await
    }
}
