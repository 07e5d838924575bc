//! A deployer's first hour: the contracts on a fresh chain by one command, compared with what was configured.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use aiigo_devnet::{Account, BareChain, BlockTime, project_root};
use aiigo_protocol::{ContractName, Deployment};
use aiigo_tests::{bin_dir, fresh_dir};
use alloy::providers::Provider;
use serde_json::Value;
use tokio::process::Command;

struct Deployer {
    chain: BareChain,
    dir: PathBuf,
    key: String,
}

impl Deployer {
    async fn new() -> Self {
        let dir = fresh_dir("deployer");
        let chain = BareChain::start(dir.join("chain"), BlockTime::PerTransaction).await;
        let key = Account::derive(0).expect("an account").private_key();
        Self { chain: chain.expect("a chain"), dir, key }
    }

    fn record(&self) -> PathBuf {
        self.dir.join("record/deployment.json")
    }

    async fn aiigo(&self, record: &Path, args: &[&str]) -> Output {
        let command = Command::new(bin_dir().join("aiigo"))
            .current_dir(project_root())
            .args(args)
            .args(["--rpc-url", self.chain.rpc_url().as_str(), "--deployment"])
            .arg(record)
            .env("AIIGO_PRIVATE_KEY", &self.key)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        command.await.expect("it runs")
    }

    /// The command's document.
    async fn json(&self, args: &[&str]) -> Value {
        let output = self.aiigo(&self.record(), &[args, &["--json"]].concat()).await;
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// The command fails, and says so.
    async fn refused(&self, record: &Path, args: &[&str], words: &str) {
        let output = self.aiigo(record, args).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(words), "{args:?}: expected {words}, got {said}");
    }
}

/// What runs of the command have, or have left, where scripts may write.
fn workshops() -> BTreeSet<OsString> {
    let entries = fs::read_dir(project_root().join(".aiigo/deploy")).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).collect()
}

#[tokio::test]
async fn the_suite_is_deployed_to_a_fresh_chain_and_is_as_configured() {
    let before = workshops();
    let mut deployer = Deployer::new().await;
    let record = deployer.record();
    let deploy = ["deploy", "--parameters", "contracts/script/config/anvil.json"];

    // Without an answer nothing is deployed, and one who can't pay is told before.
    deployer.refused(&record, &deploy, "--yes").await;
    let rich = std::mem::replace(&mut deployer.key, format!("{:0>64}", 7));
    deployer.refused(&record, &[&deploy[..], &["--yes"]].concat(), "send it some").await;
    deployer.key = rich;
    deployer.refused(&record, &["deploy", "--yes", "--parameters", "nowhere.json"], "nowhere.json").await;
    // A place that can't be written is found out before anything is deployed.
    let file = deployer.dir.join("a-file");
    fs::write(&file, "no folder").expect("a file");
    deployer.refused(&file.join("record.json"), &[&deploy[..], &["--yes"]].concat(), "writing").await;
    assert!(!record.exists());
    assert_eq!(deployer.chain.provider().get_block_number().await.expect("a number"), 0, "nothing was sent");

    let done = deployer.json(&[&deploy[..], &["--yes"]].concat()).await;
    assert_eq!((&done["chainId"], &done["checked"]), (&31_337.into(), &true.into()), "{done:#}");
    let deployment = Deployment::load(&record).expect("a record");
    for name in ContractName::ALL {
        let (told, at) = (&done["contracts"][name.name()], deployment.address(name));
        assert_eq!(told, &serde_json::json!(at), "{name:?}");
        assert!(!deployer.chain.provider().get_code_at(at).await.expect("code").is_empty(), "{name:?}");
    }
    assert_eq!(workshops(), before, "the key that forge used is gone");

    // Whoever comes later reads it, and compares it with the chain.
    let params = deployer.json(&["protocol", "params"]).await;
    assert!(params.is_object() || params.is_array(), "{params:#}");
    deployer.json(&["deploy", "--only-check"]).await;
    deployer.refused(&record, &[&deploy[..], &["--yes"]].concat(), "--only-check").await;
    let text = fs::read_to_string(&record).expect("a record");
    let mut other: Value = serde_json::from_str(&text).expect("JSON");
    let fee = &mut other["parameters"]["marketplace"]["feeBps"];
    *fee = (fee.as_u64().expect("a fee") + 1).into();
    let changed = deployer.dir.join("changed.json");
    fs::write(&changed, other.to_string()).expect("a record");
    deployer.refused(&changed, &["deploy", "--only-check"], "TaskMarketplace's parameters").await;
}
