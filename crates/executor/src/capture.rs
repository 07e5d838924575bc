//! What the program prints.

use aiigo_task::CAPTURE_BYTES;

use crate::progress::{Progress, Stream};

/// Bytes kept of a stream; the rest is dropped.
const CAP: usize = CAPTURE_BYTES as usize;
/// A reason may quote names that the program chose.
const MAX_LINE_CHARS: usize = 1000;

/// The beginning of a stream, whose end is shown while it comes.
#[derive(Debug)]
pub(crate) struct Capture {
    kept: Vec<u8>,
    stream: Stream,
    progress: Progress,
}

impl Capture {
    pub(crate) fn new(stream: Stream, progress: &Progress) -> Self {
        Self { kept: Vec::new(), stream, progress: progress.clone() }
    }

    /// Keeps what fits; the program never learns that it did not.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = CAP - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.progress.printed(self.stream, bytes);
    }

    /// Adds a line of the sandbox at the end, whatever the program printed before.
    pub(crate) fn conclude(&mut self, line: &str) {
        let line: String = line.chars().take(MAX_LINE_CHARS).collect();
        let line = format!("\nsandbox: {line}\n");
        self.kept.truncate(CAP - line.len());
        self.kept.extend_from_slice(line.as_bytes());
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.kept
    }
}
