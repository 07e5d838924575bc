//! WASI preview 1 over a private file system, virtual clocks and a fixed random stream.
//!
//! The specification is `wasi_snapshot_preview1.witx`; numbers, layouts and the names of the functions are its own.

#![allow(clippy::too_many_arguments)] // as many as the specification's

mod clock;
mod descriptor;
mod directories;
mod files;
mod memory;
mod process;
mod random;

use wasmtime::{Caller, Extern, Linker};

use crate::{
    capture::Capture,
    fault::{Fault, Stop},
    limiter::MemoryLimiter,
    progress::{Progress, Stream},
    vfs::Vfs,
};
use clock::Clock;
use descriptor::Table;
use memory::Memory;
use random::Random;

/// The module name that programs import from.
const WASI: &str = "wasi_snapshot_preview1";
/// Fuel that a call costs, plus one unit for each byte it moves: as much as the program would pay to do it itself.
const FUEL_PER_CALL: u64 = 200;

/// Everything that a program can reach.
#[derive(Debug)]
pub(crate) struct Host {
    /// Zero-terminated.
    args: Vec<Vec<u8>>,
    /// `NAME=value`, zero-terminated.
    env: Vec<Vec<u8>>,
    pub(crate) files: Vfs,
    descriptors: Table,
    pub(crate) stdout: Capture,
    pub(crate) stderr: Capture,
    clock: Clock,
    random: Random,
    pub(crate) memory: MemoryLimiter,
    moved: u64,
    progress: Progress,
}

impl Host {
    pub(crate) fn new<'a>(
        args: impl IntoIterator<Item = &'a str>,
        env: impl IntoIterator<Item = (&'a str, &'a str)>,
        files: Vfs,
        memory: MemoryLimiter,
        progress: &Progress,
    ) -> Self {
        Self {
            args: args.into_iter().map(|arg| zero_terminated(arg.to_owned())).collect(),
            env: env.into_iter().map(|(name, value)| zero_terminated(format!("{name}={value}"))).collect(),
            files,
            descriptors: Table::new(),
            stdout: Capture::new(Stream::Stdout, progress),
            stderr: Capture::new(Stream::Stderr, progress),
            clock: Clock::default(),
            random: Random::default(),
            memory,
            moved: 0,
            progress: progress.clone(),
        }
    }

    /// Where the run is watched.
    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Notes bytes that a call moved, to be paid with fuel.
    fn count(&mut self, bytes: usize) {
        self.moved = self.moved.saturating_add(bytes as u64);
    }
}

fn zero_terminated(text: String) -> Vec<u8> {
    let mut bytes = text.into_bytes();
    bytes.push(0);
    bytes
}

/// Runs one call: pays for it, hands it memory and host, and turns its end into an error number or the end of the run.
fn call(
    caller: &mut Caller<'_, Host>,
    body: impl FnOnce(&mut Host, &mut Memory<'_>) -> Result<(), Fault>,
) -> wasmtime::Result<i32> {
    burn(caller, FUEL_PER_CALL)?;
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        return Err(wasmtime::Error::new(Stop::NoMemory));
    };
    let (bytes, host) = memory.data_and_store_mut(&mut *caller);
    host.moved = 0;
    let result = body(host, &mut Memory(bytes));
    let moved = caller.data().moved;
    burn(caller, moved)?;
    match result {
        Ok(()) => Ok(0),
        Err(Fault::Errno(errno)) => Ok(i32::from(errno as u16)),
        Err(Fault::Stop(stop)) => Err(wasmtime::Error::new(stop)),
    }
}

fn burn(caller: &mut Caller<'_, Host>, units: u64) -> wasmtime::Result<()> {
    let left = caller.get_fuel()?;
    caller.set_fuel(left.saturating_sub(units))?;
    if left < units {
        return Err(wasmtime::Error::new(Stop::OutOfFuel));
    }
    Ok(())
}

