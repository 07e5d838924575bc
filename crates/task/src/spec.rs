//! `aiigo.task/v1`: what the provider runs, with every file named by its content.

use std::collections::BTreeMap;

use alloy::primitives::B256;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{
    canonical::{self, MAX_SAFE_INTEGER},
    check::{self, DocumentError, Fault, MAX_FILES, MAX_NAME_CHARS, MAX_STRINGS, fault},
    cid::BlobCid,
    digest::Sha256Digest,
    gateway::{GatewayUrl, MAX_GATEWAYS},
    image::ImageReference,
    limits::{Limits, MAX_INPUT_BYTES, MAX_MODULE_BYTES},
    path::GuestPath,
    program::{Program, TaskProgram},
};

const KIND: &str = "task spec";

/// The version of a task spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
enum Schema {
    #[serde(rename = "aiigo.task/v1")]
    V1,
}

/// A file by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileDigest {
    /// Where it is found.
    pub cid: BlobCid,
    /// Bytes.
    #[schemars(range(max = MAX_SAFE_INTEGER))]
    pub size: u64,
    /// What it hashes to.
    pub sha256: Sha256Digest,
}

/// The program: a WebAssembly module for WASI preview 1.
pub type Module = FileDigest;

/// A file that the program finds when it starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InputFile {
    /// Where the program sees it.
    pub path: GuestPath,
    /// Where it is found.
    pub cid: BlobCid,
    /// Bytes.
    #[schemars(range(max = MAX_INPUT_BYTES))]
    pub size: u64,
    /// What it hashes to.
    pub sha256: Sha256Digest,
}

/// A task, ready to run: written by the buyer's client, read by the provider's agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "AIIGO task spec", extend("oneOf" = [{ "required": ["module"] }, { "required": ["image"] }]))]
pub struct TaskSpec {
    schema: Schema,
    /// What the buyer calls it.
    #[schemars(length(min = 1, max = MAX_NAME_CHARS))]
    pub name: String,
    /// The program as a WebAssembly module.
    #[serde(default, deserialize_with = "canonical::present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Module")]
    module: Option<Module>,
    /// The program as a container image.
    #[serde(default, deserialize_with = "canonical::present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ImageReference")]
    image: Option<ImageReference>,
    /// Its arguments, without the program's name. Those of a container come after its image's entry point; without any,
    /// it gets the image's own.
    #[schemars(length(max = MAX_STRINGS))]
    pub args: Vec<String>,
    /// Its environment.
    #[serde(deserialize_with = "distinct")]
    #[schemars(extend("maxProperties" = MAX_STRINGS))]
    pub env: BTreeMap<String, String>,
    /// The files that it finds.
    #[schemars(length(max = MAX_FILES))]
    pub inputs: Vec<InputFile>,
    /// The files that it writes and the buyer wants.
    #[schemars(length(max = MAX_FILES))]
    pub outputs: Vec<GuestPath>,
    /// What it may use at most.
    pub limits: Limits,
    /// Where module and inputs are served; the first also takes the outputs.
    #[schemars(length(max = MAX_GATEWAYS))]
    pub gateways: Vec<GatewayUrl>,
}

/// The parts of a [`TaskSpec`], to make one from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSpecParts {
    /// What the buyer calls it.
    pub name: String,
    /// The program.
    pub program: TaskProgram,
    /// Its arguments, without the program's name.
    pub args: Vec<String>,
    /// Its environment.
    pub env: BTreeMap<String, String>,
    /// The files that it finds.
    pub inputs: Vec<InputFile>,
    /// The files that it writes and the buyer wants.
    pub outputs: Vec<GuestPath>,
    /// What it may use at most.
    pub limits: Limits,
    /// Where module and inputs are served.
    pub gateways: Vec<GatewayUrl>,
}

impl TaskSpec {
    /// Makes a spec from its parts.
    ///
    /// # Errors
    /// If a part breaks a rule; the error names the field.
    pub fn new(parts: TaskSpecParts) -> Result<Self, DocumentError> {
        let TaskSpecParts { name, program, args, env, inputs, outputs, limits, gateways } = parts;
        let (module, image) = match program {
            TaskProgram::Wasm(module) => (Some(module), None),
            TaskProgram::Image(image) => (None, Some(image)),
        };
        let spec = Self { schema: Schema::V1, name, module, image, args, env, inputs, outputs, limits, gateways };
        spec.check().map_err(DocumentError::invalid(KIND))?;
        match spec.canonical().len() {
            size if size > canonical::MAX_DOCUMENT_BYTES => Err(DocumentError::TooLarge { kind: KIND, size }),
            _ => Ok(spec),
        }
    }

