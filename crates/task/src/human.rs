//! Sizes, durations and counts as people write them.

use std::time::Duration;

/// A text that is no quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct HumanError {
    text: String,
    expected: &'static str,
}

const BYTES: &str = "a size: expected a whole number of bytes or a number with a unit, such as 64MiB, 1.5 GB or 512KiB";
const DURATION: &str = "a duration: expected numbers with units, such as 90s, 5m, 1h30m or 7d";
const POWER: &str =
    "a power: expected TFLOPS from 0.001 to 4000000 in steps of 0.001, such as 0.25, 500 GFLOPS or 2 TFLOPS";
const COUNT: &str = "a count: expected a whole number, such as 5000000, 5_000_000 or 5e6";

/// Longest text looked at; a number that is longer has a mistake in it.
const MAX_TEXT: usize = 40;

/// Reads a size. `kB`, `MB`, … are powers of 1000, `KiB`, `MiB`, … powers of 1024; upper and lower case are the same.
///
/// # Errors
/// If the text is no size, is not a whole number of bytes, or exceeds 2^64 − 1.
pub fn parse_bytes(text: &str) -> Result<u64, HumanError> {
    let refuse = || HumanError { text: text.chars().take(MAX_TEXT).collect(), expected: BYTES };
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" | "k" => 1000,
        "mb" | "m" => 1000_u64.pow(2),
        "gb" | "g" => 1000_u64.pow(3),
        "tb" | "t" => 1000_u64.pow(4),
        "kib" | "ki" => 1 << 10,
        "mib" | "mi" => 1 << 20,
        "gib" | "gi" => 1 << 30,
        "tib" | "ti" => 1 << 40,
        _ => return Err(refuse()),
    };
    scaled(number.trim_end(), factor).ok_or_else(refuse)
}

/// Reads a computing power in milli-TFLOPS: a bare number is TFLOPS, other units are named.
///
/// # Errors
/// If the text is no power, is 0, is not a whole number of milli-TFLOPS, or exceeds what the contracts hold.
pub fn parse_power(text: &str) -> Result<u32, HumanError> {
    let refuse = || HumanError { text: text.chars().take(MAX_TEXT).collect(), expected: POWER };
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "tflops" => 1000,
        "gflops" => 1,
        "pflops" => 1_000_000,
        _ => return Err(refuse()),
    };
    let power = scaled(number.trim_end(), factor).and_then(|power| u32::try_from(power).ok());
    power.filter(|power| *power > 0).ok_or_else(refuse)
}

/// Reads a duration of whole seconds: `90s`, `5m`, `1h 30m`, `7d`. A bare number is refused: seconds or minutes?
///
/// # Errors
/// If the text is no duration, or not a whole number of seconds.
pub fn parse_duration(text: &str) -> Result<Duration, HumanError> {
    let refuse = || HumanError { text: text.chars().take(MAX_TEXT).collect(), expected: DURATION };
    let mut rest = text.trim();
    if rest.is_empty() || rest.len() > MAX_TEXT {
        return Err(refuse());
    }
    let mut seconds: u64 = 0;
    let mut largest_allowed = u64::MAX; // units go from large to small, each at most once
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(refuse)?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let factor: u64 = match unit {
            "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3600,
            "d" | "day" | "days" => 86_400,
            _ => return Err(refuse()),
        };
        if factor >= largest_allowed {
            return Err(refuse());
        }
        largest_allowed = factor;
        let part = scaled(number.trim_end(), factor).ok_or_else(refuse)?;
        seconds = seconds.checked_add(part).ok_or_else(refuse)?;
        rest = tail.trim_start();
    }
    Ok(Duration::from_secs(seconds))
}

/// Reads a whole number: `5000000`, `5_000_000`, `5e6`, `1.5e9`.
pub(crate) fn parse_count(text: &str) -> Result<u64, HumanError> {
    let refuse = || HumanError { text: text.chars().take(MAX_TEXT).collect(), expected: COUNT };
    let trimmed = text.trim();
    let (mantissa, exponent) = trimmed.split_once(['e', 'E']).unwrap_or((trimmed, "0"));
    let exponent: u32 = exponent.strip_prefix('+').unwrap_or(exponent).parse().map_err(|_| refuse())?;
    let factor = 10_u64.checked_pow(exponent).ok_or_else(refuse)?;
    scaled(mantissa, factor).ok_or_else(refuse)
}

