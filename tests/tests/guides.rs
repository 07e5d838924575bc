//! What the guides tell people to type works.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use aiigo_devnet::{find_tool, project_root};
use aiigo_tests::{World, bin_dir, wei};
use snapbox::IntoData;

/// An account of the devnet that no program of the market uses.
const FREE_ACCOUNT: u32 = 25;

/// Something that a reader runs, as it stands.
struct Block {
    script: String,
    /// What it prints, if the guide shows it: `[..]` stands for anything in a line, `...` for any lines.
    shown: Option<String>,
}

/// The ```` ```sh ```` and ```` ```console ```` blocks of a text; of the latter each command with what it prints. Other fences
/// show what depends on the reader.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut fence = None;
    for line in text.lines() {
        match (fence, line) {
            (None, "```sh") => {
                fence = Some("sh");
                blocks.push(Block { script: String::new(), shown: None });
            }
            (None, "```console") => fence = Some("console"),
            (Some(_), "```") => fence = None,
            (Some("sh"), line) => {
                let block = blocks.last_mut().expect("an open block");
                block.script = format!("{}{line}\n", block.script);
            }
            (Some("console"), line) => match line.strip_prefix("$ ") {
                Some(command) => blocks.push(Block { script: format!("{command}\n"), shown: Some(String::new()) }),
                None => {
                    let block = blocks.last_mut().expect("a block of `console` begins with a command");
                    block.shown = block.shown.as_ref().map(|shown| format!("{shown}{line}\n"));
                }
            },
            _ => {}
        }
    }
    blocks
}

fn guides() -> Vec<PathBuf> {
    let dir = project_root().join("docs/guides");
    let mut guides: Vec<_> = fs::read_dir(dir).expect("the guides").flatten().map(|entry| entry.path()).collect();
    guides.sort();
    guides
}

/// The market's programs and forge first.
fn path() -> OsString {
    let forge = find_tool("forge", &project_root()).expect("forge");
    let own = [bin_dir(), forge.parent().expect("its folder").to_path_buf()];
    let rest = env::var_os("PATH").unwrap_or_default();
    env::join_paths(own.into_iter().chain(env::split_paths(&rest))).expect("a PATH")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_guides_runs() {
    let world = World::start("guides", 1).await;
    // What the readers stake, as providers and as jurors, and enough votes to propose.
    let reader = world.market.devnet().account(FREE_ACCOUNT).expect("an account");
    world.market.devnet().send_aiigo(reader.address(), wei("200000")).await.expect("AIIGO from the faucet");
    // What deployers write: each chain's deployment is another.
    let trial = project_root().join(".aiigo/trial");
    assert!(fs::remove_dir_all(&trial).is_ok() || !trial.exists(), "{} can't be removed", trial.display());
    let (mut ran, mut differences) = (0, Vec::new());
    for guide in guides() {
        let text = fs::read_to_string(&guide).expect("a guide");
        for Block { script, shown } in blocks(&text) {
            let printed = run(&world, &guide, &script).await;
            if let Some(shown) = shown {
                let place = format!("{}: {script}", guide.display());
                // A terminal ends a last line that has no end.
                let printed =
                    if printed.is_empty() { printed } else { format!("{}\n", printed.trim_end_matches('\n')) };
                let compared = snapbox::Assert::new().try_eq(Some(&place), printed.into_data(), shown.into_data());
                differences.extend(compared.err().map(|error| error.to_string()));
            }
            ran += 1;
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(ran >= 8, "only {ran} blocks were found: were the fences renamed?");
}

/// What the reader of a guide has set up: the market, and a key of their own.
fn reader(world: &World, guide: &Path) -> Vec<(&'static str, OsString)> {
    let market = &world.market;
    let role = guide.file_stem().and_then(|name| name.to_str()).expect("a name");
    let account = match role {
        "buyer" => market.buyer(),
        _ => market.devnet().account(FREE_ACCOUNT),
    };
    let mut settings = market.desk().environment(Some(&account.expect("an account")));
    settings.push(("AIIGO_DATA_DIR", market.dir().join("readers").join(role).into()));
    settings
}

/// Runs a block, and returns what it printed.
async fn run(world: &World, guide: &Path, block: &str) -> String {
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", block]).current_dir(project_root()).env("PATH", path());
    command.envs(reader(world, guide));
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("bash");
    assert!(
        output.status.success(),
        "{}:\n{block}\n{}\n{}",
        guide.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
