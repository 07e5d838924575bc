//! What is to be done, and when to try it.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::{Duration, Instant},
};

use rand::Rng;

use crate::duties::{Action, DutyName};

/// Pause before a second attempt; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// An action's place in the plan: duties in the order of their urgency.
pub(crate) type PlanKey = (DutyName, String);

#[derive(Debug)]
struct Plan {
    action: Action,
    /// Attempts that are over.
    tried: u32,
    not_before: Instant,
    in_flight: bool,
    /// Whether the chain still wants it, as far as the keeper has seen.
    due: bool,
}

/// The actions that are due, each with the time of its next attempt.
#[derive(Debug)]
pub(crate) struct Plans {
    by_key: BTreeMap<PlanKey, Plan>,
    /// New actions start after a random part of it, so that several keepers don't send at the same moment.
    jitter: Duration,
}

impl Plans {
    pub(crate) fn new(jitter: Duration) -> Self {
        Self { by_key: BTreeMap::new(), jitter }
    }

    /// Takes in what is due now; what is not any more is dropped, or forgotten once it lands.
    pub(crate) fn update(&mut self, due: Vec<Action>, now: Instant) {
        for plan in self.by_key.values_mut() {
            plan.due = false;
        }
        for action in due {
            let key = (action.duty, action.subject.clone());
            let jitter = self.jitter;
            match self.by_key.entry(key) {
                // The same matter, perhaps by another call: what the chain wants has changed since.
                Entry::Occupied(plan) => {
                    let plan = plan.into_mut();
                    plan.action = action;
                    plan.due = true;
                }
                Entry::Vacant(free) => {
                    let not_before = now + jitter.mul_f64(rand::rng().random());
                    free.insert(Plan { action, tried: 0, not_before, in_flight: false, due: true });
                }
            }
        }
        self.by_key.retain(|_, plan| plan.due || plan.in_flight);
    }

    /// Actions whose time has come, the most urgent first, so many that at most `limit` are in flight.
    pub(crate) fn ready(&self, now: Instant, limit: usize) -> Vec<(PlanKey, Action)> {
        let free = limit.saturating_sub(self.in_flight());
        self.by_key
            .iter()
            .filter(|(_, plan)| plan.due && !plan.in_flight && plan.not_before <= now)
            .take(free)
            .map(|(key, plan)| (key.clone(), plan.action.clone()))
            .collect()
    }

    /// When the next action can be tried; `None` if all are in flight or there are none.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.by_key.values().filter(|plan| plan.due && !plan.in_flight).map(|plan| plan.not_before).min()
    }

    /// The action is on its way.
    pub(crate) fn started(&mut self, key: &PlanKey) {
        if let Some(plan) = self.by_key.get_mut(key) {
            plan.in_flight = true;
        }
    }

    /// An attempt is over. If the action stays due, the next comes after a pause.
    pub(crate) fn finished(&mut self, key: &PlanKey, now: Instant) {
        let Some(plan) = self.by_key.get_mut(key) else { return };
        plan.in_flight = false;
        plan.not_before = now + FIRST_PAUSE.saturating_mul(1 << plan.tried.min(10)).min(LONGEST_PAUSE);
        plan.tried += 1;
        if !plan.due {
            self.by_key.remove(key);
        }
    }

    /// How many are on their way.
    pub(crate) fn in_flight(&self) -> usize {
        self.by_key.values().filter(|plan| plan.in_flight).count()
    }

    /// Whether every action that is due was tried at least once.
    pub(crate) fn all_tried(&self) -> bool {
        self.by_key.values().all(|plan| plan.tried > 0 && !plan.in_flight)
    }

    /// How many are planned or on their way.
    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// How many are due of a duty.
    pub(crate) fn due_of(&self, duty: DutyName) -> usize {
        self.by_key.iter().filter(|((name, _), plan)| *name == duty && plan.due).count()
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, Bytes};

    use super::*;
    use crate::payload::Payload;

    fn action(duty: DutyName, subject: &str) -> Action {
        Action { duty, subject: subject.to_owned(), to: Address::ZERO, payload: Payload::Call(Bytes::new()) }
    }

    fn subjects(ready: &[(PlanKey, Action)]) -> Vec<&str> {
        ready.iter().map(|(_, action)| action.subject.as_str()).collect()
    }

    #[test]
    fn the_most_urgent_comes_first_and_no_more_fly_than_allowed() {
        let now = Instant::now();
        let mut plans = Plans::new(Duration::ZERO);
        plans.update(
            vec![
                action(DutyName::CloseEpochs, "epoch"),
                action(DutyName::ExpireTasks, "open"),
                action(DutyName::TimeOutTasks, "late"),
            ],
            now,
        );
        let ready = plans.ready(now, 2);
        assert_eq!(subjects(&ready), ["late", "open"]);
        plans.started(&ready[0].0);
        assert_eq!(subjects(&plans.ready(now, 2)), ["open"]);
    }

    #[test]
    fn a_new_action_waits_for_at_most_the_jitter() {
        let now = Instant::now();
        let mut plans = Plans::new(Duration::from_secs(3));
        plans.update(vec![action(DutyName::ExpireTasks, "open")], now);
        let at = plans.next_at().expect("a plan");
        assert!(at >= now && at <= now + Duration::from_secs(3));
    }

    #[test]
    fn what_another_keeper_did_is_dropped() {
        let now = Instant::now();
        let mut plans = Plans::new(Duration::ZERO);
        plans.update(vec![action(DutyName::ExpireTasks, "open")], now);
        plans.update(Vec::new(), now);
        assert!(plans.ready(now, 9).is_empty());
        assert_eq!(plans.next_at(), None);
    }

    #[test]
    fn a_matter_that_needs_another_call_now_gets_it() {
        let now = Instant::now();
        let mut plans = Plans::new(Duration::ZERO);
        plans.update(vec![action(DutyName::OpenRounds, "round 1")], now);
        let other = Payload::Call(Bytes::from_static(&[1]));
        plans.update(vec![Action { payload: other.clone(), ..action(DutyName::OpenRounds, "round 1") }], now);
        assert_eq!(plans.ready(now, 9)[0].1.payload, other);
    }

    #[test]
    fn a_failing_action_is_tried_less_and_less_often() {
        let start = Instant::now();
        let mut plans = Plans::new(Duration::ZERO);
        let due = || vec![action(DutyName::ExpireTasks, "open")];
        plans.update(due(), start);
        let key = plans.ready(start, 1)[0].0.clone();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            plans.started(&key);
            plans.finished(&key, start);
            plans.update(due(), start);
            pauses.push((plans.next_at().expect("a plan") - start).as_secs());
        }
        assert_eq!(pauses, [15, 30, 60, 120, 240, 480, 600, 600]);
    }
}
