//! The content identifiers that AIIGO uses: a narrow, canonical subset of CIDs.

use std::{borrow::Cow, fmt, str::FromStr};

use ::cid::{Cid, Version, multihash::Multihash};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Multicodec of a raw block.
const RAW: u64 = 0x55;
/// Multicodec of a block of the MerkleDAG format, here always a UnixFS file node.
const DAG_PB: u64 = 0x70;
/// Multihash code of SHA-256.
const SHA2_256: u64 = 0x12;

/// CID of a blob or of one of its blocks: version 1, SHA-256, `raw` or `dag-pb`, written in base 32. That is what
/// `ipfs add --cid-version=1 --raw-leaves` gives. One identifier has one spelling; others are refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobCid {
    raw: bool,
    sha256: [u8; 32],
}

/// A text that is no such CID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a usable CID: {reason}")]
pub struct CidError {
    text: String,
    reason: String,
}

impl BlobCid {
    /// CID of a raw block with this SHA-256.
    pub const fn raw(sha256: [u8; 32]) -> Self {
        Self { raw: true, sha256 }
    }

    /// CID of a UnixFS node with this SHA-256.
    pub const fn dag_pb(sha256: [u8; 32]) -> Self {
        Self { raw: false, sha256 }
    }

    /// Whether it names a block of plain content, as opposed to a node that links to others.
    pub const fn is_raw(&self) -> bool {
        self.raw
    }

    /// SHA-256 of the block.
    pub const fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The CID as other libraries know it.
    pub fn to_cid(&self) -> Cid {
        // A digest of 32 bytes fits into the 64 that `Cid` has room for.
        #[allow(clippy::expect_used)]
        let hash = Multihash::wrap(SHA2_256, &self.sha256).expect("32 bytes fit");
        Cid::new_v1(if self.raw { RAW } else { DAG_PB }, hash)
    }

    /// The binary form, 36 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_cid().to_bytes()
    }
}

impl TryFrom<Cid> for BlobCid {
    type Error = CidError;

    fn try_from(cid: Cid) -> Result<Self, CidError> {
        let refuse = |reason: &str| Err(CidError { text: cid.to_string(), reason: reason.into() });
        if cid.version() != Version::V1 {
            return refuse("it has version 0, expected 1");
        }
        let raw = match cid.codec() {
            RAW => true,
            DAG_PB => false,
            _ => return refuse("its codec is neither raw nor dag-pb"),
        };
        match cid.hash().digest().try_into() {
            Ok(sha256) if cid.hash().code() == SHA2_256 => Ok(Self { raw, sha256 }),
            _ => refuse("its hash is not SHA-256"),
        }
    }
}

impl FromStr for BlobCid {
    type Err = CidError;

    fn from_str(text: &str) -> Result<Self, CidError> {
        let refuse = |reason: String| CidError { text: text.chars().take(128).collect(), reason };
        let cid = Cid::from_str(text).map_err(|error| refuse(error.to_string()))?;
        let cid = Self::try_from(cid)?;
        if cid.to_string() != text {
            return Err(refuse(format!("it must be written as {cid}")));
        }
        Ok(cid)
    }
}

impl fmt::Display for BlobCid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_cid().fmt(f)
    }
}

impl fmt::Debug for BlobCid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobCid({self})")
    }
}

impl Serialize for BlobCid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BlobCid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for BlobCid {
    fn schema_name() -> Cow<'static, str> {
        "Cid".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "CIDv1 in base 32, SHA-256, raw or dag-pb, as `ipfs add --cid-version=1 --raw-leaves` gives it.",
            "pattern": "^baf(krei|ybei)[a-z2-7]{52}$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

    #[test]
    fn a_cid_prints_what_it_parses() {
        let cid: BlobCid = EMPTY.parse().unwrap();
        assert_eq!(cid.to_string(), EMPTY);
        assert!(cid.is_raw());
        assert_eq!(serde_json::from_str::<BlobCid>(&serde_json::to_string(&cid).unwrap()).unwrap(), cid);
        assert_eq!(BlobCid::raw(cid.sha256()), cid);
    }

    #[test]
    fn other_spellings_and_kinds_are_refused() {
        let identity = Cid::new_v1(RAW, Multihash::wrap(0, b"hello").unwrap()).to_string();
        let cbor = Cid::new_v1(0x71, *EMPTY.parse::<Cid>().unwrap().hash()).to_string();
        let base58 = "zb2rhmy65F3REf8SZp7De11gxtECBGgUKaLdiDj7MCGCHxbDW"; // same kind of CID in base 58
        for text in
            ["", "b", "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPBdG", base58, &identity, &cbor, &EMPTY.to_uppercase()]
        {
            assert!(text.parse::<BlobCid>().is_err(), "{text}");
        }
    }
}
