//! What a buyer asks for and what a provider delivers, as documents: the job file, the task spec and the result manifest.
//! Schema, validation and canonical hashes; no I/O.
//!
//! - [`Job`] is `job.yaml`, written by a person. Every error names the file, the line and the field.
//! - [`TaskSpec`] is `aiigo.task/v1`, derived from a job once its files have CIDs. Its hash is on the chain.
//! - [`ResultManifest`] is `aiigo.result/v1`, written by the provider. The hash of what it delivers is on the chain.
//!
//! Spec and manifest come from strangers. Everything in a parsed one is bounded and checked: paths stay inside their
//! folder, sizes and counts are capped, gateways are plain HTTP addresses. A value of these types is a valid one.

mod canonical;
mod check;
mod cid;
mod digest;
mod gateway;
mod human;
mod image;
mod job;
mod limits;
mod manifest;
mod outcome;
mod path;
mod program;
mod spec;

pub use canonical::MAX_DOCUMENT_BYTES;
pub use check::DocumentError;
pub use cid::{BlobCid, CidError};
pub use digest::{Sha256Digest, Sha256Error};
pub use gateway::{GatewayError, GatewayUrl, MAX_GATEWAYS};
pub use human::{HumanError, format_bytes, format_duration, parse_bytes, parse_duration, parse_power};
pub use image::{ImageError, ImageReference};
pub use job::{Job, JobError, JobInput, JobProgram, ResourceType, Resources};
pub use limits::{
    Limits, MAX_CPUS, MAX_FUEL, MAX_IMAGE_MEMORY_BYTES, MAX_INPUT_BYTES, MAX_MEMORY_BYTES, MAX_MODULE_BYTES,
    MAX_OUTPUT_BYTES, MAX_SECONDS, MIN_IMAGE_MEMORY_BYTES, MIN_MEMORY_BYTES,
};
pub use manifest::{CAPTURE_BYTES, CapturedText, OutputFile, ResultManifest, ResultParts, Usage, result_hash};
pub use outcome::Outcome;
pub use path::{GuestPath, PathError};
pub use program::{Program, TaskProgram};
pub use spec::{FileDigest, InputFile, Module, TaskSpec, TaskSpecParts};
