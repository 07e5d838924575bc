//! Revert data as the contract's named error.

use std::fmt;

use alloy::sol_types::{Panic, Revert, SolError, SolInterface};

use crate::{abi, contracts::for_each_contract};

/// A revert, readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedRevert {
    /// The error's name (`InsufficientStake`), or `Error`, `Panic` or `Unknown`.
    pub name: String,
    /// Its arguments, or the reason text.
    pub detail: String,
}

impl fmt::Display for DecodedRevert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.detail)
    }
}

/// Decodes revert data by the errors of every contract of the suite.
pub fn decode_revert(data: &[u8]) -> DecodedRevert {
    macro_rules! try_contracts {
        ($($contract:ident $events:ident $errors:ident),* $(,)?) => {$(
            if let Ok(error) = abi::$contract::$errors::abi_decode(data) {
                let detail = format!("{error:?}");
                return DecodedRevert { name: innermost_name(&detail), detail: strip_variant(&detail) };
            }
        )*};
    }
    for_each_contract!(try_contracts);
    if let Ok(revert) = Revert::abi_decode(data) {
        return DecodedRevert { name: "Error".into(), detail: revert.reason };
    }
    if let Ok(panic) = Panic::abi_decode(data) {
        return DecodedRevert { name: "Panic".into(), detail: panic.to_string() };
    }
    let detail = match data {
        [] => "reverted without a reason".into(),
        _ => format!("unknown error {}", alloy::primitives::hex::encode_prefixed(data)),
    };
    DecodedRevert { name: "Unknown".into(), detail }
}

/// `Variant(Name { a: 1 })` → `Name { a: 1 }`.
fn strip_variant(debug: &str) -> String {
    debug.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).map_or_else(|| debug.to_owned(), str::to_owned)
}

fn innermost_name(debug: &str) -> String {
    strip_variant(debug).split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_error_is_decoded_with_its_arguments() {
        let data = abi::NodeRegistry::NothingUnbonding { nodeId: 7 }.abi_encode();
        let decoded = decode_revert(&data);
        assert_eq!(decoded.name, "NothingUnbonding");
        assert_eq!(decoded.to_string(), "NothingUnbonding { nodeId: 7 }");
    }

    #[test]
    fn a_reason_string_is_passed_on() {
        let data = Revert::from("too late").abi_encode();
        assert!(decode_revert(&data).detail.contains("too late"));
    }

    #[test]
    fn unknown_data_is_shown_raw() {
        assert_eq!(decode_revert(&[1, 2, 3, 4]).detail, "unknown error 0x01020304");
        assert_eq!(decode_revert(&[]).detail, "reverted without a reason");
    }
}
