//! The meaning of a job file's fields.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use alloy::primitives::utils::parse_units;
use serde_saphyr::{Location, Spanned};

use super::{
    Job, JobInput, JobProgram, Resources,
    error::Fault,
    raw::{RawInput, RawJob, RawResources, Text},
};
use crate::{
    check,
    human::{parse_bytes, parse_count, parse_duration, parse_power},
    limits::{
        Limits, MAX_CPUS, MAX_FUEL, MAX_IMAGE_MEMORY_BYTES, MAX_MEMORY_BYTES, MAX_OUTPUT_BYTES, MAX_SECONDS,
        MIN_IMAGE_MEMORY_BYTES, MIN_MEMORY_BYTES,
    },
    path::GuestPath,
};

const DEFAULT_MEMORY_BYTES: u64 = 256 << 20;
const DEFAULT_OUTPUT_BYTES: u64 = 64 << 20;
const DEFAULT_FUEL: u64 = 1_000_000_000_000;
const DEFAULT_CPUS: u32 = 1;
const DEFAULT_ACCEPT_WITHIN: Duration = Duration::from_secs(300);
const DEFAULT_REVIEW: Duration = Duration::from_secs(3600);
/// Least trust level of the nodes of a job with replicas.
const REPLICAS_TRUST: u8 = 2;
/// The marketplace keeps a price in 96 bits.
const MAX_PRICE: u128 = (1 << 96) - 1;
/// A local path this long is a mistake, bytes.
const MAX_LOCAL_PATH: usize = 4096;

/// A field's name and the line that its parent starts at, where a missing one is reported.
#[derive(Clone, Copy)]
struct Place<'a> {
    prefix: &'a str,
    line: u64,
}

impl Place<'_> {
    fn required(self, field: &str, value: Option<Text>, expected: &str) -> Result<Text, Fault> {
        value.ok_or_else(|| Fault::new(self.line, self.name(field), format!("is missing; expected {expected}")))
    }

    fn name(self, field: &str) -> String {
        format!("{}{field}", self.prefix)
    }
}

