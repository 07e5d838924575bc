//! `logs`: what the program of a task prints.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use aiigo_protocol::TaskId;
use aiigo_telemetry::{printable_json, printable_lines};
use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{mode::FolderArgs, print};
use crate::{
    data_dir::{DataDir, TaskDir},
    error::{AgentError, Context},
    live::{self, Shown},
};

/// Between two looks of `--follow`.
const PAUSE: Duration = Duration::from_millis(300);

#[derive(Args, Clone, Debug)]
pub(super) struct LogsArgs {
    #[command(flatten)]
    folder: FolderArgs,
    /// The task.
    task: TaskId,
    /// Go on until the program ends.
    #[arg(long)]
    follow: bool,
}

/// How much of a stream was printed so far.
#[derive(Debug, Default)]
struct Printed(u64);

impl Printed {
    /// Of a tail what is new.
    fn news<'t>(&mut self, tail: &'t [u8], total: u64) -> &'t [u8] {
        let new = usize::try_from(total.saturating_sub(self.0)).unwrap_or(usize::MAX);
        self.0 = total.max(self.0);
        &tail[tail.len().saturating_sub(new)..]
    }
}

/// Prints the end of both streams: each to its own, or both in one document.
pub(super) async fn logs(args: &LogsArgs, json: bool, token: CancellationToken) -> Result<ExitCode, AgentError> {
    let dir = DataDir::open(&args.folder.data_dir)?.task(args.task);
    let (mut stdout, mut stderr) = (Printed::default(), Printed::default());
    let mut seen = false;
    loop {
        let Some(shown) = look(&dir, args.task)? else {
            if seen || (args.follow && dir.path().exists()) {
                // It is over, or has not begun.
                if seen {
                    return Ok(ExitCode::SUCCESS);
                }
                tokio::select! {
                    () = token.cancelled() => return Ok(ExitCode::SUCCESS),
                    () = tokio::time::sleep(PAUSE) => continue,
                }
            }
            return Err(AgentError::new(format!(
                "nothing is kept of what task {} printed: it has not run here, or its files went when it was over",
                args.task
            )));
        };
        seen = true;
        if json {
            print(&document(args.task, &shown))?;
        } else {
            show(io::stdout().lock(), stdout.news(&shown.stdout, shown.report.stdout_bytes))?;
            show(io::stderr().lock(), stderr.news(&shown.stderr, shown.report.stderr_bytes))?;
        }
        if !args.follow || shown.report.ended {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::select! {
            () = token.cancelled() => return Ok(ExitCode::SUCCESS),
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

fn look(dir: &TaskDir, task: TaskId) -> Result<Option<Shown>, AgentError> {
    live::look(dir).context(format!("cannot read what task {task} prints"))
}

fn document(task: TaskId, shown: &Shown) -> String {
    let (stdout, stderr) = (String::from_utf8_lossy(&shown.stdout), String::from_utf8_lossy(&shown.stderr));
    let document = json!({ "taskId": task.to_string(), "progress": shown.report, "stdout": stdout, "stderr": stderr });
    printable_json(&document.to_string())
}

/// A stranger's program wrote this: nothing of it may steer the owner's terminal.
fn show(mut to: impl Write, bytes: &[u8]) -> Result<(), AgentError> {
    let text = printable_lines(&String::from_utf8_lossy(bytes));
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_shown_once() {
        let mut shown = Printed::default();
        assert_eq!(shown.news(b"abc", 3), b"abc");
        assert_eq!(shown.news(b"abcde", 5), b"de");
        assert_eq!(shown.news(b"abcde", 5), b"");
        // More than a tail holds: the middle is lost.
        assert_eq!(shown.news(b"xyz", 100), b"xyz");
    }

    #[test]
    fn a_program_can_not_steer_the_terminal() {
        let mut shown = Vec::new();
        show(&mut shown, b"\x1b[2Jgone\r\n\ttext\xff").expect("written");
        let text = String::from_utf8(shown).expect("text");
        assert_eq!(text, "\u{fffd}[2Jgone\u{fffd}\n\ttext\u{fffd}");
    }
}
