//! Audit rounds: who was due in each, and who passed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use aiigo_protocol::{NodeId, ProofOfWorkVerifier::ProofOfWorkVerifierEvents};

/// Whether a node was Active.
#[derive(Clone, Copy, Debug)]
struct Activity {
    is_active: bool,
    /// The interval in which that last changed; it has the number of the round that ends it.
    since: u64,
}

/// What came of a node's duty in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Duty {
    /// Without an answer that passed, so far.
    Due,
    Excused,
    Passed,
}

#[derive(Clone, Debug)]
struct Round {
    number: u64,
    /// Its last second, unix.
    finishes_at: u64,
    duties: BTreeMap<NodeId, Duty>,
}

/// A node's rounds of one epoch.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    /// Due and not excused.
    due: u64,
    passed: u64,
}

impl Record {
    /// At least 99%, and at least one.
    fn is_good(self) -> bool {
        self.passed > 0 && self.passed * 100 >= self.due * 99
    }
}

/// The rounds of epochs that are not closed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Audits {
    activity: BTreeMap<NodeId, Activity>,
    /// The oldest first.
    rounds: VecDeque<Round>,
}

impl Audits {
    pub(crate) fn concern(event: &ProofOfWorkVerifierEvents) -> bool {
        use ProofOfWorkVerifierEvents as E;
        matches!(
            event,
            E::ActivityChanged(_) | E::RoundOpened(_) | E::AuditPassed(_) | E::AuditMissed(_) | E::ExcuseRecorded(_)
        )
    }

    pub(crate) fn apply(&mut self, event: &ProofOfWorkVerifierEvents) {
        use ProofOfWorkVerifierEvents as E;
        match event {
            E::ActivityChanged(e) => {
                self.activity.insert(NodeId(e.nodeId), Activity { is_active: e.active, since: e.interval });
            }
            E::RoundOpened(e) => self.open(e.round, e.finishesAt.to()),
            E::ExcuseRecorded(e) => self.note(e.round, NodeId(e.nodeId), Duty::Excused),
            E::AuditPassed(e) => self.note(e.round, NodeId(e.nodeId), Duty::Passed),
            // An answer that is too weak voids an excuse; a report finds none.
            E::AuditMissed(e) => self.note(e.round, NodeId(e.nodeId), Duty::Due),
            _ => {}
        }
    }

    /// Due is who was Active at any time of the interval that the round ends.
    fn open(&mut self, number: u64, finishes_at: u64) {
        let was_active = |activity: &Activity| activity.is_active || activity.since == number;
        let due = self.activity.iter().filter(|(_, activity)| was_active(activity));
        let duties = due.map(|(node, _)| (*node, Duty::Due)).collect();
        self.rounds.push_back(Round { number, finishes_at, duties });
    }

    /// Of an epoch that is closed nothing is wanted any more.
    fn note(&mut self, round: u64, node: NodeId, duty: Duty) {
        let round = self.rounds.iter_mut().rev().find(|known| known.number == round);
        if let Some(known) = round.and_then(|round| round.duties.get_mut(&node)) {
            *known = duty;
        }
    }

    /// Who passed enough of the rounds that finished from `start` until before `end`, unix seconds. Forgets these and earlier
    /// ones.
    pub(crate) fn close(&mut self, start: u64, end: u64) -> BTreeSet<NodeId> {
        let mut records: BTreeMap<NodeId, Record> = BTreeMap::new();
        while let Some(round) = self.rounds.pop_front_if(|round| round.finishes_at < end) {
            if round.finishes_at < start {
                continue;
            }
            for (node, duty) in round.duties {
                let record = records.entry(node).or_default();
                match duty {
                    Duty::Excused => {}
                    Duty::Due => record.due += 1,
                    Duty::Passed => {
                        record.due += 1;
                        record.passed += 1;
                    }
                }
            }
        }
        records.into_iter().filter(|(_, record)| record.is_good()).map(|(node, _)| node).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninety_nine_of_a_hundred_are_enough_and_98_of_99_are_not() {
        assert!(Record { due: 100, passed: 99 }.is_good());
        assert!(Record { due: 1, passed: 1 }.is_good());
        assert!(!Record { due: 99, passed: 98 }.is_good());
        assert!(!Record { due: 200, passed: 197 }.is_good());
        assert!(!Record { due: 0, passed: 0 }.is_good(), "whoever was never due has proven nothing");
    }
}
