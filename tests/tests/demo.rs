//! The README's first command: it tells a whole story, what it suggests to type afterwards works, and it leaves nothing behind.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{fs, os::unix::process::ExitStatusExt, path::Path, time::Duration};

use aiigo_devnet::{ProcessCommand, project_root};
use aiigo_tests::{bin_dir, fresh_dir};
use tokio::process::Command;

/// A market, a job and its payment, on two busy cores.
const LIMIT: Duration = Duration::from_secs(240);
/// What the demo says before the commands to type.
const SUGGESTION: &str = "Try next, in another terminal:\n";

/// The commands that a text suggests.
fn suggested(text: &str) -> Option<String> {
    let (_, after) = text.split_once(SUGGESTION)?;
    let commands: Vec<_> = after.lines().map_while(|line| line.strip_prefix("  ")).collect();
    // The line after the last command is the end of what is said.
    after.contains("wallet balance\n").then(|| commands.join("\n"))
}

/// Types commands into a shell of somebody who has only just come.
async fn typed(commands: &str, dir: &Path) -> String {
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", commands]).current_dir(dir).env_clear();
    shell.envs(std::env::vars_os().filter(|(name, _)| ["PATH", "HOME"].iter().any(|kept| name == kept)));
    let output = shell.output().await.expect("bash");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{commands}\n{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_demo_suggests_works_and_it_leaves_when_asked() {
    let dir = fresh_dir("demo");
    let log = dir.join("demo.log");
    // `cargo xtask` builds itself before it runs anything.
    let demo = ProcessCommand::new("demo", bin_dir().join("xtask"), &log).args(["demo", "--built"]).dir(project_root());
    let mut demo = demo.spawn().expect("it starts");
    let end = async || suggested(&fs::read_to_string(&log).ok()?);
    let commands = demo.wait_for("the end of its story", LIMIT, end).await;
    let commands = commands.unwrap_or_else(|error| panic!("{error}"));
    let told = fs::read_to_string(&log).expect("a log");
    for part in ["submitted the result hash", "approved: paid", "92%", "Verified"] {
        assert!(told.contains(part), "no `{part}` in:\n{told}");
    }

    let printed = typed(&commands, &dir).await;
    for part in ["Verified", "provider-1", "in the account"] {
        assert!(printed.contains(part), "no `{part}` in:\n{printed}");
    }

    let status = demo.terminate(Duration::from_secs(60)).await.expect("it ends");
    assert!(status.success(), "{status}, signal {:?}", status.signal());
}
