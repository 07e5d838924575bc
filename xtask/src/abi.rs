//! `cargo xtask abi`: the contracts' ABI, from the sources to `crates/protocol/abi`.

use std::{collections::BTreeMap, fs, path::PathBuf};

use aiigo_protocol::ContractName;
use alloy::json_abi::JsonAbi;
use clap::Args;
use foundry_compilers::{
    Project, ProjectBuilder, ProjectPathsConfig,
    artifacts::{Remapping, Settings, output_selection::OutputSelection},
    multi::{MultiCompiler, MultiCompilerSettings},
    solc::{Solc, SolcCompiler, SolcSettings},
};
use serde::Deserialize;

use crate::{
    project::{Error, root},
    setup,
    shell::heading,
};

/// Contracts in several rooms: what the first doesn't know it delegates to the next.
const EXTENSIONS: [(ContractName, &str); 5] = [
    (ContractName::NodeRegistry, "RegistryExtension"),
    (ContractName::TaskMarketplace, "MarketExtension"),
    (ContractName::TaskMarketplace, "MarketDeals"),
    (ContractName::TaskMarketplace, "ReplicasExtension"),
    (ContractName::DisputeCourt, "CourtExtension"),
];

#[derive(Args)]
pub(crate) struct AbiArgs {
    /// Change nothing; fail if a checked-in ABI differs from the sources.
    #[arg(long)]
    check: bool,
}

impl AbiArgs {
    pub(crate) const fn check() -> Self {
        Self { check: true }
    }
}

/// What `foundry.toml` says of the compiler: its one home.
#[derive(Deserialize)]
struct FoundryToml {
    profile: Profiles,
}

#[derive(Deserialize)]
struct Profiles {
    default: Profile,
}

#[derive(Deserialize)]
struct Profile {
    src: PathBuf,
    solc: PathBuf,
    remappings: Vec<String>,
}

pub(crate) fn run(args: &AbiArgs) -> Result<(), Error> {
    setup::npm_packages()?;
    heading(if args.check { "Comparing the checked-in ABI with the contracts" } else { "Generating the ABI" });
    let output = project(&["abi"], None)?.compile()?;
    if output.has_compiler_errors() {
        return Err(output.to_string().into());
    }
    let mut stale = Vec::new();
    for contract in ContractName::ALL {
        let abi_of = |name: &str| {
            output
                .artifact_ids()
                .find_map(|(id, artifact)| (id.name == name).then(|| artifact.abi.clone()))
                .flatten()
                .ok_or_else(|| format!("the contracts have no {name}"))
        };
        let mut abi = abi_of(contract.name())?;
        for (_, extension) in EXTENSIONS.iter().filter(|(extended, _)| *extended == contract) {
            merge(&mut abi, abi_of(extension)?);
        }
        let text = serde_json::to_string_pretty(&abi)? + "\n";
        let path = root().join(format!("crates/protocol/abi/{contract}.json"));
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        if args.check {
            stale.push(contract.name());
        } else {
            fs::write(&path, text)?;
            eprintln!("  wrote {contract}.json");
        }
    }
    match stale.as_slice() {
        [] => Ok(()),
        stale => Err(format!("the checked-in ABI is stale: {}; run `cargo xtask abi`", stale.join(", ")).into()),
    }
}

/// One address answers for both: what the extension alone knows joins the contract's own.
fn merge(abi: &mut JsonAbi, extension: JsonAbi) {
    fn join<T: PartialEq>(known: &mut BTreeMap<String, Vec<T>>, more: BTreeMap<String, Vec<T>>) {
        for (name, items) in more {
            let known = known.entry(name).or_default();
            known.extend(items.into_iter().filter(|item| !known.contains(item)).collect::<Vec<_>>());
        }
    }
    join(&mut abi.functions, extension.functions);
    join(&mut abi.events, extension.events);
    join(&mut abi.errors, extension.errors);
}

/// The contracts as forge compiles them, for the given outputs of the compiler; of other sources than its own if `sources`
/// is given.
pub(crate) fn project(outputs: &[&str], sources: Option<PathBuf>) -> Result<Project<MultiCompiler>, Error> {
    let toml: FoundryToml = toml::from_str(&fs::read_to_string(root().join("foundry.toml"))?)?;
    let profile = toml.profile.default;
    let remappings = profile.remappings.iter().map(|text| text.parse::<Remapping>()).collect::<Result<Vec<_>, _>>()?;
    let paths = ProjectPathsConfig::builder()
        .sources(sources.unwrap_or_else(|| root().join(profile.src)))
        .artifacts(root().join("target/abi/out"))
        .cache(root().join("target/abi/cache.json"))
        .remappings(remappings)
        .lib(root().join("node_modules"))
        .build_with_root(root());
    let selection = OutputSelection::common_output_selection(outputs.iter().map(|output| (*output).to_owned()));
    let solc = Settings { output_selection: selection, ..Default::default() };
    let compiler =
        MultiCompiler { solc: Some(SolcCompiler::Specific(Solc::new(root().join(profile.solc))?)), vyper: None };
    Ok(ProjectBuilder::<MultiCompiler>::default()
        .paths(paths)
        .settings(MultiCompilerSettings {
            solc: SolcSettings { settings: solc, ..Default::default() },
            ..Default::default()
        })
        .ephemeral()
        .no_artifacts()
        .build(compiler)?)
}
