//! Container images by content: `registry.example/name@sha256:…`.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{check::is_hidden, digest::Sha256Digest};

/// Longest name, registry included, bytes; the limit of the OCI distribution grammar.
const MAX_NAME_BYTES: usize = 255;
/// The registry of a name without one, and the folder of its own images there.
const DEFAULT_REGISTRY: &str = "docker.io";
const DEFAULT_FOLDER: &str = "library";
/// The other name of the default registry.
const DEFAULT_REGISTRY_ALIAS: &str = "index.docker.io";

/// A container image by its digest: name, optionally with its registry, `@sha256:` and 64 hexadecimal digits. A tag is
/// refused: it can mean another image tomorrow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageReference {
    name: String,
    digest: Sha256Digest,
}

/// A text that is no image by digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image by digest: {reason}")]
pub struct ImageError {
    text: String,
    reason: &'static str,
}

impl ImageReference {
    /// The name as it is written: `busybox`, `registry.example:5000/tools/sort`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The digest of the image's manifest.
    pub fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// The name in full, as registries know it: `busybox` is `docker.io/library/busybox`.
    pub fn repository(&self) -> String {
        full_name(&self.name)
    }

    /// Whether a text is the name of an image, without tag and digest.
    ///
    /// # Errors
    /// With what is wrong with it.
    pub fn check_name(name: &str) -> Result<(), ImageError> {
        fault_of_name(name).map_or(Ok(()), |reason| Err(ImageError::new(name, reason)))
    }

    /// The full form of a name, as [`repository`](Self::repository).
    pub fn full_name(name: &str) -> String {
        full_name(name)
    }
}

impl ImageError {
    fn new(text: &str, reason: &'static str) -> Self {
        // What is refused may be hostile: shown short, without what a terminal would obey.
        Self { text: text.chars().filter(|c| !is_hidden(*c)).take(MAX_NAME_BYTES).collect(), reason }
    }
}

fn full_name(name: &str) -> String {
    match name.split_once('/') {
        Some((DEFAULT_REGISTRY | DEFAULT_REGISTRY_ALIAS, path)) => at_default_registry(path),
        Some((first, _)) if is_registry(first) => name.to_owned(),
        _ => at_default_registry(name),
    }
}

fn at_default_registry(path: &str) -> String {
    match path.contains('/') {
        true => format!("{DEFAULT_REGISTRY}/{path}"),
        false => format!("{DEFAULT_REGISTRY}/{DEFAULT_FOLDER}/{path}"),
    }
}

/// Whether the first part of a name is a host and not a folder, as every client decides it.
fn is_registry(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost" || first.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn fault_of_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("the name is empty");
    }
    if name.len() > MAX_NAME_BYTES {
        return Some("the name has more than 255 bytes");
    }
    let path = match name.split_once('/') {
        Some((first, rest)) if is_registry(first) => {
            if !is_host(first) {
                return Some("the registry is no host name with an optional port");
            }
            rest
        }
        _ => name,
    };
    if path.rsplit('/').next().is_some_and(|last| last.contains(':')) {
        return Some("it has a tag; a tag can mean another image tomorrow: name the image by its digest alone");
    }
    if !path.split('/').all(is_path_part) {
        return Some(
            "the name has lower-case letters, digits and single separators (`.`, `_`, `__`, `-`) between them",
        );
    }
    let like_an_id = |part: &str| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    like_an_id(path).then_some("the name looks like an image id")
}

/// `domain-component ("." domain-component)* (":" port)?`, or an IPv6 address in brackets.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => ("", port),
            _ => return false,
        },
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let port_is_good = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| {
            !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        });
    port_is_good && (text.starts_with('[') || host.split('.').all(is_label))
}

/// `[a-z0-9]+ (("." | "_" | "__" | "-"+) [a-z0-9]+)*`
fn is_path_part(part: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends_are_plain = part.bytes().next().is_some_and(is_plain) && part.bytes().last().is_some_and(is_plain);
    ends_are_plain
        && part.bytes().all(|byte| is_plain(byte) || matches!(byte, b'.' | b'_' | b'-'))
        && part
            .split(|c: char| c.is_ascii_alphanumeric())
            .all(|between| matches!(between, "" | "." | "_" | "__") || between.bytes().all(|byte| byte == b'-'))
}

