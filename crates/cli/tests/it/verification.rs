//! A provider that lies, byte by byte: whatever is changed in what it delivers, the buyer's client notices.

use std::{fs, path::PathBuf};

use aiigo_cli::job::verify::{self, Difference, Promise};
use aiigo_protocol::TaskId;
use aiigo_storage::cid_of;
use aiigo_task::{FileDigest, Job, Outcome, OutputFile, ResultManifest, ResultParts, Sha256Digest, TaskSpec, Usage};
use alloy::primitives::B256;
use sha2::{Digest, Sha256};

const TASK: B256 = B256::repeat_byte(7);
const JOB: &str = "\
name: statistics
module: program.wasm
outputs: [a.json, b.json]
resources: {power: 0.001, time: 60s, output: 1KiB}
price: 0.36
";

fn digest(content: &[u8]) -> FileDigest {
    let sha256 = Sha256Digest(Sha256::digest(content).into());
    FileDigest { cid: cid_of(content), size: content.len() as u64, sha256 }
}

fn spec() -> TaskSpec {
    Job::parse(JOB, "job.yaml").expect("a job").spec(digest(b"\0asm"), &[], Vec::new()).expect("a spec")
}

fn output(path: &str, content: &[u8]) -> OutputFile {
    let FileDigest { cid, size, sha256 } = digest(content);
    OutputFile { path: path.parse().expect("a path"), cid, size, sha256 }
}

fn manifest(spec: &TaskSpec, task_id: B256, exit_code: i32, outputs: Vec<OutputFile>) -> ResultManifest {
    let parts = ResultParts {
        task_id,
        outcome: Outcome::Exited,
        exit_code,
        outputs,
        stdout: None,
        stderr: None,
        usage: Usage::default(),
    };
    ResultManifest::new(spec, parts).expect("a manifest")
}

fn outputs() -> Vec<OutputFile> {
    vec![output("a.json", b"{}"), output("b.json", b"[]")]
}

fn check(delivered: &ResultManifest, promised: &ResultManifest) -> Result<ResultManifest, Difference> {
    let spec = spec();
    let promise = Promise { task_id: TaskId(TASK), spec: &spec, result_hash: promised.result_hash() };
    verify::manifest(&delivered.canonical(), &promise)
}

#[test]
fn what_was_promised_is_accepted() {
    let promised = manifest(&spec(), TASK, 0, outputs());
    assert_eq!(check(&promised, &promised).expect("as promised"), promised);
}

#[test]
fn another_file_than_the_one_on_the_chain_is_refused() {
    let promised = manifest(&spec(), TASK, 0, outputs());
    let swapped = manifest(&spec(), TASK, 0, vec![output("a.json", b"{\"x\":1}"), output("b.json", b"[]")]);
    assert!(matches!(check(&swapped, &promised), Err(Difference::Manifest(_))));
}

#[test]
fn another_exit_code_is_refused() {
    let promised = manifest(&spec(), TASK, 1, outputs());
    let prettier = manifest(&spec(), TASK, 0, outputs());
    let error = check(&prettier, &promised).expect_err("another exit code").to_string();
    assert!(error.contains(&promised.result_hash().to_string()), "{error}");
}

#[test]
fn the_manifest_of_another_task_is_refused() {
    let promised = manifest(&spec(), TASK, 0, outputs());
    let other = manifest(&spec(), B256::repeat_byte(8), 0, outputs());
    assert_eq!(other.result_hash(), promised.result_hash(), "equal work has equal hashes");
    assert!(check(&other, &promised).is_err());
}

#[test]
fn the_manifest_of_another_spec_is_refused() {
    let other_spec = Job::parse(&JOB.replace("1KiB", "2KiB"), "job.yaml")
        .expect("a job")
        .spec(digest(b"\0asm"), &[], Vec::new())
        .expect("a spec");
    let promised = manifest(&spec(), TASK, 0, outputs());
    assert!(check(&manifest(&other_spec, TASK, 0, outputs()), &promised).is_err());
}

#[test]
fn a_success_without_its_outputs_is_refused() {
    let less = manifest(&spec(), TASK, 0, vec![output("a.json", b"{}")]);
    let error = check(&less, &less).expect_err("b.json is missing").to_string();
    assert!(error.contains("b.json"), "{error}");
}

#[test]
fn a_failed_program_may_leave_outputs_out() {
    let failed = manifest(&spec(), TASK, 3, vec![output("a.json", b"{}")]);
    assert_eq!(check(&failed, &failed).expect("a result like any other").exit_code, 3);
}

#[test]
fn a_manifest_that_is_no_manifest_is_refused() {
    let spec = spec();
    let promise = Promise { task_id: TaskId(TASK), spec: &spec, result_hash: B256::ZERO };
    for json in [&b""[..], b"{}", b"[1,2]", b"\xff\xfe"] {
        assert!(verify::manifest(json, &promise).is_err());
    }
}

fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("file");
    fs::write(&path, content).expect("a file");
    (dir, path)
}

#[test]
fn a_file_is_accepted_as_it_was_promised_and_refused_when_one_bit_is_other() {
    let promised = output("a.json", b"hello");
    let (_dir, path) = file(b"hello");
    verify::file(&promised, &path).expect("the same bytes");
    let (_dir, path) = file(b"hellp");
    assert!(matches!(verify::file(&promised, &path), Err(Difference::Content { .. })));
    let (_dir, path) = file(b"hello!");
    assert!(matches!(verify::file(&promised, &path), Err(Difference::Size { found: 6, expected: 5, .. })));
}
