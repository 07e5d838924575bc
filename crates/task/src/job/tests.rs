//! A job file is read as it is meant, and a mistake in it is shown where it is.

use proptest::prelude::*;

use super::*;
use crate::{cid::BlobCid, digest::Sha256Digest, program::Program};

const GOOD: &str = r#"# Words of a book, counted.
name: word statistics
module: target/words.wasm
args: [--top, 20, 1.50, true]
env:
  RUST_BACKTRACE: 1
inputs:
  - path: book.txt
    file: ../books/moby dick.txt
outputs:
  - report.json
  - plots/histogram.svg
resources:
  type: CPU
  power: 0.25
  memory: 64MiB
  fuel: 5e9
  output: 16 MiB
  time: 1m30s
price: 0.36
accept-within: 5m
review: 2h
trust: 2
replicas: 3
"#;

fn parse(yaml: &str) -> Result<Job, String> {
    Job::parse(yaml, "job.yaml").map_err(|error| error.to_string())
}

/// The error of the good file with one line replaced.
fn error_with(line: &str, replacement: &str) -> String {
    assert!(GOOD.contains(line), "{line}");
    parse(&GOOD.replacen(line, replacement, 1)).expect_err(replacement)
}

#[test]
fn a_full_job_file_is_read() {
    let job = parse(GOOD).unwrap();
    assert_eq!(job.name, "word statistics");
    assert_eq!(job.program, JobProgram::Module(PathBuf::from("target/words.wasm")));
    assert_eq!(job.args, ["--top", "20", "1.50", "true"], "as they are written");
    assert_eq!(job.env["RUST_BACKTRACE"], "1");
    assert_eq!(job.inputs[0].path.as_str(), "book.txt");
    assert_eq!(job.inputs[0].file, PathBuf::from("../books/moby dick.txt"));
    assert_eq!(job.outputs[1].as_str(), "plots/histogram.svg");
    assert_eq!(
        job.resources,
        Resources {
            resource_type: ResourceType::CPU,
            milli_tflops: 250,
            limits: Limits {
                memory_bytes: 64 << 20,
                fuel: Some(5_000_000_000),
                cpus: None,
                seconds: 90,
                output_bytes: 16 << 20
            },
        }
    );
    assert_eq!(job.price_per_hour, 360_000_000_000_000_000);
    assert_eq!((job.accept_within, job.review), (Duration::from_secs(300), Duration::from_secs(7200)));
    assert_eq!((job.trust, job.replicas), (2, 3));
}

#[test]
fn what_may_be_left_out_has_a_default() {
    let job = parse("name: a\nmodule: a.wasm\nresources: {power: 1, time: 60s}\nprice: 1\n").unwrap();
    assert!(job.args.is_empty() && job.env.is_empty() && job.inputs.is_empty() && job.outputs.is_empty());
    assert_eq!(job.resources.resource_type, ResourceType::CPU);
    assert_eq!((job.trust, job.replicas), (1, 1));
    assert_eq!(job.review, Duration::from_secs(3600));
}

#[test]
fn a_price_may_say_that_it_is_in_eth() {
    let price =
        |text: &str| parse(&GOOD.replace("price: 0.36", &format!("price: {text}"))).map(|job| job.price_per_hour);
    assert_eq!(price("0.36 ETH"), price("0.36"));
    assert!(price("0.36 AIIGO").is_err() && price("ETH").is_err());
}

#[test]
fn replicas_bring_the_trust_that_they_need() {
    let job = |more| parse(&format!("name: a\nmodule: a.wasm\nresources: {{power: 1, time: 60s}}\nprice: 1\n{more}"));
    assert_eq!(job("replicas: 5").unwrap().trust, 2);
    assert_eq!(job("replicas: 5\ntrust: 3").unwrap().trust, 3);
    assert_eq!(job("replicas: 1").unwrap().trust, 1);
}

