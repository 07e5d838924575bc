//! The published JSON Schemas say what the code does.
#![allow(clippy::unwrap_used)] // helpers of tests: to fail is to panic

use std::{env, fs, path::Path};

use aiigo_task::{ResultManifest, TaskSpec};
use serde_json::{Value, json};

fn examples() -> (Value, Value) {
    let read = |name: &str| serde_json::from_str(&fs::read_to_string(file("examples", name)).unwrap()).unwrap();
    (read("task.v1.json"), read("result.v1.json"))
}

fn file(folder: &str, name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(folder).join(name)
}

fn assert_published(name: &str, schema: &schemars::Schema) {
    let path = file(".", name);
    let generated = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    if env::var_os("AIIGO_UPDATE_SCHEMAS").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let published = fs::read_to_string(&path).unwrap_or_default();
    let current = published == generated;
    assert!(current, "{name} is stale; renew it: AIIGO_UPDATE_SCHEMAS=1 cargo test -p aiigo-task --test schema");
}

#[test]
fn the_published_schemas_are_those_of_the_code() {
    assert_published("task.v1.json", &TaskSpec::json_schema());
    assert_published("result.v1.json", &ResultManifest::json_schema());
}

#[test]
fn the_examples_are_valid_by_schema_and_by_code() {
    let (task, result) = examples();
    jsonschema::validate(TaskSpec::json_schema().as_value(), &task).unwrap();
    jsonschema::validate(ResultManifest::json_schema().as_value(), &result).unwrap();
    let spec = TaskSpec::parse(task.to_string().as_bytes()).unwrap();
    let manifest = ResultManifest::parse(result.to_string().as_bytes()).unwrap();
    assert_eq!(manifest.spec_hash, spec.hash());
    ResultManifest::parse_promised(result.to_string().as_bytes(), manifest.task_id, &spec, manifest.result_hash())
        .unwrap();
}

/// What the schema can say, it says: both refuse the same mistakes.
#[test]
fn schema_and_code_refuse_the_same_mistakes() {
    let (task, result) = examples();
    let schema = jsonschema::validator_for(TaskSpec::json_schema().as_value()).unwrap();
    for (pointer, value) in [
        ("/schema", json!("aiigo.task/v2")),
        ("/name", json!("")),
        ("/module/cid", json!("QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPBdG")),
        ("/module/sha256", json!("00")),
        ("/module/size", json!(-1)),
        ("/inputs/0/path", json!("../x")),
        ("/inputs/0/path", json!("/x")),
        ("/outputs/0", json!("a//b")),
        ("/outputs/0", json!("a\\b")),
        ("/limits/memoryBytes", json!(1)),
        ("/limits/fuel", json!(0)),
        ("/limits/seconds", json!(1u64 << 40)),
        ("/limits/outputBytes", json!(1.5)),
        ("/gateways/0", json!("ftp://a.example")),
        ("/env", json!([])),
        ("/args", json!([1])),
    ] {
        let mut document = task.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        assert!(!schema.is_valid(&document), "the schema accepts {pointer}");
        assert!(TaskSpec::parse(document.to_string().as_bytes()).is_err(), "the code accepts {pointer}");
    }
    // One program, and limits that fit it: an image has processors, a module fuel.
    let image = json!("tools.example/sort@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let mut with_image = task.clone();
    with_image.as_object_mut().unwrap().remove("module");
    with_image["image"] = image.clone();
    with_image["limits"] = json!({ "memoryBytes": 1u64 << 36, "cpus": 8, "seconds": 60, "outputBytes": 1 << 20 });
    assert!(schema.is_valid(&with_image));
    TaskSpec::parse(with_image.to_string().as_bytes()).unwrap();
    let mut both = task.clone();
    both["image"] = image;
    let mut neither = task.clone();
    neither.as_object_mut().unwrap().remove("module");
    let mut tagged = with_image.clone();
    tagged["image"] = json!("tools.example/sort:latest");
    for document in [both, neither, tagged] {
        assert!(!schema.is_valid(&document), "the schema accepts {document}");
        assert!(TaskSpec::parse(document.to_string().as_bytes()).is_err(), "the code accepts {document}");
    }
    let schema = jsonschema::validator_for(ResultManifest::json_schema().as_value()).unwrap();
    for (pointer, value) in [
        ("/schema", json!("aiigo.result/v0")),
        ("/taskId", json!("0x00")),
        ("/outcome", json!("Crashed")),
        ("/exitCode", json!(1u64 << 33)),
        ("/outputs/0/size", json!(-1)),
        ("/stdout/size", json!(1u64 << 40)),
        ("/usage/fuel", json!(1u64 << 60)),
    ] {
        let mut document = result.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        assert!(!schema.is_valid(&document), "the schema accepts {pointer}");
        assert!(ResultManifest::parse(document.to_string().as_bytes()).is_err(), "the code accepts {pointer}");
    }
    for mut document in [task, result] {
        document["surprise"] = json!(1);
        let text = document.to_string();
        assert!(TaskSpec::parse(text.as_bytes()).is_err() && ResultManifest::parse(text.as_bytes()).is_err());
    }
}
