//! What belongs to one run at the engine, and what belongs to one agent.

use std::collections::HashMap;

use rand::Rng;

/// On everything that an agent makes: which agent's it is.
pub(super) const LABEL: &str = "io.aiigo.instance";
/// Longest name of an agent, bytes.
const MAX_INSTANCE: usize = 40;

/// The names of one run's containers and volumes.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// Runs the program.
    pub(super) task: String,
    /// Never starts: through it files go in, and it keeps the work volume.
    pub(super) keeper: String,
    /// Where the program writes; in memory.
    pub(super) work: String,
    /// What the program reads.
    pub(super) inputs: String,
    pub(super) labels: HashMap<String, String>,
}

impl Names {
    pub(super) fn new(instance: &str) -> Self {
        let run = format!("{}{:016x}", prefix(instance), rand::rng().random::<u64>());
        Self {
            task: format!("{run}-task"),
            keeper: format!("{run}-keeper"),
            work: format!("{run}-work"),
            inputs: format!("{run}-inputs"),
            labels: HashMap::from([(LABEL.to_owned(), instance.to_owned())]),
        }
    }
}

/// What all names of an agent begin with. A label alone proves nothing: an image may carry any.
pub(super) fn prefix(instance: &str) -> String {
    format!("aiigo-{instance}-")
}

/// Whether an agent may be called so: what follows the prefix must not be taken for another's.
pub(super) fn is_instance(text: &str) -> bool {
    (1..=MAX_INSTANCE).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
