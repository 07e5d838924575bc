//! One run of an image, from its container's creation to its outputs.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use aiigo_task::{Outcome, Usage};
use bollard::{
    container::{AttachContainerResults, LogOutput},
    errors::Error,
    models::{ContainerCreateBody, ContainerState},
    query_parameters::{
        AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, InspectContainerOptions,
        KillContainerOptionsBuilder, StartContainerOptions, WaitContainerOptionsBuilder,
    },
};
use futures::StreamExt;
use tokio::{task::JoinHandle, time::sleep};

use super::{
    container,
    engine::{Doing, Engine, reason_of},
    image::Image,
    meter,
    names::Names,
    outputs::{self, Collected},
    place::{self, Place},
};
use crate::{Completed, Execution, ExecutorError, Progress, capture::Capture, progress::Stream};

/// How long the engine may take to end a container that was killed.
const END_TIME: Duration = Duration::from_secs(60);
/// How long the last words of an ended program may take.
const LAST_WORDS_TIME: Duration = Duration::from_secs(5);
/// What the engine gives a container whose command could not be started: not executable, or not there.
const NOT_STARTED: [i64; 2] = [126, 127];
/// 128 + SIGKILL.
const KILLED: i64 = 137;
/// How long word of a lack of memory may come after the end that it caused.
const OOM_TIME: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(10);

/// Runs to the end. The caller removes what `names` name, however this ends; `files` exists and is empty.
pub(super) async fn run(
    engine: &Engine,
    image: &Image,
    names: &Names,
    execution: &Execution,
    files: &Path,
) -> Result<Completed, ExecutorError> {
    let (place, streams) =
        tokio::try_join!(set_up_place(engine, image, names, execution), set_up_task(engine, image, names, execution))?;
    let mut place = place;
    place.ready(engine, names).await?;
    let printed = Printed::follow(streams, &execution.progress);
    let started = Instant::now();
    let mut end = match start(engine, names).await? {
        Some(reason) => End { outcome: Outcome::Trapped, exit_code: 0, remarks: vec![reason], files: Vec::new() },
        None => tokio::select! {
            ended = watch(engine, names, execution, started) => ended?,
            error = place.broken() => return Err(error),
            never = meter::measure(engine, names, &execution.progress) => match never {},
        },
    };
    let wall = started.elapsed();
    if end.outcome == Outcome::Exited {
        match outputs::collect(engine, names, execution, files).await? {
            Collected::Files { files, remarks } => (end.files, end.remarks) = (files, remarks),
            Collected::TooLarge => end = End::stopped(Outcome::OutputTooLarge, "the files exceed the output limit"),
        }
    }
    let (stdout, mut stderr) = printed.finish(&execution.progress).await;
    for remark in &end.remarks {
        stderr.conclude(remark);
    }
    Ok(Completed {
        stack_exhausted: false,
        outcome: end.outcome,
        exit_code: end.outcome.exit_code(end.exit_code),
        outputs: end.files,
        stdout: stdout.into_bytes(),
        stderr: stderr.into_bytes(),
        usage: Usage {
            fuel: 0,
            peak_memory_bytes: execution.progress.peak_memory_bytes(),
            wall_millis: wall.as_millis().try_into().unwrap_or(u64::MAX),
        },
    })
}

/// How a program ended.
struct End {
    outcome: Outcome,
    exit_code: i32,
    remarks: Vec<String>,
    files: Vec<(String, std::path::PathBuf)>,
}

impl End {
    fn stopped(outcome: Outcome, reason: &str) -> Self {
        Self { outcome, exit_code: 0, remarks: vec![reason.to_owned()], files: Vec::new() }
    }
}

async fn set_up_place(
    engine: &Engine,
    image: &Image,
    names: &Names,
    execution: &Execution,
) -> Result<Place, ExecutorError> {
    create(engine, &names.keeper, container::keeper(image, names, execution)).await?;
    place::upload_inputs(engine, names, execution).await?;
    Ok(Place::hold(engine, names, execution))
}

async fn set_up_task(
    engine: &Engine,
    image: &Image,
    names: &Names,
    execution: &Execution,
) -> Result<AttachContainerResults, ExecutorError> {
    create(engine, &names.task, container::task(engine, image, names, execution)).await?;
    let options = AttachContainerOptionsBuilder::new().stream(true).stdout(true).stderr(true).build();
    engine.patient.attach_container(&names.task, Some(options)).await.doing(|| "listening to the program")
}

async fn create(engine: &Engine, name: &str, body: ContainerCreateBody) -> Result<(), ExecutorError> {
    let options = CreateContainerOptionsBuilder::new().name(name).build();
    let created = engine.docker.create_container(Some(options), body).await.doing(|| "creating the container")?;
    for warning in created.warnings {
        tracing::debug!(container = name, warning, "the engine warns");
    }
    Ok(())
}

