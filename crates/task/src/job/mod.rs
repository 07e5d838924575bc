//! The job file: what a person writes to get work done.

mod error;
mod field;
mod raw;
mod read;

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr, time::Duration};

pub use error::JobError;

use crate::{
    check::DocumentError,
    gateway::GatewayUrl,
    image::ImageReference,
    limits::Limits,
    path::GuestPath,
    program::TaskProgram,
    spec::{FileDigest, InputFile, TaskSpec, TaskSpecParts},
};

/// A job file, read and checked. Nothing has been opened yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// What the buyer calls it.
    pub name: String,
    /// What it runs.
    pub program: JobProgram,
    /// The program's arguments.
    pub args: Vec<String>,
    /// The program's environment.
    pub env: BTreeMap<String, String>,
    /// The files that the program finds.
    pub inputs: Vec<JobInput>,
    /// The files that the program writes and the buyer wants.
    pub outputs: Vec<GuestPath>,
    /// The machine it needs.
    pub resources: Resources,
    /// Price of an hour, wei.
    pub price_per_hour: u128,
    /// How long a provider may be looked for.
    pub accept_within: Duration,
    /// How long the buyer has to look at the result; whole minutes.
    pub review: Duration,
    /// Lowest trust level of a provider, 1 to 4.
    pub trust: u8,
    /// How many nodes do it, each on its own: 1, 3, 5 or 7. Of several, what more than half come to is the result.
    pub replicas: u8,
}

/// What a job runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobProgram {
    /// A WebAssembly module, relative to the folder of the job file.
    Module(PathBuf),
    /// A container image, which the provider's engine pulls.
    Image(ImageReference),
}

/// A local file and where the program sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobInput {
    /// Where the program sees it.
    pub path: GuestPath,
    /// Where it lies, relative to the folder of the job file.
    pub file: PathBuf,
}

/// The machine that a job needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// What kind of machine.
    pub resource_type: ResourceType,
    /// Verified power, milli-TFLOPS, at least 1.
    pub milli_tflops: u32,
    /// What the program may use at most. `seconds` is the duration that is paid for.
    pub limits: Limits,
}

/// What kind of machine. The numbers are the contracts'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs)] // the names are the contracts'
pub enum ResourceType {
    GPU = 0,
    CPU = 1,
    Network = 2,
    Mobile = 3,
    IoT = 4,
}

impl ResourceType {
    /// Every kind, in the contracts' order.
    pub const ALL: [Self; 5] = [Self::GPU, Self::CPU, Self::Network, Self::Mobile, Self::IoT];

    /// The contracts' name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GPU => "GPU",
            Self::CPU => "CPU",
            Self::Network => "Network",
            Self::Mobile => "Mobile",
            Self::IoT => "IoT",
        }
    }
}

impl FromStr for ResourceType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("`{text}` is no kind of machine: expected GPU, CPU, Network, Mobile or IoT"))
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Job {
    /// Reads a job file. `file_name` is what errors call it.
    ///
    /// # Errors
    /// If it is no YAML, has an unknown field, lacks one, or a value breaks a rule: with file, line, field and reason.
    pub fn parse(yaml: &str, file_name: &str) -> Result<Self, JobError> {
        let raw = raw::RawJob::parse(yaml, file_name)?;
        read::job(raw).map_err(|fault| fault.in_file(file_name))
    }

    /// The task spec of this job, once its files are stored: `program` is the stored module, or the job's image.
    ///
    /// # Errors
    /// If the number of `inputs` is not that of the job's, or a file is larger than allowed; the error names the field.
    pub fn spec(
        &self,
        program: impl Into<TaskProgram>,
        inputs: &[FileDigest],
        gateways: Vec<GatewayUrl>,
    ) -> Result<TaskSpec, DocumentError> {
        if inputs.len() != self.inputs.len() {
            let reason = format!("the job names {}, but {} are given", self.inputs.len(), inputs.len());
            return Err(DocumentError::Invalid { kind: "task spec", field: "inputs".into(), reason });
        }
        let inputs = self.inputs.iter().zip(inputs).map(|(input, &FileDigest { cid, size, sha256 })| InputFile {
            path: input.path.clone(),
            cid,
            size,
            sha256,
        });
        TaskSpec::new(TaskSpecParts {
            name: self.name.clone(),
            program: program.into(),
            args: self.args.clone(),
            env: self.env.clone(),
            inputs: inputs.collect(),
            outputs: self.outputs.clone(),
            limits: self.resources.limits,
            gateways,
        })
    }
}

#[cfg(test)]
mod tests;
