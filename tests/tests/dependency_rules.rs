//! Dependencies point one way: the pure crates know nobody, the crates with I/O at most those, the programs never each
//! other.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

/// Protocol, task, matching, pow: no I/O, no other crate of the project.
const PURE: &[&str] = &["aiigo-protocol", "aiigo-task", "aiigo-matching", "aiigo-pow"];
/// Over the protocol's events, as pure.
const REWARDS: &str = "aiigo-rewards";
/// Each may know the pure crates.
const WITH_IO: &[&str] = &["aiigo-chain", "aiigo-storage", "aiigo-executor", "aiigo-telemetry"];
/// What a user starts.
const PROGRAMS: &[&str] = &["aiigo-cli", "aiigo-indexer", "aiigo-keeper", "aiigo-agent"];
/// Starts processes and chains: for the demo and the tests only.
const DEVNET: &str = "aiigo-devnet";

/// The project's own dependencies of each package, as built for users: development dependencies don't count.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(aiigo_devnet::project_root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo speaks JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let own = dependencies
                .iter()
                .filter(|dependency| dependency["kind"].as_str() != Some("dev") && !dependency["path"].is_null());
            (text(&package["name"]), own.map(|dependency| text(&dependency["name"])).collect())
        })
        .collect()
}

fn assert_knows_only(package: &str, allowed: &[&[&str]]) {
    let dependencies = dependencies();
    let known = dependencies.get(package).unwrap_or_else(|| panic!("there is no package {package}"));
    for dependency in known {
        assert!(
            allowed.iter().any(|group| group.contains(&dependency.as_str())),
            "{package} must not depend on {dependency}"
        );
    }
}

#[test]
fn the_pure_crates_know_nobody() {
    for package in PURE {
        assert_knows_only(package, &[]);
    }
}

#[test]
fn the_rewards_know_the_protocol_only() {
    assert_knows_only(REWARDS, &[&["aiigo-protocol"]]);
}

#[test]
fn the_crates_with_io_know_at_most_the_pure_ones() {
    for package in WITH_IO {
        assert_knows_only(package, &[PURE]);
    }
}

#[test]
fn the_programs_know_the_crates_and_never_each_other() {
    for package in PROGRAMS {
        assert_knows_only(package, &[PURE, &[REWARDS], WITH_IO]);
    }
}

#[test]
fn the_devnet_knows_the_protocol_and_no_program() {
    assert_knows_only(DEVNET, &[&["aiigo-protocol"]]);
}

#[test]
fn every_package_has_its_place_in_the_rules() {
    let others = [REWARDS, DEVNET, "aiigo-model", "aiigo-tests", "xtask"];
    for package in dependencies().keys() {
        let name = &package.as_str();
        let known = [PURE, WITH_IO, PROGRAMS, &others].iter().any(|group| group.contains(name));
        assert!(known, "{package} is in no group: decide what it may depend on, and write it here");
    }
}

#[test]
fn every_dependency_has_its_reason_in_the_docs() {
    let root = aiigo_devnet::project_root();
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("a file of the project");
    let reasons = read("docs/dependencies.md");
    let manifest = read("Cargo.toml");
    let dependencies = manifest.split("[workspace.dependencies]").nth(1).expect("the workspace's dependencies");
    let missing: Vec<_> = dependencies
        .lines()
        .take_while(|line| !line.starts_with("[profile"))
        .filter_map(|line| line.split_once(" = ").map(|(name, _)| name))
        .filter(|name| !name.starts_with("aiigo-") && !name.contains(' '))
        .filter(|name| !reasons.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "docs/dependencies.md says nothing of {missing:?}");
}
