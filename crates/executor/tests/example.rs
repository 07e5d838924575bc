//! The example job of the repository, as a provider runs it.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{path::Path, time::Duration};

use aiigo_executor::{Completed, Execution, Executor, Program, Progress, WasmExecutor};
use aiigo_task::{Job, JobProgram, Outcome};
use tokio_util::sync::CancellationToken;

/// Longest run of the example on a busy machine.
const LIMIT: Duration = Duration::from_secs(2);

async fn run(job: &Job, folder: &Path) -> (Completed, Vec<Vec<u8>>) {
    let JobProgram::Module(module) = &job.program else { panic!("the example is a module") };
    let module = folder.join(module);
    assert!(module.exists(), "{} is not built: run `cargo xtask setup`", module.display());
    let execution = Execution {
        program: Program::Module(module),
        args: job.args.clone(),
        env: job.env.clone(),
        inputs: job.inputs.iter().map(|input| (folder.join(&input.file), input.path.to_string())).collect(),
        outputs: job.outputs.iter().map(ToString::to_string).collect(),
        limits: job.resources.limits,
        gpus: false,
        progress: Progress::default(),
    };
    let scratch = tempfile::tempdir().expect("a folder");
    let executor = WasmExecutor::new().expect("an engine");
    let completed = executor.run(execution, scratch.path(), CancellationToken::new()).await.expect("an outcome");
    let outputs = completed.outputs.iter().map(|(_, file)| std::fs::read(file).expect("collected")).collect();
    (completed, outputs)
}

#[tokio::test]
async fn the_example_describes_its_table_and_gives_the_same_bytes_again() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/text-stats");
    let text = std::fs::read_to_string(folder.join("job.yaml")).expect("the job");
    let job = Job::parse(&text, "job.yaml").expect("a valid job");
    let (completed, outputs) = run(&job, &folder).await;
    let printed = String::from_utf8_lossy(&completed.stdout);
    assert_eq!((completed.outcome, completed.exit_code), (Outcome::Exited, 0), "{printed}");
    assert_eq!(printed, "data.csv: a table of 4000 rows and 11 columns\n");
    assert_eq!(outputs.len(), 2);
    assert!(String::from_utf8_lossy(&outputs[1]).contains("| duration_min | 4000 |"));
    assert!(Duration::from_millis(completed.usage.wall_millis) < LIMIT, "{:?}", completed.usage);

    let (again, same) = run(&job, &folder).await;
    assert_eq!(same, outputs);
    assert_eq!(again.usage.fuel, completed.usage.fuel);
}
