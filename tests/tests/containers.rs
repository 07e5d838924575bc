//! The container file makes images whose programs run.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use aiigo_devnet::{Docker, project_root};
use aiigo_tests::{bin_dir, fresh_dir};

/// The container file's user.
const NONROOT: &str = "65532";
const AGENT: &str = "aiigo-agent";

fn output(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// The libraries that a program is linked with, the loader too.
fn libraries(program: &Path) -> BTreeSet<PathBuf> {
    let listed = output(Command::new("ldd").arg(program));
    let paths = listed.split_whitespace().filter(|word| word.starts_with('/'));
    paths.map(PathBuf::from).filter(|path| path.is_file()).collect()
}

/// A base without a registry: what this machine's own libraries make.
fn base(docker: &dyn Fn() -> Command, dir: &Path, program: &Path) -> String {
    let root = dir.join("root");
    for library in libraries(program) {
        let place = root.join(library.strip_prefix("/").expect("an absolute path"));
        fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
        fs::copy(&library, place).expect("a copy");
    }
    fs::create_dir_all(root.join("home/nonroot")).expect("a folder");
    let archive = dir.join("root.tar");
    output(
        Command::new("tar")
            .args(["--owner", NONROOT, "--group", NONROOT])
            .arg("-C")
            .arg(&root)
            .arg("-cf")
            .arg(&archive)
            .arg("."),
    );
    output(docker().arg("import").arg(&archive).arg("base:local")).trim().to_owned()
}

#[test]
fn a_program_runs_in_a_container_made_by_the_container_file() {
    let engine = Docker::shared().expect("an engine");
    let docker = || {
        let mut command = Command::new("docker");
        command.args(["--host", &engine.host()]).env("DOCKER_BUILDKIT", "0");
        command
    };
    let dir = fresh_dir("containers");
    let program = bin_dir().join(AGENT);
    let base = base(&docker, &dir, &program);
    let context = dir.join("context");
    fs::create_dir(&context).expect("a folder");
    output(Command::new("strip").arg("-o").arg(context.join(AGENT)).arg(&program));
    output(
        docker()
            .args(["build", "--quiet", "--tag", "agent:local", "--build-arg", &format!("BASE={base}"), "--build-arg"])
            .arg(format!("PROGRAM={AGENT}"))
            .arg("--file")
            .arg(project_root().join("deploy/Containerfile"))
            .arg(&context),
    );
    let run = |args: &[&str]| {
        docker().args(["run", "--rm", "--network", "none", "agent:local"]).args(args).output().expect("it runs")
    };
    let version = run(&["--version"]);
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("aiigo-agent "), "{version:?}");
    // Without a chain it says so, and ends.
    let checkup = run(&["doctor", "--json"]);
    let checkup: serde_json::Value = serde_json::from_slice(&checkup.stdout).expect("a checkup");
    let failed: Vec<_> = checkup["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .filter(|check| check["ok"] != true)
        .map(|check| check["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(failed, ["chain and folder"], "{checkup:#}");
}

/// The unit's settings are those of the program.
#[test]
fn the_service_runs_the_agent_with_settings_that_it_knows() {
    let unit = fs::read_to_string(project_root().join("deploy/aiigo-agent.service")).expect("the unit");
    let help = output(Command::new(bin_dir().join(AGENT)).args(["run", "--help"]));
    let settings: Vec<_> = unit.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('=')).collect();
    assert!(
        !settings.is_empty() && settings.iter().all(|(name, _)| help.contains(&format!("[env: {name}="))),
        "{help}"
    );
    assert!(unit.contains("\nExecStart=/usr/bin/aiigo-agent run\n"));
}
