//! `cargo xtask layouts`: where the upgradeable contracts keep what, from the sources to `contracts/storage`.
//!
//! The compiler lays out a contract's own variables only. The state of ours is a struct at a fixed slot (ERC-7201), so each
//! such struct becomes the one variable of a contract made for this, and that is what the compiler lays out.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use alloy::primitives::{B256, U256, keccak256};
use clap::Args;
use foundry_compilers::artifacts::{StorageLayout, StorageType};
use serde::{Deserialize, Serialize};

use crate::{
    abi,
    project::{Error, root},
    setup,
    shell::heading,
};

/// Where the layouts are kept.
const FOLDER: &str = "contracts/storage";
/// What stands above a struct that is a contract's state.
const MARK: &str = "@custom:storage-location erc7201:";

#[derive(Args)]
pub(crate) struct LayoutArgs {
    /// Change nothing; fail if a checked-in layout differs from the sources.
    #[arg(long)]
    check: bool,
}

impl LayoutArgs {
    pub(crate) const fn check() -> Self {
        Self { check: true }
    }
}

/// A struct that is a contract's state.
#[derive(Debug, PartialEq, Eq)]
struct Namespace {
    /// `aiigo.storage.NodeRegistry`
    id: String,
    /// The contract that declares the struct; none if it stands by itself.
    contract: Option<String>,
    name: String,
    /// Below `contracts/src`.
    file: String,
}

impl Namespace {
    /// The last part of the id: the file's name.
    fn short(&self) -> &str {
        self.id.rsplit('.').next().unwrap_or(&self.id)
    }

    fn slot(&self) -> B256 {
        let inner = U256::from_be_bytes(keccak256(&self.id).0) - U256::ONE;
        let mut slot = keccak256(inner.to_be_bytes::<32>());
        slot.0[31] = 0;
        slot
    }

    /// The contract whose one variable is the struct.
    fn inspector(&self) -> String {
        format!("Layout{}", self.short())
    }

    fn source(&self) -> String {
        let imported = self.contract.as_deref().unwrap_or(&self.name);
        let path = match &self.contract {
            Some(contract) => format!("{contract}.{}", self.name),
            None => self.name.clone(),
        };
        // Each in a file of its own: two structs may have one name.
        format!(
            "// SPDX-License-Identifier: Apache-2.0\npragma solidity 0.8.37;\nimport {{{imported}}} from \"src/{}\";\ncontract \
             {} {{ {path} private state; }}\n",
            self.file,
            self.inspector()
        )
    }
}

/// A checked-in layout.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
struct Layout {
    namespace: String,
    /// Of the struct's first member.
    slot: B256,
    members: Vec<Member>,
    /// The members of every struct that occurs in it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    structs: BTreeMap<String, Vec<Member>>,
}

#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
struct Member {
    /// From the start of the struct.
    slot: String,
    /// Bytes from the right of the slot.
    offset: i64,
    label: String,
    #[serde(rename = "type")]
    kind: String,
}

pub(crate) fn run(args: &LayoutArgs) -> Result<(), Error> {
    setup::npm_packages()?;
    heading(if args.check {
        "Comparing the storage layouts with the contracts"
    } else {
        "Writing the storage layouts"
    });
    let namespaces = namespaces()?;
    let layouts = layouts(&namespaces)?;
    let folder = root().join(FOLDER);
    fs::create_dir_all(&folder)?;
    let mut differences = String::new();
    for (short, layout) in &layouts {
        let path = folder.join(format!("{short}.json"));
        let old = fs::read_to_string(&path).unwrap_or_default();
        let text = serde_json::to_string_pretty(layout)? + "\n";
        if old == text {
            continue;
        }
        let changes = match serde_json::from_str::<Layout>(&old) {
            Ok(old) => compare(&old, layout),
            Err(_) => vec!["new".into()],
        };
        for change in changes {
            writeln!(differences, "  {short}: {change}")?;
        }
        if !args.check {
            fs::write(&path, text)?;
        }
    }
    for file in fs::read_dir(&folder)?.flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if !name.strip_suffix(".json").is_some_and(|short| layouts.contains_key(short)) {
            writeln!(differences, "  {name}: no contract has this state any more")?;
            if !args.check {
                fs::remove_file(file.path())?;
            }
        }
    }
    if args.check && !differences.is_empty() {
        return Err(format!(
            "the storage layouts differ from {FOLDER}:\n{differences}A deployed contract can be upgraded only to a layout that \
             appends. If the change is meant, run `cargo xtask layouts`"
        )
        .into());
    }
    eprint!("{differences}");
    Ok(())
}

