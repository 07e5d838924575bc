//! Why a job file is refused, and where.

use std::fmt;

/// Why a job file is refused: `job.yaml:12: price: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    /// The file's name.
    pub file: String,
    /// The line, from 1, if the fault has one.
    pub line: Option<u64>,
    /// The field, such as `inputs[1].path`; empty if it is none in particular.
    pub field: String,
    /// What is wrong, and what is expected.
    pub reason: String,
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for JobError {}

/// A [`JobError`] that does not know its file yet.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) line: u64,
    pub(super) field: String,
    pub(super) reason: String,
}

impl Fault {
    pub(super) fn new(line: u64, field: impl fmt::Display, reason: impl fmt::Display) -> Self {
        Self { line, field: field.to_string(), reason: reason.to_string() }
    }

    pub(super) fn in_file(self, file: &str) -> JobError {
        let line = (self.line > 0).then_some(self.line);
        JobError { file: file.to_owned(), line, field: self.field, reason: self.reason }
    }
}
