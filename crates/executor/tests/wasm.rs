//! Programs, most of them hostile, in the WASM sandbox.

#![allow(clippy::expect_used)] // a test may

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use aiigo_devnet::eventually;
use aiigo_executor::{Completed, Execution, Executor, ExecutorError, Program, Progress, WasmExecutor};
use aiigo_task::{CAPTURE_BYTES, Limits, Outcome};
use tokio_util::sync::CancellationToken;

/// What every program of these tests imports; the error number of the call under test becomes the exit code.
const PRELUDE: &str = r#"
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_allocate" (func $fd_allocate (param i32 i64 i64) (result i32)))
    (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $set_size (param i32 i64) (result i32)))
    (import "wasi_snapshot_preview1" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
        (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_rename" (func $rename (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_symlink" (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    ;; Opens the path of length $length at $path for reading and writing, creating it if $create; the descriptor is put at 0.
    (func $open (param $path i32) (param $length i32) (param $flags i32) (result i32)
        (call $path_open (i32.const 3) (i32.const 0) (local.get $path) (local.get $length) (local.get $flags)
            (i64.const 0x3fffffff) (i64.const 0x3fffffff) (i32.const 0) (i32.const 0)))
    ;; Writes $length bytes at $start to the descriptor at 0.
    (func $write (param $start i32) (param $length i32) (result i32)
        (i32.store (i32.const 8) (local.get $start))
        (i32.store (i32.const 12) (local.get $length))
        (call $fd_write (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i32.const 16)))
"#;

const NO_ENTRY: i32 = 44;
const PERMISSION: i32 = 63;
const READ_ONLY: i32 = 69;

struct Bench {
    directory: tempfile::TempDir,
    execution: Execution,
}

fn bench(program: &str) -> Bench {
    bench_raw(&format!("(module {PRELUDE} {program})"))
}

fn bench_raw(module: &str) -> Bench {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("program.wasm");
    std::fs::write(&path, wat::parse_str(module).expect("valid text")).expect("written");
    Bench {
        execution: Execution {
            program: Program::Module(path),
            args: Vec::new(),
            env: BTreeMap::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            limits: Limits {
                memory_bytes: 16 << 20,
                fuel: Some(100_000_000),
                cpus: None,
                seconds: 30,
                output_bytes: 1 << 20,
            },
            gpus: false,
            progress: Progress::default(),
        },
        directory,
    }
}

impl Bench {
    fn limit(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.execution.limits);
        self
    }

    fn input(mut self, path: &str, content: &[u8]) -> Self {
        let host = self.directory.path().join(format!("input-{}", self.execution.inputs.len()));
        std::fs::write(&host, content).expect("written");
        self.execution.inputs.push((host, path.into()));
        self
    }

    fn output(mut self, path: &str) -> Self {
        self.execution.outputs.push(path.into());
        self
    }

    fn scratch(&self) -> PathBuf {
        self.directory.path().join("scratch")
    }

    async fn run(&self) -> Completed {
        self.try_run(CancellationToken::new()).await.expect("an outcome")
    }

    async fn run_with_stack(&self, bytes: usize) -> Completed {
        let executor = WasmExecutor::with_stack(bytes).expect("an engine");
        executor.run(self.execution.clone(), &self.scratch(), CancellationToken::new()).await.expect("an outcome")
    }

    async fn try_run(&self, cancel: CancellationToken) -> Result<Completed, ExecutorError> {
        WasmExecutor::new().expect("an engine").run(self.execution.clone(), &self.scratch(), cancel).await
    }

    async fn exit_code(&self) -> i32 {
        let completed = self.run().await;
        assert_eq!(completed.outcome, Outcome::Exited, "{}", String::from_utf8_lossy(&completed.stderr));
        completed.exit_code
    }
}

fn bytes_below(directory: &Path) -> u64 {
    std::fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| {
            let entry = entry.expect("an entry");
            let metadata = entry.metadata().expect("metadata");
            if metadata.is_dir() { bytes_below(&entry.path()) } else { metadata.len() }
        })
        .sum()
}

fn files_below(directory: &Path) -> usize {
    std::fs::read_dir(directory).expect("a directory").count()
}

#[tokio::test]
async fn a_program_that_returns_has_exited_with_zero() {
    assert_eq!(bench(r#"(func (export "_start"))"#).exit_code().await, 0);
}

#[tokio::test]
async fn a_non_zero_exit_is_a_result() {
    assert_eq!(bench(r#"(func (export "_start") (call $exit (i32.const 3)))"#).exit_code().await, 3);
}

#[tokio::test]
async fn an_endless_loop_ends_with_its_fuel() {
    let bench =
        bench(r#"(func (export "_start") (loop $again (br $again)))"#).limit(|limits| limits.fuel = Some(1_000_000));
    let completed = bench.run().await;
    assert_eq!(completed.outcome, Outcome::OutOfFuel);
    assert_eq!(completed.exit_code, 152);
    assert_eq!(completed.usage.fuel, 1_000_000);
    assert!(String::from_utf8_lossy(&completed.stderr).contains("fuel"));
}

#[tokio::test]
async fn an_endless_loop_of_calls_ends_with_its_fuel() {
    let bench = bench(
        r#"(func (export "_start") (loop $again
            (drop (call $random (i32.const 1024) (i32.const 65536))) (br $again)))"#,
    );
    let completed = bench.run().await;
    assert_eq!(completed.outcome, Outcome::OutOfFuel);
}

#[tokio::test]
async fn an_endless_loop_ends_with_its_time() {
    let bench = bench(r#"(func (export "_start") (loop $again (br $again)))"#).limit(|limits| {
        limits.fuel = Some(u64::MAX / 2);
        limits.seconds = 1;
    });
    let started = Instant::now();
    let completed = bench.run().await;
    assert_eq!(completed.outcome, Outcome::OutOfTime);
    assert!(completed.usage.wall_millis >= 1000);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_cancelled_program_stops_and_has_no_outcome() {
    let bench = bench(r#"(func (export "_start") (loop $again (br $again)))"#).limit(|limits| {
        limits.fuel = Some(u64::MAX / 2);
        limits.seconds = 3600;
    });
    let cancel = CancellationToken::new();
    let (result, ()) = tokio::join!(bench.try_run(cancel.clone()), async {
        while !bench.scratch().join("files").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cancel.cancel();
    });
    assert!(matches!(result, Err(ExecutorError::Cancelled)));
}

#[tokio::test]
async fn a_program_that_traps_when_memory_is_refused_is_out_of_memory() {
    let bench = bench(
        r#"(func (export "_start") (loop $again
            (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
            (br $again)))"#,
    );
    let completed = bench.run().await;
    assert_eq!(completed.outcome, Outcome::OutOfMemory);
    assert!(completed.usage.peak_memory_bytes <= 16 << 20);
}

#[tokio::test]
async fn a_program_that_copes_with_refused_memory_goes_on() {
    let bench = bench(
        r#"(func (export "_start")
            (if (i32.ne (memory.grow (i32.const 60000)) (i32.const -1)) (then unreachable))
            (call $exit (i32.const 7)))"#,
    );
    assert_eq!(bench.exit_code().await, 7);
}

#[tokio::test]
async fn a_module_that_starts_with_too_much_memory_is_out_of_memory() {
    let bench = bench_raw(r#"(module (memory (export "memory") 1000) (func (export "_start")))"#);
    assert_eq!(bench.run().await.outcome, Outcome::OutOfMemory);
}

#[tokio::test]
async fn a_table_can_not_eat_the_memory_instead() {
    let bench = bench_raw(
        r#"(module (table $table 1 funcref) (func (export "_start")
            (if (i32.ne (table.grow $table (ref.null func) (i32.const 100000000)) (i32.const -1)) (then unreachable))))"#,
    )
    .limit(|limits| limits.fuel = Some(1_000_000_000));
    assert_eq!(bench.exit_code().await, 0);
}

