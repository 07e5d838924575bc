//! What is to be done, and when to try it.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::{Duration, Instant},
};

use rand::Rng;

use crate::{
    duties::{Action, DutyName},
    policy::Retry,
    turns::{self, Turns},
};

/// An action's place in the plan: duties in the order of their urgency.
pub(crate) type PlanKey = (DutyName, String);

#[derive(Debug)]
struct Plan {
    action: Action,
    /// What all keepers know it by.
    number: u64,
    /// When it was first seen to be due.
    since: Instant,
    retry: Retry,
    /// Attempts that are over.
    tried: u32,
    not_before: Instant,
    in_flight: bool,
    /// Whether the chain still wants it, as far as the keeper has seen.
    due: bool,
}

impl Plan {
    /// Whether it waits for its next attempt.
    fn waits(&self) -> bool {
        self.due && !self.in_flight && !self.retry.gives_up(self.tried)
    }

    /// When to try it. The first time it may be another keeper's turn before.
    fn next_at(&self, turns: &Turns) -> Instant {
        if self.tried == 0 { self.not_before + turns.wait_for(self.number) } else { self.not_before }
    }
}

/// The actions that are due, each with the time of its next attempt.
#[derive(Debug)]
pub(crate) struct Plans {
    by_key: BTreeMap<PlanKey, Plan>,
    /// New actions start after a random part of it, so that several keepers don't send at the same moment.
    jitter: Duration,
    retries: BTreeMap<DutyName, Retry>,
}

impl Plans {
    pub(crate) fn new(jitter: Duration, retries: BTreeMap<DutyName, Retry>) -> Self {
        Self { by_key: BTreeMap::new(), jitter, retries }
    }