#[test]
fn every_wrong_value_is_shown_with_its_line_and_field() {
    for (line, replacement, expected) in [
        ("name: word statistics", "name: ''", "job.yaml:2: name: is empty"),
        ("name: word statistics", "name: \"a\\u202eb\"", "job.yaml:2: name: contains a control"),
        ("module: target/words.wasm", "module: ''", "job.yaml:3: module: is empty"),
        ("args: [--top, 20", "args: [--top, \"a\\0b\"", "job.yaml:4: args[1]: contains a NUL"),
        ("  RUST_BACKTRACE: 1", "  A=B: 1", "job.yaml:6: env.A=B: the name of a variable"),
        (
            "  - path: book.txt",
            "  - path: ../book.txt",
            "job.yaml:8: inputs[0].path: `../book.txt` is not a usable path",
        ),
        ("  - path: book.txt\n", "  - \n", "job.yaml:9: inputs[0].path: is missing"),
        ("    file: ../books/moby dick.txt", "", "job.yaml:8: inputs[0].file: is missing"),
        ("  - report.json", "  - /report.json", "job.yaml:11: outputs[0]: `/report.json` is not a usable path"),
        ("  - plots/histogram.svg", "  - Report.json", "job.yaml:12: outputs[1]: `Report.json` is there twice"),
        ("  - plots/histogram.svg", "  - book.txt/x", "job.yaml:12: outputs[1]: `book.txt/x` lies inside `book.txt`"),
        ("  type: CPU", "  type: TPU", "job.yaml:14: resources.type: `TPU` is no kind of machine"),
        ("  power: 0.25", "  power: 0.0001", "job.yaml:15: resources.power: `0.0001` is not a power"),
        ("  power: 0.25", "  power: 0", "job.yaml:15: resources.power: `0` is not a power"),
        ("  memory: 64MiB", "  memory: 64 MeB", "job.yaml:16: resources.memory: `64 MeB` is not a size"),
        ("  memory: 64MiB", "  memory: 8GiB", "job.yaml:16: resources.memory: `8GiB`: 8589934592 is not between"),
        ("  fuel: 5e9", "  fuel: lots", "job.yaml:17: resources.fuel: `lots` is not a count"),
        ("  fuel: 5e9", "  fuel: 1e16", "job.yaml:17: resources.fuel: 10000000000000000 is not between"),
        ("  output: 16 MiB", "  output: 0", "job.yaml:18: resources.output: `0`: 0 is not between"),
        ("  time: 1m30s", "  time: 90", "job.yaml:19: resources.time: `90` is not a duration"),
        ("  time: 1m30s", "  time: 31d", "job.yaml:19: resources.time: `31d`: 2678400 is not between"),
        ("price: 0.36", "price: -1", "job.yaml:20: price: `-1` is not a price"),
        ("price: 0.36", "price: 1e3", "job.yaml:20: price: `1e3` is not a price"),
        ("price: 0.36", "price: 0.0", "job.yaml:20: price: the price is 0"),
        (
            "price: 0.36",
            "price: 99999999999999999999",
            "job.yaml:20: price: `99999999999999999999` ETH per hour is more",
        ),
        ("accept-within: 5m", "accept-within: 0s", "job.yaml:21: accept-within: `0s` is no usable time"),
        ("review: 2h", "review: 90s", "job.yaml:22: review: `90s` is not a whole number of minutes"),
        ("trust: 2", "trust: 5", "job.yaml:23: trust: `5` is no trust level"),
        ("trust: 2", "trust: 1", "job.yaml:23: trust: 1 is too low beside `replicas`"),
        ("replicas: 3", "replicas: 2", "job.yaml:24: replicas: `2` is no number of replicas"),
    ] {
        let error = error_with(line, replacement);
        assert!(error.starts_with(expected), "{replacement}\n  expected {expected}\n  got      {error}");
    }
}

const IMAGE: &str = "tools.example/words@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn image_job(resources: &str) -> String {
    format!("name: a\nimage: {IMAGE}\nresources: {{power: 1, time: 60s{resources}}}\nprice: 1\n")
}

#[test]
fn a_job_may_name_an_image_instead_of_a_module() {
    let job = parse(&image_job(", memory: 8GiB, cpus: 4")).unwrap();
    assert_eq!(job.program, JobProgram::Image(IMAGE.parse().unwrap()));
    assert_eq!((job.resources.limits.memory_bytes, job.resources.limits.cpus), (8 << 30, Some(4)));
    let image: ImageReference = IMAGE.parse().unwrap();
    let spec = job.spec(image.clone(), &[], Vec::new()).unwrap();
    assert_eq!((spec.program(), spec.download_bytes()), (Program::Image(&image), 0));
    assert_eq!(parse(&image_job("")).unwrap().resources.limits.cpus, Some(1));
}

#[test]
fn a_job_with_an_image_has_rules_of_its_own() {
    for (job, expected) in [
        (image_job(", fuel: 5"), "job.yaml:3: resources.fuel: is for a module"),
        (image_job("") + "replicas: 3\n", "job.yaml:5: replicas: are for a module"),
        (image_job(", cpus: 0"), "job.yaml:3: resources.cpus: 0 is not between 1 and 1024"),
        (image_job(", memory: 1MiB"), "job.yaml:3: resources.memory: `1MiB`: 1048576 is not between"),
        (image_job(", memory: 2TiB"), "job.yaml:3: resources.memory: `2TiB`: 2199023255552 is not between"),
        (image_job("").replace("image:", "module: a.wasm\nimage:"), "job.yaml:3: image: is there beside `module`"),
        (image_job("").replace("words@", "words:latest@"), "job.yaml:2: image: `tools.example/words:latest@sha256:"),
        (
            image_job("").replace(IMAGE, "tools.example/words"),
            "job.yaml:2: image: `tools.example/words` is not an image",
        ),
        (GOOD.replacen("  fuel: 5e9", "  cpus: 2", 1), "job.yaml:17: resources.cpus: is for an image"),
    ] {
        let error = parse(&job).expect_err(expected);
        assert!(error.starts_with(expected), "expected {expected}\n  got      {error}");
    }
}

