//! The engine: which WebAssembly is understood, and the tick that lets a running program be stopped.

use std::{thread, time::Duration};

use wasmtime::{Config, Engine, OptLevel};

use crate::ExecutorError;

/// How often a running program is looked at: bounds the overrun of its time limit.
const TICK: Duration = Duration::from_millis(10);
/// An engine whose programs behave the same on every machine, with its ticker running as long as the engine lives.
/// `stack` is for the program's calls, bytes.
pub(crate) fn new_engine(stack: usize) -> Result<Engine, ExecutorError> {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(stack)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .relaxed_simd_deterministic(true)
        .wasm_multi_memory(false)
        .wasm_memory64(false);
    let engine = Engine::new(&config).map_err(|error| ExecutorError::Engine(format!("{error:#}")))?;
    start_ticker(&engine)?;
    Ok(engine)
}

fn start_ticker(engine: &Engine) -> Result<(), ExecutorError> {
    let engine = engine.weak();
    thread::Builder::new()
        .name("wasm-ticker".into())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(TICK);
            }
        })
        .map(|_| ())
        .map_err(|error| ExecutorError::Thread(error.to_string()))
}
