//! Addresses of storage gateways. They come from strangers, so they are held to the plainest form.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use url::Url;

/// Most gateways that a document or a content address may name.
pub const MAX_GATEWAYS: usize = 8;
/// Longest address, bytes.
const MAX_URL_BYTES: usize = 256;

/// Base address of a gateway: `http` or `https`, a host, perhaps a port and a path; no credentials, query or fragment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct GatewayUrl(Url);

/// An address that can't be a gateway's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a gateway address: {reason}")]
pub struct GatewayError {
    text: String,
    reason: String,
}

impl GatewayUrl {
    /// The address.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The address as text, without a final slash.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

impl FromStr for GatewayUrl {
    type Err = GatewayError;

    fn from_str(text: &str) -> Result<Self, GatewayError> {
        let refuse =
            |reason: &str| GatewayError { text: text.chars().take(MAX_URL_BYTES).collect(), reason: reason.into() };
        if text.len() > MAX_URL_BYTES {
            return Err(refuse("it has more than 256 bytes"));
        }
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("only http and https are allowed"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(refuse("it names no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it carries credentials"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("it has a query or a fragment"));
        }
        if url.as_str().len() > MAX_URL_BYTES {
            return Err(refuse("it has more than 256 bytes"));
        }
        Ok(Self(url))
    }
}

impl TryFrom<Url> for GatewayUrl {
    type Error = GatewayError;

    fn try_from(url: Url) -> Result<Self, GatewayError> {
        url.as_str().parse()
    }
}

impl fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for GatewayUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for GatewayUrl {
    fn schema_name() -> Cow<'static, str> {
        "GatewayUrl".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "uri",
            "description": "Base address of a trustless IPFS gateway, without credentials, query or fragment.",
            "pattern": "^https?://[^/?#@]+(/[^?#]*)?$",
            "maxLength": MAX_URL_BYTES,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_address_is_kept() {
        for (text, shown) in [
            ("http://127.0.0.1:4353", "http://127.0.0.1:4353"),
            ("https://ipfs.example/", "https://ipfs.example"),
            ("https://a.example/base/", "https://a.example/base"),
        ] {
            assert_eq!(text.parse::<GatewayUrl>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        for (text, reason) in [
            ("ftp://a.example", "only http"),
            ("file:///etc/passwd", "only http"),
            ("http://user@a.example", "credentials"),
            ("http://a.example/?x=1", "query"),
            ("http://a.example/#x", "query"),
            ("a.example", "relative"),
            (&format!("http://a.example/{}", "x".repeat(300)), "256"),
        ] {
            let error = text.parse::<GatewayUrl>().unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
