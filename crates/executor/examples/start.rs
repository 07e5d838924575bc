//! How long a WASM program takes that does nothing: from the call until its outcome. Prints one JSON document with medians
//! in milliseconds: `cold_ms` with compiling, `warm_ms` of a module that was compiled before.

use std::{collections::BTreeMap, error::Error, fs, time::Instant};

use aiigo_executor::{Execution, Executor, Program, Progress, WasmExecutor};
use aiigo_task::Limits;
use tokio_util::sync::CancellationToken;

const RUNS: usize = 50;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let module = dir.path().join("program.wasm");
    fs::write(&module, wat::parse_str(r#"(module (memory (export "memory") 2) (func (export "_start")))"#)?)?;
    let execution = Execution {
        program: Program::Module(module),
        args: Vec::new(),
        env: BTreeMap::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        gpus: false,
        progress: Progress::default(),
        limits: Limits {
            memory_bytes: 16 << 20,
            fuel: Some(1_000_000),
            cpus: None,
            seconds: 30,
            output_bytes: 1 << 20,
        },
    };
    let (mut cold, mut warm) = (Vec::with_capacity(RUNS), Vec::with_capacity(RUNS));
    for _ in 0..RUNS {
        let executor = WasmExecutor::new()?;
        for times in [&mut cold, &mut warm] {
            let started = Instant::now();
            executor.run(execution.clone(), &dir.path().join("scratch"), CancellationToken::new()).await?;
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    #[allow(clippy::print_stdout)] // the result
    {
        println!(r#"{{"cold_ms":{:.3},"warm_ms":{:.3}}}"#, median(cold), median(warm));
    }
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
