//! Amounts, shares, power: text in, text out.

use alloy::primitives::{U256, utils::format_units, utils::parse_units};

/// Basis points in a whole.
pub const BPS: u64 = 10_000;

/// Decimals of ETH and AIIGO.
pub const DECIMALS: u8 = 18;

/// An amount that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an amount: expected a decimal number such as 0.25, with at most 18 decimals")]
pub struct AmountError(String);

/// Reads a decimal number of whole units (`0.25`) as wei.
///
/// # Errors
/// If the text is negative, no number, has more than 18 decimals, or exceeds 2^256 − 1 wei.
pub fn parse_amount(text: &str) -> Result<U256, AmountError> {
    let trimmed = text.trim();
    let digits = trimmed.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if trimmed.is_empty() || trimmed == "." || !digits || trimmed.split_once('.').is_some_and(|(_, f)| f.len() > 18) {
        return Err(AmountError(text.to_owned()));
    }
    parse_units(trimmed, DECIMALS).map(|units| units.get_absolute()).map_err(|_| AmountError(text.to_owned()))
}

/// [`parse_amount`] of ETH, with or without its name: `1.5 ETH`.
///
/// # Errors
/// As [`parse_amount`], and of another unit.
pub fn parse_eth(text: &str) -> Result<U256, AmountError> {
    parse_named(text, "ETH")
}

/// [`parse_amount`] of AIIGO, with or without its name: `100 AIIGO`.
///
/// # Errors
/// As [`parse_amount`], and of another unit.
pub fn parse_aiigo(text: &str) -> Result<U256, AmountError> {
    parse_named(text, "AIIGO")
}

fn parse_named(text: &str, unit: &str) -> Result<U256, AmountError> {
    let trimmed = text.trim();
    let number = trimmed.len().checked_sub(unit.len()).and_then(|at| trimmed.split_at_checked(at));
    match number {
        Some((number, name)) if name.eq_ignore_ascii_case(unit) => parse_amount(number),
        _ => parse_amount(trimmed),
    }
    .map_err(|_| AmountError(text.to_owned()))
}

/// Wei as a decimal number of whole units, without trailing zeros: `1.25`.
pub fn format_amount(wei: U256) -> String {
    // 18 is a valid number of decimals, so formatting can't fail.
    let text = format_units(wei, DECIMALS).unwrap_or_else(|_| wei.to_string());
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Milli-TFLOPS as `1.234 TFLOPS`.
pub fn format_power(milli_tflops: u64) -> String {
    format!("{}.{:03} TFLOPS", milli_tflops / 1000, milli_tflops % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_may_say_of_what_it_is() {
        let one = parse_amount("1.5").expect("an amount");
        for text in ["1.5", "1.5 ETH", "1.5eth", " 1.5  Eth "] {
            assert_eq!(parse_eth(text).expect(text), one);
        }
        assert_eq!(parse_aiigo("1.5 AIIGO").expect("an amount"), one);
        for text in ["1.5 AIIGO", "ETH", "1.5 ETHH", "-1 ETH", "€"] {
            assert!(parse_eth(text).is_err(), "{text}");
        }
        assert!(parse_aiigo("1.5 ETH").is_err());
    }

    #[test]
    fn amounts_are_exact_to_the_wei() {
        assert_eq!(parse_amount("0.000000000000000001").expect("one wei"), U256::from(1));
        assert_eq!(format_amount(U256::from(1)), "0.000000000000000001");
        assert_eq!(format_amount(parse_amount("100").expect("whole")), "100");
        assert_eq!(format_amount(parse_amount("1.50").expect("fraction")), "1.5");
        assert_eq!(format_amount(U256::ZERO), "0");
    }

    #[test]
    fn a_wrong_amount_is_refused() {
        for text in ["", ".", "-1", "1e18", "1.0000000000000000001", "1,5", "abc"] {
            assert!(parse_amount(text).is_err(), "{text}");
        }
    }

    #[test]
    fn power_is_shown_in_tflops() {
        assert_eq!(format_power(33), "0.033 TFLOPS");
        assert_eq!(format_power(1_234), "1.234 TFLOPS");
    }
}
