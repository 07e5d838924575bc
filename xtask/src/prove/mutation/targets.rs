//! `contracts/test/mutation/targets.toml`: which sources are mutated, and which tests are asked first.

use std::{fs, path::Path};

use serde::Deserialize;

use super::TESTS;
use crate::project::{Error, root};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Targets {
    target: Vec<Target>,
}

/// Sources and the tests that know them best.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    /// Below `contracts/src`: files, or folders with all that is in them.
    sources: Vec<String>,
    /// Below `contracts/test`: files or patterns.
    tests: Vec<String>,
}

/// A file to mutate.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// Below `contracts/src`.
    pub(super) file: String,
    /// Files or patterns of the tests to ask first.
    pub(super) tests: Vec<String>,
}

/// The sources of the list; of these only what ends with one of `only`, if any is given.
pub(super) fn sources(only: &[String]) -> Result<Vec<Source>, Error> {
    let path = format!("{TESTS}/targets.toml");
    let list: Targets =
        toml::from_str(&fs::read_to_string(root().join(&path))?).map_err(|error| format!("{path}: {error}"))?;
    let mut found = Vec::new();
    for target in list.target {
        let tests: Vec<_> = target.tests.iter().map(|tests| format!("contracts/test/{tests}")).collect();
        for source in &target.sources {
            let before = found.len();
            collect(&root().join("contracts/src"), source, &mut |file| {
                found.push(Source { file, tests: tests.clone() });
            })?;
            if found.len() == before {
                return Err(format!("{path}: there is no {source}").into());
            }
        }
    }
    if only.is_empty() {
        return Ok(found);
    }
    for wanted in only {
        if !found.iter().any(|source| source.file.ends_with(wanted.as_str())) {
            return Err(format!("{path} has no source that ends with `{wanted}`").into());
        }
    }
    found.retain(|source| only.iter().any(|wanted| source.file.ends_with(wanted.as_str())));
    Ok(found)
}

fn collect(sources: &Path, name: &str, push: &mut impl FnMut(String)) -> Result<(), Error> {
    let path = sources.join(name);
    if path.is_file() {
        push(name.to_owned());
    } else if path.is_dir() {
        let mut names: Vec<_> = fs::read_dir(&path)?.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        for inner in names {
            let inner = format!("{name}/{}", inner.to_string_lossy());
            if inner.ends_with(".sol") || sources.join(&inner).is_dir() {
                collect(sources, &inner, push)?;
            }
        }
    }
    Ok(())
}
