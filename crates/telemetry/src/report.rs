//! The last words of a program that failed.

use std::{error::Error, process::ExitCode};

use crate::text::printable_lines;

/// Prints an error and its causes to stderr; exit code 1.
#[allow(clippy::print_stderr)] // the one place where a program says why it failed
pub fn report_and_exit_code(error: &(dyn Error + 'static)) -> ExitCode {
    let mut said = error.to_string();
    eprintln!("error: {}", printable_lines(&said));
    let mut cause = error.source();
    while let Some(error) = cause {
        // Many errors repeat their source's text in their own.
        let text = error.to_string();
        if !said.contains(&text) {
            eprintln!("  caused by: {}", printable_lines(&text));
            said = text;
        }
        cause = error.source();
    }
    ExitCode::FAILURE
}