/// Starts the program; why not, if that is the image's or the task's own fault.
async fn start(engine: &Engine, names: &Names) -> Result<Option<String>, ExecutorError> {
    let Err(error) = engine.docker.start_container(&names.task, None::<StartContainerOptions>).await else {
        return Ok(None);
    };
    let state = state(engine, names).await?;
    match state.exit_code.is_some_and(|code| NOT_STARTED.contains(&code)) {
        true => Ok(Some(reason_of(&error))),
        false => Err(error).doing(|| "starting the container"),
    }
}

async fn watch(engine: &Engine, names: &Names, execution: &Execution, started: Instant) -> Result<End, ExecutorError> {
    let left = Duration::from_secs(execution.limits.seconds).saturating_sub(started.elapsed());
    let out_of_time = tokio::select! {
        ended = wait(engine, names) => { ended?; false }
        () = sleep(left) => true,
    };
    if out_of_time {
        let kill = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
        // It may have ended by itself just now.
        let killed = engine.docker.kill_container(&names.task, Some(kill)).await;
        match tokio::time::timeout(END_TIME, wait(engine, names)).await {
            Ok(ended) => ended?,
            Err(_) => killed.doing(|| "killing the program")?,
        }
        return Ok(End::stopped(Outcome::OutOfTime, "the time limit is reached"));
    }
    let code = exit_code(engine, names).await?;
    Ok(match code {
        None => End::stopped(Outcome::OutOfMemory, "the memory limit is reached"),
        Some(exit_code) => End { outcome: Outcome::Exited, exit_code, remarks: Vec::new(), files: Vec::new() },
    })
}

async fn wait(engine: &Engine, names: &Names) -> Result<(), ExecutorError> {
    let options = WaitContainerOptionsBuilder::new().condition("not-running").build();
    let mut waiting = Box::pin(engine.patient.wait_container(&names.task, Some(options)));
    match waiting.next().await {
        // An exit code other than 0 is an error to the client.
        Some(Ok(_) | Err(Error::DockerContainerWaitError { .. })) => Ok(()),
        Some(Err(error)) => Err(error).doing(|| "waiting for the program's end"),
        None => Err(ExecutorError::Docker {
            what: "waiting for the program's end".into(),
            reason: "the answer is empty".into(),
        }),
    }
}

/// The program's exit code; `None` if it ended for lack of memory.
async fn exit_code(engine: &Engine, names: &Names) -> Result<Option<i32>, ExecutorError> {
    let asked = Instant::now();
    loop {
        let state = state(engine, names).await?;
        let code = state.exit_code.unwrap_or_default();
        // A program that coped with a refusal of memory and exited well is none that failed for it.
        if state.oom_killed == Some(true) && code != 0 {
            return Ok(None);
        }
        if code != KILLED || asked.elapsed() >= OOM_TIME {
            return Ok(Some(i32::try_from(code).unwrap_or(i32::MAX)));
        }
        sleep(PAUSE).await;
    }
}

async fn state(engine: &Engine, names: &Names) -> Result<ContainerState, ExecutorError> {
    let looking = || "looking at the container";
    let inspected =
        engine.docker.inspect_container(&names.task, None::<InspectContainerOptions>).await.doing(looking)?;
    let reason = "it has no state".to_owned();
    inspected.state.ok_or_else(|| ExecutorError::Docker { what: looking().into(), reason })
}

/// What the program prints, read as it comes: it is never stopped by a full pipe.
struct Printed(JoinHandle<(Capture, Capture)>);

impl Printed {
    fn follow(streams: AttachContainerResults, progress: &Progress) -> Self {
        let captures = (Capture::new(Stream::Stdout, progress), Capture::new(Stream::Stderr, progress));
        Self(tokio::spawn(async move {
            let AttachContainerResults { mut output, input: _input } = streams;
            let (mut stdout, mut stderr) = captures;
            while let Some(Ok(part)) = output.next().await {
                match part {
                    LogOutput::StdErr { message } => stderr.push(&message),
                    LogOutput::StdOut { message } | LogOutput::Console { message } => stdout.push(&message),
                    LogOutput::StdIn { .. } => {}
                }
            }
            (stdout, stderr)
        }))
    }

    /// All of it, once the program has ended.
    async fn finish(mut self, progress: &Progress) -> (Capture, Capture) {
        match tokio::time::timeout(LAST_WORDS_TIME, &mut self.0).await {
            Ok(Ok(captured)) => captured,
            _ => {
                self.0.abort();
                tracing::warn!("what the program printed did not come to its end");
                (Capture::new(Stream::Stdout, progress), Capture::new(Stream::Stderr, progress))
            }
        }
    }
}
