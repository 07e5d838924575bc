//! Waiting for a fact instead of for time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Pause between two looks.
const INTERVAL: Duration = Duration::from_millis(25);

/// Looks until there is something to see, or the time is over: then `None`.
pub async fn try_until<T, F>(limit: Duration, mut look: F) -> Option<T>
where
    F: AsyncFnMut() -> Option<T>,
{
    let deadline = Instant::now() + limit;
    loop {
        if let Some(seen) = look().await {
            return Some(seen);
        }
        if Instant::now() >= deadline {
            return None;
        }
        sleep(INTERVAL).await;
    }
}

/// [`try_until`] for tests: names what never came.
///
/// # Panics
/// If it is not there in time.
#[track_caller]
pub fn eventually<T, F>(what: &str, limit: Duration, look: F) -> impl Future<Output = T>
where
    F: AsyncFnMut() -> Option<T>,
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
    use super::*;

    #[tokio::test]
    async fn what_comes_is_seen() {
        let mut looks = 0;
        let seen = try_until(Duration::from_secs(5), async || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(seen.await, Some(3));
    }

    #[tokio::test]
    async fn what_never_comes_is_given_up() {
        assert_eq!(try_until(Duration::ZERO, async || None::<()>).await, None);
    }
}