impl FromStr for ImageReference {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, ImageError> {
        let refuse = |reason| ImageError::new(text, reason);
        let (name, digest) = text
            .split_once('@')
            .ok_or_else(|| refuse("the digest is missing; expected name@sha256: and 64 hexadecimal digits"))?;
        if let Some(reason) = fault_of_name(name) {
            return Err(refuse(reason));
        }
        let digest = digest
            .strip_prefix("sha256:")
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| refuse("the digest is not sha256: and 64 lower-case hexadecimal digits"))?;
        Ok(Self { name: name.to_owned(), digest })
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@sha256:{}", self.name, self.digest)
    }
}

impl Serialize for ImageReference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ImageReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for ImageReference {
    fn schema_name() -> Cow<'static, str> {
        "Image".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A container image by digest: name, optionally with its registry, `@sha256:` and the digest.",
            "pattern": "^([A-Za-z0-9.-]+(:[0-9]+)?/|\\[[0-9a-fA-F:.]+\\](:[0-9]+)?/)?[a-z0-9._-]+(/[a-z0-9._-]+)*@sha256:[0-9a-f]{64}$",
            "maxLength": MAX_NAME_BYTES + "@sha256:".len() + 64,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn images_by_digest_are_kept_as_they_are_written() {
        for (name, full) in [
            ("busybox", "docker.io/library/busybox"),
            ("pytorch/pytorch", "docker.io/pytorch/pytorch"),
            ("docker.io/busybox", "docker.io/library/busybox"),
            ("index.docker.io/a/b", "docker.io/a/b"),
            ("ghcr.io/me/tool_a__b.c--d", "ghcr.io/me/tool_a__b.c--d"),
            ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c"),
            ("localhost/a", "localhost/a"),
            ("[::1]:5000/a", "[::1]:5000/a"),
        ] {
            let text = format!("{name}@{DIGEST}");
            let image: ImageReference = text.parse().unwrap();
            assert_eq!((image.to_string(), image.name(), image.repository().as_str()), (text, name, full));
        }
    }

    #[test]
    fn what_could_mean_another_image_tomorrow_is_refused() {
        for (text, reason) in [
            ("busybox".to_owned(), "digest is missing"),
            ("busybox:1.35".to_owned(), "digest is missing"),
            (format!("busybox:1.35@{DIGEST}"), "it has a tag"),
            (format!("localhost:5000/a:1@{DIGEST}"), "it has a tag"),
            (format!("@{DIGEST}"), "is empty"),
            (format!("Busybox@{DIGEST}"), "lower-case"),
            (format!("a//b@{DIGEST}"), "lower-case"),
            (format!("a..b@{DIGEST}"), "lower-case"),
            (format!("../b@{DIGEST}"), "registry"),
            (format!("-a@{DIGEST}"), "lower-case"),
            (format!("a b@{DIGEST}"), "lower-case"),
            (format!("https://a.example/b@{DIGEST}"), "registry"),
            (format!("user@a.example/b@{DIGEST}"), "digest is not"),
            (format!("a.example:x/b@{DIGEST}"), "registry"),
            (format!("{}@{DIGEST}", "a".repeat(256)), "255"),
            (format!("{}@{DIGEST}", "a".repeat(64)), "image id"),
            ("busybox@sha256:00".to_owned(), "digest is not"),
            (format!("busybox@{}", DIGEST.to_uppercase()), "digest is not"),
            (format!("busybox@{}", DIGEST.replace("sha256", "sha512")), "digest is not"),
        ] {
            let error = text.parse::<ImageReference>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_image_is_accepted_by_the_schema(name in r"[a-zA-Z0-9.:/_@\[\]-]{1,24}") {
            let text = format!("{name}@{DIGEST}");
            if text.parse::<ImageReference>().is_ok() {
                let schema = serde_json::to_value(schemars::schema_for!(ImageReference)).unwrap();
                prop_assert!(jsonschema::is_valid(&schema, &serde_json::Value::String(text)));
            }
        }
    }
}
