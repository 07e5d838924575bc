//! `aiigo.result/v1`: what a run delivered.

use alloy::primitives::B256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    canonical::{self, MAX_SAFE_INTEGER},
    check::{self, DocumentError, Fault, MAX_FILES, fault},
    cid::BlobCid,
    digest::Sha256Digest,
    limits::MAX_OUTPUT_BYTES,
    outcome::Outcome,
    path::GuestPath,
    spec::TaskSpec,
};

const KIND: &str = "result manifest";

/// Most that is kept of what a program prints, bytes for each of its two streams.
pub const CAPTURE_BYTES: u64 = 1 << 20;

/// The version of a result manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
enum Schema {
    #[serde(rename = "aiigo.result/v1")]
    V1,
}

/// A file that the program wrote.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutputFile {
    /// Its path in the spec.
    pub path: GuestPath,
    /// Where it is found.
    pub cid: BlobCid,
    /// Bytes.
    #[schemars(range(max = MAX_OUTPUT_BYTES))]
    pub size: u64,
    /// What it hashes to.
    pub sha256: Sha256Digest,
}

/// What the program printed on one of its streams, perhaps cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CapturedText {
    /// Where it is found.
    pub cid: BlobCid,
    /// Bytes.
    #[schemars(range(max = CAPTURE_BYTES))]
    pub size: u64,
}

/// What the run used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Usage {
    /// Compute units; 0 for a container, whose are not counted.
    #[schemars(range(max = MAX_SAFE_INTEGER))]
    pub fuel: u64,
    /// Largest linear memory, bytes; 0 for a container, whose is not measured.
    #[schemars(range(max = MAX_SAFE_INTEGER))]
    pub peak_memory_bytes: u64,
    /// Wall-clock time, milliseconds.
    #[schemars(range(max = MAX_SAFE_INTEGER))]
    pub wall_millis: u64,
}

/// What a run delivered: written by the provider's agent, read by the buyer's client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "AIIGO result manifest")]
pub struct ResultManifest {
    schema: Schema,
    /// The task.
    #[schemars(schema_with = "bytes32")]
    pub task_id: B256,
    /// The hash of its spec.
    #[schemars(schema_with = "bytes32")]
    pub spec_hash: B256,
    /// How the run ended.
    pub outcome: Outcome,
    /// The program's exit code, or the fixed one of another ending (`OutOfTime` 124, `Trapped` 134, `OutOfMemory` 137,
    /// `OutOfFuel` 152, `OutputTooLarge` 153).
    #[schemars(range(min = i32::MIN, max = i32::MAX))]
    pub exit_code: i32,
    /// The files of the spec that the program wrote. Only a program that exited delivers any.
    #[schemars(length(max = MAX_FILES))]
    pub outputs: Vec<OutputFile>,
    /// What it printed on standard output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<CapturedText>,
    /// What it printed on standard error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<CapturedText>,
    /// What the run used, as the provider says.
    pub usage: Usage,
}

/// The parts of a [`ResultManifest`], to make one from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultParts {
    /// The task.
    pub task_id: B256,
    /// How the run ended.
    pub outcome: Outcome,
    /// The code that the program gave; another ending has a fixed one, whatever stands here.
    pub exit_code: i32,
    /// The files of the spec that the program wrote, in any order.
    pub outputs: Vec<OutputFile>,
    /// What it printed on standard output.
    pub stdout: Option<CapturedText>,
    /// What it printed on standard error.
    pub stderr: Option<CapturedText>,
    /// What the run used.
    pub usage: Usage,
}

impl ResultManifest {
    /// Makes the manifest of a run of `spec`.
    ///
    /// # Errors
    /// If a part breaks a rule or does not fit to the spec; the error names the field.
    pub fn new(spec: &TaskSpec, parts: ResultParts) -> Result<Self, DocumentError> {
        let ResultParts { task_id, outcome, exit_code, mut outputs, stdout, stderr, mut usage } = parts;
        outputs.sort_by(|a, b| a.path.cmp(&b.path));
        for count in [&mut usage.fuel, &mut usage.peak_memory_bytes, &mut usage.wall_millis] {
            *count = (*count).min(MAX_SAFE_INTEGER);
        }
        let (spec_hash, exit_code) = (spec.hash(), outcome.exit_code(exit_code));
        let manifest =
            Self { schema: Schema::V1, task_id, spec_hash, outcome, exit_code, outputs, stdout, stderr, usage };
        manifest.check().and_then(|()| manifest.check_against(task_id, spec)).map_err(DocumentError::invalid(KIND))?;
        Ok(manifest)
    }

    /// Reads and checks a manifest on its own.
    ///
    /// # Errors
    /// If it is too large, malformed or breaks a rule; the error names the field.
    pub fn parse(json: &[u8]) -> Result<Self, DocumentError> {
        let manifest: Self = canonical::parse(KIND, json)?;
        manifest.check().map_err(DocumentError::invalid(KIND))?;
        Ok(manifest)
    }

