//! What the program prints.

use aiigo_task::CAPTURE_BYTES;

/// Bytes kept of a stream; the rest is dropped.
const CAP: usize = CAPTURE_BYTES as usize;
/// A reason may quote names that the program chose.
const MAX_LINE_CHARS: usize = 1000;

/// The beginning of a stream.
#[derive(Debug, Default)]
pub(crate) struct Capture(Vec<u8>);

impl Capture {
    /// Keeps what fits; the program never learns that it did not.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = CAP - self.0.len();
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Adds a line of the sandbox at the end, whatever the program printed before.
    pub(crate) fn conclude(&mut self, line: &str) {
        let line: String = line.chars().take(MAX_LINE_CHARS).collect();
        let line = format!("\nsandbox: {line}\n");
        self.0.truncate(CAP - line.len());
        self.0.extend_from_slice(line.as_bytes());
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
