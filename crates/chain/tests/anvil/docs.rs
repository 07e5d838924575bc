//! The documentation names tests; they are there.

use std::fs;

#[test]
fn every_test_that_the_docs_name_exists() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let text = fs::read_to_string(format!("{root}/docs/outbox.md")).unwrap();
    let mut named = 0;
    for name in text.split('`') {
        let Some((module, test)) = name.split_once("::") else { continue };
        let read = |suite: &str| fs::read_to_string(format!("{root}/crates/chain/tests/{suite}/{module}.rs"));
        let Ok(source) = read("anvil").or_else(|_| read("postgres")) else { continue };
        let sought = match test.strip_suffix('*') {
            Some(beginning) => format!("fn {beginning}"),
            None => format!("fn {test}("),
        };
        assert!(source.contains(&sought), "{name}");
        named += 1;
    }
    assert!(named > 15, "only {named}");
}
