//! Batched reading: whatever the fields of one query ask for in the same round is read by one statement for each kind.
//!
//! A query is answered in rounds. Its resolvers, which all run in one task, ask until none of them can go on without an
//! answer; then all that was asked for is read at once, and with the answers they go on. No timer decides when a round is
//! full, and the next one waits for all of the last one's answers: a page of parents costs the same statements whatever
//! its size, and however slow the database is.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    sync::{OnceCell, watch},
    task::{coop::unconstrained, yield_now},
};

use crate::store::{Reader, Snapshot, StoreError};

/// Turns of the task in which nobody asks for anything until a round is taken to be complete: a join of many futures may
/// need a second turn to reach them all.
const QUIET_TURNS: u32 = 2;

/// What was read, or why it could not be.
pub(crate) type Loaded<K, V> = Result<HashMap<K, V>, Arc<StoreError>>;

/// Something that can be read for many keys at once.
pub(crate) trait Key: Clone + Eq + Hash + Send + Sync + 'static {
    /// What is found for it.
    type Value: Clone + Send + Sync + 'static;

    /// Reads for many keys; what is not there is left out.
    fn load(snapshot: &Snapshot, keys: &[Self]) -> impl Future<Output = Loaded<Self, Self::Value>> + Send;
}

/// Reads through one snapshot, in batches, each key once.
pub(crate) struct Loaders {
    snapshot: Arc<Snapshot>,
    by_key_type: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    rounds: Rounds,
}

/// The batches of one type of key.
struct Batches<K: Key> {
    batch_of: HashMap<K, Arc<Batch<K>>>,
    open: Option<Arc<Batch<K>>>,
}

struct Batch<K: Key> {
    round: u64,
    keys: Mutex<Vec<K>>,
    found: OnceCell<Loaded<K, K::Value>>,
}

/// The loaders of one answer; of a subscription, one after another.
pub(crate) struct Session {
    reader: Reader,
    present: Mutex<Arc<Loaders>>,
}

impl Session {
    pub(crate) fn new(reader: Reader) -> Self {
        let first = Loaders::new(Arc::new(reader.snapshot()));
        Self { reader, present: Mutex::new(Arc::new(first)) }
    }

    /// Reads all through one snapshot.
    pub(crate) fn of(reader: Reader, snapshot: Arc<Snapshot>) -> Self {
        Self { reader, present: Mutex::new(Arc::new(Loaders::new(snapshot))) }
    }

    pub(crate) fn loaders(&self) -> Arc<Loaders> {
        Arc::clone(&lock(&self.present))
    }

    /// An answer is complete: what it was read through is let go, and the next one sees the database as it then is.
    pub(crate) fn renew(&self) {
        *lock(&self.present) = Arc::new(Loaders::new(Arc::new(self.reader.snapshot())));
    }
}

impl Loaders {
    pub(crate) fn new(snapshot: Arc<Snapshot>) -> Self {
        Self { snapshot, by_key_type: Mutex::default(), rounds: Rounds::new() }
    }

    /// What everything is read through.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot)
    }

    /// What is found for a key.
    pub(crate) async fn load<K: Key>(&self, key: K) -> Result<Option<K::Value>, Arc<StoreError>> {
        let batches = self.batches::<K>();
        let batch = self.join(&batches, &key);
        // A turn that the runtime's budget cuts short would look quiet.
        unconstrained(self.rounds.begun(batch.round)).await;
        // Boxed: each field of an object would be as large as what reads its rows.
        let found = batch.found.get_or_init(|| Box::pin(self.read(&batch))).await;
        match found {
            Ok(found) => Ok(found.get(&key).cloned()),
            Err(error) => Err(Arc::clone(error)),
        }
    }

    async fn read<K: Key>(&self, batch: &Arc<Batch<K>>) -> Loaded<K, K::Value> {
        let _reading = self.rounds.reading();
        let keys = lock(&batch.keys).clone();
        K::load(&self.snapshot, &keys).await
    }

    /// The batch that reads a key: one that it is in already, or else the present round's.
    fn join<K: Key>(&self, batches: &Mutex<Batches<K>>, key: &K) -> Arc<Batch<K>> {
        let mut batches = lock(batches);
        if let Some(batch) = batches.batch_of.get(key) {
            return Arc::clone(batch);
        }
        let round = self.rounds.ask();
        let batch = match batches.open.take() {
            Some(open) if open.round == round => open,
            _ => Arc::new(Batch { round, keys: Mutex::default(), found: OnceCell::new() }),
        };
        lock(&batch.keys).push(key.clone());
        batches.batch_of.insert(key.clone(), Arc::clone(&batch));
        batches.open = Some(Arc::clone(&batch));
        batch
    }

    fn batches<K: Key>(&self) -> Arc<Mutex<Batches<K>>> {
        let mut by_key_type = lock(&self.by_key_type);
        let batches = by_key_type
            .entry(TypeId::of::<K>())
            .or_insert_with(|| Arc::new(Mutex::new(Batches::<K> { batch_of: HashMap::new(), open: None })));
        #[allow(clippy::expect_used)] // the entry of a type's id is made here, of that type, and nowhere else
        let batches = Arc::clone(batches).downcast().expect("the batches of this type");
        batches
    }
}

/// When the batches of a round are read: together, once everybody has asked.
struct Rounds {
    state: Mutex<RoundState>,
    /// Grows with every batch that was read, so that waiters look again.
    answers: watch::Sender<u64>,
}

struct RoundState {
    /// The round that is being asked for; all before it have begun.
    open: u64,
    /// Batches of earlier rounds that are still being read.
    reading: usize,
    /// Keys ever asked for.
    asked: u64,
}

impl Rounds {
    fn new() -> Self {
        let state = RoundState { open: 0, reading: 0, asked: 0 };
        Self { state: Mutex::new(state), answers: watch::Sender::new(0) }
    }

    /// The round that a new key belongs to.
    fn ask(&self) -> u64 {
        let mut state = lock(&self.state);
        state.asked += 1;
        state.open
    }

    /// Returns when the batches of `round` are to be read.
    async fn begun(&self, round: u64) {
        let mut answers = self.answers.subscribe();
        let (mut asked, mut quiet) = (0, 0);
        loop {
            answers.mark_unchanged();
            let reading = {
                let mut state = lock(&self.state);
                if state.open > round {
                    return;
                }
                quiet = if state.asked == asked { quiet + 1 } else { 0 };
                asked = state.asked;
                if state.reading == 0 && quiet >= QUIET_TURNS {
                    state.open += 1;
                    return;
                }
                state.reading > 0
            };
            if reading {
                quiet = 0;
                // The sender is part of self: it can't be gone.
                let _ = answers.changed().await;
            } else {
                yield_now().await;
            }
        }
    }

    fn reading(&self) -> Reading<'_> {
        lock(&self.state).reading += 1;
        Reading(self)
    }
}

/// A batch is being read: until it is, or the query that asked is given up.
struct Reading<'a>(&'a Rounds);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).reading -= 1;
        self.0.answers.send_modify(|answers| *answers += 1);
    }
}

/// Nothing that holds these locks can panic half-way, so a poisoned state is a whole one.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
