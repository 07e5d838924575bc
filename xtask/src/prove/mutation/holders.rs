//! Which tests hold code of the contracts: they deploy, inherit or call it by themselves, not by the fixture's artifact.

use std::{collections::BTreeSet, fs, path::Path};

use crate::project::Error;

/// The tests below `folder` that name code of the sources, as forge names files.
pub(super) fn holders(folder: &Path, tests: &[&str]) -> Result<Vec<String>, Error> {
    let mut names = BTreeSet::new();
    let mut structs = BTreeSet::new();
    visit(folder, "contracts/src", &mut |_, text| {
        names.extend(declared(text).map(str::to_owned));
        structs.extend(with_functions(text).map(str::to_owned));
    })?;
    let mut found = Vec::new();
    for tests in tests {
        visit(folder, tests, &mut |file, text| {
            if names.iter().any(|name| holds(text, name)) || structs.iter().any(|name| has(text, name)) {
                found.push(file.to_owned());
            }
        })?;
    }
    Ok(found)
}

/// The contracts and libraries of a source.
fn declared(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let line = line.strip_prefix("abstract ").unwrap_or(line);
        let rest = line.strip_prefix("contract ").or_else(|| line.strip_prefix("library "))?;
        rest.split_whitespace().next()
    })
}

/// The structs of a source whose free functions go wherever they are used.
fn with_functions(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| Some(line.strip_suffix(" global;")?.rsplit_once("} for ")?.1))
}

fn holds(text: &str, name: &str) -> bool {
    [format!("new {name}("), format!(" {name}."), format!("({name}."), format!("is {name}"), format!(", {name} {{")]
        .iter()
        .any(|use_of| text.contains(use_of.as_str()))
}

/// A variable of this type.
fn has(text: &str, name: &str) -> bool {
    ["memory", "storage", "internal", "private"].iter().any(|place| text.contains(&format!("{name} {place} ")))
}

fn visit(folder: &Path, below: &str, see: &mut impl FnMut(&str, &str)) -> Result<(), Error> {
    let mut names: Vec<_> = fs::read_dir(folder.join(below))?.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names {
        let file = format!("{below}/{}", name.to_string_lossy());
        if folder.join(&file).is_dir() {
            visit(folder, &file, see)?;
        } else if file.ends_with(".sol") {
            see(&file, &fs::read_to_string(folder.join(&file))?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_held_by_those_who_use_a_struct_with_functions() {
        let names: Vec<_> = with_functions("struct Plain {\nusing {settle, weightAt} for Index global;\n").collect();
        assert_eq!(names, ["Index"]);
        assert!(has("Index memory index = Index(1);", "Index"));
        assert!(has("Index internal index;", "Index"));
        assert!(!has("import {Index} from", "Index"));
    }

    #[test]
    fn code_is_held_by_those_who_deploy_inherit_or_call_it() {
        let names: Vec<_> =
            declared("library Shares {\nabstract contract Room is Base {\n  contract inner\n").collect();
        assert_eq!(names, ["Shares", "Room"]);
        for text in ["new Shares(1)", "x = Shares.of(1)", "contract A is Shares {", "contract A is Test, Shares {"] {
            assert!(holds(text, "Shares"), "{text}");
        }
        for text in ["import {Shares} from", "Shares internal shares", "new SharesOf(1)"] {
            assert!(!holds(text, "Shares"), "{text}");
        }
    }
}
