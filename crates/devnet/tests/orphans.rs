//! What a devnet starts ends with whoever started it, even if that one had no time to say so.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{fs, path::Path, process::Command, time::Duration};

use aiigo_devnet::{ProcessCommand, eventually};

/// Set for the parent: where it writes its child's process id.
const PID_FILE: &str = "ORPHANS_PID_FILE";

/// The parent is this test once more, in a process of its own that can be killed.
#[tokio::test]
async fn a_killed_parent_takes_its_children_along() {
    if let Some(file) = std::env::var_os(PID_FILE) {
        be_the_parent(Path::new(&file));
    }
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("pid");
    let mut parent = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "a_killed_parent_takes_its_children_along", "--nocapture"])
        .env(PID_FILE, &file)
        .spawn()
        .expect("it starts");
    let limit = Duration::from_secs(20);
    let child: u32 = eventually("child", limit, async || fs::read_to_string(&file).ok()?.parse().ok()).await;
    assert!(is_alive(child));
    parent.kill().expect("SIGKILL");
    parent.wait().expect("its end");
    eventually("end of the child", limit, async || (!is_alive(child)).then_some(())).await;
}

/// Starts a child that would outlive the test, and waits to be killed.
fn be_the_parent(file: &Path) -> ! {
    let log = file.with_extension("log");
    let child = ProcessCommand::new("a child", "/bin/sleep", log).arg("600").spawn().expect("it starts");
    fs::write(file, child.id().to_string()).expect("the id");
    loop {
        std::thread::park();
    }
}

/// Whether a process runs: one that nobody has waited for yet is dead all the same.
fn is_alive(pid: u32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => !stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')),
        Err(_) => false,
    }
}
