//! Amounts, hashes and times as people read them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aiigo_protocol::{ContractName, Deployment, units};
use aiigo_task::format_duration;
use alloy::primitives::{Address, U256};
use jiff::{Timestamp, tz::TimeZone};

const DAY: u64 = 24 * 3600;

/// Unix time, seconds.
pub(crate) fn now() -> u64 {
    // A clock before 1970 reads as 0: every deadline then lies in the future, and the chain decides.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Wei as `1.25 ETH`.
pub(crate) fn eth(wei: U256) -> String {
    format!("{} ETH", units::format_amount(wei))
}

/// Wei as `1.25 AIIGO`.
pub(crate) fn aiigo(wei: U256) -> String {
    format!("{} AIIGO", units::format_amount(wei))
}

/// An amount in a payment token: ETH, or smallest units of the token with its address.
pub(crate) fn payment(token: Address, amount: U256) -> String {
    match token.is_zero() {
        true => eth(amount),
        false => format!("{} units of {token}", amount),
    }
}

/// An amount of a token: ETH for the zero address, AIIGO, or smallest units of another with its address.
pub(crate) fn token(deployment: &Deployment, token: Address, amount: U256) -> String {
    match token == deployment.address(ContractName::AIIGOToken) {
        true => aiigo(amount),
        false => payment(token, amount),
    }
}

/// `12:34:56` in UTC.
pub(crate) fn clock(timestamp: u64) -> String {
    let seconds = timestamp % DAY;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `2026-11-21 12:34:56 UTC`.
pub(crate) fn date(timestamp: u64) -> String {
    let (year, month, day) = civil_from_days(timestamp / DAY);
    format!("{year:04}-{month:02}-{day:02} {} UTC", clock(timestamp))
}

/// `2026-11-21 13:34:56 CET (in 2d3h)`: a deadline where the user is, and how far it is from `now`, both unix seconds.
pub(crate) fn deadline(timestamp: u64, now: u64) -> String {
    format!("{} ({})", local(timestamp), relative(timestamp, now))
}

/// `2026-11-21 13:34:56 CET`: in the time zone of this machine, in UTC if it has none.
pub(crate) fn local(timestamp: u64) -> String {
    let time = i64::try_from(timestamp).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    match (time, TimeZone::try_system()) {
        (Some(time), Ok(zone)) => time.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
        _ => date(timestamp),
    }
}

/// `in 2d3h` or `5m ago`: the two largest units.
pub(crate) fn relative(timestamp: u64, now: u64) -> String {
    let distance = rounded(timestamp.abs_diff(now));
    match timestamp {
        _ if timestamp == now => "now".into(),
        _ if timestamp > now => format!("in {distance}"),
        _ => format!("{distance} ago"),
    }
}

fn rounded(seconds: u64) -> String {
    let unit = [DAY, 3600, 60].into_iter().find(|unit| seconds >= *unit);
    // The next smaller unit is the last one shown.
    let smallest = match unit {
        Some(DAY) => 3600,
        Some(3600) => 60,
        _ => 1,
    };
    format_duration(Duration::from_secs(seconds / smallest * smallest))
}

/// Basis points as `7.5%`.
pub(crate) fn percent(bps: u64) -> String {
    let text = format!("{}.{:02}", bps / 100, bps % 100);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Days since 1970-01-01 as year, month, day, in the proleptic Gregorian calendar, by counting from 0000-03-01: so the
/// leap day ends a year, and 400 years are 146,097 days.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_around_leap_days() {
        assert_eq!(date(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(date(951_782_399), "2000-02-28 23:59:59 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(date(1_709_251_200), "2024-03-01 00:00:00 UTC");
        assert_eq!(date(1_798_761_599), "2026-12-31 23:59:59 UTC");
    }

    #[test]
    fn distances_are_told_in_their_two_largest_units() {
        assert_eq!(relative(1000, 1000), "now");
        assert_eq!(relative(1059, 1000), "in 59s");
        assert_eq!(relative(1000, 1000 + 3 * 3600 + 125), "3h2m ago");
        assert_eq!(relative(2 * DAY + 3 * 3600 + 59 * 60, 0), "in 2d3h");
    }

    #[test]
    fn shares_are_told_in_percent() {
        assert_eq!(percent(700), "7%");
        assert_eq!(percent(750), "7.5%");
        assert_eq!(percent(1), "0.01%");
        assert_eq!(percent(10_000), "100%");
    }
}
