//! Compiling modules, within bounds, and keeping the latest.

use std::{
    collections::VecDeque,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use aiigo_task::MAX_MODULE_BYTES;
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, oneshot};
use wasmtime::{Engine, Module};

use crate::ExecutorError;

/// Longest wait for the compiler.
const COMPILE_TIME: Duration = Duration::from_secs(60);
/// Compilations at one time: one that takes too long can't be stopped, only left alone, and then holds its place.
const COMPILERS: usize = 2;
/// Compiled modules kept, in memory alone: machine code from a file would run outside of every sandbox.
const KEPT: usize = 8;

/// A module, or why it is none, in the validator's words: the same on every machine.
pub(crate) type Compiled = Result<Module, String>;

/// Compiles modules off the async runtime.
#[derive(Debug)]
pub(crate) struct ModuleCache {
    engine: Engine,
    kept: Mutex<VecDeque<([u8; 32], Module)>>,
    compilers: Arc<Semaphore>,
}

impl ModuleCache {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine, kept: Mutex::default(), compilers: Arc::new(Semaphore::new(COMPILERS)) }
    }

    /// The compiled module of a file.
    pub(crate) async fn load(&self, path: &Path) -> Result<Compiled, ExecutorError> {
        let owned = path.to_owned();
        let (digest, bytes) = tokio::task::spawn_blocking(move || read(owned))
            .await
            .map_err(|error| ExecutorError::Thread(error.to_string()))??;
        if let Some(module) = self.kept(&digest) {
            return Ok(Ok(module));
        }
        let compiled = self.compile(path, bytes).await?;
        if let Ok(module) = &compiled {
            self.keep(digest, module.clone());
        }
        Ok(compiled)
    }

    async fn compile(&self, path: &Path, bytes: Vec<u8>) -> Result<Compiled, ExecutorError> {
        // Waiting for others is not this module's slowness.
        let permit = Arc::clone(&self.compilers)
            .acquire_owned()
            .await
            .map_err(|error| ExecutorError::Thread(error.to_string()))?;
        let engine = self.engine.clone();
        let (done, result) = oneshot::channel();
        thread::Builder::new()
            .name("wasm-compiler".into())
            .spawn(move || {
                let compiled = match Module::validate(&engine, &bytes) {
                    Err(error) => Ok(Err(format!("{error:#}"))),
                    Ok(()) => Module::from_binary(&engine, &bytes).map(Ok),
                };
                drop(permit);
                // Nobody waits any more if it took too long.
                let _ = done.send(compiled);
            })
            .map_err(|error| ExecutorError::Thread(error.to_string()))?;
        let path = || path.to_owned();
        tokio::time::timeout(COMPILE_TIME, result)
            .await
            .map_err(|_| ExecutorError::CompileTooSlow { path: path(), seconds: COMPILE_TIME.as_secs() })?
            .map_err(|_| ExecutorError::Thread("the compiler panicked".into()))?
            .map_err(|error| ExecutorError::CompileFailed { path: path(), reason: format!("{error:#}") })
    }

    fn kept(&self, digest: &[u8; 32]) -> Option<Module> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Used last, it goes last.
        let found = kept.iter().position(|(known, _)| known == digest).and_then(|at| kept.remove(at))?;
        let module = found.1.clone();
        kept.push_back(found);
        Some(module)
    }

    fn keep(&self, digest: [u8; 32], module: Module) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((digest, module));
        while kept.len() > KEPT {
            kept.pop_front();
        }
    }
}

fn read(path: PathBuf) -> Result<([u8; 32], Vec<u8>), ExecutorError> {
    let mut bytes = Vec::new();
    let size = File::open(&path)
        .and_then(|file| file.take(MAX_MODULE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|source| ExecutorError::Module { path: path.clone(), source })? as u64;
    if size > MAX_MODULE_BYTES {
        return Err(ExecutorError::ModuleTooLarge { path, size, limit: MAX_MODULE_BYTES });
    }
    Ok((Sha256::digest(&bytes).into(), bytes))
}
