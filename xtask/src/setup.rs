//! Installs what the project needs beyond Rust and Node.js: once, and again only when the lock files change.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    project::{Error, bin_dir, root, state_dir},
    shell::{cargo, command, heading, output, run},
};

const NODE_MAJOR: u32 = 20;
const WASM_TARGET: &str = "wasm32-wasip1";

/// The example programs, each a package of its own for the wasm target.
const EXAMPLES: &[&str] = &["text-stats"];

/// Everything that `demo` needs.
pub(crate) fn everything() -> Result<(), Error> {
    npm_packages()?;
    examples()?;
    programs()
}

/// The contract toolchain and libraries, exactly as locked.
pub(crate) fn npm_packages() -> Result<(), Error> {
    require_node()?;
    let lock = fs::read_to_string(root().join("package-lock.json"))?;
    let stamp = root().join("node_modules/.aiigo-lock");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    heading("Installing the contract toolchain (npm)");
    // No package of ours needs its install script: the binaries are inside the packages. Not `npm ci`: it refuses a lock
    // file without the binaries of every platform, some of which are not published.
    run(command("npm").args([
        "install",
        "--no-save",
        "--ignore-scripts",
        "--no-fund",
        "--no-audit",
        "--loglevel=error",
    ]))?;
    fs::write(stamp, lock)?;
    Ok(())
}

fn require_node() -> Result<(), Error> {
    let hint = format!("install Node.js {NODE_MAJOR} or newer (https://nodejs.org), then run the command again");
    let version = output(Command::new("node").arg("--version"))
        .map_err(|_| format!("Node.js was not found: the Solidity compiler and anvil come from npm; {hint}"))?;
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < NODE_MAJOR) {
        return Err(format!("Node.js {} is too old: {hint}", version.trim()).into());
    }
    output(Command::new("npm").arg("--version")).map_err(|_| format!("npm was not found beside Node.js: {hint}"))?;
    Ok(())
}

fn wasm_target() -> Result<(), Error> {
    let sysroot = output(command("rustc").args(["--print", "sysroot"]))?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(WASM_TARGET).is_dir() {
        return Ok(());
    }
    heading(&format!("Installing the Rust target {WASM_TARGET}"));
    run(command("rustup").args(["target", "add", WASM_TARGET])).map_err(|error| {
        format!("{error}: the example is a WASM program; add the target {WASM_TARGET} to your Rust toolchain").into()
    })
}

/// The example programs' modules, under `target/examples`.
pub(crate) fn examples() -> Result<(), Error> {
    wasm_target()?;
    for name in EXAMPLES {
        heading(&format!("Building the example `{name}` for {WASM_TARGET}"));
        let manifest = root().join("examples").join(name).join("Cargo.toml");
        run(cargo()
            .args(["build", "--quiet", "--locked", "--release", "--target", WASM_TARGET, "--manifest-path"])
            .arg(manifest)
            .arg("--target-dir")
            .arg(root().join("target/examples")))?;
    }
    Ok(())
}

/// The programs that a user would start.
fn programs() -> Result<(), Error> {
    heading("Building the programs (the first time takes some minutes)");
    run(cargo().args(["build", "--locked", "--workspace", "--bins", "--exclude", "xtask"]))?;
    fs::create_dir_all(state_dir())?;
    Ok(())
}

/// Builds a program as a release is, and tells where it is: for what is measured.
pub(crate) fn release(program: &str) -> Result<PathBuf, Error> {
    Ok(release_with(program, &[])?.join(program))
}

/// Builds programs, by package and name, as a release is, and tells the folder they are in.
pub(crate) fn release_all(programs: &[(&str, &str)]) -> Result<PathBuf, Error> {
    heading("Building the programs as a release is built (the first time takes some minutes)");
    let named = programs.iter().flat_map(|(package, program)| ["--package", package, "--bin", program]);
    run(cargo().args(["build", "--locked", "--release"]).args(named))?;
    release_dir()
}

fn release_dir() -> Result<PathBuf, Error> {
    let target = bin_dir()?;
    let target = target.parent().ok_or("the running program's folder is the root")?;
    Ok(target.join("release"))
}

/// Builds a program and examples of its package as a release is, and tells the folder they are in: the program itself, and
/// below it `examples`.
pub(crate) fn release_with(program: &str, examples: &[&str]) -> Result<PathBuf, Error> {
    heading(&format!("Building {program} as a release is built (the first time takes some minutes)"));
    let examples = examples.iter().flat_map(|example| ["--example", example]);
    run(cargo().args(["build", "--locked", "--release", "--package", program, "--bin", program]).args(examples))?;
    release_dir()
}

/// A PostgreSQL server's programs, for the tests that need a real one. Each starts a private server in a temporary folder.
pub(crate) fn postgresql() -> Result<(), Error> {
    let debian = fs::read_dir("/usr/lib/postgresql").is_ok_and(|mut versions| versions.next().is_some());
    if debian || output(command("postgres").arg("--version")).is_ok() {
        return Ok(());
    }
    let hint = "install PostgreSQL (on Debian `apt-get install postgresql` as root), then run the command again";
    install("PostgreSQL", &["postgresql"])
        .map_err(|error| format!("{error}: the outbox is tested on PostgreSQL too; {hint}").into())
}

/// A Docker engine, and a program to put into images, for the tests of the container sandbox. As root they start a private
/// engine in a temporary folder; others use the one that runs.
pub(crate) fn docker() -> Result<(), Error> {
    let has = |name: &str| {
        ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/bin"].iter().any(|folder| Path::new(folder).join(name).is_file())
    };
    let mut missing = Vec::new();
    if !has("dockerd") {
        missing.push("docker.io");
    }
    if !has("busybox") {
        missing.push("busybox-static");
    }
    if missing.is_empty() {
        return Ok(());
    }
    let hint = "install Docker and a static busybox (on Debian `apt-get install docker.io busybox-static` as root), then \
                run the command again";
    install("Docker and busybox", &missing)
        .map_err(|error| format!("{error}: the container sandbox is tested on a real engine; {hint}").into())
}

/// A Vulkan driver that renders on the processor, for the tests of the kernel for graphics processors.
pub(crate) fn vulkan() -> Result<(), Error> {
    if cfg!(target_os = "macos") {
        return Ok(()); // it has Metal
    }
    let holds = |folder: &str, start: &str| {
        let mut files = fs::read_dir(folder).into_iter().flatten().flatten();
        files.any(|file| file.file_name().to_string_lossy().starts_with(start))
    };
    let has_driver = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"].iter().any(|folder| holds(folder, "lvp_icd"));
    let libraries = ["/usr/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
    let has_loader = libraries.iter().any(|folder| holds(folder, "libvulkan.so.1"));
    if has_driver && has_loader {
        return Ok(());
    }
    let hint = "install Mesa's Vulkan drivers (on Debian `apt-get install mesa-vulkan-drivers libvulkan1` as root), then \
                run the command again";
    install("Mesa's Vulkan drivers", &["mesa-vulkan-drivers", "libvulkan1"]).map_err(|error| {
        format!("{error}: the kernel for graphics processors is tested on its software driver; {hint}").into()
    })
}

/// Installs packages of Debian.
fn install(what: &str, packages: &[&str]) -> Result<(), Error> {
    heading(&format!("Installing {what} (apt-get)"));
    run(command("apt-get").args(["update", "--quiet"]))?;
    let options = ["install", "--yes", "--quiet", "--no-install-recommends"];
    run(command("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(options).args(packages))
}
