//! How many actions may be under way at a time: few at first, when nothing is known of other keepers; more with each that
//! lands; half as many when one was sent for nothing. TCP's slow start (RFC 5681), for the same reason.

/// At the beginning, and at the worst.
const FEWEST: usize = 2;
/// More would only queue behind each other's nonces.
pub(crate) const MOST: usize = 32;

/// The number of actions that may be tried or on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window(usize);

impl Window {
    pub(crate) const fn new() -> Self {
        Self(FEWEST)
    }

    pub(crate) const fn size(self) -> usize {
        self.0
    }

    /// One landed: twice as many after all of a window did.
    pub(crate) fn landed(&mut self) {
        self.0 = (self.0 + 1).min(MOST);
    }

    /// One was sent for nothing: somebody else does the same at the same time.
    pub(crate) fn wasted(&mut self) {
        self.0 = (self.0 / 2).max(FEWEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_with_success_and_halves_with_waste() {
        let mut window = Window::new();
        window.wasted();
        assert_eq!(window.size(), FEWEST);
        (0..100).for_each(|_| window.landed());
        assert_eq!(window.size(), MOST);
        window.wasted();
        assert_eq!(window.size(), MOST / 2);
    }
}