/// The marked structs of all sources.
fn namespaces() -> Result<Vec<Namespace>, Error> {
    let mut found = Vec::new();
    let sources = root().join("contracts/src");
    collect(&sources, &mut |path| {
        let text = fs::read_to_string(path)?;
        let file = path.strip_prefix(&sources)?.to_string_lossy().into_owned();
        for namespace in marked(&text, &file) {
            let slot = alloy::hex::encode(namespace.slot());
            // The contract writes the number down; whoever else uses the struct asks it.
            if text.contains("_LOCATION") && text.contains("0x") && !text.contains(&slot) {
                return Err(format!("{file}: {} belongs at 0x{slot}, which the file doesn't say", namespace.id).into());
            }
            found.push(namespace);
        }
        Ok(())
    })?;
    found.sort_by(|a: &Namespace, b| a.id.cmp(&b.id));
    Ok(found)
}

fn collect(folder: &Path, visit: &mut impl FnMut(&Path) -> Result<(), Error>) -> Result<(), Error> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, visit)?;
        } else if path.extension().is_some_and(|kind| kind == "sol") {
            visit(&path)?;
        }
    }
    Ok(())
}

fn marked(text: &str, file: &str) -> Vec<Namespace> {
    let mut contract = None;
    let mut id = None;
    let mut found = Vec::new();
    for line in text.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            ["contract" | "library", name, ..] | ["abstract", "contract", name, ..] => {
                contract = Some((*name).to_owned())
            }
            ["struct", name, ..] => {
                if let Some(id) = id.take() {
                    let (name, file) = ((*name).to_owned(), file.to_owned());
                    found.push(Namespace { id, contract: contract.clone(), name, file });
                }
            }
            _ => {
                if let Some((_, name)) = line.split_once(MARK) {
                    id = Some(name.trim().to_owned());
                }
            }
        }
    }
    found
}

/// What the compiler says of each, by the file's name.
fn layouts(namespaces: &[Namespace]) -> Result<BTreeMap<String, Layout>, Error> {
    let folder = root().join("target/layouts");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut files = Vec::<PathBuf>::new();
    for namespace in namespaces {
        let file = folder.join(format!("{}.sol", namespace.inspector()));
        fs::write(&file, namespace.source())?;
        files.push(file);
    }
    let output = abi::project(&["storageLayout"], Some(folder))?.compile()?;
    if output.has_compiler_errors() {
        return Err(output.to_string().into());
    }
    let mut layouts = BTreeMap::new();
    for namespace in namespaces {
        let layout = output
            .output()
            .contracts
            .contracts()
            .find_map(|(name, contract)| (*name == namespace.inspector()).then_some(&contract.storage_layout))
            .ok_or_else(|| format!("the compiler gave no layout for {}", namespace.id))?;
        if layouts.insert(namespace.short().to_owned(), layout_of(namespace, layout)?).is_some() {
            return Err(format!("two structs are at {}", namespace.id).into());
        }
    }
    Ok(layouts)
}

fn layout_of(namespace: &Namespace, layout: &StorageLayout) -> Result<Layout, Error> {
    let state = layout.storage.first().ok_or_else(|| format!("{} is empty", namespace.id))?;
    let mut structs = BTreeMap::new();
    for kind in layout.types.values() {
        if let Some(members) = members(kind, layout)? {
            structs.insert(kind.label.clone(), members);
        }
    }
    let label = layout.types.get(&state.storage_type).map(|kind| kind.label.clone()).unwrap_or_default();
    let members = structs.remove(&label).ok_or_else(|| format!("{} is no struct", namespace.id))?;
    Ok(Layout { namespace: namespace.id.clone(), slot: namespace.slot(), members, structs })
}