#[test]
fn a_missing_field_is_named_with_what_it_is_for() {
    for (line, field, hint) in [
        ("name: word statistics\n", "name", "what you call the job"),
        ("module: target/words.wasm\n", "module", "WebAssembly module"),
        ("price: 0.36\n", "price", "ETH per hour"),
    ] {
        let error = error_with(line, "");
        assert!(error.starts_with(&format!("job.yaml:1: {field}: is missing")) && error.contains(hint), "{error}");
    }
    assert!(error_with("  power: 0.25\n", "").starts_with("job.yaml:14: resources.power: is missing"));
    assert!(error_with("  time: 1m30s\n", "").contains("resources.time: is missing"));
    assert!(error_with("price: 0.36", "price:").starts_with("job.yaml:1: price: is missing"));
}

#[test]
fn an_unknown_field_gets_a_hint() {
    assert_eq!(error_with("price:", "prize:"), "job.yaml:20: prize: is no field of a job file; did you mean `price`?");
    assert_eq!(
        error_with("  memory:", "  memroy:"),
        "job.yaml:16: memroy: is no field of a job file; did you mean `memory`?"
    );
    assert_eq!(
        error_with("    file: ../books", "    colour: red\n    file: ../books"),
        "job.yaml:9: colour: is no field of a job file; the fields here are path, file"
    );
}

#[test]
fn a_value_of_the_wrong_shape_is_shown_with_its_field() {
    for (line, replacement, expected) in [
        ("  memory: 64MiB", "  memory: [64MiB]", "job.yaml:16: resources.memory: expected"),
        ("name: word statistics", "name: {a: b}", "job.yaml:2: name: expected"),
        ("args: [--top, 20, 1.50, true]", "args: 7", "job.yaml:4: args: "),
        ("  - report.json", "  - ~", "job.yaml:11: outputs[0]: "),
    ] {
        let error = error_with(line, replacement);
        assert!(error.starts_with(expected), "{replacement}\n  expected {expected}\n  got      {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn broken_yaml_is_shown_with_its_line() {
    let error = error_with("args: [--top, 20, 1.50, true]", "args: [--top");
    assert!(error.starts_with("job.yaml:"), "{error}");
    assert!(error_with("price: 0.36", "price: 0.36\nprice: 0.37").starts_with("job.yaml:21: price: is there twice"));
    assert_eq!(parse("").unwrap_err(), "job.yaml: the job file is empty");
    assert!(parse("- a\n- b\n").unwrap_err().starts_with("job.yaml:1: expected"));
    assert!(parse(&" ".repeat(300 << 10)).unwrap_err().contains("at most 262144 are read"));
}

#[test]
fn a_bomb_of_aliases_is_defused() {
    let mut yaml = String::from("a0: &a0 [x]\n");
    for n in 1..30 {
        yaml.push_str(&format!("a{n}: &a{n} [*a{p}, *a{p}, *a{p}, *a{p}]\n", p = n - 1));
    }
    assert!(parse(&yaml).is_err());
    let text = "x".repeat(100_000);
    let many = vec!["*t"; 20_000].join(", ");
    assert!(parse(&format!("name: &t {text}\nargs: [{many}]\n")).is_err());
}

#[test]
fn a_job_becomes_a_spec_once_its_files_are_known() {
    let job = parse(GOOD).unwrap();
    let file = |byte: u8| FileDigest { cid: BlobCid::raw([byte; 32]), size: 10, sha256: Sha256Digest([byte; 32]) };
    let gateway: GatewayUrl = "http://127.0.0.1:4353".parse().unwrap();
    let spec = job.spec(file(1), &[file(2)], vec![gateway.clone()]).unwrap();
    assert_eq!(spec.program(), Program::Wasm(&file(1)));
    assert_eq!((spec.inputs[0].path.as_str(), spec.inputs[0].cid), ("book.txt", file(2).cid));
    assert_eq!(spec.limits, job.resources.limits);
    assert_eq!(spec.gateways, [gateway]);
    let error = job.spec(file(1), &[], Vec::new()).unwrap_err().to_string();
    assert_eq!(error, "the task spec is invalid: inputs: the job names 1, but 0 are given");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(
        lines in proptest::collection::vec("(name|price|args|env|inputs|resources|trust| - path|  memory)?[:\\[\\]{}&*!|>\"' a-z0-9.~-]{0,12}", 0..12),
    ) {
        let _ = parse(&lines.join("\n"));
    }
}
