//! Who is connected to be told of changes.

use std::time::Duration;

/// A connected client, counted while this lives.
pub(super) struct Subscriber {
    transport: &'static str,
    reading_time: Duration,
}

impl Subscriber {
    pub(super) fn new(transport: &'static str, reading_time: Duration) -> Self {
        metrics::gauge!("aiigo_indexer_subscribers", "transport" => transport).increment(1.0);
        Self { transport, reading_time }
    }

    /// Sends something; none if the client is gone, or does not read.
    pub(super) async fn in_time<E>(&self, sending: impl Future<Output = Result<(), E>>) -> Option<()> {
        match tokio::time::timeout(self.reading_time, sending).await {
            Ok(sent) => sent.ok(),
            Err(_) => {
                tracing::info!(transport = self.transport, "a subscriber does not read what it is sent: dropped it");
                metrics::counter!("aiigo_indexer_subscribers_dropped_total", "transport" => self.transport)
                    .increment(1);
                None
            }
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        metrics::gauge!("aiigo_indexer_subscribers", "transport" => self.transport).decrement(1.0);
    }
}
