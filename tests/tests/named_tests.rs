//! The documentation says which test shows what; each of them is there.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{fs, path::Path};

use aiigo_devnet::project_root;

/// A page, where its tests are, and how many it names at least.
const PAGES: &[(&str, &str, usize)] = &[("outbox.md", "crates/chain/tests", 15), ("indexer.md", "indexer/tests", 5)];

/// The source of a test module, in whichever suite it is.
fn source(folder: &Path, module: &str) -> Option<String> {
    let suites = fs::read_dir(folder).expect("a folder of suites").map(|entry| entry.expect("an entry").path());
    suites.filter_map(|suite| fs::read_to_string(suite.join(module).with_extension("rs")).ok()).next()
}

#[test]
fn every_test_that_the_docs_name_exists() {
    for (page, folder, least) in PAGES {
        let text = fs::read_to_string(project_root().join("docs").join(page)).expect("a page");
        let mut named = 0;
        for name in text.split('`') {
            let Some((module, test)) = name.split_once("::") else { continue };
            let Some(source) = source(&project_root().join(folder), module) else { continue };
            let sought = match test.strip_suffix('*') {
                Some(beginning) => format!("fn {beginning}"),
                None => format!("fn {test}("),
            };
            assert!(source.contains(&sought), "{page} names {name}");
            named += 1;
        }
        assert!(named >= *least, "{page} names only {named}");
    }
}
