//! Who reads may go away at any time: a client that hangs up drops its request.

use std::{
    future::poll_fn,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use crate::support::{database::Database, story};

/// Ends within this, or never.
const LIMIT: Duration = Duration::from_secs(10);

const OPEN: &str = "pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";

#[tokio::test]
async fn whoever_stops_reading_leaves_no_transaction_open() {
    let database = Database::of(&story::eventful()).await;
    let (reader, mut catalog) = (database.reader().await, database.catalog().await);
    let mut polls = 0;
    loop {
        polls += 1;
        let read = polled(reader.snapshot().state(), polls).await;
        let deadline = Instant::now() + LIMIT;
        while catalog.count(OPEN).await > 0 {
            assert!(Instant::now() < deadline, "dropped after {polls} polls, it is still open");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if let Some(state) = read {
            assert!(state.expect("a working database").is_some());
            break;
        }
    }
    assert!(polls > 2, "{polls} polls: it was never dropped half-way");
}

/// What a future gives if it is there after so many polls; else the future is dropped.
async fn polled<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