#[tokio::test]
async fn endless_recursion_traps() {
    let completed = bench(r#"(func $again (export "_start") (call $again))"#).run().await;
    assert_eq!(completed.outcome, Outcome::Trapped);
    assert!(completed.stack_exhausted);
    assert!(String::from_utf8_lossy(&completed.stderr).contains("call stack exhausted"));
}

#[tokio::test]
async fn how_deep_calls_go_depends_on_the_stack_and_is_told() {
    let bench = bench(
        r#"(func $deep (param i32)
            (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1))) (drop (memory.size)))))
        (func (export "_start") (call $deep (i32.const 5000)))"#,
    );
    let ample = bench.run_with_stack(WasmExecutor::STACK_BYTES).await;
    let scant = bench.run_with_stack(32 << 10).await;
    assert_eq!((ample.outcome, ample.stack_exhausted), (Outcome::Exited, false));
    assert_eq!((scant.outcome, scant.stack_exhausted), (Outcome::Trapped, true));
}

#[tokio::test]
async fn what_no_machine_would_run_is_a_result() {
    let tables = "(table 1 funcref)".repeat(9);
    let start = r#"(func (export "_start"))"#;
    for module in [
        format!("(module {tables} {start})"),
        format!("(module (table 2000000 funcref) {start})"),
        format!(r#"(module (import "env" "unknown" (func)) {start})"#),
        r#"(module (func (export "begin")))"#.to_owned(),
        r#"(module (func (export "_start") (param i32)))"#.to_owned(),
        format!(r#"(module (memory 1) (data (i32.const 65536) "x") {start})"#),
        format!("(module (func $first unreachable) (start $first) {start})"),
    ] {
        let completed = bench_raw(&module).run().await;
        assert_eq!((completed.outcome, completed.stack_exhausted), (Outcome::Trapped, false), "{module}");
    }
}

/// The same test in a process that gets no address space for a program's memory.
#[tokio::test]
async fn a_machine_without_memory_gives_no_result() {
    const SCARCE: &str = "AIIGO_TEST_SCARCE";
    if std::env::var_os(SCARCE).is_some() {
        let failed = bench(r#"(func (export "_start"))"#).try_run(CancellationToken::new()).await;
        assert!(matches!(failed, Err(ExecutorError::Setup(_))), "{failed:?}");
        return;
    }
    let this = std::env::current_exe().expect("this test");
    let limited = "ulimit -v 3000000 && exec \"$0\" --exact a_machine_without_memory_gives_no_result --nocapture";
    let ended = std::process::Command::new("sh").args(["-c", limited]).arg(this).env(SCARCE, "1").output();
    let ended = ended.expect("a shell");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("1 passed"), "it ran");
}

#[tokio::test]
async fn a_trap_is_an_outcome_without_outputs() {
    let bench = bench(
        r#"(data (i32.const 100) "out")
        (func (export "_start") (drop (call $open (i32.const 100) (i32.const 3) (i32.const 1))) unreachable)"#,
    )
    .output("out");
    let completed = bench.run().await;
    assert_eq!(completed.outcome, Outcome::Trapped);
    assert!(completed.outputs.is_empty());
}

#[tokio::test]
async fn what_is_no_module_is_a_trap_that_says_why() {
    let bench = bench("(func)");
    std::fs::write(bench.directory.path().join("program.wasm"), b"(module)").expect("written");
    let completed = bench.run().await;
    assert_eq!(completed.outcome, Outcome::Trapped);
    assert!(!completed.stderr.is_empty());

    let completed = bench_raw(r#"(module (import "env" "system" (func)) (func (export "_start")))"#).run().await;
    assert_eq!(completed.outcome, Outcome::Trapped);
    assert!(String::from_utf8_lossy(&completed.stderr).contains("system"));
}

#[tokio::test]
async fn shared_memory_is_refused() {
    let completed = bench_raw(r#"(module (memory (export "memory") 1 1 shared) (func (export "_start")))"#).run().await;
    assert_eq!(completed.outcome, Outcome::Trapped);
}

#[tokio::test]
async fn an_input_becomes_an_output() {
    let bench = bench(
        r#"(data (i32.const 100) "in/data.csv") (data (i32.const 120) "out/copy")
        (func (export "_start")
            (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 11) (i32.const 0)
                (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 0)) (then unreachable))
            (i32.store (i32.const 8) (i32.const 1024))
            (i32.store (i32.const 12) (i32.const 1000))
            (if (call $fd_read (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i32.const 16)) (then unreachable))
            (if (call $open (i32.const 120) (i32.const 8) (i32.const 1)) (then unreachable))
            (if (call $write (i32.const 1024) (i32.load (i32.const 16))) (then unreachable)))"#,
    )
    .input("in/data.csv", b"a,b\n1,2\n")
    .output("out/copy")
    .output("never-written");
    let completed = bench.run().await;
    assert_eq!(completed.outcome, Outcome::Exited, "{}", String::from_utf8_lossy(&completed.stderr));
    let [(path, file)] = completed.outputs.as_slice() else { panic!("{:?}", completed.outputs) };
    assert_eq!(path, "out/copy");
    assert_eq!(std::fs::read(file).expect("collected"), b"a,b\n1,2\n");
}

#[tokio::test]
async fn inputs_can_not_be_changed_removed_or_moved() {
    let data = r#"(data (i32.const 100) "data.csv") (data (i32.const 120) "moved")"#;
    for attempt in [
        "(call $open (i32.const 100) (i32.const 8) (i32.const 0))",
        "(call $open (i32.const 100) (i32.const 8) (i32.const 9))",
        "(call $unlink (i32.const 3) (i32.const 100) (i32.const 8))",
        "(call $rename (i32.const 3) (i32.const 100) (i32.const 8) (i32.const 3) (i32.const 120) (i32.const 5))",
    ] {
        let bench =
            bench(&format!(r#"{data} (func (export "_start") (call $exit {attempt}))"#)).input("data.csv", b"kept");
        assert_eq!(bench.exit_code().await, READ_ONLY, "{attempt}");
        assert_eq!(std::fs::read(&bench.execution.inputs[0].0).expect("there"), b"kept");
    }
}

#[tokio::test]
async fn no_path_leads_out_of_the_sandbox() {
    for (path, answer) in [
        ("../program.wasm", PERMISSION),
        ("..", PERMISSION),
        ("a/../../x", NO_ENTRY),
        ("./../x", PERMISSION),
        ("/etc/passwd", PERMISSION),
        ("etc/passwd", NO_ENTRY),
        ("proc/self/environ", NO_ENTRY),
    ] {
        let bench = bench(&format!(
            r#"(data (i32.const 100) "{path}")
            (func (export "_start") (call $exit (call $open (i32.const 100) (i32.const {}) (i32.const 0))))"#,
            path.len()
        ));
        assert_eq!(bench.exit_code().await, answer, "{path}");
    }
}

#[tokio::test]
async fn links_are_refused() {
    let bench = bench(
        r#"(data (i32.const 100) "/etc/passwd") (data (i32.const 120) "link")
        (func (export "_start")
            (call $exit (call $symlink (i32.const 100) (i32.const 11) (i32.const 3) (i32.const 120) (i32.const 4))))"#,
    );
    assert_eq!(bench.exit_code().await, PERMISSION);
}

#[tokio::test]
async fn output_is_limited_to_the_byte() {
    // Writes 1000 bytes at a time into one file, for ever.
    let program = r#"(data (i32.const 100) "out")
        (func (export "_start")
            (if (call $open (i32.const 100) (i32.const 3) (i32.const 1)) (then unreachable))
            (loop $again (drop (call $write (i32.const 1024) (i32.const 1000))) (br $again)))"#;
    let bench = bench(program).limit(|limits| limits.output_bytes = 10_500).output("out");
    let completed = bench.run().await;
    assert_eq!(completed.outcome, Outcome::OutputTooLarge);
    assert!(completed.outputs.is_empty());
    assert_eq!(bytes_below(&bench.scratch()), 10_000);
}

#[tokio::test]
async fn the_whole_limit_may_be_used() {
    let program = r#"(data (i32.const 100) "out")
        (func (export "_start")
            (if (call $open (i32.const 100) (i32.const 3) (i32.const 1)) (then unreachable))
            (if (call $write (i32.const 1024) (i32.const 1000)) (then unreachable)))"#;
    let bench = bench(program).limit(|limits| limits.output_bytes = 1000).output("out");
    assert_eq!(bench.run().await.outputs.len(), 1);
}

#[tokio::test]
async fn holes_count_like_bytes() {
    for grow in [
        "(call $set_size (i32.load (i32.const 0)) (i64.const 1000000000000))",
        "(call $fd_allocate (i32.load (i32.const 0)) (i64.const 0) (i64.const 1000000000000))",
        "(i32.add
            (call $fd_seek (i32.load (i32.const 0)) (i64.const 1000000000000) (i32.const 0) (i32.const 24))
            (call $write (i32.const 1024) (i32.const 1)))",
    ] {
        let bench = bench(&format!(
            r#"(data (i32.const 100) "out")
            (func (export "_start")
                (if (call $open (i32.const 100) (i32.const 3) (i32.const 1)) (then unreachable))
                (drop {grow}))"#
        ));
        assert_eq!(bench.run().await.outcome, Outcome::OutputTooLarge, "{grow}");
        assert_eq!(bytes_below(&bench.scratch()), 0, "{grow}");
    }
}

/// A loop that renames what `body` works on: the path at 100 is eight hexadecimal digits of a counter.
fn for_ever_with_new_names(body: &str) -> String {
    format!(
        r#"(global $n (mut i32) (i32.const 0))
        (func $name (local $i i32)
            (loop $digit
                (i32.store8 (i32.add (i32.const 100) (local.get $i))
                    (i32.add (i32.const 97)
                        (i32.and (i32.shr_u (global.get $n) (i32.mul (i32.const 4) (local.get $i))) (i32.const 15))))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $digit (i32.lt_u (local.get $i) (i32.const 8))))
            (global.set $n (i32.add (global.get $n) (i32.const 1))))
        (func (export "_start") (loop $again (call $name) {body} (br $again)))"#
    )
}

#[tokio::test]
async fn files_and_directories_are_limited_in_number() {
    for body in [
        "(drop (call $mkdir (i32.const 3) (i32.const 100) (i32.const 8)))",
        "(drop (call $open (i32.const 100) (i32.const 8) (i32.const 1)))
         (drop (call $fd_close (i32.load (i32.const 0))))",
    ] {
        let bench = bench(&for_ever_with_new_names(body));
        assert_eq!(bench.run().await.outcome, Outcome::OutputTooLarge, "{body}");
        assert!(files_below(&bench.scratch().join("files")) <= 4096);
    }
}

#[tokio::test]
async fn descriptors_are_limited_in_number() {
    let body = r#"(if (call $open (i32.const 100) (i32.const 8) (i32.const 1))
        (then (call $exit (i32.const 24))))"#;
    let bench = bench(&for_ever_with_new_names(body));
    assert_eq!(bench.exit_code().await, 24);
    assert!(files_below(&bench.scratch().join("files")) < 128);
}

#[tokio::test]
async fn removed_files_make_room_again() {
    let body = r#"
        (if (call $open (i32.const 100) (i32.const 8) (i32.const 1)) (then unreachable))
        (if (call $write (i32.const 1024) (i32.const 1000)) (then unreachable))
        (if (call $unlink (i32.const 3) (i32.const 100) (i32.const 8)) (then unreachable))
        (if (call $fd_close (i32.load (i32.const 0))) (then unreachable))
        (if (i32.eq (global.get $n) (i32.const 5000)) (then (call $exit (i32.const 0))))"#;
    let bench = bench(&for_ever_with_new_names(body)).limit(|limits| limits.output_bytes = 1000);
    assert_eq!(bench.exit_code().await, 0);
    assert_eq!(files_below(&bench.scratch().join("files")), 0);
}

#[tokio::test]
async fn what_is_printed_is_kept_up_to_a_cap() {
    let bench = bench(
        r#"(func (export "_start") (local $n i32)
            (i32.store (i32.const 0) (i32.const 1))
            (loop $again
                (drop (call $write (i32.const 1024) (i32.const 65536)))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get $n) (i32.const 40)))))"#,
    );
    let completed = bench.run().await;
    assert_eq!(completed.outcome, Outcome::Exited);
    assert_eq!(completed.stdout.len() as u64, CAPTURE_BYTES);
    assert!(completed.stderr.is_empty());
}

