//! What became of each mutant, kept as it comes to be known, so that an interrupted run goes on where it stopped.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use alloy::primitives::keccak256;
use serde::{Deserialize, Serialize};

use super::Mutant;
use crate::project::{Error, root, state_dir};

/// What the tests said.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// A test failed.
    Killed,
    /// No test noticed.
    Survived,
    /// No program came of it.
    NotCompiling,
}

/// A line of the file.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Outcome {
    /// Of the sources and tests as they were.
    tree: String,
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) operator: String,
    start: usize,
    pub(super) was: String,
    pub(super) becomes: String,
    pub(super) verdict: Verdict,
    /// The test that noticed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) noticed_by: Option<String>,
    seconds: f64,
}

/// The file of results.
pub(super) struct Results {
    path: PathBuf,
    tree: String,
    known: Vec<Outcome>,
}

impl Results {
    /// Reads what is known of the sources and tests as they are now.
    pub(super) fn open() -> Result<Self, Error> {
        let folder = state_dir().join("mutation");
        fs::create_dir_all(&folder)?;
        let path = folder.join("results.jsonl");
        let tree = tree()?;
        let text = if path.exists() { fs::read_to_string(&path)? } else { String::new() };
        // A line that was cut off is a mutant that is judged again.
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Outcome>(line).ok());
        let known = lines.filter(|outcome| outcome.tree == tree).collect();
        Ok(Self { path, tree, known })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn of(&self, mutant: &Mutant) -> Option<&Outcome> {
        self.known.iter().find(|known| {
            known.file == mutant.file && known.start == mutant.change.at.start && known.becomes == mutant.becomes
        })
    }

    /// Writes down what became of a mutant.
    pub(super) fn add(
        &mut self,
        mutant: &Mutant,
        (verdict, noticed_by): (Verdict, Option<String>),
        seconds: f64,
    ) -> Result<(), Error> {
        let outcome = Outcome {
            tree: self.tree.clone(),
            file: mutant.file.clone(),
            line: mutant.line,
            operator: mutant.change.operator.to_owned(),
            start: mutant.change.at.start,
            was: mutant.was.clone(),
            becomes: mutant.becomes.clone(),
            verdict,
            noticed_by,
            seconds,
        };
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.path)?;
        writeln!(file, "{}", serde_json::to_string(&outcome)?)?;
        self.known.push(outcome);
        Ok(())
    }
}

/// What a result holds for: the sources, and what is asked of them. Not the campaigns, which aren't asked.
const TREE: [&str; 8] = [
    "contracts/src",
    "contracts/script",
    "contracts/test/unit",
    "contracts/test/fuzz",
    "contracts/test/deployment",
    "contracts/test/utils",
    "contracts/test/SuiteFixture.sol",
    "contracts/test/SuiteTest.sol",
];

/// A digest of it.
fn tree() -> Result<String, Error> {
    let mut text = Vec::new();
    for part in TREE {
        digest(part, &mut text)?;
    }
    Ok(alloy::hex::encode(&keccak256(&text)[..8]))
}

fn digest(part: &str, text: &mut Vec<u8>) -> Result<(), Error> {
    let path = root().join(part);
    if path.is_dir() {
        let mut names: Vec<_> = fs::read_dir(&path)?.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        names.iter().try_for_each(|name| digest(&format!("{part}/{}", name.to_string_lossy()), text))?;
    } else if path.extension().is_some_and(|kind| kind == "sol" || kind == "json") {
        text.extend(part.as_bytes());
        text.extend(keccak256(fs::read(&path)?));
    }
    Ok(())
}
