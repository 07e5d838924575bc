//! What operators install: the archive, the images that the container file makes of it, the service and compose files.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use aiigo_devnet::{Docker, project_root};
use aiigo_tests::{bin_dir, fresh_dir};
use serde::Deserialize;

const PROGRAMS: [&str; 4] = ["aiigo", "aiigo-agent", "aiigo-keeper", "aiigo-indexer"];
/// The container file's user.
const NONROOT: &str = "65532";
/// What every Linux with glibc has.
const LIBRARIES: [&str; 5] = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-", "linux-vdso"];

fn output(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Packs the tests' own programs; the folder of the archive's content.
fn packed(out: &Path) -> PathBuf {
    let xtask = bin_dir().join("xtask");
    assert!(xtask.is_file(), "{} is not there: `cargo build --workspace --bins` makes it", xtask.display());
    output(Command::new(xtask).args(["dist", "--from"]).arg(bin_dir()).arg("--out").arg(out));
    let mut folders = fs::read_dir(out).expect("a folder").flatten().filter(|entry| entry.path().is_dir());
    folders.next().expect("the content").path()
}

#[test]
fn an_archive_has_all_that_an_operator_installs_and_is_the_same_twice() {
    let dir = fresh_dir("packages");
    let content = packed(&dir.join("first"));
    packed(&dir.join("second"));
    let sums = |name: &str| fs::read_to_string(dir.join(name).join("SHA256SUMS")).expect("the sums");
    assert_eq!(sums("first"), sums("second"));
    output(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(dir.join("first")));

    // What counts is what comes out of the archive.
    fs::remove_dir_all(&content).expect("removed");
    let archive = content.with_file_name(format!("{}.tar.gz", content.file_name().expect("a name").display()));
    output(Command::new("tar").arg("-xzf").arg(&archive).current_dir(dir.join("first")));
    for program in PROGRAMS {
        let path = content.join("bin").join(program);
        let version = output(Command::new(&path).arg("--version"));
        assert!(version.starts_with(&format!("{program} ")), "{version}");
        let strangers: Vec<_> = output(Command::new("ldd").arg(&path))
            .lines()
            .filter(|line| !LIBRARIES.iter().any(|library| line.contains(library)))
            .map(str::to_owned)
            .collect();
        assert!(strangers.is_empty(), "{program} needs more than glibc: {strangers:?}");
        for file in [
            format!("completions/{program}.bash"),
            format!("completions/_{program}"),
            format!("completions/{program}.fish"),
            format!("man/man1/{program}.1"),
        ] {
            assert!(fs::metadata(content.join(&file)).is_ok_and(|file| file.len() > 100), "{file}");
        }
    }
    for file in ["man/man1/aiigo-job-run.1", "man/man1/aiigo-agent-setup.1", "deploy/Containerfile", "LICENSE"] {
        assert!(content.join(file).is_file(), "{file}");
    }
}

/// The libraries that a program is linked with, the loader too.
fn libraries(program: &Path) -> BTreeSet<PathBuf> {
    let listed = output(Command::new("ldd").arg(program));
    let paths = listed.split_whitespace().filter(|word| word.starts_with('/'));
    paths.map(PathBuf::from).filter(|path| path.is_file()).collect()
}

/// A base without a registry: what this machine's own libraries make.
fn base(docker: &dyn Fn() -> Command, dir: &Path, programs: &Path) -> String {
    let root = dir.join("root");
    for library in PROGRAMS.iter().flat_map(|program| libraries(&programs.join(program))) {
        let place = root.join(library.strip_prefix("/").expect("an absolute path"));
        fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
        fs::copy(&library, place).expect("a copy");
    }
    fs::create_dir_all(root.join("home/nonroot")).expect("a folder");
    let archive = dir.join("root.tar");
    output(
        Command::new("tar")
            .args(["--owner", NONROOT, "--group", NONROOT, "-C"])
            .arg(&root)
            .arg("-cf")
            .arg(&archive)
            .arg("."),
    );
    output(docker().arg("import").arg(&archive).arg("base:local")).trim().to_owned()
}

#[test]
fn the_container_file_makes_an_image_of_each_program() {
    let engine = Docker::shared().expect("an engine");
    let docker = || {
        let mut command = Command::new("docker");
        // The builder that every engine has.
        command.args(["--host", &engine.host()]).env("DOCKER_BUILDKIT", "0");
        command
    };
    let dir = fresh_dir("images");
    let content = packed(&dir.join("dist"));
    let base = base(&docker, &dir, &content.join("bin"));
    for program in PROGRAMS {
        output(
            docker()
                .args(["build", "--quiet", "--tag", program, "--build-arg", &format!("BASE={base}"), "--build-arg"])
                .arg(format!("PROGRAM=bin/{program}"))
                .arg("--file")
                .arg(content.join("deploy/Containerfile"))
                .arg(&content),
        );
        let version = output(docker().args(["run", "--rm", "--network", "none", "--read-only", program, "--version"]));
        assert!(version.starts_with(&format!("{program} ")), "{version}");
    }
    // Without a chain it says so, and nothing else is wrong: it can write what it has to, also as nobody.
    let mut doctor = docker();
    doctor.args(["run", "--rm", "--network", "none", "--read-only", "aiigo-agent", "doctor", "--json"]);
    let checkup = doctor.output().expect("it runs").stdout;
    let checkup: serde_json::Value = serde_json::from_slice(&checkup).expect("a checkup");
    let checks = checkup["checks"].as_array().expect("checks").iter();
    let failed: Vec<_> = checks.filter(|check| check["ok"] != true).collect();
    assert_eq!(failed.len(), 1, "{checkup:#}");
    assert!(failed[0]["found"].as_str().is_some_and(|found| found.contains("no chain to work on")), "{checkup:#}");
}

/// What `run --help` says that a program reads from the environment.
fn settings(program: &str) -> String {
    output(Command::new(bin_dir().join(program)).args(["run", "--help"]))
}

#[test]
fn the_service_runs_the_agent_with_settings_that_it_knows() {
    let unit = fs::read_to_string(project_root().join("deploy/aiigo-agent.service")).expect("the unit");
    let known = settings("aiigo-agent");
    let names: Vec<_> = unit.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('=')).collect();
    assert!(!names.is_empty() && names.iter().all(|(name, _)| known.contains(&format!("[env: {name}="))), "{known}");
    assert!(unit.contains("\nExecStart=/usr/bin/aiigo-agent run\n"));
}