    /// Takes in what is due now; what is not any more is dropped, or forgotten once it lands. Returns what is not any more.
    pub(crate) fn update(&mut self, due: Vec<Action>, now: Instant) -> Vec<Action> {
        let before: Vec<PlanKey> =
            self.by_key.iter().filter(|(_, plan)| plan.due).map(|(key, _)| key.clone()).collect();
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
                    let retry = self.retries.get(&action.duty).copied().unwrap_or_default();
                    let number = turns::number(&action.key());
                    let (tried, in_flight, due) = (0, false, true);
                    free.insert(Plan { action, number, since: now, retry, tried, not_before, in_flight, due });
                }
            }
        }
        let over = before.iter().filter_map(|key| self.by_key.get(key)).filter(|plan| !plan.due);
        let over = over.map(|plan| plan.action.clone()).collect();
        self.by_key.retain(|_, plan| plan.due || plan.in_flight);
        over
    }

    /// Actions whose time has come, so many that at most `limit` are in flight: those that were tried least, and among them the
    /// most urgent, first. What fails again and again keeps nothing else from its turn.
    pub(crate) fn ready(&self, turns: &Turns, now: Instant, limit: usize) -> Vec<(PlanKey, Action)> {
        let free = limit.saturating_sub(self.in_flight());
        let is_ready = |(_, plan): &(&PlanKey, &Plan)| plan.waits() && plan.next_at(turns) <= now;
        let mut ready: Vec<_> = self.by_key.iter().filter(is_ready).collect();
        ready.sort_by_key(|(_, plan)| plan.tried);
        ready.into_iter().take(free).map(|(key, plan)| (key.clone(), plan.action.clone())).collect()
    }

    /// When the next action can be tried; `None` if all are in flight or there are none.
    pub(crate) fn next_at(&self, turns: &Turns) -> Option<Instant> {
        self.by_key.values().filter(|plan| plan.waits()).map(|plan| plan.next_at(turns)).min()
    }

    /// The action is on its way.
    pub(crate) fn started(&mut self, key: &PlanKey) {
        if let Some(plan) = self.by_key.get_mut(key) {
            plan.in_flight = true;
        }
    }

    /// An attempt is over. If the action stays due, the next comes after a pause. Returns how long it has been due.
    pub(crate) fn finished(&mut self, key: &PlanKey, now: Instant) -> Duration {
        let Some(plan) = self.by_key.get_mut(key) else { return Duration::ZERO };
        plan.in_flight = false;
        plan.tried += 1;
        plan.not_before = now + plan.retry.pause(plan.tried);
        let latency = now.saturating_duration_since(plan.since);
        if !plan.due {
            self.by_key.remove(key);
        }
        latency
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

    /// No other keeper is known.
    fn alone() -> Turns {
        Turns::new(Address::ZERO, Duration::ZERO)
    }

    /// Without jitter.
    fn plans(retry: Retry) -> Plans {
        Plans::new(Duration::ZERO, DutyName::ALL.iter().map(|duty| (*duty, retry)).collect())
    }

    fn subjects(ready: &[(PlanKey, Action)]) -> Vec<&str> {
        ready.iter().map(|(_, action)| action.subject.as_str()).collect()
    }

    #[test]
    fn the_most_urgent_comes_first_and_no_more_fly_than_allowed() {
        let now = Instant::now();
        let mut plans = plans(Retry::default());
        plans.update(
            vec![
                action(DutyName::CloseEpochs, "epoch"),
                action(DutyName::ExpireTasks, "open"),
                action(DutyName::TimeOutTasks, "late"),
            ],
            now,
        );
        let ready = plans.ready(&alone(), now, 2);
        assert_eq!(subjects(&ready), ["late", "open"]);
        plans.started(&ready[0].0);
        assert_eq!(subjects(&plans.ready(&alone(), now, 2)), ["open"]);
    }

    #[test]
    fn what_fails_again_and_again_keeps_nothing_else_from_its_turn() {
        let now = Instant::now();
        let mut plans = plans(Retry::default());
        plans.update(vec![action(DutyName::TimeOutTasks, "late"), action(DutyName::CloseEpochs, "epoch")], now);
        let late = plans.ready(&alone(), now, 1).remove(0).0;
        plans.started(&late);
        plans.finished(&late, now);
        let later = now + Duration::from_secs(3_600);
        assert_eq!(subjects(&plans.ready(&alone(), later, 2)), ["epoch", "late"]);
    }

    #[test]
    fn a_new_action_waits_for_at_most_the_jitter() {
        let now = Instant::now();
        let mut plans = Plans::new(Duration::from_secs(3), BTreeMap::new());
        plans.update(vec![action(DutyName::ExpireTasks, "open")], now);
        let at = plans.next_at(&alone()).expect("a plan");
        assert!(at >= now && at <= now + Duration::from_secs(3));
    }

    #[test]
    fn an_action_is_left_to_the_keeper_whose_turn_it_is_and_only_for_so_long() {
        let (now, turn) = (Instant::now(), Duration::from_secs(2));
        let mut plans = plans(Retry::default());
        plans.update((0..20).map(|task| action(DutyName::ExpireTasks, &task.to_string())).collect(), now);
        let mut turns = Turns::new(Address::repeat_byte(1), turn);
        assert_eq!(plans.ready(&turns, now, 99).len(), 20);
        turns.saw_at_work(Address::repeat_byte(2), now);
        let mine = plans.ready(&turns, now, 99).len();
        assert!((1..20).contains(&mine), "{mine} of 20");
        assert_eq!(plans.ready(&turns, now + turn, 99).len(), 20);
    }

    #[test]
    fn what_another_keeper_did_is_dropped() {
        let now = Instant::now();
        let mut plans = plans(Retry::default());
        plans.update(vec![action(DutyName::ExpireTasks, "open")], now);
        assert_eq!(plans.update(Vec::new(), now), [action(DutyName::ExpireTasks, "open")]);
        assert!(plans.ready(&alone(), now, 9).is_empty());
        assert_eq!(plans.next_at(&alone()), None);
    }

    #[test]
    fn a_matter_that_needs_another_call_now_gets_it() {
        let now = Instant::now();
        let mut plans = plans(Retry::default());
        plans.update(vec![action(DutyName::OpenRounds, "round 1")], now);
        let other = Payload::Call(Bytes::from_static(&[1]));
        plans.update(vec![Action { payload: other.clone(), ..action(DutyName::OpenRounds, "round 1") }], now);
        assert_eq!(plans.ready(&alone(), now, 9)[0].1.payload, other);
    }

    #[test]
    fn a_failing_action_is_tried_less_and_less_often() {
        let start = Instant::now();
        let mut plans = plans(Retry::default());
        let due = || vec![action(DutyName::ExpireTasks, "open")];
        plans.update(due(), start);
        let key = plans.ready(&alone(), start, 1)[0].0.clone();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            plans.started(&key);
            plans.finished(&key, start);
            plans.update(due(), start);
            pauses.push((plans.next_at(&alone()).expect("a plan") - start).as_secs());
        }
        assert_eq!(pauses, [15, 30, 60, 120, 240, 480, 600, 600]);
    }

    #[test]
    fn an_action_that_failed_often_enough_is_left_alone_until_it_is_due_anew() {
        let start = Instant::now();
        let mut plans = plans(Retry { attempts: Some(1), ..Retry::default() });
        let due = || vec![action(DutyName::ExpireTasks, "open")];
        plans.update(due(), start);
        let key = plans.ready(&alone(), start, 1)[0].0.clone();
        plans.started(&key);
        assert_eq!(plans.finished(&key, start + Duration::from_secs(2)), Duration::from_secs(2));
        plans.update(due(), start);
        assert_eq!(plans.next_at(&alone()), None);
        plans.update(Vec::new(), start);
        plans.update(due(), start);
        assert!(plans.next_at(&alone()).is_some());
    }
}
