//! stdout: the result of a command, as text for people or as one JSON document.

use std::io::{self, Write};

pub(crate) use aiigo_telemetry::printable;
use aiigo_telemetry::printable_json;
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
            true => {
                let json = serde_json::to_string_pretty(document).context(|| "writing the result as JSON".into())?;
                printable_json(&json)
            }
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
        write_stdout(&printable_json(&document.to_string()))
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
pub(crate) fn table<'a>(headings: impl IntoIterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(headings);
    table
}

/// Aligned `name  value` lines.
pub(crate) fn facts(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    rows.iter().map(|(name, value)| format!("{name:width$}  {}\n", printable(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_aligned() {
        assert_eq!(facts(&[("a", "1".into()), ("long", "2".into())]), "a     1\nlong  2\n");
    }
}
