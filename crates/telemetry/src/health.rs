//! What a program says of its own health.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

/// Readiness and named facts, shared between a program's parts and its health endpoints.
#[derive(Clone, Debug, Default)]
pub struct Health {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    ready: bool,
    facts: BTreeMap<&'static str, Value>,
}

impl Health {
    /// Not ready, nothing to say.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the program does its work now.
    pub fn set_ready(&self, ready: bool) {
        self.with(|state| state.ready = ready);
    }

    /// Whether the program does its work now.
    pub fn is_ready(&self) -> bool {
        self.with(|state| state.ready)
    }

    /// Sets a fact that `/readyz` shows.
    pub fn set_status(&self, name: &'static str, value: Value) {
        self.with(|state| state.facts.insert(name, value));
    }

    /// `{"ready": …, facts…}`.
    pub fn document(&self) -> Value {
        self.with(|state| {
            let mut document = serde_json::Map::from_iter([("ready".to_owned(), state.ready.into())]);
            document.extend(state.facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
            Value::Object(document)
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        // The closures above can't panic half-way, so a poisoned state is a whole one.
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