/// Offers every function of the specification.
pub(crate) fn add_to_linker(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    macro_rules! functions {
        ($($module:ident :: $name:ident ( $($arg:ident : $ty:ty),* );)*) => {$(
            linker.func_wrap(WASI, stringify!($name), |mut caller: Caller<'_, Host>, $($arg: $ty),*| {
                call(&mut caller, |host, memory| $module::$name(host, memory, $($arg),*))
            })?;
        )*};
    }
    functions! {
        process::args_get(argv: u32, text: u32);
        process::args_sizes_get(count: u32, size: u32);
        process::environ_get(environ: u32, text: u32);
        process::environ_sizes_get(count: u32, size: u32);
        process::clock_res_get(id: u32, out: u32);
        process::clock_time_get(id: u32, precision: u64, out: u32);
        process::poll_oneoff(subscriptions: u32, events: u32, count: u32, out: u32);
        process::proc_raise(signal: u32);
        process::random_get(out: u32, length: u32);
        process::sched_yield();
        files::fd_advise(fd: u32, start: u64, length: u64, advice: u32);
        files::fd_allocate(fd: u32, start: u64, length: u64);
        files::fd_close(fd: u32);
        files::fd_datasync(fd: u32);
        files::fd_fdstat_get(fd: u32, out: u32);
        files::fd_fdstat_set_flags(fd: u32, flags: u32);
        files::fd_fdstat_set_rights(fd: u32, base: u64, inheriting: u64);
        files::fd_filestat_get(fd: u32, out: u32);
        files::fd_filestat_set_size(fd: u32, size: u64);
        files::fd_filestat_set_times(fd: u32, accessed: u64, modified: u64, flags: u32);
        files::fd_pread(fd: u32, vector: u32, count: u32, at: u64, out: u32);
        files::fd_pwrite(fd: u32, vector: u32, count: u32, at: u64, out: u32);
        files::fd_read(fd: u32, vector: u32, count: u32, out: u32);
        files::fd_renumber(from: u32, to: u32);
        files::fd_seek(fd: u32, delta: i64, whence: u32, out: u32);
        files::fd_sync(fd: u32);
        files::fd_tell(fd: u32, out: u32);
        files::fd_write(fd: u32, vector: u32, count: u32, out: u32);
        directories::fd_prestat_get(fd: u32, out: u32);
        directories::fd_prestat_dir_name(fd: u32, out: u32, length: u32);
        directories::fd_readdir(fd: u32, out: u32, length: u32, cookie: u64, used: u32);
        directories::path_create_directory(fd: u32, path: u32, length: u32);
        directories::path_filestat_get(fd: u32, flags: u32, path: u32, length: u32, out: u32);
        directories::path_filestat_set_times(
            fd: u32, flags: u32, path: u32, length: u32, accessed: u64, modified: u64, which: u32
        );
        directories::path_link(
            old_fd: u32, flags: u32, old: u32, old_length: u32, new_fd: u32, new: u32, new_length: u32
        );
        directories::path_open(
            fd: u32, lookup: u32, path: u32, length: u32, flags: u32, base: u64, inheriting: u64, fdflags: u32, out: u32
        );
        directories::path_readlink(fd: u32, path: u32, length: u32, out: u32, room: u32, used: u32);
        directories::path_remove_directory(fd: u32, path: u32, length: u32);
        directories::path_rename(fd: u32, old: u32, old_length: u32, new_fd: u32, new: u32, new_length: u32);
        directories::path_symlink(old: u32, old_length: u32, fd: u32, new: u32, new_length: u32);
        directories::path_unlink_file(fd: u32, path: u32, length: u32);
        process::sock_accept(fd: u32, flags: u32, out: u32);
        process::sock_recv(fd: u32, vector: u32, count: u32, flags: u32, out: u32, out_flags: u32);
        process::sock_send(fd: u32, vector: u32, count: u32, flags: u32, out: u32);
        process::sock_shutdown(fd: u32, how: u32);
    }
    linker.func_wrap(WASI, "proc_exit", |code: i32| -> wasmtime::Result<()> {
        Err(wasmtime::Error::new(Stop::Exit(code)))
    })?;
    Ok(())
}