#[tokio::test]
async fn clocks_and_randomness_are_the_same_in_every_run() {
    // Prints 32 random bytes and two readings of each clock.
    let program = r#"(func (export "_start")
        (i32.store (i32.const 0) (i32.const 1))
        (drop (call $random (i32.const 1024) (i32.const 32)))
        (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 1056)))
        (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 1064)))
        (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 1072)))
        (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 1080)))
        (drop (call $write (i32.const 1024) (i32.const 64))))"#;
    let bench = bench(program);
    let (first, second) = (bench.run().await, bench.run().await);
    assert_eq!(first.stdout.len(), 64);
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(first.usage.fuel, second.usage.fuel);
    let reading = |at: usize| u64::from_le_bytes(first.stdout[at..at + 8].try_into().expect("eight bytes"));
    assert!(reading(48) > reading(32) && reading(56) > reading(40), "time goes on");
}

#[tokio::test]
async fn a_sleep_passes_at_once() {
    // One clock subscription of an hour.
    let bench = bench(
        r#"(func (export "_start")
            (i32.store (i32.const 1040) (i32.const 1))
            (i64.store (i32.const 1048) (i64.const 3600000000000))
            (if (call $poll (i32.const 1024) (i32.const 2048) (i32.const 1) (i32.const 4096)) (then unreachable))
            (if (i32.ne (i32.load (i32.const 4096)) (i32.const 1)) (then unreachable))
            (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 0)))
            (if (i64.lt_u (i64.load (i32.const 0)) (i64.const 3600000000000)) (then unreachable)))"#,
    );
    let started = Instant::now();
    assert_eq!(bench.exit_code().await, 0);
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn pointers_beyond_the_memory_are_the_programs_error() {
    let bench = bench(r#"(func (export "_start") (call $exit (call $random (i32.const 131000) (i32.const 1000))))"#);
    assert_eq!(bench.exit_code().await, 21);
    let bench = bench_raw(
        r#"(module (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
            (func (export "_start") (drop (call $random (i32.const 0) (i32.const 1)))))"#,
    );
    assert_eq!(bench.run().await.outcome, Outcome::Trapped);
}

