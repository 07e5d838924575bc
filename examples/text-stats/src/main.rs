//! Reads a file, says what is in it.
//!
//! `text-stats [FILE]` (default `data.csv`) takes a table with a header line, separated by commas, semicolons, tabs or
//! bars, or else any text, and writes `report.json` for programs and `report.md` for people.

mod column;
mod markdown;
mod table;
mod text;

use std::{env, fs, process::ExitCode};

use serde::Serialize;

/// What was found, by the kind of the file.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Report {
    Table(table::Table),
    Text(text::Text),
}

fn main() -> ExitCode {
    let path = env::args().nth(1).unwrap_or_else(|| "data.csv".into());
    match run(&path) {
        Ok(summary) => {
            println!("{path}: {summary}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("error: {path}: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(path: &str) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.is_empty() {
        return Err("is empty".into());
    }
    let report = match table::delimiter(&bytes) {
        Some(delimiter) => Report::Table(table::Table::read(&bytes, delimiter).map_err(|error| error.to_string())?),
        None => Report::Text(text::Text::read(&String::from_utf8_lossy(&bytes))),
    };
    let json = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
    write("report.json", &(json + "\n"))?;
    write("report.md", &markdown::render(path, &report))?;
    Ok(match &report {
        Report::Table(table) => format!("a table of {} rows and {} columns", table.rows, table.columns.len()),
        Report::Text(text) => format!("a text of {} lines and {} words", text.lines, text.words),
    })
}

fn write(path: &str, content: &str) -> Result<(), String> {
    fs::write(path, content).map_err(|error| format!("{path} cannot be written: {error}"))
}
