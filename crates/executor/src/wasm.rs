//! The WASM sandbox.

use std::{io, path::Path, thread};

use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use wasmtime::Engine;

use crate::{Completed, Execution, Executor, ExecutorError, Program, engine::new_engine, module::ModuleCache, program};

/// Native stack of the thread that runs a program, beside the program's own: room for the host's calls.
const HOST_STACK_BYTES: usize = 2 << 20;

/// Runs WASI programs with wasmtime, each on a thread of its own. Share one: compiled modules are kept.
#[derive(Debug)]
pub struct WasmExecutor {
    engine: Engine,
    modules: ModuleCache,
    stack: usize,
}

impl WasmExecutor {
    /// Stack of a program's calls, bytes.
    pub const STACK_BYTES: usize = 1 << 20;

    /// Starts the engine.
    ///
    /// # Errors
    /// If wasmtime does not support this machine, or no thread can be had.
    pub fn new() -> Result<Self, ExecutorError> {
        Self::with_stack(Self::STACK_BYTES)
    }

    /// Starts an engine with another stack, to see whether a program's end depends on it.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_stack(bytes: usize) -> Result<Self, ExecutorError> {
        let engine = new_engine(bytes)?;
        Ok(Self { modules: ModuleCache::new(engine.clone()), engine, stack: bytes })
    }
}

#[async_trait]
impl Executor for WasmExecutor {
    async fn prepare(&self, execution: &Execution) -> Result<(), ExecutorError> {
        // One that is none is a result, too.
        self.modules.load(module_of(execution)?).await.map(|_| ())
    }

    async fn run(
        &self,
        execution: Execution,
        scratch: &Path,
        cancel: CancellationToken,
    ) -> Result<Completed, ExecutorError> {
        let compiled = tokio::select! {
            compiled = self.modules.load(module_of(&execution)?) => compiled?,
            () = cancel.cancelled() => return Err(ExecutorError::Cancelled),
        };
        let files = scratch.join("files");
        fresh_directory(&files).await.map_err(|source| ExecutorError::Scratch { path: files.clone(), source })?;
        let engine = self.engine.clone();
        // If the caller stops waiting, the program must stop too.
        let cancel = cancel.child_token();
        let _stop_with_caller = cancel.clone().drop_guard();
        let (done, result) = oneshot::channel();
        thread::Builder::new()
            .name("wasm-task".into())
            .stack_size(self.stack + HOST_STACK_BYTES)
            .spawn(move || {
                // The caller may have left; then nobody wants the result.
                let _ = done.send(program::run(&engine, compiled, &execution, &files, cancel));
            })
            .map_err(|error| ExecutorError::Thread(error.to_string()))?;
        result.await.map_err(|_| ExecutorError::Thread("the sandbox panicked".into()))?
    }
}

fn module_of(execution: &Execution) -> Result<&Path, ExecutorError> {
    match &execution.program {
        Program::Module(path) => Ok(path),
        Program::Image(_) => Err(ExecutorError::Unsupported("container images")),
    }
}

/// An empty directory of the run's own, whatever an earlier run left.
pub(crate) async fn fresh_directory(path: &Path) -> io::Result<()> {
    match tokio::fs::remove_dir_all(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    tokio::fs::create_dir_all(path).await?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        tokio::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).await?;
    }
    Ok(())
}
