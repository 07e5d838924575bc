//! Paths as the program in the sandbox sees them, and as results are laid out on the buyer's disk.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::check::is_hidden;

/// Longest path, bytes.
const MAX_BYTES: usize = 255;

/// Relative, normalised path of a file, parts joined by `/`. It can't leave the folder that it is relative to, on any
/// operating system: no empty, `.` or `..` part, no drive, no backslash, no control or invisible character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct GuestPath(String);

/// A path that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is not a usable path: {reason}")]
pub struct PathError {
    path: String,
    reason: &'static str,
}

impl GuestPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GuestPath {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, PathError> {
        match fault_of(path) {
            None => Ok(Self(path.to_owned())),
            Some(reason) => Err(PathError { path: path.escape_debug().take(MAX_BYTES).collect(), reason }),
        }
    }
}

fn fault_of(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("it is empty");
    }
    if path.len() > MAX_BYTES {
        return Some("it has more than 255 bytes");
    }
    if path.starts_with('/') {
        return Some("it must be relative: drop the `/` at its beginning");
    }
    if path.contains(['\\', ':']) {
        return Some("it contains a backslash or a colon; parts are joined by `/`");
    }
    if path.chars().any(is_hidden) {
        return Some("it contains a control or invisible character");
    }
    path.split('/').find_map(|part| match part {
        "" => Some("it has an empty part (`//`, or a `/` at its end)"),
        "." | ".." => Some("it must not contain `.` or `..`"),
        part if part.starts_with(' ') || part.ends_with([' ', '.']) => {
            Some("a part of it begins with a space or ends with a space or a dot")
        }
        _ => None,
    })
}

impl AsRef<str> for GuestPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<GuestPath> for String {
    fn from(path: GuestPath) -> Self {
        path.0
    }
}

impl fmt::Display for GuestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for GuestPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for GuestPath {
    fn schema_name() -> Cow<'static, str> {
        "Path".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Relative, normalised path; parts joined by `/`; none is empty, `.` or `..`.",
            "pattern": r"^[^/\\:]+(/[^/\\:]+)*$",
            "not": { "pattern": r"(^|/)\.\.?(/|$)" },
            "maxLength": MAX_BYTES,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_paths_are_kept_as_they_are() {
        for path in ["a", "data.csv", "in/2024/données.csv", ".hidden", "a b", "...a", "-x"] {
            assert_eq!(path.parse::<GuestPath>().unwrap().as_str(), path);
        }
    }

    #[test]
    fn paths_that_could_lead_elsewhere_are_refused() {
        for path in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "a/../b",
            "./a",
            "a/.",
            "a//b",
            "a/",
            "a\\b",
            "C:x",
            "a\0b",
            "a\nb",
            "a\u{202e}b",
            " a",
            "a ",
            "a.",
            "a/b./c",
            &"x".repeat(256),
        ] {
            assert!(path.parse::<GuestPath>().is_err(), "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_path_stays_below_its_folder(path in r"[a./\\: \PC]{0,12}") {
            if let Ok(path) = path.parse::<GuestPath>() {
                let normal = std::path::Path::new(path.as_str())
                    .components()
                    .all(|part| matches!(part, std::path::Component::Normal(_)));
                prop_assert!(normal, "{path:?}");
            }
        }
    }
}