/// Of a struct; nothing for other types. Types are named by their label: their key has a number of this compilation in it.
fn members(kind: &StorageType, layout: &StorageLayout) -> Result<Option<Vec<Member>>, Error> {
    #[derive(Deserialize)]
    struct Raw {
        slot: String,
        offset: i64,
        label: String,
        #[serde(rename = "type")]
        kind: String,
    }
    let Some(members) = kind.other.get("members") else { return Ok(None) };
    let raw: Vec<Raw> = serde_json::from_value(members.clone())?;
    let named = |raw: Raw| {
        let kind = layout.types.get(&raw.kind).map_or(raw.kind, |kind| kind.label.clone());
        Member { slot: raw.slot, offset: raw.offset, label: raw.label, kind }
    };
    Ok(Some(raw.into_iter().map(named).collect()))
}

/// What changed, for a person.
fn compare(old: &Layout, new: &Layout) -> Vec<String> {
    let mut changes = Vec::new();
    if old.slot != new.slot {
        changes.push(format!("moved from {} to {}", old.slot, new.slot));
    }
    compare_members("", &old.members, &new.members, &mut changes);
    for (name, members) in &new.structs {
        match old.structs.get(name) {
            Some(before) => compare_members(&format!("{name}."), before, members, &mut changes),
            None => changes.push(format!("{name} is new")),
        }
    }
    changes.extend(
        old.structs.keys().filter(|name| !new.structs.contains_key(*name)).map(|name| format!("{name} is gone")),
    );
    changes
}

fn compare_members(of: &str, old: &[Member], new: &[Member], changes: &mut Vec<String>) {
    let find = |members: &[Member], label: &str| members.iter().position(|member| member.label == label);
    for before in old {
        let Some(after) = find(new, &before.label).map(|at| &new[at]) else {
            changes.push(format!("{of}{} is gone", before.label));
            continue;
        };
        if (&before.slot, before.offset) != (&after.slot, after.offset) {
            changes.push(format!(
                "{of}{} moved from slot {} offset {} to slot {} offset {}",
                before.label, before.slot, before.offset, after.slot, after.offset
            ));
        }
        if before.kind != after.kind {
            changes.push(format!("{of}{} was {}, is {}", before.label, before.kind, after.kind));
        }
    }
    for after in new.iter().filter(|after| find(old, &after.label).is_none()) {
        changes.push(format!("{of}{} is new, at slot {} offset {}", after.label, after.slot, after.offset));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(label: &str, slot: u8, kind: &str) -> Member {
        Member { slot: slot.to_string(), offset: 0, label: label.into(), kind: kind.into() }
    }

    #[test]
    fn the_slot_is_that_of_the_standard() {
        let namespace = Namespace { id: "example.main".into(), contract: None, name: "S".into(), file: "S.sol".into() };
        // The example in ERC-7201.
        assert_eq!(namespace.slot().to_string(), "0x183a6125c38840424c4a85fa12bab2ab606c4b6d0e7cc73c0c06ba5300eab500");
    }

    #[test]
    fn marked_structs_are_found_with_their_contract() {
        let text =
            "abstract contract Base {\n    /// @custom:storage-location erc7201:aiigo.storage.Base\n    struct S {\n";
        let found = marked(text, "Base.sol");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].id.as_str(), found[0].contract.as_deref()), ("aiigo.storage.Base", Some("Base")));
        assert!(found[0].source().contains("Base.S private state;"));
    }

    #[test]
    fn every_kind_of_change_is_named() {
        let layout = |members| Layout { namespace: "n".into(), slot: B256::ZERO, members, structs: BTreeMap::new() };
        let old = layout(vec![member("gone", 0, "uint256"), member("moved", 1, "uint8"), member("other", 3, "uint8")]);
        let new = layout(vec![member("moved", 0, "uint8"), member("other", 3, "uint16"), member("added", 4, "bool")]);
        assert_eq!(
            compare(&old, &new),
            [
                "gone is gone",
                "moved moved from slot 1 offset 0 to slot 0 offset 0",
                "other was uint8, is uint16",
                "added is new, at slot 4 offset 0",
            ]
        );
    }
}