#[tokio::test]
async fn a_second_run_in_the_same_scratch_directory_starts_afresh() {
    let bench = bench(
        r#"(data (i32.const 100) "out")
        (func (export "_start")
            (if (call $open (i32.const 100) (i32.const 3) (i32.const 5)) (then unreachable))
            (if (call $write (i32.const 1024) (i32.const 10)) (then unreachable)))"#,
    )
    .output("out");
    for _ in 0..2 {
        assert_eq!(bench.run().await.outputs.len(), 1);
        assert_eq!(bytes_below(&bench.scratch()), 10);
    }
}

#[tokio::test]
async fn a_known_module_starts_quickly() {
    let bench = bench(r#"(func (export "_start"))"#);
    let executor = WasmExecutor::new().expect("an engine");
    let scratch = bench.scratch();
    executor.run(bench.execution.clone(), &scratch, CancellationToken::new()).await.expect("compiled");
    let started = Instant::now();
    const RUNS: u32 = 20;
    for _ in 0..RUNS {
        executor.run(bench.execution.clone(), &scratch, CancellationToken::new()).await.expect("an outcome");
    }
    let each = started.elapsed() / RUNS;
    eprintln!("start overhead: {each:?}");
    assert!(each < Duration::from_millis(200), "{each:?} (the goal on an idle machine is 20 ms)");
}

#[tokio::test]
async fn how_far_a_program_is_is_seen_while_it_runs() {
    let bench = bench(
        r#"(data (i32.const 4000) "begun\n")
        (func (export "_start")
            (i32.store (i32.const 8) (i32.const 4000)) (i32.store (i32.const 12) (i32.const 6))
            (drop (call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))
            (loop $for_ever (call $work) (br $for_ever)))
        (func $work)"#,
    )
    .limit(|limits| limits.fuel = Some(1 << 50));
    let progress = bench.execution.progress.clone();
    let cancel = CancellationToken::new();
    let (ended, ()) = tokio::join!(bench.try_run(cancel.clone()), async {
        let mut fuel = 0;
        for grown in [1, 2] {
            eventually("more fuel", std::time::Duration::from_secs(60), async || {
                (progress.fuel() > fuel && progress.stdout().bytes() == b"begun\n").then_some(())
            })
            .await;
            assert!(progress.fuel() > fuel, "{grown}");
            fuel = progress.fuel();
        }
        assert_eq!(progress.peak_memory_bytes(), 2 << 16);
        cancel.cancel();
    });
    assert!(matches!(ended, Err(ExecutorError::Cancelled)));
}
