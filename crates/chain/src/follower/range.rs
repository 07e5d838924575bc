//! How many blocks to ask for at once: endpoints have limits, and say so in many ways; and what they give has to fit into
//! memory.

/// Good answers after which more is asked for, once an endpoint has refused.
const CALM: u32 = 4;
/// Blocks of the first ranges, when it is not known yet how many events a block has.
const FIRST: u64 = 4;
/// Events that a range should hold at most.
const EVENTS: u64 = 2_500;

/// Halves with every refusal, and doubles with good answers as long as they are not too long.
#[derive(Debug)]
pub(super) struct RangeSize {
    size: u64,
    max: u64,
    refused: bool,
    calm: u32,
}

impl RangeSize {
    pub(super) fn new(max: u64) -> Self {
        let max = max.max(1);
        Self { size: max.min(FIRST), max, refused: false, calm: 0 }
    }

    /// Blocks; at 1 they are read by hash, which no endpoint limits.
    pub(super) const fn get(&self) -> u64 {
        self.size
    }

    pub(super) fn refused(&mut self) {
        self.size = (self.size / 2).max(1);
        self.refused = true;
        self.calm = 0;
    }

    /// An answer with so many events in so many blocks.
    pub(super) fn accepted(&mut self, blocks: u64, events: usize) {
        // Long answers are no reason to read blocks by hash.
        let fitting = (blocks.saturating_mul(EVENTS) / (events as u64).max(1)).clamp(2, self.max.max(2));
        self.calm += 1;
        if self.size > fitting {
            self.size = fitting;
        } else if !self.refused || self.calm >= CALM {
            self.size = self.size.saturating_mul(2).min(fitting).min(self.max);
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
        for _ in 0..4 {
            range.accepted(10, 0);
        }
        assert_eq!(range.get(), 10);
        range.refused();
        assert_eq!(range.get(), 5);
        for _ in 0..10 {
            range.refused();
        }
        assert_eq!(range.get(), 1);
        range.accepted(1, 0);
        assert_eq!(range.get(), 1, "one good answer may be luck");
        for _ in 0..100 {
            range.accepted(range.get(), 0);
        }
        assert_eq!(range.get(), 10);
    }

    #[test]
    fn blocks_full_of_events_are_read_a_few_at_a_time_and_never_one_by_one() {
        let mut range = RangeSize::new(10_000);
        for _ in 0..100 {
            range.accepted(range.get(), range.get() as usize * 100);
        }
        assert_eq!(range.get(), 25);
        range.accepted(25, 1_000_000);
        assert_eq!(range.get(), 2);
        range.accepted(2, 10);
        assert_eq!(range.get(), 4);
    }
}