#[derive(Deserialize)]
struct Compose {
    services: BTreeMap<String, Service>,
}

#[derive(Deserialize)]
struct Service {
    build: Option<Build>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Build {
    dockerfile: String,
    args: BTreeMap<String, String>,
}

#[test]
fn the_compose_file_starts_programs_with_settings_that_they_know() {
    let text = fs::read_to_string(project_root().join("deploy/docker-compose.yml")).expect("the file");
    let compose: Compose = serde_saphyr::from_str(&text).expect("a compose file");
    let mut programs = Vec::new();
    for (name, service) in compose.services {
        let Some(build) = service.build else { continue };
        assert!(project_root().join(&build.dockerfile).is_file(), "{name}");
        let program = build.args["PROGRAM"].strip_prefix("bin/").expect("a program").to_owned();
        let known = settings(&program);
        for setting in service.environment.keys().filter(|setting| setting.starts_with("AIIGO_")) {
            // Values that may hold secrets are not shown.
            let is_known = ["=", "]"].iter().any(|end| known.contains(&format!("[env: {setting}{end}")));
            assert!(is_known, "{program} knows no {setting}");
        }
        assert!(service.environment.contains_key("AIIGO_DEPLOYMENT"), "{name}");
        programs.push(program);
    }
    assert_eq!(programs, ["aiigo-agent", "aiigo-indexer", "aiigo-keeper"]);
}
