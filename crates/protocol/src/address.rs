//! Addresses as people write them.

use alloy::primitives::Address;

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not 20 bytes in hexadecimal.
    #[error("expected an address, 0x and 40 hexadecimal digits")]
    Malformed,
    /// In mixed case, but not as EIP-55 has it.
    #[error("the address is mistyped: its checksum is wrong")]
    Checksum,
}

/// An address; in mixed case its checksum (EIP-55) must be right: what goes to a mistyped one is gone.
///
/// # Errors
/// If it is none, or mistyped.
pub fn parse_address(text: &str) -> Result<Address, AddressError> {
    let address: Address = text.parse().map_err(|_| AddressError::Malformed)?;
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let mixed = digits.contains(|c: char| c.is_ascii_lowercase()) && digits.contains(|c: char| c.is_ascii_uppercase());
    match mixed && address.to_checksum(None) != format!("0x{digits}") {
        true => Err(AddressError::Checksum),
        false => Ok(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_address_is_told_from_a_right_one() {
        let good = "0x976EA74026E726554dB657fA54763abd0C3a0aa9";
        assert!(parse_address(good).is_ok() && parse_address(&good.to_lowercase()).is_ok());
        assert_eq!(parse_address(&good.replace("EA", "Ea")), Err(AddressError::Checksum));
        assert_eq!(parse_address("0x12"), Err(AddressError::Malformed));
    }
}
