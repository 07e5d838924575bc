//! Waiting for a fact instead of for time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Pause between two looks.
const INTERVAL: Duration = Duration::from_millis(25);

/// A time limit and the pauses within it.
pub(crate) struct Patience {
    deadline: Instant,
}

impl Patience {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { deadline: Instant::now() + limit }
    }

    /// Pauses; `false` at once if the time is over.
    pub(crate) async fn pause(&self) -> bool {
        if Instant::now() >= self.deadline {
            return false;
        }
        sleep(INTERVAL).await;
        true
    }
}

/// Looks until there is something to see, or the time is over: then `None`.
pub async fn try_until<T, F, L>(limit: Duration, mut look: F) -> Option<T>
where
    F: FnMut() -> L,
    L: Future<Output = Option<T>>,
{
    let patience = Patience::new(limit);
    loop {
        if let Some(seen) = look().await {
            return Some(seen);
        }
        if !patience.pause().await {
            return None;
        }
    }
}

/// [`try_until`] for tests: names what never came.
///
/// # Panics
/// If it is not there in time.
#[track_caller]
pub fn eventually<T, F, L>(what: &str, limit: Duration, look: F) -> impl Future<Output = T>
where
    F: FnMut() -> L,
    L: Future<Output = Option<T>>,
{
    let caller = std::panic::Location::caller();
    async move {
        match try_until(limit, look).await {
            Some(seen) => seen,
            None => panic!("{caller}: in {} s there was no {what}", limit.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_comes_is_seen() {
        let looks = AtomicU32::new(0);
        let seen = try_until(Duration::from_secs(5), async || {
            let count = looks.fetch_add(1, Ordering::Relaxed) + 1;
            (count == 3).then_some(count)
        });
        assert_eq!(seen.await, Some(3));
    }

    #[tokio::test]
    async fn what_never_comes_is_given_up() {
        assert_eq!(try_until(Duration::ZERO, async || None::<()>).await, None);
    }
}
