//! The feed as this process passes it on: read once however many subscribe, and from the database again by whoever was too
//! slow, or asks for what was before.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures::{Stream, stream};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use crate::store::{
    Listener, Reader, StoreError,
    feed::{Change, Part},
};

/// Parts that wait for a subscriber; one that is further behind reads the database.
const PARTS: usize = 64;

/// Subscriptions of all clients at the same time.
const FOLLOWERS: usize = 10_000;

/// The feed is looked at so often even if nobody says that it grew: a notification may be lost with a connection.
const LOOK: Duration = Duration::from_secs(1);

/// A part of the feed, not empty.
type Shared = Arc<Vec<Arc<Change>>>;

/// Passes the feed on.
#[derive(Clone, Debug)]
pub struct Feed {
    reader: Reader,
    grown: Arc<Notify>,
    parts: broadcast::Sender<Shared>,
}

/// Why a subscription ends by itself.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// What was asked for is no longer kept.
    #[error(
        "the changes after this cursor are no longer kept: read what you need anew, and subscribe from its `_meta`"
    )]
    Gone,
    /// The database can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Feed {
    /// The feed of a database.
    pub fn new(reader: Reader) -> Self {
        let (parts, _) = broadcast::channel(PARTS);
        Self { reader, grown: Arc::default(), parts }
    }

    /// How many follow it.
    pub fn followers(&self) -> usize {
        self.parts.receiver_count()
    }

    /// Says that this process wrote.
    pub fn grown(&self) {
        self.grown.notify_one();
    }

    /// Passes on what is committed until asked to stop, whatever the database does meanwhile.
    pub async fn run(&self, token: CancellationToken) {
        let mut listener = None;
        let mut position = None;
        let mut failing = false;
        loop {
            let passed = tokio::select! {
                () = token.cancelled() => return,
                passed = self.pass_on(&mut position) => passed,
            };
            match passed {
                Ok(()) => failing = false,
                Err(error) if !std::mem::replace(&mut failing, true) => {
                    tracing::warn!(%error, "cannot read what to tell subscribers: trying again");
                }
                Err(_) => {}
            }
            if listener.is_none() {
                listener = self.reader.listen().await.ok();
            }
            tokio::select! {
                () = token.cancelled() => return,
                () = self.grown.notified() => {}
                () = heard(&mut listener) => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Passes on everything that is new since a place; what was before this process began it does not.
    async fn pass_on(&self, position: &mut Option<u64>) -> Result<(), StoreError> {
        loop {
            let after = match *position {
                Some(after) => after,
                None => newest(&self.reader).await?,
            };
            *position = Some(after);
            match self.reader.snapshot().feed(after).await? {
                Part::Next(changes) => {
                    let Some(last) = changes.last() else { return Ok(()) };
                    *position = Some(last.sequence);
                    // Without subscribers nobody takes it.
                    let _ = self.parts.send(Arc::new(changes.into_iter().map(Arc::new).collect()));
                }
                Part::Cut(newest) => *position = Some(newest),
            }
        }
    }

    /// Every change after a place, or from now on; ends with the process, or after an error.
    ///
    /// # Errors
    /// If too many follow it already, or the database can't be read.
    pub async fn changes(
        &self,
        after: Option<u64>,
    ) -> Result<impl Stream<Item = Result<Arc<Change>, FeedError>> + use<>, StoreError> {
        if self.followers() >= FOLLOWERS {
            return Err(StoreError::Busy);
        }
        let position = match after {
            Some(after) => after,
            None => newest(&self.reader).await?,
        };
        let (reader, parts) = (self.reader.clone(), self.parts.subscribe());
        let tail = Tail { reader, parts, position, behind: true, pending: VecDeque::new() };
        Ok(stream::unfold(Some(tail), |tail| async {
            let mut tail = tail?;
            match tail.next().await {
                Ok(change) => Some((Ok(change?), Some(tail))),
                Err(error) => Some((Err(error), None)),
            }
        }))
    }
}

/// A subscriber's place in the feed.
struct Tail {
    reader: Reader,
    parts: broadcast::Receiver<Shared>,
    /// The place of the last change that was given out or is pending.
    position: u64,
    /// Whether more may be in the database than was passed on since.
    behind: bool,
    pending: VecDeque<Arc<Change>>,
}

impl Tail {
    /// The next change; none once there will be no more.
    async fn next(&mut self) -> Result<Option<Arc<Change>>, FeedError> {
        loop {
            if let Some(change) = self.pending.pop_front() {
                return Ok(Some(change));
            }
            if self.behind {
                self.catch_up().await?;
                continue;
            }
            match self.parts.recv().await {
                Ok(part) => self.take(&part),
                Err(broadcast::error::RecvError::Lagged(_)) => self.behind = true,
                Err(broadcast::error::RecvError::Closed) => return Ok(None),
            }
        }
    }

    async fn catch_up(&mut self) -> Result<(), FeedError> {
        match self.reader.snapshot().feed(self.position).await? {
            Part::Next(changes) => {
                self.behind = !changes.is_empty();
                self.position = changes.last().map_or(self.position, |last| last.sequence);
                self.pending = changes.into_iter().map(Arc::new).collect();
                Ok(())
            }
            Part::Cut(_) => Err(FeedError::Gone),
        }
    }

    /// Takes what is new of a part; if something is missing before it, that is read first.
    fn take(&mut self, part: &[Arc<Change>]) {
        let position = self.position;
        let new = part.iter().filter(|change| change.sequence > position);
        match new.clone().next() {
            Some(first) if first.sequence > position + 1 => self.behind = true,
            _ => {
                self.pending.extend(new.cloned());
                self.position = self.pending.back().map_or(position, |last| last.sequence);
            }
        }
    }
}

/// The place of the last change that is there.
async fn newest(reader: &Reader) -> Result<u64, StoreError> {
    Ok(reader.snapshot().state().await?.map_or(0, |state| state.sequence))
}

/// Waits until another process wrote; without a listener for ever.
async fn heard(listener: &mut Option<Listener>) {
    match listener {
        Some(connected) => {
            if connected.heard().await.is_err() {
                *listener = None;
            }
        }
        None => std::future::pending().await,
    }
}
