//! How much the program may keep in its file system.

use crate::fault::Stop;

/// Files and directories that a program may have created at one time.
pub(crate) const MAX_NODES: u64 = 4096;

/// Bytes and nodes used, and the limits they never pass.
#[derive(Debug)]
pub(super) struct Quota {
    bytes: u64,
    max_bytes: u64,
    nodes: u64,
}

impl Quota {
    pub(super) fn new(max_bytes: u64) -> Self {
        Self { bytes: 0, max_bytes, nodes: 0 }
    }

    /// Takes bytes before they are written, so that the limit holds at every moment.
    pub(super) fn take_bytes(&mut self, count: u64) -> Result<(), Stop> {
        match self.bytes.checked_add(count) {
            Some(total) if total <= self.max_bytes => {
                self.bytes = total;
                Ok(())
            }
            _ => Err(Stop::OutputTooLarge),
        }
    }

    /// Bytes in use.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn give_bytes(&mut self, count: u64) {
        self.bytes = self.bytes.saturating_sub(count);
    }

    pub(super) fn take_node(&mut self) -> Result<(), Stop> {
        if self.nodes >= MAX_NODES {
            return Err(Stop::OutputTooLarge);
        }
        self.nodes += 1;
        Ok(())
    }

    pub(super) fn give_node(&mut self) {
        self.nodes = self.nodes.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_exact() {
        let mut quota = Quota::new(10);
        assert!(quota.take_bytes(10).is_ok());
        assert!(quota.take_bytes(1).is_err());
        assert!(quota.take_bytes(u64::MAX).is_err());
        quota.give_bytes(3);
        assert!(quota.take_bytes(3).is_ok());
        assert!(quota.take_bytes(1).is_err());
    }
}
