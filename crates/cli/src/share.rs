//! Shares as people write them.

use std::{fmt, str::FromStr};

use crate::format;

/// A share: `700` basis points, or `7%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) bps: u16,
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no share: expected basis points (700) or per cent (7%), at most 10000 or 100%");
        let bps = match text.strip_suffix('%') {
            None => text.parse().map_err(|_| wrong())?,
            Some(percent) => {
                let (whole, fraction) = percent.split_once('.').unwrap_or((percent, ""));
                let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
                if whole.is_empty() || fraction.len() > 2 || !digits(whole) || !digits(fraction) {
                    return Err(wrong());
                }
                format!("{whole}{fraction:0<2}").parse::<u16>().map_err(|_| wrong())?
            }
        };
        match bps {
            0..=10_000 => Ok(Self { bps }),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format::percent(self.bps.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bps(text: &str) -> Option<u16> {
        text.parse::<Share>().ok().map(|share| share.bps)
    }

    #[test]
    fn a_share_is_basis_points_or_per_cent() {
        assert_eq!(bps("700"), Some(700));
        assert_eq!(bps("7%"), Some(700));
        assert_eq!(bps("7.5%"), Some(750));
        assert_eq!(bps("0.01%"), Some(1));
        assert_eq!(bps("100%"), Some(10_000));
        for wrong in ["", "%", "-1", "7.123%", "100.01%", "10001", "seven", ".5%", "+7%"] {
            assert_eq!(bps(wrong), None, "{wrong}");
        }
    }
}
