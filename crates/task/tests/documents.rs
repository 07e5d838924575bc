//! Spec and manifest: what is hashed, what is refused, and that nothing is lost on the way.
#![allow(clippy::unwrap_used)] // helpers of tests: to fail is to panic

use std::collections::BTreeMap;

use aiigo_task::{
    BlobCid, CapturedText, DocumentError, FileDigest, GatewayUrl, InputFile, Limits, MAX_DOCUMENT_BYTES, MAX_SECONDS,
    Outcome, OutputFile, ResultManifest, ResultParts, Sha256Digest, TaskProgram, TaskSpec, TaskSpecParts, Usage,
    result_hash,
};
use alloy::primitives::{B256, b256, keccak256};
use proptest::prelude::*;

const TASK: B256 = B256::repeat_byte(0x7a);

fn digest(byte: u8) -> FileDigest {
    FileDigest { cid: BlobCid::raw([byte; 32]), size: u64::from(byte), sha256: Sha256Digest([byte; 32]) }
}

fn input(path: &str) -> InputFile {
    let FileDigest { cid, size, sha256 } = digest(2);
    InputFile { path: path.parse().unwrap(), cid, size, sha256 }
}

fn output(path: &str, size: u64) -> OutputFile {
    OutputFile { path: path.parse().unwrap(), cid: BlobCid::raw([3; 32]), size, sha256: Sha256Digest([3; 32]) }
}

fn parts() -> TaskSpecParts {
    TaskSpecParts {
        name: "count".into(),
        program: digest(1).into(),
        args: vec!["--top".into(), "20".into()],
        env: BTreeMap::from([("LANG".into(), "C".into())]),
        inputs: vec![input("in/a.txt")],
        outputs: vec!["b.json".parse().unwrap(), "a.json".parse().unwrap()],
        limits: Limits { memory_bytes: 1 << 20, fuel: Some(1000), cpus: None, seconds: 60, output_bytes: 100 },
        gateways: vec!["http://127.0.0.1:4353".parse().unwrap()],
    }
}

fn image() -> TaskProgram {
    let image = "tools.example/sort@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    TaskProgram::Image(image.parse().unwrap())
}

fn image_parts(parts: &mut TaskSpecParts) -> &mut TaskSpecParts {
    parts.program = image();
    parts.limits = Limits { memory_bytes: 8 << 30, fuel: None, cpus: Some(2), ..parts.limits };
    parts
}

fn spec() -> TaskSpec {
    TaskSpec::new(parts()).unwrap()
}

fn result() -> ResultParts {
    ResultParts {
        task_id: TASK,
        outcome: Outcome::Exited,
        exit_code: 0,
        outputs: vec![output("b.json", 40), output("a.json", 60)],
        stdout: Some(CapturedText { cid: BlobCid::raw([4; 32]), size: 9 }),
        stderr: None,
        usage: Usage { fuel: 900, peak_memory_bytes: 65536, wall_millis: 12 },
    }
}

