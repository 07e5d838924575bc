//! One run of a program, on the thread that calls.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use aiigo_task::{MAX_FUEL, Outcome, Usage};
use tokio_util::sync::CancellationToken;
use wasmtime::{Engine, Linker, Module, Store, Trap, UpdateDeadline};

use crate::{
    Completed, Execution, ExecutorError,
    fault::Stop,
    limiter::{MAX_TABLES, MemoryLimiter},
    module::Compiled,
    vfs::Vfs,
    wasi,
    wasi::Host,
};

/// What the program finds as its own name.
const PROGRAM_NAME: &str = "program";

/// Runs to the end; `scratch` exists and is empty.
pub(crate) fn run(
    engine: &Engine,
    compiled: Compiled,
    execution: &Execution,
    scratch: &Path,
    cancel: CancellationToken,
) -> Result<Completed, ExecutorError> {
    let started = Instant::now();
    let host = host(execution, scratch)?;
    let module = match compiled {
        Ok(module) => module,
        Err(reason) => return Ok(refused(host, &reason, started)),
    };
    let mut store = Store::new(engine, host);
    store.limiter(|host| &mut host.memory);
    let fuel = execution.limits.fuel.unwrap_or(MAX_FUEL);
    store.set_fuel(fuel).map_err(engine_error)?;
    watch(&mut store, started + Duration::from_secs(execution.limits.seconds), cancel, fuel);

    let end = enter(&mut store, engine, &module);
    let fuel_left = store.get_fuel().map_err(engine_error)?;
    let mut host = store.into_data();
    let stack_exhausted = end.as_ref().is_err_and(|error| error.downcast_ref() == Some(&Trap::StackOverflow));
    let (outcome, exit_code) = match classify(end, &host)? {
        End::Exited(code) => (Outcome::Exited, code),
        End::Stopped(outcome, reason) => {
            host.stderr.conclude(&reason);
            (outcome, 0)
        }
        End::Cancelled => return Err(ExecutorError::Cancelled),
        End::HostFailed(source) => return Err(ExecutorError::Scratch { path: scratch.to_owned(), source }),
    };
    let outputs = match outcome {
        Outcome::Exited => execution
            .outputs
            .iter()
            .filter_map(|path| host.files.output(path).map(|file| (path.clone(), file)))
            .collect(),
        _ => Vec::new(),
    };
    Ok(Completed {
        outcome,
        exit_code: outcome.exit_code(exit_code),
        outputs,
        usage: Usage {
            // Fuel ends in steps; a program is never shown to have used more than it was given.
            fuel: fuel.saturating_sub(fuel_left),
            peak_memory_bytes: host.memory.peak(),
            wall_millis: millis_since(started),
        },
        stdout: host.stdout.into_bytes(),
        stderr: host.stderr.into_bytes(),
        stack_exhausted,
    })
}

fn host(execution: &Execution, scratch: &Path) -> Result<Host, ExecutorError> {
    let mut files = Vfs::new(scratch.to_owned(), execution.limits.output_bytes);
    for (file, path) in &execution.inputs {
        files
            .add_input(path, file)
            .map_err(|error| ExecutorError::File { path: path.clone(), reason: error.to_string() })?;
    }
    for path in &execution.outputs {
        files
            .add_parent_of(path)
            .map_err(|error| ExecutorError::File { path: path.clone(), reason: error.to_string() })?;
    }
    let args = std::iter::once(PROGRAM_NAME).chain(execution.args.iter().map(String::as_str));
    let env = execution.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let memory = MemoryLimiter::new(execution.limits.memory_bytes);
    Ok(Host::new(args, env, files, memory, &execution.progress))
}

/// Ends the program when its time is up or nobody wants it any more; at each look it is told how far it is.
fn watch(store: &mut Store<Host>, deadline: Instant, cancel: CancellationToken, fuel: u64) {
    let progress = store.data().progress().clone();
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |context| {
        if let Ok(left) = context.get_fuel() {
            progress.set_fuel(fuel.saturating_sub(left));
        }
        progress.set_memory(context.data().memory.peak());
        progress.set_output(context.data().files.used_bytes());
        if cancel.is_cancelled() {
            return Err(wasmtime::Error::new(Stop::Cancelled));
        }
        if Instant::now() >= deadline {
            return Err(wasmtime::Error::new(Stop::OutOfTime));
        }
        Ok(UpdateDeadline::Continue(1))
    });
}

fn enter(store: &mut Store<Host>, engine: &Engine, module: &Module) -> wasmtime::Result<()> {
    let no_program = |error: wasmtime::Error| wasmtime::Error::new(Stop::NoProgram(format!("{error:#}")));
    let mut linker = Linker::new(engine);
    wasi::add_to_linker(&mut linker)?;
    if module.resources_required().num_tables as usize > MAX_TABLES {
        return Err(Stop::NoProgram(format!("it has more than {MAX_TABLES} tables")).into());
    }
    let linked = linker.instantiate_pre(module).map_err(no_program)?;
    let instance = linked.instantiate(&mut *store)?;
    let start = instance.get_typed_func::<(), ()>(&mut *store, "_start").map_err(no_program)?;
    start.call(store, ())
}

enum End {
    Exited(i32),
    Stopped(Outcome, String),
    Cancelled,
    HostFailed(std::io::Error),
}

fn classify(end: wasmtime::Result<()>, host: &Host) -> Result<End, ExecutorError> {
    let Err(error) = end else { return Ok(End::Exited(0)) };
    let reason = error.root_cause().to_string();
    let trap = error.downcast_ref::<Trap>().copied();
    let stopped = |outcome| Ok(End::Stopped(outcome, reason.clone()));
    match error.downcast::<Stop>() {
        Ok(Stop::Exit(code)) => Ok(End::Exited(code)),
        Ok(Stop::OutOfFuel) => stopped(Outcome::OutOfFuel),
        Ok(Stop::OutOfTime) => stopped(Outcome::OutOfTime),
        Ok(Stop::OutputTooLarge) => stopped(Outcome::OutputTooLarge),
        Ok(Stop::NoMemory | Stop::NoProgram(_)) => stopped(Outcome::Trapped),
        Ok(Stop::Cancelled) => Ok(End::Cancelled),
        Ok(Stop::Host(error)) => Ok(End::HostFailed(error)),
        Err(_) if trap == Some(Trap::OutOfFuel) => stopped(Outcome::OutOfFuel),
        // Most programs trap when memory is refused them; the cause is the limit, not the trap.
        Err(_) if host.memory.refused() => stopped(Outcome::OutOfMemory),
        Err(_) if trap.is_some() || host.memory.table_refused() => stopped(Outcome::Trapped),
        // Neither the program nor its limits: the machine.
        Err(error) => Err(ExecutorError::Setup(format!("{error:#}"))),
    }
}

/// A module that does not compile has run for no time and ended in a trap: the buyer's mistake, and a result.
fn refused(mut host: Host, reason: &str, started: Instant) -> Completed {
    host.stderr.conclude(reason);
    Completed {
        outcome: Outcome::Trapped,
        exit_code: Outcome::Trapped.exit_code(0),
        outputs: Vec::new(),
        stdout: Vec::new(),
        stderr: host.stderr.into_bytes(),
        stack_exhausted: false,
        usage: Usage { fuel: 0, peak_memory_bytes: 0, wall_millis: millis_since(started) },
    }
}

fn millis_since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn engine_error(error: wasmtime::Error) -> ExecutorError {
    ExecutorError::Engine(format!("{error:#}"))
}
