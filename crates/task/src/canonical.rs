//! Canonical JSON (RFC 8785): one byte string for one value, so that everybody computes the same hash.

use alloy::primitives::{B256, keccak256};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use crate::check::DocumentError;

/// Largest spec or manifest that is read, bytes.
pub const MAX_DOCUMENT_BYTES: usize = 256 << 10;

/// Largest integer that RFC 8785 keeps exact: its numbers are IEEE 754 doubles.
pub(crate) const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The canonical bytes of a document.
pub(crate) fn to_bytes<T: Serialize>(document: &T) -> Vec<u8> {
    // The documents hold strings, whole numbers, lists and maps with string keys: serialising them into memory can't fail.
    #[allow(clippy::expect_used)]
    serde_json_canonicalizer::to_vec(document).expect("a document of plain JSON values serialises")
}

/// keccak-256 of the canonical bytes.
pub(crate) fn hash<T: Serialize>(document: &T) -> B256 {
    keccak256(to_bytes(document))
}

/// Reads a document of bounded size.
pub(crate) fn parse<T: DeserializeOwned>(kind: &'static str, json: &[u8]) -> Result<T, DocumentError> {
    if json.len() > MAX_DOCUMENT_BYTES {
        return Err(DocumentError::TooLarge { kind, size: json.len() });
    }
    serde_json::from_slice(json).map_err(|source| DocumentError::Malformed { kind, source })
}

/// A field that may be left out, but if it is there has a value: `null` would be a second way to leave it out.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_white_space_is_gone() {
        let value: serde_json::Value = serde_json::from_str(r#"{ "b" : [1, 1e2], "a" : "\u00e9\/" }"#).unwrap();
        assert_eq!(to_bytes(&value), r#"{"a":"é/","b":[1,100]}"#.as_bytes());
    }

    #[test]
    fn keys_are_sorted_by_their_utf_16_units() {
        // RFC 8785, section 3.2.3: U+1F600 is a surrogate pair (D83D …) and sorts before U+FB33.
        let value: serde_json::Value = serde_json::from_str(r#"{"\ufb33":1,"\ud83d\ude00":2,"\u20ac":3}"#).unwrap();
        assert_eq!(to_bytes(&value), "{\"€\":3,\"😀\":2,\"\u{fb33}\":1}".as_bytes());
    }
}