#[test]
fn a_spec_is_hashed_over_its_canonical_form() {
    let spec = spec();
    let canonical = String::from_utf8(spec.canonical()).unwrap();
    let module = digest(1).cid;
    assert!(canonical.starts_with(
        r#"{"args":["--top","20"],"env":{"LANG":"C"},"gateways":["http://127.0.0.1:4353/"],"inputs":[{"cid":""#
    ));
    assert!(canonical.contains(&format!(
        r#""limits":{{"fuel":1000,"memoryBytes":1048576,"outputBytes":100,"seconds":60}},"module":{{"cid":"{module}","#
    )));
    assert!(canonical.ends_with(r#""outputs":["b.json","a.json"],"schema":"aiigo.task/v1"}"#));
    assert_eq!(spec.hash(), keccak256(&canonical));
    // White space and the order of keys do not matter.
    let value: serde_json::Value = serde_json::from_str(&canonical).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    assert_eq!(TaskSpec::parse_promised(pretty.as_bytes(), spec.hash()).unwrap(), spec);
}

#[test]
fn a_spec_names_exactly_one_program() {
    let mut parts = parts();
    let spec = TaskSpec::new(image_parts(&mut parts).clone()).unwrap();
    assert_eq!(TaskSpec::parse(&spec.canonical()).unwrap(), spec);
    let value: serde_json::Value = serde_json::from_slice(&spec.canonical()).unwrap();
    assert!(value.get("module").is_none() && value["limits"].get("fuel").is_none(), "{value}");
    let refused = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = value.clone();
        change(&mut value);
        TaskSpec::parse(value.to_string().as_bytes()).unwrap_err().to_string()
    };
    let module = serde_json::to_value(digest(1)).unwrap();
    let both = refused(&|value| value["module"] = module.clone());
    assert_eq!(both, "the task spec is invalid: image: is there beside `module`; a task has one program");
    let none = refused(&|value| drop(value.as_object_mut().unwrap().remove("image")));
    assert_eq!(none, "the task spec is invalid: module: is missing, and so is `image`; a task has one of the two");
    assert!(refused(&|value| value["module"] = serde_json::Value::Null).contains("malformed"));
    assert!(refused(&|value| value["image"] = "busybox:latest".into()).contains("not an image by digest"));
}

#[test]
fn a_spec_with_another_hash_than_promised_is_refused() {
    let error = TaskSpec::parse_promised(&spec().canonical(), TASK).unwrap_err();
    assert!(matches!(error, DocumentError::WrongHash { expected: TASK, .. }), "{error}");
}

#[test]
fn a_spec_that_breaks_a_rule_names_the_field() {
    let bad = |change: &dyn Fn(&mut TaskSpecParts)| {
        let mut parts = parts();
        change(&mut parts);
        TaskSpec::new(parts).unwrap_err().to_string()
    };
    let many = |count: usize| (0..count).map(|n| input(&format!("f{n}"))).collect::<Vec<_>>();
    for (error, expected) in [
        (bad(&|p| p.name = " x".into()), "name: begins or ends with white space"),
        (bad(&|p| p.program = FileDigest { size: 0, ..digest(1) }.into()), "module.size: 0 bytes"),
        (bad(&|p| p.program = FileDigest { size: 1 << 40, ..digest(1) }.into()), "module.size: 1099511627776 bytes"),
        (bad(&|p| p.args[1] = "a\0".into()), "args[1]: contains a NUL"),
        (bad(&|p| p.args = vec![String::new(); 257]), "args: has 257 entries"),
        (bad(&|p| p.args = vec!["x".repeat(40_000); 2]), "args: arguments and environment have 80005 bytes"),
        (bad(&|p| drop(p.env.insert("A=".into(), String::new()))), "env.A=: the name of a variable"),
        (bad(&|p| p.inputs = many(257)), "inputs: has 257 files"),
        (bad(&|p| p.inputs[0].size = 1 << 50), "inputs: 1125899906842624 bytes together"),
        (bad(&|p| p.inputs.push(input("IN/A.TXT"))), "inputs[1].path: `IN/A.TXT` is there twice"),
        (bad(&|p| p.outputs.push("in".parse().unwrap())), "outputs[2]: `in` is a file here and a folder in"),
        (bad(&|p| p.outputs.push("in/a.txt/x".parse().unwrap())), "outputs[2]: `in/a.txt/x` lies inside"),
        (bad(&|p| p.limits.memory_bytes = 1), "limits.memoryBytes: 1 is not between"),
        (bad(&|p| p.limits.fuel = Some(1 << 53)), "limits.fuel: 9007199254740992 is not between"),
        (bad(&|p| p.limits.fuel = None), "limits.fuel: is missing"),
        (bad(&|p| p.limits.cpus = Some(1)), "limits.cpus: has no meaning here: a module has one processor"),
        (bad(&|p| p.limits.memory_bytes = 5 << 30), "limits.memoryBytes: 5368709120 is not between"),
        (bad(&|p| p.program = image()), "limits.memoryBytes: 1048576 is not between"),
        (
            bad(&|p| image_parts(p).limits.fuel = Some(1)),
            "limits.fuel: has no meaning here: a container's compute units",
        ),
        (bad(&|p| image_parts(p).limits.cpus = None), "limits.cpus: is missing"),
        (bad(&|p| image_parts(p).limits.cpus = Some(0)), "limits.cpus: 0 is not between 1 and 1024"),
        (bad(&|p| p.limits.seconds = MAX_SECONDS + 1), "limits.seconds: "),
        (bad(&|p| p.gateways = vec![p.gateways[0].clone(); 9]), "gateways: 9 of them"),
    ] {
        assert!(
            error.starts_with(&format!("the task spec is invalid: {expected}")),
            "expected {expected}, got {error}"
        );
    }
}

#[test]
fn a_document_of_any_size_is_not_read() {
    let long = vec![b' '; MAX_DOCUMENT_BYTES + 1];
    assert!(matches!(TaskSpec::parse(&long), Err(DocumentError::TooLarge { .. })));
    assert!(matches!(ResultManifest::parse(&long), Err(DocumentError::TooLarge { .. })));
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    assert!(matches!(TaskSpec::parse(&deep), Err(DocumentError::Malformed { .. })));
}

#[test]
fn a_key_that_comes_twice_is_refused_wherever_it_is() {
    let canonical = String::from_utf8(spec().canonical()).unwrap();
    for (from, to) in [
        (r#""name":"count""#, r#""name":"count","name":"other""#),
        (r#""LANG":"C""#, r#""LANG":"C","LANG":"D""#),
        (r#""fuel":1000"#, r#""fuel":1000,"fuel":1"#),
    ] {
        let twice = canonical.replacen(from, to, 1);
        assert_ne!(twice, canonical);
        let error = TaskSpec::parse(twice.as_bytes()).unwrap_err();
        assert!(matches!(error, DocumentError::Malformed { .. }), "{error}");
    }
}

#[test]
fn the_result_hash_is_over_exit_code_and_outputs_alone() {
    let spec = spec();
    let manifest = ResultManifest::new(&spec, result()).unwrap();
    let sha = "03".repeat(32);
    let content = format!(
        r#"{{"exitCode":0,"outputs":[{{"path":"a.json","sha256":"{sha}","size":60}},{{"path":"b.json","sha256":"{sha}","size":40}}]}}"#
    );
    assert_eq!(manifest.result_hash(), keccak256(content));
    let slower = ResultManifest::new(
        &spec,
        ResultParts {
            task_id: B256::ZERO,
            usage: Usage { wall_millis: 99, ..result().usage },
            stdout: None,
            ..result()
        },
    );
    assert_eq!(slower.unwrap().result_hash(), manifest.result_hash());
    let failed = ResultManifest::new(&spec, ResultParts { exit_code: 1, ..result() }).unwrap();
    assert_ne!(failed.result_hash(), manifest.result_hash());
    // Computed once by hand, so that no change of code goes unseen: keccak256('{"exitCode":0,"outputs":[]}').
    assert_eq!(result_hash(0, &[]), b256!("31f24ac45cd245fdbd9463059a4b9d9afb168f3801da23c2db66f17307265fe8"));
}

#[test]
fn endings_that_the_program_did_not_choose_have_fixed_codes_and_no_files() {
    let spec = spec();
    for (outcome, code) in [
        (Outcome::OutOfTime, 124),
        (Outcome::Trapped, 134),
        (Outcome::OutOfMemory, 137),
        (Outcome::OutOfFuel, 152),
        (Outcome::OutputTooLarge, 153),
    ] {
        let manifest = ResultManifest::new(&spec, ResultParts { outcome, outputs: vec![], ..result() }).unwrap();
        assert_eq!(manifest.exit_code, code);
        let wrong = String::from_utf8(manifest.canonical()).unwrap().replace(&format!(":{code},"), ":0,");
        let error = ResultManifest::parse(wrong.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("exitCode: 0; a run that ended"), "{error}");
        let error = ResultManifest::new(&spec, ResultParts { outcome, ..result() }).unwrap_err().to_string();
        assert!(error.contains("outputs: a run that ended"), "{error}");
    }
}

#[test]
fn a_manifest_must_fit_to_its_task_and_spec() {
    let spec = spec();
    let manifest = ResultManifest::new(&spec, result()).unwrap();
    let json = manifest.canonical();
    let hash = manifest.result_hash();
    assert_eq!(ResultManifest::parse_promised(&json, TASK, &spec, hash).unwrap(), manifest);

    let refused = |json: &[u8], task, spec: &TaskSpec, hash| {
        ResultManifest::parse_promised(json, task, spec, hash).unwrap_err().to_string()
    };
    let other = TaskSpec::new(TaskSpecParts { name: "other".into(), ..parts() }).unwrap();
    assert!(refused(&json, B256::ZERO, &spec, hash).contains("taskId: "));
    assert!(refused(&json, TASK, &other, hash).contains("specHash: "));
    assert!(refused(&json, TASK, &spec, TASK).contains("promised"));
    let text = String::from_utf8(json).unwrap();
    let renamed = text.replace("a.json", "c.json");
    assert!(
        refused(renamed.as_bytes(), TASK, &spec, hash).contains("outputs[0].path: `c.json` is not among the outputs")
    );
    let larger = text.replace(r#""size":60"#, r#""size":61"#);
    assert!(refused(larger.as_bytes(), TASK, &spec, hash).contains("outputs: 101 bytes together; the spec allows 100"));
    let twice = text.replace("b.json", "A.json");
    assert!(refused(twice.as_bytes(), TASK, &spec, hash).contains("outputs[1].path: `A.json` is there twice"));
}

fn path() -> impl Strategy<Value = String> {
    proptest::collection::vec("[a-zäöü0-9_-]{1,8}", 1..4).prop_map(|parts| parts.join("/"))
}

prop_compose! {
    fn any_parts()(
        name in "[a-zA-Zé]([ a-zé]{0,20}[a-z])?",
        args in proptest::collection::vec("[^\\x00]{0,20}", 0..5),
        env in proptest::collection::btree_map("[A-Z_]{1,10}", "[^\\x00]{0,20}", 0..5),
        paths in proptest::collection::btree_set(path(), 0..6),
        split in 0..6_usize,
        memory_bytes in 65536..1_u64 << 32,
        fuel in 1..1_u64 << 53,
        seconds in 1..=MAX_SECONDS,
        output_bytes in 1..1_u64 << 34,
        gateways in proptest::collection::vec("https?://[a-z]{1,8}\\.example(:[1-9][0-9]{0,3})?(/[a-z]{1,5})?", 0..4),
    ) -> TaskSpecParts {
        let paths: Vec<String> = paths.into_iter().enumerate().map(|(n, path)| format!("d{n}/{path}")).collect();
        let (inputs, outputs) = paths.split_at(split.min(paths.len()));
        TaskSpecParts {
            name, args, env,
            program: digest(1).into(),
            inputs: inputs.iter().map(|path| input(path)).collect(),
            outputs: outputs.iter().map(|path| path.parse().unwrap()).collect(),
            limits: Limits { memory_bytes, fuel: Some(fuel), cpus: None, seconds, output_bytes },
            gateways: gateways.iter().map(|url| url.parse::<GatewayUrl>().unwrap()).collect(),
        }
    }
}

proptest! {
    #[test]
    fn a_spec_survives_the_trip_through_its_bytes(parts in any_parts()) {
        let spec = TaskSpec::new(parts).unwrap();
        let bytes = spec.canonical();
        let parsed = TaskSpec::parse(&bytes).unwrap();
        prop_assert_eq!(parsed.canonical(), bytes);
        prop_assert_eq!(&parsed, &spec);
        let value: serde_json::Value = serde_json::from_slice(&spec.canonical()).unwrap();
        prop_assert!(jsonschema::is_valid(TaskSpec::json_schema().as_value(), &value));
    }

    #[test]
    fn a_manifest_survives_the_trip_through_its_bytes(
        code in any::<i32>(), sizes in proptest::collection::vec(0..50_u64, 0..=2), fuel in any::<u64>(),
    ) {
        let outputs = sizes.iter().zip(["b.json", "a.json"]).map(|(size, path)| output(path, *size)).collect();
        let usage = Usage { fuel, ..Usage::default() };
        let manifest = ResultManifest::new(&spec(), ResultParts { exit_code: code, outputs, usage, ..result() }).unwrap();
        prop_assert_eq!(&ResultManifest::parse(&manifest.canonical()).unwrap(), &manifest);
        let value: serde_json::Value = serde_json::from_slice(&manifest.canonical()).unwrap();
        prop_assert!(jsonschema::is_valid(ResultManifest::json_schema().as_value(), &value));
    }

    #[test]
    fn the_order_of_outputs_does_not_change_the_hash(
        paths in proptest::collection::btree_set(path(), 0..6), turn in 0..6_usize, code in any::<i32>(),
    ) {
        let mut outputs: Vec<OutputFile> = paths.iter().map(|path| output(path, 1)).collect();
        let hash = result_hash(code, &outputs);
        let middle = turn.min(outputs.len());
        outputs.rotate_left(middle);
        prop_assert_eq!(result_hash(code, &outputs), hash);
    }
}
