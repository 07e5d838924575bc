//! Batched reading: whatever the fields of one query ask for in the same round is read by one statement.
//!
//! All resolvers of a request run in one task. Who asks for a key first lets the others run once, so that they can add
//! theirs, and then reads for all. No timer decides when a batch is full: a page of parents costs one statement for
//! each kind of child, on a busy machine too.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use crate::store::{Snapshot, StoreError};

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
}

/// The batches of one type of key.
struct Batches<K: Key> {
    batch_of: HashMap<K, Arc<Batch<K>>>,
    open: Option<Arc<Batch<K>>>,
}

struct Batch<K: Key> {
    keys: Mutex<Vec<K>>,
    found: OnceCell<Loaded<K, K::Value>>,
}

impl Loaders {
    pub(crate) fn new(snapshot: Arc<Snapshot>) -> Self {
        Self { snapshot, by_key_type: Mutex::default() }
    }

    /// What everything is read through.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What is found for a key.
    pub(crate) async fn load<K: Key>(&self, key: K) -> Result<Option<K::Value>, Arc<StoreError>> {
        let batches = self.batches::<K>();
        let batch = join(&batches, &key);
        if !batch.found.initialized() {
            tokio::task::yield_now().await;
        }
        let found = batch.found.get_or_init(|| self.read(&batches, &batch)).await;
        match found {
            Ok(found) => Ok(found.get(&key).cloned()),
            Err(error) => Err(Arc::clone(error)),
        }
    }

    async fn read<K: Key>(&self, batches: &Mutex<Batches<K>>, batch: &Arc<Batch<K>>) -> Loaded<K, K::Value> {
        let keys = {
            let mut batches = lock(batches);
            if batches.open.as_ref().is_some_and(|open| Arc::ptr_eq(open, batch)) {
                batches.open = None;
            }
            lock(&batch.keys).clone()
        };
        K::load(&self.snapshot, &keys).await
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

/// The batch that reads a key: one that it is in already, or else the open one.
fn join<K: Key>(batches: &Mutex<Batches<K>>, key: &K) -> Arc<Batch<K>> {
    let mut batches = lock(batches);
    if let Some(batch) = batches.batch_of.get(key) {
        return Arc::clone(batch);
    }
    let new = || Arc::new(Batch { keys: Mutex::default(), found: OnceCell::new() });
    let batch = Arc::clone(batches.open.get_or_insert_with(new));
    lock(&batch.keys).push(key.clone());
    batches.batch_of.insert(key.clone(), Arc::clone(&batch));
    batch
}

/// Nothing that holds these locks can panic half-way, so a poisoned state is a whole one.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
