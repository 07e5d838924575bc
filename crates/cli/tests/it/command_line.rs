//! The command line as its users meet it: exit codes, JSON on stdout and nothing else, errors that help.

use std::{fs, path::Path, process::Output};

use aiigo_cli::job::prepare;
use aiigo_task::Program;

use crate::support::{JOB, json, stderr};

/// Runs `aiigo` to its end.
fn aiigo(dir: &Path, args: &[&str]) -> Output {
    crate::support::aiigo(dir).args(args).output().expect("the program starts")
}

fn job_folder(yaml: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("job.yaml"), yaml).expect("a job file");
    fs::write(dir.path().join("program.wasm"), b"\0asm\x01\0\0\0").expect("a module");
    fs::write(dir.path().join("data.csv"), "a,b\n1,2\n").expect("an input");
    dir
}

fn run(dir: &Path, more: &[&str]) -> Output {
    aiigo(dir, &[&["job", "run", "job.yaml", "--approve", "auto"], more].concat())
}

#[test]
fn a_mistake_in_a_job_file_is_named_with_its_line_and_field() {
    let dir = job_folder(&JOB.replace("price: 0.36", "price: cheap"));
    let output = run(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("job.yaml:7") && text.contains("price") && text.contains("cheap"), "{text}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_missing_job_file_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let output = run(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("job.yaml"), "{}", stderr(&output));
}

#[test]
fn a_missing_input_is_named() {
    let dir = job_folder(JOB);
    let output = run(dir.path(), &["--input", "data.csv=nowhere.csv"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("nowhere.csv"), "{}", stderr(&output));
}

#[test]
fn a_module_that_is_none_is_refused_before_anything_is_paid() {
    let dir = job_folder(JOB);
    fs::write(dir.path().join("program.wasm"), "#!/bin/sh\n").expect("a script");
    let output = run(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("program.wasm") && text.contains("wasm32-wasip1"), "{text}");
}

const IMAGE: &str = "tools.example/count@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn an_image_with_a_tag_is_refused_with_its_line() {
    let tagged = format!("image: {}", IMAGE.replace("count@", "count:latest@"));
    let dir = job_folder(&JOB.replace("module: program.wasm", &tagged));
    let output = run(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("job.yaml:2: image:") && text.contains("it has a tag"), "{text}");
}

#[tokio::test]
async fn of_a_job_with_an_image_only_inputs_and_spec_are_stored() {
    let dir = job_folder(&JOB.replace("module: program.wasm", &format!("image: {IMAGE}")));
    fs::remove_file(dir.path().join("program.wasm")).expect("there is no module");
    let job = prepare::read_job(&dir.path().join("job.yaml"), &[]).expect("a job");
    let gateway = "http://127.0.0.1:4353".parse().expect("an address");
    let prepared = prepare::store(&job, &dir.path().join("store"), gateway).await.expect("stored");
    assert_eq!(prepared.spec.program(), Program::Image(&IMAGE.parse().expect("an image")));
    assert_eq!(prepared.spec.limits.cpus, Some(1));
    assert_eq!(prepared.request.specHash, prepared.spec.hash());
}

#[test]
fn an_input_that_the_job_does_not_have_is_wrong_usage() {
    let dir = job_folder(JOB);
    let output = run(dir.path(), &["--input", "other.csv=data.csv"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("it has: data.csv"), "{}", stderr(&output));
}

#[test]
fn without_a_terminal_approval_must_be_decided_before() {
    let dir = job_folder(JOB);
    let output = aiigo(dir.path(), &["job", "run", "job.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--approve auto"), "{}", stderr(&output));
}

#[test]
fn an_unknown_flag_is_wrong_usage() {
    let dir = tempfile::tempdir().expect("a folder");
    assert_eq!(aiigo(dir.path(), &["job", "run", "job.yaml", "--fast"]).status.code(), Some(2));
    assert_eq!(aiigo(dir.path(), &["job", "status", "0x12"]).status.code(), Some(2));
}

#[test]
fn with_json_a_failure_is_one_document_too() {
    let dir = job_folder(&JOB.replace("price: 0.36", "price: cheap"));
    let output = run(dir.path(), &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let document = json(&output);
    let told = document["error"].as_str().expect("an error").to_owned() + &document["causedBy"].to_string();
    assert!(told.contains("price"), "{told}");
}

#[test]
fn a_chain_that_does_not_answer_is_named_with_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let account = "0x0000000000000000000000000000000000000001";
    let output = aiigo(dir.path(), &["wallet", "balance", account, "--rpc-url", "http://127.0.0.1:1", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let told = json(&output)["causedBy"].to_string();
    assert!(told.contains("http://127.0.0.1:1") && told.contains("is the node running"), "{told}");
}

#[test]
fn what_needs_an_indexer_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    for command in [["job", "list"], ["provider", "list"]] {
        let output = aiigo(dir.path(), &command);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("--indexer-url"), "{}", stderr(&output));
    }
}

#[test]
fn a_new_account_can_be_listed_and_used() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("password"), "secret\n").expect("a password");
    let made = aiigo(dir.path(), &["wallet", "new", "alice", "--password-file", "password", "--json"]);
    assert!(made.status.success(), "{}", stderr(&made));
    let listed = aiigo(dir.path(), &["wallet", "list", "--json"]);
    assert_eq!(json(&listed)[0]["name"], "alice");
    let args = ["wallet", "address", "--account", "alice", "--password-file", "password", "--json"];
    assert_eq!(json(&aiigo(dir.path(), &args))["address"], json(&made)["address"]);
}

