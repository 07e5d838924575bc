//! The job file as text with places: the shape is checked here, the meaning in `read`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::{Error, Spanned};

use super::{JobError, error::Fault, field};
use crate::canonical::MAX_DOCUMENT_BYTES;

/// Most values that aliases (`*name`) may stand for: enough to say a thing once, too few for a bomb.
const MAX_ALIASED: usize = 1000;

/// A scalar exactly as it is written: `1.50` stays `1.50`.
pub(super) type Text = Spanned<String>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RawJob {
    pub(super) name: Option<Text>,
    pub(super) module: Option<Text>,
    pub(super) image: Option<Text>,
    pub(super) args: Option<Vec<Text>>,
    pub(super) env: Option<BTreeMap<String, Text>>,
    pub(super) inputs: Option<Vec<Spanned<RawInput>>>,
    pub(super) outputs: Option<Vec<Text>>,
    pub(super) resources: Option<Spanned<RawResources>>,
    pub(super) price: Option<Text>,
    pub(super) accept_within: Option<Text>,
    pub(super) review: Option<Text>,
    pub(super) trust: Option<Text>,
    pub(super) replicas: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RawInput {
    pub(super) path: Option<Text>,
    pub(super) file: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RawResources {
    pub(super) r#type: Option<Text>,
    pub(super) power: Option<Text>,
    pub(super) memory: Option<Text>,
    pub(super) fuel: Option<Text>,
    pub(super) cpus: Option<Text>,
    pub(super) output: Option<Text>,
    pub(super) time: Option<Text>,
}

impl RawJob {
    pub(super) fn parse(yaml: &str, file_name: &str) -> Result<Self, JobError> {
        if yaml.len() > MAX_DOCUMENT_BYTES {
            let reason = format!("a job file of {} bytes; at most {MAX_DOCUMENT_BYTES} are read", yaml.len());
            return Err(Fault::new(0, "", reason).in_file(file_name));
        }
        if yaml.trim().is_empty() {
            return Err(Fault::new(0, "", "the job file is empty").in_file(file_name));
        }
        let options = serde_saphyr::options! {
            with_snippet: false,
            alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_ALIASED },
        };
        serde_saphyr::from_str_with_options(yaml, options).map_err(|error| fault_of(&error, yaml).in_file(file_name))
    }
}

fn fault_of(error: &Error, yaml: &str) -> Fault {
    let location = error.location();
    let line = location.map_or(0, |location| location.line());
    let field = || location.map_or_else(String::new, |location| field::at(yaml, location));
    match error {
        Error::SerdeUnknownField { field: name, expected, .. } => {
            let hint = match field::nearest(name, expected) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("the fields here are {}", expected.join(", ")),
            };
            Fault::new(line, name, format!("is no field of a job file; {hint}"))
        }
        Error::DuplicateMappingKey { key: Some(key), .. } => Fault::new(line, key, "is there twice"),
        Error::NullIntoString { .. } => Fault::new(line, field(), "is empty; expected a value"),
        Error::Unexpected { expected, .. } => Fault::new(line, field(), format!("expected {expected}")),
        Error::SerdeInvalidType { unexpected, expected, .. } => {
            Fault::new(line, field(), format!("expected {expected}, found {unexpected}"))
        }
        other => {
            // The renderer ends in the place, which the error already begins with.
            let text = other.render();
            let reason = text.lines().next().unwrap_or_default();
            Fault::new(line, field(), reason.split(" at line ").next().unwrap_or(reason))
        }
    }
}
