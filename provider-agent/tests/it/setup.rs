//! A provider's first minutes: answering questions, or signing elsewhere.

use std::{path::Path, process::Command};

use aiigo_protocol::{NodeRegistry, units::parse_amount};
use alloy::{
    primitives::U256,
    providers::Provider,
    signers::{k256::elliptic_curve::rand_core::OsRng, local::PrivateKeySigner},
};
use serde_json::Value;

use crate::{
    pty::Terminal,
    support::{Ended, Stage, aiigo, node_of},
};

/// The agent as a person starts it, without a key in the environment.
fn command(stage: &Stage, folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aiigo-agent"));
    command.args(args).env_remove("AIIGO_PRIVATE_KEY").env("AIIGO_RPC_URL", stage.devnet.rpc_url().as_str());
    command.env("AIIGO_DEPLOYMENT", stage.devnet.deployment_path()).env("AIIGO_DATA_DIR", folder.join("agent"));
    command.env("FOUNDRY_DIR", folder).env("TERM", "xterm");
    command
}

async fn run(mut command: Command) -> Ended {
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ended { success: output.status.success(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The owner's key where Foundry keeps keys, and the file with its password.
fn keystore(stage: &Stage, folder: &Path) -> std::path::PathBuf {
    let key: PrivateKeySigner = stage.owner.private_key().parse().expect("a key");
    let keystores = folder.join("keystores");
    std::fs::create_dir_all(&keystores).expect("a folder");
    PrivateKeySigner::encrypt_keystore(&keystores, &mut OsRng, key.to_bytes(), "secret", Some("mine"))
        .expect("a keystore");
    let password = folder.join("password");
    std::fs::write(&password, "secret\n").expect("a file");
    password
}

async fn info(stage: &Stage, node: &str) -> NodeRegistry::NodeInfo {
    stage.registry().nodeInfo(node.parse().expect("an id")).call().await.expect("a node")
}

#[tokio::test(flavor = "multi_thread")]
async fn five_answers_make_a_node() {
    let stage = Stage::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let password = keystore(&stage, folder.path());
    let start = || {
        let mut command = command(&stage, folder.path(), &["setup", "--resource", "CPU"]);
        command.env("AIIGO_PASSWORD_FILE", &password);
        Terminal::start(command)
    };

    // Whoever says no has paid nothing.
    let mut terminal = start();
    terminal.answer("Where is the owner's key?", "\r").await;
    terminal.answer("Which key shall that be?", "\r").await;
    terminal.answer("How much ETH shall it have for gas?", "\r").await;
    terminal.answer("How much AIIGO shall be at stake?", "\r").await;
    terminal.answer("Lowest price in ETH an hour?", "0.25\r").await;
    terminal.until("register a CPU node for 0.1 ETH").await;
    terminal.answer("Do it?", "n").await;
    let (success, shown) = terminal.ended().await;
    assert!(!success && shown.contains("nothing was paid"), "{shown}");
    assert_eq!(stage.nonce_of(&stage.owner).await, 0);

    // The key that was made stays, and so does the price: neither is asked for again. A wrong answer is told at once.
    let mut terminal = start();
    terminal.answer("Where is the owner's key?", "\r").await;
    terminal.until("the one that was made here").await;
    terminal.type_in("\r");
    terminal.answer("How much ETH shall it have for gas?", "0.5\r").await;
    terminal.answer("How much AIIGO shall be at stake?", "\u{8}\u{8}\u{8}99\r").await;
    terminal.until("at least 100").await;
    terminal.type_in("\u{8}\u{8}200\r");
    terminal.until("stake 200 AIIGO").await;
    terminal.answer("Do it?", "y").await;
    let (success, shown) = terminal.ended().await;
    assert!(success, "{shown}");

    // Again, with the owner's key where everybody may name it: the key that was made stays, and nothing is sent.
    let mut again =
        command(&stage, folder.path(), &["setup", "--yes", "--json", "--operator", "new", "--stake", "200"]);
    again.env("AIIGO_PRIVATE_KEY", stage.owner.private_key());
    let again = run(again).await.json();
    assert_eq!(again["transactions"], serde_json::json!([]), "{again:#}");

    // The commands of the machine find node and key by themselves.
    let report = run(command(&stage, folder.path(), &["status", "--json"])).await.json();
    let (node, operator) = (report["nodeId"].as_str().expect("an id"), report["operator"].as_str().expect("a key"));
    let info = info(&stage, node).await;
    assert_eq!((info.owner, U256::from(info.stake)), (stage.owner.address(), aiigo(200)));
    assert_ne!(info.operator, info.owner);
    assert_eq!(operator.parse(), Ok(info.operator));
    let gas = stage.devnet.provider().get_balance(info.operator).await.expect("a balance");
    assert_eq!(gas, parse_amount("0.5").expect("an amount"));
    let policy = std::fs::read_to_string(folder.path().join("agent/policy.toml")).expect("a policy");
    assert!(policy.contains(r#"floor = { CPU = "0.25" }"#), "{policy}");
    let doctor = run(command(&stage, folder.path(), &["doctor", "--json"])).await;
    let checks: Value = serde_json::from_str(&doctor.stdout).expect("JSON");
    let check = |name: &str| {
        let all = checks["checks"].as_array().expect("checks").iter();
        all.clone().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name} in {checks:#}")).clone()
    };
    for name in ["machine", "GPU driver", "sandbox", "policy", "chain and folder", "gas", "key"] {
        assert_eq!(check(name)["ok"], true, "{checks:#}");
    }
    assert_eq!(check("key")["found"], "it is the operator's");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_signs_where_no_chain_is() {
    let stage = Stage::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let password = keystore(&stage, folder.path());
    let (unsigned, signed) = (folder.path().join("setup.json"), folder.path().join("setup.signed.json"));
    let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let owner = stage.owner.address().to_string();
    let wanted =
        ["setup", "--yes", "--json", "--stake", "200", "--operator", "new", "--gas", "0.05", "--owner", &owner];
    let write = async || {
        let file = path(&unsigned);
        let args: Vec<&str> = wanted.into_iter().chain(["--unsigned", &file]).collect();
        run(command(&stage, folder.path(), &args)).await
    };
    let report = write().await.json();
    assert_eq!(report["toSign"], path(&unsigned));
    assert_eq!(stage.nonce_of(&stage.owner).await, 0);
    // It may have been signed already.
    assert!(!write().await.success);

    let sign = async |account: &str, file: &Path| {
        let mut command =
            command(&stage, folder.path(), &["sign", &path(file), "--account", account, "--yes", "--json"]);
        // Nobody answers there.
        command.env("AIIGO_RPC_URL", "http://127.0.0.1:9").env("AIIGO_PASSWORD_FILE", &password);
        run(command).await
    };
    // A file in which a line was changed: the stake goes to somebody's contract.
    let text = std::fs::read_to_string(&unsigned).expect("a file");
    let registry = stage.at(aiigo_protocol::ContractName::NodeRegistry).to_string().to_lowercase();
    let changed = folder.path().join("changed.json");
    std::fs::write(&changed, text.to_lowercase().replace(&registry, "0x00000000000000000000000000000000000000aa"))
        .expect("a file");
    let refused = sign("mine", &changed).await;
    assert!(!refused.success, "{}", refused.stdout);

    let report = sign("mine", &unsigned).await.json();
    let meanings: Vec<_> = report["transactions"].as_array().expect("all").iter().map(|what| what.as_str()).collect();
    assert!(meanings[0].expect("text").starts_with("register a CPU node for 0.1 ETH"), "{meanings:?}");
    assert_eq!(meanings.len(), 4);

    // What was signed is what is sent, and nothing else.
    let text = std::fs::read_to_string(&signed).expect("a file");
    let forged = folder.path().join("forged.json");
    std::fs::write(&forged, text.replacen("\"gas\": \"0x", "\"gas\": \"0x1", 1)).expect("a file");
    let send =
        async |file: &Path| run(command(&stage, folder.path(), &["setup", "--json", "--signed", &path(file)])).await;
    let refused = send(&forged).await;
    assert!(!refused.success && refused.stderr.contains("is not what"), "{}", refused.stderr);
    assert_eq!(stage.nonce_of(&stage.owner).await, 0);

    let report = send(&signed).await.json();
    let node = node_of(&report);
    let info = info(&stage, &node.to_string()).await;
    assert_eq!((info.owner, U256::from(info.stake)), (stage.owner.address(), aiigo(200)));
    assert_ne!(info.operator, info.owner);
    // A second time it finds all there.
    assert_eq!(node_of(&send(&signed).await.json()), node);
    assert_eq!(stage.nonce_of(&stage.owner).await, 4);
    let report = run(command(&stage, folder.path(), &["status", "--json"])).await.json();
    assert_eq!(report["nodeId"], node.to_string());
}
