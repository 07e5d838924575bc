//! Starts the actor, kills it, and starts it again, until it has done everything.

use std::{fmt, path::Path, time::Duration};

use aiigo_devnet::Line;
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::actor::Orders;

/// The longest life, in requests: that is how often the actor acts on the world, and so where it matters to be killed.
const LONGEST: u64 = 400;
const PAUSE: Duration = Duration::from_millis(20);

/// How the actor lived.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lives {
    pub(crate) killed: u64,
    /// Ended by itself, because the line was too bad to begin.
    failed: u64,
}

impl fmt::Display for Lives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "killed {} times, gave up {} times", self.killed, self.failed)
    }
}

/// Until it has done everything.
pub(crate) async fn harass(orders: &Orders, line: &Line, log: &Path, seed: u64) -> Lives {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut lives = Lives::default();
    let mut requests = line.requests();
    loop {
        let mut actor = orders.command(log.to_owned()).spawn().expect("an actor");
        let fate = *requests.borrow_and_update() + dice.random_range(1..=LONGEST);
        loop {
            tokio::select! {
                _ = requests.wait_for(|requests| *requests >= fate) => {
                    actor.kill();
                    lives.killed += 1;
                    break;
                }
                () = tokio::time::sleep(PAUSE) => match actor.exit_status().expect("a state") {
                    Some(status) if status.success() => return lives,
                    Some(_) => {
                        lives.failed += 1;
                        break;
                    }
                    None => {}
                },
            }
        }
    }
}