#[test]
fn a_key_is_imported_and_signs_as_foundrys_wallet_does() {
    // The first account of Foundry's mnemonic, as `cast` has it too.
    const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    let dir = tempfile::tempdir().expect("a folder");
    for (file, text) in [("password", "secret\n"), ("key", KEY), ("no-key", "0xabc")] {
        fs::write(dir.path().join(file), text).expect("a file");
    }
    let import = |name: &str, key: &str| {
        aiigo(dir.path(), &["wallet", "import", name, "--key-file", key, "--password-file", "password", "--json"])
    };
    let refused = import("bob", "no-key");
    assert!(stderr(&refused).contains("no private key") && !stderr(&refused).contains("0xabc"), "{}", stderr(&refused));
    let made = import("bob", "key");
    assert!(made.status.success(), "{}", stderr(&made));
    assert_eq!(json(&made)["address"], "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
    assert!(stderr(&import("bob", "key")).contains("choose another name"), "it is there");

    let signed = aiigo(dir.path(), &["wallet", "sign", "it's me", "--account", "bob", "--password-file", "password"]);
    let signature = String::from_utf8(signed.stdout).expect("text").trim().to_owned();
    let cast = aiigo_devnet::find_tool("cast", &aiigo_devnet::project_root()).expect("Foundry's cast");
    let file = Path::new(json(&made)["keystore"].as_str().expect("a file")).to_owned();
    let foundry = |args: &[&str]| {
        let ended = std::process::Command::new(&cast).args(args).current_dir(dir.path()).output().expect("cast");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        String::from_utf8(ended.stdout).expect("text")
    };
    // Its wallet reads this keystore, signs the same, and takes this signature.
    let keystore = ["--keystore", file.to_str().expect("UTF-8"), "--password-file", "password"];
    assert_eq!(foundry(&[&["wallet", "sign", "it's me"][..], &keystore].concat()).trim(), signature);
    foundry(&["wallet", "verify", "--address", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "it's me", &signature]);
    // And the other way round.
    let folder = file.parent().expect("a folder").to_str().expect("UTF-8");
    let args =
        ["wallet", "import", "eve", "--private-key", KEY, "--unsafe-password", "secret", "--keystore-dir", folder];
    foundry(&args);
    let used = aiigo(dir.path(), &["wallet", "address", "--account", "eve", "--password-file", "password"]);
    assert_eq!(String::from_utf8_lossy(&used.stdout).trim(), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
}

#[test]
fn a_blob_comes_out_of_the_store_as_it_went_in() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("data"), "hello").expect("a file");
    let put = aiigo(dir.path(), &["store", "put", "data", "--store", "blobs", "--json"]);
    assert!(put.status.success(), "{}", stderr(&put));
    // What `ipfs add --cid-version=1 --raw-leaves` gives for these five bytes.
    let cid = json(&put)["cid"].as_str().expect("a CID").to_owned();
    assert_eq!(cid, "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq");
    let get = aiigo(dir.path(), &["store", "get", &cid, "-o", "copy", "--store", "blobs"]);
    assert!(get.status.success(), "{}", stderr(&get));
    assert_eq!(fs::read_to_string(dir.path().join("copy")).expect("a copy"), "hello");
}

#[test]
fn completions_are_there_for_every_shell() {
    let dir = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish"] {
        let output = aiigo(dir.path(), &["completions", shell]);
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains("aiigo"));
    }
}

#[test]
fn the_doctor_names_what_is_wrong_and_how_to_mend_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let output = aiigo(dir.path(), &["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let document = json(&output);
    assert_eq!(document["ok"], false);
    let checks = document["checks"].as_array().expect("checks");
    let check = |name: &str| checks.iter().find(|check| check["name"] == name).expect("a check");
    assert!(check("chain")["fix"].as_str().is_some_and(|fix| fix.contains("--rpc-url")));
    assert!(check("key")["fix"].as_str().is_some_and(|fix| fix.contains("aiigo wallet new")));
    assert_eq!(check("store")["ok"], true);
}
