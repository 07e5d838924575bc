//! What `--json` prints has the shape that `docs/json.md` shows.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{fs, mem};

use aiigo_devnet::project_root;
use aiigo_tests::World;
use serde_json::{Map, Value};

/// The job of the examples.
const JOB: &str = "examples/text-stats/job.yaml";

/// A command of the document, with what it is said to print.
struct Example {
    command: String,
    document: Value,
}

/// Each heading that is a command, and the JSON below it.
fn examples(text: &str) -> Vec<Example> {
    let sections = text.split("\n## `aiigo ").skip(1);
    let example = |section: &str| {
        let (command, rest) = section.split_once('`').expect("a heading with a command");
        let (_, block) = rest.split_once("```json\n").unwrap_or_else(|| panic!("no JSON below `{command}`"));
        let (block, _) = block.split_once("\n```").expect("the end of a block");
        let document = serde_json::from_str(block).unwrap_or_else(|error| panic!("{command}: {error}"));
        Example { command: command.to_owned(), document }
    };
    sections.map(example).collect()
}

/// Where two documents differ in kind, if they do. What is `null` or empty in one may be anything in the other.
fn difference(place: &str, printed: &Value, shown: &Value) -> Option<String> {
    match (printed, shown) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Array(printed), Value::Array(shown)) => match (printed.first(), shown.first()) {
            (Some(printed), Some(shown)) => difference(&format!("{place}[0]"), printed, shown),
            _ => None,
        },
        (Value::Object(printed), Value::Object(shown)) => {
            let only = |here: &Map<String, Value>, there: &Map<String, Value>| {
                here.keys().find(|name| !there.contains_key(*name)).cloned()
            };
            let missing = only(printed, shown).map(|name| format!("{place}.{name} is not shown"));
            let more = || only(shown, printed).map(|name| format!("{place}.{name} is not printed"));
            let below =
                || shown.iter().find_map(|(name, it)| difference(&format!("{place}.{name}"), &printed[name], it));
            missing.or_else(more).or_else(below)
        }
        _ => (mem::discriminant(printed) != mem::discriminant(shown)).then(|| format!("{place} is of another kind")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_document_has_the_shape_that_is_shown() {
    let world = World::start("json", 1).await;
    let job = project_root().join(JOB);
    let (job, results) = (job.to_str().expect("UTF-8"), world.dir().join("results"));
    let run = ["job", "run", job, "--yes", "--approve", "auto", "--results", results.to_str().expect("UTF-8")];
    let done = world.aiigo_json(&run).await;
    let task = done["taskId"].as_str().expect("an id").to_owned();
    let (buyer, node) = (world.buyer().address(), world.market.agents()[0].node().expect("a node"));
    world.market.devnet().send_aiigo(buyer, aiigo_tests::wei("100")).await.expect("AIIGO");
    world.aiigo_json(&["stake", "add", "100", "--yes"]).await;
    world.caught_up().await;

    let text = fs::read_to_string(project_root().join("docs/json.md")).expect("the document");
    let examples = examples(&text);
    assert!(examples.len() >= 10, "only {} commands were found: were the headings renamed?", examples.len());
    for Example { command, document } in examples {
        let named = command
            .replace("TASK", &task)
            .replace("NODE", &node.to_string())
            .replace("ACCOUNT", &buyer.to_string())
            .replace("JOB.YAML", job);
        let args: Vec<&str> = named.split_whitespace().collect();
        let printed = world.aiigo_json(&args).await;
        let differs = difference(&command, &printed, &document);
        assert_eq!(differs, None, "aiigo {command} printed {printed:#}");
    }
}
