//! The report for people.

use std::fmt::Write;

use crate::{
    Report,
    column::{Column, Frequency, Kind},
    table::Table,
    text::Text,
};

/// Longest value that a table cell shows, characters.
const MAX_CELL: usize = 60;

pub fn render(path: &str, report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string never fails.
    let _ = match report {
        Report::Table(table) => write_table(&mut out, path, table),
        Report::Text(text) => write_text(&mut out, path, text),
    };
    out
}

fn write_table(out: &mut String, path: &str, table: &Table) -> std::fmt::Result {
    writeln!(out, "# {}\n\n{} rows, {} columns.", cell(path), table.rows, table.columns.len())?;
    let numbers = || table.columns.iter().filter(|column| matches!(column.kind, Kind::Number(_)));
    if numbers().next().is_some() {
        writeln!(out, "\n## Numbers\n")?;
        writeln!(out, "| column | count | missing | mean | sd | min | 5% | 25% | median | 75% | 95% | max |")?;
        writeln!(out, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
        for column in numbers() {
            write_number(out, column)?;
        }
    }
    for column in &table.columns {
        let Kind::Text(stats) = &column.kind else { continue };
        writeln!(out, "\n## {}\n", cell(&column.name))?;
        writeln!(
            out,
            "{} values, {} missing, {} distinct, {} to {} characters.\n",
            column.count, column.missing, stats.distinct, stats.shortest, stats.longest
        )?;
        write_frequencies(out, "value", &stats.top, column.count)?;
    }
    Ok(())
}

fn write_number(out: &mut String, column: &Column) -> std::fmt::Result {
    let Kind::Number(stats) = &column.kind else { return Ok(()) };
    write!(out, "| {} | {} | {} ", cell(&column.name), column.count, column.missing)?;
    for value in [stats.mean, stats.sd, stats.min, stats.p5, stats.p25, stats.median, stats.p75, stats.p95, stats.max] {
        write!(out, "| {} ", number(value))?;
    }
    writeln!(out, "|")
}

fn write_text(out: &mut String, path: &str, text: &Text) -> std::fmt::Result {
    writeln!(out, "# {}\n", cell(path))?;
    writeln!(out, "{} lines, {} words, {} characters.", text.lines, text.words, text.characters)?;
    writeln!(
        out,
        "{} different words of {} characters on average; {}% of them occur once.\n",
        text.distinct,
        number(text.mean_length),
        number(100.0 * text.hapax_share)
    )?;
    write_frequencies(out, "word", &text.top, text.words)
}

fn write_frequencies(out: &mut String, title: &str, top: &[Frequency], whole: u64) -> std::fmt::Result {
    writeln!(out, "| {title} | count | share |\n|---|--:|--:|")?;
    for Frequency { value, count } in top {
        let share = 100.0 * *count as f64 / whole.max(1) as f64;
        writeln!(out, "| {} | {count} | {}% |", cell(value), number(share))?;
    }
    Ok(())
}

/// At most four decimals, without trailing zeros.
fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A text that can't break out of its table cell.
fn cell(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_CELL).map(|it| if it.is_control() { ' ' } else { it }).collect();
    if text.chars().nth(MAX_CELL).is_some() {
        shown.push('…');
    }
    shown.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;")
}
