//! `cargo xtask dist`: an archive with all that an operator installs: programs, completions, manual pages, service and
//! container files. The same sources and programs make the same archive, byte for byte.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    project::{Error, root},
    setup,
    shell::{command, heading, output, run},
};

/// The programs that are released, by package.
pub(crate) const PROGRAMS: [(&str, &str); 4] = [
    ("aiigo-cli", "aiigo"),
    ("aiigo-agent", "aiigo-agent"),
    ("aiigo-keeper", "aiigo-keeper"),
    ("aiigo-indexer", "aiigo-indexer"),
];
/// A shell, and what its completion files are called, around the program's name.
const SHELLS: [(&str, &str, &str); 3] = [("bash", "", ".bash"), ("zsh", "_", ""), ("fish", "", ".fish")];

#[derive(Args)]
pub(crate) struct DistArgs {
    /// Where the archive goes.
    #[arg(long, value_name = "DIR", default_value = "dist")]
    out: PathBuf,
    /// Take the programs from this folder [default: build them as releases are].
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

pub(crate) fn run_dist(args: &DistArgs) -> Result<(), Error> {
    let programs = match &args.from {
        Some(folder) => folder.clone(),
        None => setup::release_all(&PROGRAMS)?,
    };
    let name = format!("aiigo-{}-{}-{}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    heading(&format!("Packing {name}"));
    let folder = args.out.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    for (_, program) in PROGRAMS {
        add_program(&folder, &programs.join(program), program)?;
    }
    copy_tracked("deploy", &folder)?;
    for file in ["LICENSE", "README.md"] {
        fs::copy(root().join(file), folder.join(file))?;
    }
    let archive = format!("{name}.tar.gz");
    pack(&args.out, &name, &archive)?;
    let sums = output(command("sha256sum").arg(&archive).current_dir(&args.out))?;
    fs::write(args.out.join("SHA256SUMS"), sums)?;
    eprintln!("{}", args.out.join(archive).display());
    Ok(())
}

/// The program without what only a debugger needs, and what it tells of itself.
fn add_program(folder: &Path, from: &Path, name: &str) -> Result<(), Error> {
    let bin = folder.join("bin");
    let (completions, man) = (folder.join("completions"), folder.join("man/man1"));
    for folder in [&bin, &completions, &man] {
        fs::create_dir_all(folder)?;
    }
    let program = bin.join(name);
    run(command("strip").arg("-o").arg(&program).arg(from))?;
    for (shell, before, after) in SHELLS {
        let script = output(command(&program).args(["completions", shell]))?;
        fs::write(completions.join(format!("{before}{name}{after}")), script)?;
    }
    output(command(&program).arg("man").arg(man))?;
    Ok(())
}

/// A folder of the repository, without what somebody has left there.
fn copy_tracked(folder: &str, to: &Path) -> Result<(), Error> {
    let tracked = output(command("git").args(["ls-files", "-z", "--", folder]).current_dir(root()))?;
    for file in tracked.split('\0').filter(|file| !file.is_empty()) {
        let copy = to.join(file);
        fs::create_dir_all(copy.parent().ok_or("a file without a folder")?)?;
        fs::copy(root().join(file), copy)?;
    }
    Ok(())
}

/// Nothing of this machine, its user or the hour is in the archive.
fn pack(out: &Path, name: &str, archive: &str) -> Result<(), Error> {
    let committed = output(command("git").args(["log", "-1", "--format=%ct"]).current_dir(root()))?;
    run(command("tar")
        .args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=u+rw,go+rX,go-w"])
        .arg(format!("--mtime=@{}", committed.trim()))
        .args(["--use-compress-program=gzip --no-name", "--create", "--file", archive, name])
        .current_dir(out))
}