    /// Reads and checks the manifest that a provider delivered for a task: it must belong to this task and spec, hold only
    /// files that the spec asks for, within its limits, and have the result hash that is on the chain.
    ///
    /// # Errors
    /// If any of this is not so; the error names the field.
    pub fn parse_promised(
        json: &[u8],
        task_id: B256,
        spec: &TaskSpec,
        result_hash: B256,
    ) -> Result<Self, DocumentError> {
        let manifest = Self::parse(json)?;
        manifest.check_against(task_id, spec).map_err(DocumentError::invalid(KIND))?;
        match manifest.result_hash() {
            actual if actual == result_hash => Ok(manifest),
            actual => Err(DocumentError::WrongHash { kind: KIND, expected: result_hash, actual }),
        }
    }

    /// The canonical bytes (RFC 8785): what is stored.
    pub fn canonical(&self) -> Vec<u8> {
        canonical::to_bytes(self)
    }

    /// The result hash on the chain.
    pub fn result_hash(&self) -> B256 {
        result_hash(self.exit_code, &self.outputs)
    }

    /// The published JSON Schema, `schema/result.v1.json`.
    pub fn json_schema() -> schemars::Schema {
        schemars::schema_for!(Self)
    }

    /// Outputs and captured text together, bytes: what the buyer has to fetch.
    pub fn download_bytes(&self) -> u64 {
        let outputs = self.outputs.iter().fold(0_u64, |sum, output| sum.saturating_add(output.size));
        [self.stdout, self.stderr].into_iter().flatten().fold(outputs, |sum, text| sum.saturating_add(text.size))
    }

    fn check(&self) -> Result<(), Fault> {
        if let Some(code) = self.outcome.fixed_exit_code() {
            if self.exit_code != code {
                let reason = format!("{}; a run that ended {} has {code}", self.exit_code, self.outcome);
                return Err(fault("exitCode", reason));
            }
            if !self.outputs.is_empty() {
                return Err(fault("outputs", format!("a run that ended {} delivers no files", self.outcome)));
            }
        }
        check::count("outputs", self.outputs.len())?;
        check::disjoint(self.outputs.iter().map(|output| &output.path))
            .map_err(|(index, reason)| fault(format_args!("outputs[{index}].path"), reason))?;
        let total = self.outputs.iter().fold(0_u64, |sum, output| sum.saturating_add(output.size));
        if total > MAX_OUTPUT_BYTES {
            return Err(fault("outputs", format!("{total} bytes together; at most {MAX_OUTPUT_BYTES} are allowed")));
        }
        for (field, text) in [("stdout.size", self.stdout), ("stderr.size", self.stderr)] {
            if text.is_some_and(|text| text.size > CAPTURE_BYTES) {
                return Err(fault(field, format!("more than the {CAPTURE_BYTES} bytes that are kept")));
            }
        }
        for (field, value) in [
            ("usage.fuel", self.usage.fuel),
            ("usage.peakMemoryBytes", self.usage.peak_memory_bytes),
            ("usage.wallMillis", self.usage.wall_millis),
        ] {
            if value > MAX_SAFE_INTEGER {
                return Err(fault(field, format!("{value} is above 2^53 - 1")));
            }
        }
        Ok(())
    }

    fn check_against(&self, task_id: B256, spec: &TaskSpec) -> Result<(), Fault> {
        if self.task_id != task_id {
            return Err(fault("taskId", format!("{} is another task; expected {task_id}", self.task_id)));
        }
        let spec_hash = spec.hash();
        if self.spec_hash != spec_hash {
            return Err(fault("specHash", format!("{} is another spec; expected {spec_hash}", self.spec_hash)));
        }
        for (index, output) in self.outputs.iter().enumerate() {
            if !spec.outputs.contains(&output.path) {
                let reason = format!("`{}` is not among the outputs that the spec asks for", output.path);
                return Err(fault(format_args!("outputs[{index}].path"), reason));
            }
        }
        let total = self.outputs.iter().fold(0_u64, |sum, output| sum.saturating_add(output.size));
        if total > spec.limits.output_bytes {
            let reason = format!("{total} bytes together; the spec allows {}", spec.limits.output_bytes);
            return Err(fault("outputs", reason));
        }
        Ok(())
    }
}

/// What the chain holds of a result: keccak-256 of the canonical JSON of `{exitCode, outputs: [{path, sha256, size}]}`,
/// outputs sorted by the bytes of their path. No times, no ids, no places: equal work gives equal hashes.
pub fn result_hash(exit_code: i32, outputs: &[OutputFile]) -> B256 {
    #[derive(Serialize)]
    struct Output<'a> {
        path: &'a GuestPath,
        sha256: Sha256Digest,
        size: u64,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Content<'a> {
        exit_code: i32,
        outputs: Vec<Output<'a>>,
    }
    let mut outputs: Vec<_> =
        outputs.iter().map(|file| Output { path: &file.path, sha256: file.sha256, size: file.size }).collect();
    outputs.sort_by(|a, b| a.path.cmp(b.path));
    canonical::hash(&Content { exit_code, outputs })
}

fn bytes32(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "pattern": "^0x[0-9a-f]{64}$" })
}