/// Reads a value, or says at which line its field is wrong.
fn value<T, E: ToString>(field: &str, text: &Text, read: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Fault> {
    read(&text.value).map_err(|error| Fault::new(line(text.referenced), field, error.to_string()))
}

fn optional<T>(
    field: &str,
    text: Option<&Text>,
    default: T,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, Fault> {
    text.map_or(Ok(default), |text| value(field, text, read))
}

fn line(location: Location) -> u64 {
    location.line()
}

pub(super) fn job(raw: RawJob) -> Result<Job, Fault> {
    let top = Place { prefix: "", line: 1 };
    let name = top.required("name", raw.name, "what you call the job")?;
    value("name", &name, check::name)?;
    let program = program(raw.module, raw.image)?;
    let (args, env) = strings(raw.args.unwrap_or_default(), raw.env.unwrap_or_default())?;
    let (inputs, outputs) = files(raw.inputs.unwrap_or_default(), raw.outputs.unwrap_or_default())?;
    let resources = raw
        .resources
        .ok_or_else(|| Fault::new(1, "resources", "is missing; expected at least `power` and `time` below it"))?;
    let price = top.required("price", raw.price, "ETH per hour, such as 0.36")?;
    let (replicas, trust) = redundancy(raw.replicas.as_ref(), raw.trust.as_ref(), &program)?;
    Ok(Job {
        resources: machine(resources, &program)?,
        program,
        name: name.value,
        args,
        env,
        inputs,
        outputs,
        price_per_hour: value("price", &price, wei)?,
        accept_within: optional("accept-within", raw.accept_within.as_ref(), DEFAULT_ACCEPT_WITHIN, |text| {
            window(text, Duration::from_secs(1))
        })?,
        review: optional("review", raw.review.as_ref(), DEFAULT_REVIEW, |text| window(text, Duration::from_secs(60)))?,
        trust,
        replicas,
    })
}

/// How many nodes do it, and how trusted each has to be (rule 4.29 of `docs/protocol.md`).
fn redundancy(replicas: Option<&Text>, level: Option<&Text>, program: &JobProgram) -> Result<(u8, u8), Fault> {
    let count = optional("replicas", replicas, 1, seats)?;
    let Some(text) = replicas.filter(|_| count > 1) else {
        return Ok((1, optional("trust", level, 1, trust)?));
    };
    if let JobProgram::Image(_) = program {
        let reason = "are for a module: a container gives another result each time, so that no majority has the same";
        return Err(Fault::new(line(text.referenced), "replicas", reason));
    }
    let trust = optional("trust", level, REPLICAS_TRUST, |text| match trust(text)? {
        level @ REPLICAS_TRUST.. => Ok(level),
        level => Err(format!("{level} is too low beside `replicas`: expected {REPLICAS_TRUST} or more")),
    })?;
    Ok((count, trust))
}

fn program(module: Option<Text>, image: Option<Text>) -> Result<JobProgram, Fault> {
    match (module, image) {
        (Some(module), None) => Ok(JobProgram::Module(value("module", &module, local_path)?)),
        (None, Some(image)) => Ok(JobProgram::Image(value("image", &image, str::parse)?)),
        (Some(_), Some(image)) => {
            Err(Fault::new(line(image.referenced), "image", "is there beside `module`; a job has one program"))
        }
        (None, None) => {
            let reason = "is missing; expected the path of a WebAssembly module, such as program.wasm, or instead of it \
                          `image`, a container image by digest";
            Err(Fault::new(1, "module", reason))
        }
    }
}

fn strings(args: Vec<Text>, env: BTreeMap<String, Text>) -> Result<(Vec<String>, BTreeMap<String, String>), Fault> {
    let first_line = args.first().or(env.values().next()).map_or(1, |text| line(text.referenced));
    for (index, arg) in args.iter().enumerate() {
        value(&format!("args[{index}]"), arg, check::argument)?;
    }
    for (name, text) in &env {
        value(&format!("env.{}", name.escape_debug()), text, |value| check::variable(name, value))?;
    }
    let args: Vec<String> = args.into_iter().map(|arg| arg.value).collect();
    let env = env.into_iter().map(|(name, text)| (name, text.value)).collect();
    check::strings(&args, &env).map_err(|(field, reason)| Fault::new(first_line, field, reason))?;
    Ok((args, env))
}

fn files(inputs: Vec<Spanned<RawInput>>, outputs: Vec<Text>) -> Result<(Vec<JobInput>, Vec<GuestPath>), Fault> {
    for (field, count, first) in [
        ("inputs", inputs.len(), inputs.first().map(|input| input.referenced)),
        ("outputs", outputs.len(), outputs.first().map(|output| output.referenced)),
    ] {
        check::count(field, count).map_err(|(field, reason)| Fault::new(first.map_or(1, line), field, reason))?;
    }
    let mut places = Vec::new();
    let mut job_inputs = Vec::new();
    for (index, input) in inputs.into_iter().enumerate() {
        let prefix = format!("inputs[{index}].");
        let place = Place { prefix: &prefix, line: line(input.referenced) };
        let path = place.required("path", input.value.path, "where the program sees the file")?;
        let file = place.required("file", input.value.file, "the path of a file")?;
        places.push((place.name("path"), line(path.referenced)));
        job_inputs.push(JobInput {
            path: value(&place.name("path"), &path, str::parse)?,
            file: value(&place.name("file"), &file, local_path)?,
        });
    }
    let mut job_outputs = Vec::new();
    for (index, output) in outputs.iter().enumerate() {
        let field = format!("outputs[{index}]");
        job_outputs.push(value(&field, output, str::parse::<GuestPath>)?);
        places.push((field, line(output.referenced)));
    }
    check::disjoint(job_inputs.iter().map(|input| &input.path).chain(&job_outputs)).map_err(|(index, reason)| {
        let (field, line) = &places[index];
        Fault::new(*line, field, reason)
    })?;
    Ok((job_inputs, job_outputs))
}

fn machine(raw: Spanned<RawResources>, program: &JobProgram) -> Result<Resources, Fault> {
    let place = Place { prefix: "resources.", line: line(raw.referenced) };
    let raw = raw.value;
    let power = place.required("power", raw.power, "TFLOPS, such as 0.001")?;
    let time = place.required("time", raw.time, "the longest time that the program may run, such as 60s")?;
    let size = |text: &str, min, max| {
        parse_bytes(text)
            .map_err(|error| error.to_string())
            .and_then(|bytes| within(min, max, bytes).map_err(|reason| format!("`{text}`: {reason} bytes")))
    };
    let (min_memory, max_memory) = match program {
        JobProgram::Module(_) => (MIN_MEMORY_BYTES, MAX_MEMORY_BYTES),
        JobProgram::Image(_) => (MIN_IMAGE_MEMORY_BYTES, MAX_IMAGE_MEMORY_BYTES),
    };
    let (fuel, cpus) = compute(raw.fuel.as_ref(), raw.cpus.as_ref(), program)?;
    Ok(Resources {
        resource_type: optional("resources.type", raw.r#type.as_ref(), super::ResourceType::CPU, str::parse)?,
        milli_tflops: value("resources.power", &power, milli_tflops)?,
        limits: Limits {
            memory_bytes: optional("resources.memory", raw.memory.as_ref(), DEFAULT_MEMORY_BYTES, |text| {
                size(text, min_memory, max_memory)
            })?,
            fuel,
            cpus,
            seconds: value("resources.time", &time, |text| {
                let time = parse_duration(text).map_err(|error| error.to_string())?;
                within(1, MAX_SECONDS, time.as_secs()).map_err(|reason| format!("`{text}`: {reason} seconds"))
            })?,
            output_bytes: optional("resources.output", raw.output.as_ref(), DEFAULT_OUTPUT_BYTES, |text| {
                size(text, 1, MAX_OUTPUT_BYTES)
            })?,
        },
    })
}

/// Compute units of a module, processors of a container.
fn compute(
    fuel: Option<&Text>,
    cpus: Option<&Text>,
    program: &JobProgram,
) -> Result<(Option<u64>, Option<u32>), Fault> {
    let count = |text: &str, max| parse_count(text).map_err(|error| error.to_string()).and_then(|n| within(1, max, n));
    let foreign = |field, text: Option<&Text>, reason| {
        text.map_or(Ok(()), |text| Err(Fault::new(line(text.referenced), field, reason)))
    };
    match program {
        JobProgram::Module(_) => {
            foreign("resources.cpus", cpus, "is for an image; a module has one processor")?;
            let fuel = optional("resources.fuel", fuel, DEFAULT_FUEL, |text| count(text, MAX_FUEL))?;
            Ok((Some(fuel), None))
        }
        JobProgram::Image(_) => {
            foreign("resources.fuel", fuel, "is for a module; a container is bounded by `cpus` and `time`")?;
            let cpus = optional("resources.cpus", cpus, DEFAULT_CPUS, |text| {
                count(text, MAX_CPUS.into()).and_then(|cpus| u32::try_from(cpus).map_err(|error| error.to_string()))
            })?;
            Ok((None, Some(cpus)))
        }
    }
}

fn within(min: u64, max: u64, value: u64) -> Result<u64, String> {
    if (min..=max).contains(&value) { Ok(value) } else { Err(format!("{value} is not between {min} and {max}")) }
}

fn local_path(text: &str) -> Result<PathBuf, String> {
    match text {
        "" => Err("is empty; expected a path".into()),
        text if text.contains('\0') => Err("a path can't contain a NUL character".into()),
        text if text.len() > MAX_LOCAL_PATH => Err(format!("a path of {} bytes", text.len())),
        text => Ok(PathBuf::from(text)),
    }
}

fn wei(text: &str) -> Result<u128, String> {
    let given = text;
    let refuse = || format!("`{given}` is not a price: expected ETH per hour, such as 0.36, with at most 18 decimals");
    let text = text.strip_suffix("ETH").unwrap_or(text).trim_end();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let decimal = [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    if !decimal || whole.len() > 20 || fraction.len() > 18 {
        return Err(refuse());
    }
    let wei = parse_units(text, 18).map_err(|_| refuse())?.get_absolute();
    match u128::try_from(wei) {
        Ok(0) => Err("the price is 0: nobody would work".into()),
        Ok(wei) if wei <= MAX_PRICE => Ok(wei),
        _ => Err(format!("`{text}` ETH per hour is more than the marketplace can hold")),
    }
}

fn milli_tflops(text: &str) -> Result<u32, String> {
    parse_power(text).map_err(|error| error.to_string())
}

fn window(text: &str, step: Duration) -> Result<Duration, String> {
    let window = parse_duration(text).map_err(|error| error.to_string())?;
    if window.is_zero() || window.as_secs() > u64::from(u32::MAX) {
        return Err(format!("`{text}` is no usable time; expected from 1s to some days"));
    }
    if !window.as_secs().is_multiple_of(step.as_secs()) {
        return Err(format!("`{text}` is not a whole number of minutes"));
    }
    Ok(window)
}

fn seats(text: &str) -> Result<u8, String> {
    match text.parse() {
        Ok(count @ (1 | 3 | 5 | 7)) => Ok(count),
        _ => Err(format!("`{text}` is no number of replicas: expected 1, 3, 5 or 7, so that there can be a majority")),
    }
}

fn trust(text: &str) -> Result<u8, String> {
    match text.parse() {
        Ok(level @ 1..=4) => Ok(level),
        _ => Err(format!("`{text}` is no trust level: expected 1 (Basic), 2 (Verified), 3 (Trusted) or 4 (Partner)")),
    }
}
