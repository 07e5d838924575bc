//! What a node says of itself.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// How an address begins that is the description itself (RFC 2397).
const INLINE: &str = "data:application/json,";
/// All but the unreserved characters of a URI (RFC 3986, 2.3).
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// No description is longer, bytes.
const MOST: usize = 16 << 10;

/// The part of the document `aiigo.node/v1` that people look for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeDescription {
    /// What the node is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it stands, such as `eu-west`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The lowest prices that it takes, ETH an hour by the name of the resource: what its owner wanted when it was described.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lowest_prices: BTreeMap<String, String>,
}

impl NodeDescription {
    /// The address that is a document itself.
    pub fn address_of(document: &str) -> String {
        format!("{INLINE}{}", utf8_percent_encode(document, &RESERVED))
    }

    /// The description in an address that is the document itself; `None` if it is elsewhere, or none.
    pub fn inline(address: &str) -> Option<Self> {
        let encoded = address.strip_prefix(INLINE).filter(|encoded| encoded.len() <= MOST)?;
        serde_json::from_slice(&percent_decode_str(encoded).collect::<Vec<_>>()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_can_be_the_description_itself() {
        let document = r#"{"schema":"aiigo.node/v1","name":"Zoë's rig","region":"eu-west","hardware":{},"lowestPrices":{"CPU":"0.002"}}"#;
        let address = NodeDescription::address_of(document);
        assert!(address.is_ascii() && !address.contains(['"', ' ', '{']), "{address}");
        let said = NodeDescription::inline(&address).expect("a description");
        assert_eq!((said.name.as_deref(), said.region.as_deref()), (Some("Zoë's rig"), Some("eu-west")));
        assert_eq!(said.lowest_prices["CPU"], "0.002");
        for other in ["ipfs://bafy", "data:application/json,%7B", "data:text/plain,hello", ""] {
            assert_eq!(NodeDescription::inline(other), None, "{other}");
        }
    }
}
