//! Sandboxes that run a task inside its limits: a program gets its arguments, its inputs and a private file system, and
//! nothing of the machine around it.
//!
//! # What a WASM program sees
//! WASI preview 1. The root directory `/`, which is also the working directory, holds the task's inputs, read-only, at
//! the paths the spec gives them, and the directories its outputs go to. The program may create files and directories
//! anywhere else in it: `std::fs::read("data.csv")` and `std::fs::write("report.json", …)` work as at home. The files live
//! in memory tables and numbered scratch files; no path of the program ever becomes a path of the machine, so there is
//! nothing to escape to. There are no links, no sockets, no threads, and an empty standard input.
//!
//! # Equal work, equal results
//! Clocks are virtual (they tick at each reading, and a sleep passes at once), randomness is a fixed stream, NaNs are
//! canonical, directory listings and file times do not depend on the host, and no instruction that may differ between
//! processors is enabled. Only the time limit depends on the machine.
//!
//! # How it ends
//! A program that returns or calls `exit` has exited, whatever its code: that is a result. Its declared outputs are
//! collected if it exited; one that it did not write is simply absent. A program stopped by a limit or a trap delivers
//! no outputs, only what it printed.

mod capture;
mod docker;
mod engine;
mod execution;
mod fault;
mod limiter;
mod module;
mod program;
mod progress;
mod sandboxes;
mod vfs;
mod wasi;
mod wasm;

pub use docker::{
    DockerConfig, DockerExecutor, DockerHost, EngineReport, ImageAllowlist, ImagePattern, ImageShelf, PatternError,
};
pub use execution::{Completed, Execution, Executor, ExecutorError, Program};
pub use progress::{Progress, TAIL_BYTES, Tail};
pub use sandboxes::Sandboxes;
pub use wasm::WasmExecutor;