    /// Reads and checks a spec.
    ///
    /// # Errors
    /// If it is too large, malformed or breaks a rule; the error names the field.
    pub fn parse(json: &[u8]) -> Result<Self, DocumentError> {
        let spec: Self = canonical::parse(KIND, json)?;
        spec.check().map_err(DocumentError::invalid(KIND))?;
        Ok(spec)
    }

    /// Reads and checks the spec that a task on the chain promises.
    ///
    /// # Errors
    /// As [`Self::parse`], and if its hash is another.
    pub fn parse_promised(json: &[u8], spec_hash: B256) -> Result<Self, DocumentError> {
        let spec = Self::parse(json)?;
        match spec.hash() {
            actual if actual == spec_hash => Ok(spec),
            actual => Err(DocumentError::WrongHash { kind: KIND, expected: spec_hash, actual }),
        }
    }

    /// The canonical bytes (RFC 8785): what is stored and hashed.
    pub fn canonical(&self) -> Vec<u8> {
        canonical::to_bytes(self)
    }

    /// keccak-256 of the canonical bytes: the spec hash on the chain.
    pub fn hash(&self) -> B256 {
        canonical::hash(self)
    }

    /// The published JSON Schema, `schema/task.v1.json`.
    pub fn json_schema() -> schemars::Schema {
        schemars::schema_for!(Self)
    }

    /// What it runs.
    pub fn program(&self) -> Program<'_> {
        match (&self.module, &self.image) {
            (Some(module), _) => Program::Wasm(module),
            (None, Some(image)) => Program::Image(image),
            // Such a spec is refused before anybody holds it.
            (None, None) => unreachable!("a spec was made without a program"),
        }
    }

    /// Module and inputs together, bytes: what a provider has to fetch. An image comes from its registry.
    pub fn download_bytes(&self) -> u64 {
        let module = self.module.map_or(0, |module| module.size);
        self.inputs.iter().fold(module, |sum, input| sum.saturating_add(input.size))
    }

    fn check(&self) -> Result<(), Fault> {
        check::name(&self.name).map_err(|reason| fault("name", reason))?;
        match (&self.module, &self.image) {
            (Some(_), Some(_)) => return Err(fault("image", "is there beside `module`; a task has one program")),
            (None, None) => return Err(fault("module", "is missing, and so is `image`; a task has one of the two")),
            (Some(module), None) if module.size == 0 || module.size > MAX_MODULE_BYTES => {
                let reason = format!("{} bytes; expected 1 to {MAX_MODULE_BYTES}", module.size);
                return Err(fault("module.size", reason));
            }
            _ => {}
        }
        for (index, arg) in self.args.iter().enumerate() {
            check::argument(arg).map_err(|reason| fault(format_args!("args[{index}]"), reason))?;
        }
        for (name, value) in &self.env {
            check::variable(name, value)
                .map_err(|reason| fault(format_args!("env.{}", name.escape_debug()), reason))?;
        }
        check::strings(&self.args, &self.env)?;
        check::count("inputs", self.inputs.len())?;
        check::count("outputs", self.outputs.len())?;
        let inputs = self.inputs.iter().fold(0_u64, |sum, input| sum.saturating_add(input.size));
        if inputs > MAX_INPUT_BYTES {
            return Err(fault("inputs", format!("{inputs} bytes together; at most {MAX_INPUT_BYTES} are allowed")));
        }
        check::disjoint(self.inputs.iter().map(|input| &input.path).chain(&self.outputs)).map_err(
            |(index, reason)| match index.checked_sub(self.inputs.len()) {
                None => fault(format_args!("inputs[{index}].path"), reason),
                Some(index) => fault(format_args!("outputs[{index}]"), reason),
            },
        )?;
        self.limits.check(self.program())?;
        if self.gateways.len() > MAX_GATEWAYS {
            return Err(fault(
                "gateways",
                format!("{} of them; at most {MAX_GATEWAYS} are allowed", self.gateways.len()),
            ));
        }
        Ok(())
    }
}

/// A map in which no key comes twice: two readers must not see two values.
fn distinct<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    struct Visitor;

    impl<'de> de::Visitor<'de> for Visitor {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a map of strings")
        }

        fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = entries.next_entry::<String, String>()? {
                if map.contains_key(&key) {
                    return Err(de::Error::custom(format_args!("`{}` is there twice", key.escape_debug())));
                }
                map.insert(key, value);
            }
            Ok(map)
        }
    }

    deserializer.deserialize_map(Visitor)
}
