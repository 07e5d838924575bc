//! stdout: the result of a command, as text for people or as one JSON document.

use std::io::{self, Write};

use comfy_table::{Table, presets};
use serde::Serialize;

use crate::error::{CliError, Context};

/// Where a command's result goes, once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// `--json`.
    pub(crate) json: bool,
}

impl Output {
    /// Prints the result: `document` as JSON, or the text that `human` makes of it.
    pub(crate) fn result<T: Serialize>(self, document: &T, human: impl FnOnce() -> String) -> Result<(), CliError> {
        let text = match self.json {
            true => serde_json::to_string_pretty(document).context(|| "writing the result as JSON".into())?,
            false => human(),
        };
        write_stdout(&text)
    }

    /// With `--json`, prints a failure as the one document.
    pub(crate) fn failure(self, error: &CliError) -> Result<(), CliError> {
        if !self.json {
            return Ok(());
        }
        let document = serde_json::json!({ "error": error.to_string(), "causedBy": error.causes() });
        write_stdout(&document.to_string())
    }
}

fn write_stdout(text: &str) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush()) {
        // Whoever reads has seen enough (`| head`).
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context(|| "writing to stdout".into()),
    }
}

/// A table with these headings.
pub(crate) fn table<const N: usize>(headings: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(headings);
    table
}

/// Aligned `name  value` lines.
pub(crate) fn facts(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    rows.iter().map(|(name, value)| format!("{name:width$}  {}\n", printable(value))).collect()
}

/// Text from others with nothing in it that could steer a terminal, or make it show another text than it is.
pub(crate) fn printable(text: &str) -> String {
    let misleads = |c: char| c.is_control() || is_invisible(c);
    text.chars().map(|c| if misleads(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Characters of no width, and those that turn the direction of text around ("Trojan Source", CVE-2021-42574).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_others_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\r\n"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}");
        assert_eq!(printable("pay \u{202e}ecila\u{202c}, ünï"), "pay \u{fffd}ecila\u{fffd}, ünï");
    }

    #[test]
    fn facts_are_aligned() {
        assert_eq!(facts(&[("a", "1".into()), ("long", "2".into())]), "a     1\nlong  2\n");
    }
}
