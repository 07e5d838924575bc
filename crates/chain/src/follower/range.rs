//! How many blocks to ask for at once: endpoints have limits, and say so in many ways.

/// Good answers after which more is asked for.
const CALM: u32 = 4;

/// Halves with every refusal, doubles after some good answers.
#[derive(Debug)]
pub(super) struct RangeSize {
    size: u64,
    max: u64,
    calm: u32,
}

impl RangeSize {
    pub(super) fn new(max: u64) -> Self {
        let max = max.max(1);
        Self { size: max, max, calm: 0 }
    }

    /// Blocks; at 1 they are read by hash, which no endpoint limits.
    pub(super) const fn get(&self) -> u64 {
        self.size
    }

    pub(super) fn refused(&mut self) {
        self.size = (self.size / 2).max(1);
        self.calm = 0;
    }

    pub(super) fn accepted(&mut self) {
        self.calm += 1;
        if self.calm >= CALM {
            self.size = self.size.saturating_mul(2).min(self.max);
            self.calm = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_halves_and_good_answers_double_up_to_the_limit() {
        let mut range = RangeSize::new(10);
        range.refused();
        assert_eq!(range.get(), 5);
        for _ in 0..10 {
            range.refused();
        }
        assert_eq!(range.get(), 1);
        for _ in 0..100 {
            range.accepted();
        }
        assert_eq!(range.get(), 10);
    }
}