/// `number × factor`, if the number is a plain decimal and the product a whole number that fits.
pub(crate) fn scaled(number: &str, factor: u64) -> Option<u64> {
    if number.len() > MAX_TEXT {
        return None;
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole = digits(whole)?.checked_mul(u128::from(factor))?;
    let fraction_digits = fraction.len() - fraction.matches('_').count();
    let fraction = digits(fraction)?.checked_mul(u128::from(factor))?;
    let unit = 10_u128.checked_pow(u32::try_from(fraction_digits).ok()?)?;
    if !fraction.is_multiple_of(unit) {
        return None;
    }
    u64::try_from(whole.checked_add(fraction / unit)?).ok()
}

/// Digits with single underscores between them.
fn digits(text: &str) -> Option<u128> {
    let well_formed = text.split('_').all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit()));
    if well_formed { text.replace('_', "").parse().ok() } else { None }
}

/// A size in the largest binary unit that shows it well: `64 MiB`, `1.5 GiB`, `17 B`.
pub fn format_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut divisor: u64 = 1;
    while unit + 1 < UNITS.len() && bytes / divisor >= 1024 {
        divisor *= 1024;
        unit += 1;
    }
    let tenths = u128::from(bytes) * 10 / u128::from(divisor);
    match tenths % 10 {
        0 => format!("{} {}", tenths / 10, UNITS[unit]),
        tenth => format!("{}.{tenth} {}", tenths / 10, UNITS[unit]),
    }
}

/// Whole seconds as days, hours, minutes and seconds: `1h30m`. Prints what [`parse_duration`] reads.
pub fn format_duration(duration: Duration) -> String {
    let mut rest = duration.as_secs();
    let mut text = String::new();
    for (unit, seconds) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
        if rest >= seconds {
            text.push_str(&format!("{}{unit}", rest / seconds));
            rest %= seconds;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_read_in_both_families_of_units() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("64MiB", 64 << 20),
            ("64 mib", 64 << 20),
            ("1.5GiB", 3 << 29),
            ("2kB", 2000),
            ("1_000B", 1000),
            ("1.5 GB", 1_500_000_000),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in
            ["", "MiB", "-1", "1.5", "0.0001KiB", "1XB", "99999999999TiB", "1..5MB", "1,5MB", "_1", "1__0", "½MB"]
        {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_read_from_large_to_small_units() {
        for (text, seconds) in
            [("90s", 90), ("5m", 300), ("1h30m", 5400), ("1h 30m", 5400), ("7d", 604_800), ("1.5h", 5400)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "60", "s", "1x", "-1s", "30m1h", "1m1m", "0.5s", "1h30", "99999999999999999999d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn counts_may_have_an_exponent() {
        for (text, count) in [("5e9", 5_000_000_000), ("1.5e3", 1500), ("5_000", 5000), ("7", 7), ("1e+2", 100)] {
            assert_eq!(parse_count(text), Ok(count), "{text}");
        }
        for text in ["", "e9", "1e", "1.5", "1e-2", "1e99", "-5", "0x10", "1e99999999999"] {
            assert!(parse_count(text).is_err(), "{text}");
        }
    }

    #[test]
    fn power_is_read_in_tflops_and_other_units() {
        for (text, milli) in
            [("0.25", 250), ("12", 12_000), ("2 TFLOPS", 2000), ("500gflops", 500), ("1.5 PFLOPS", 1_500_000)]
        {
            assert_eq!(parse_power(text), Ok(milli), "{text}");
        }
        for text in ["", "0", "-1", "much", "0.0001", "0.5 GFLOPS", "5 MFLOPS", "99999999999"] {
            assert!(parse_power(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_duration_prints_what_it_parses(seconds in 0..10_000_000_u64) {
            let duration = Duration::from_secs(seconds);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text in r"\PC{0,50}|[0-9._eEkMGiBsmhd ]{0,24}") {
            let _ = (parse_bytes(&text), parse_duration(&text), parse_count(&text), parse_power(&text));
        }
    }
}
