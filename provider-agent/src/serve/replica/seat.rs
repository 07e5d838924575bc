//! Where a node stands in a replicated task, as of one block, and what this means for the work in hand.

use aiigo_protocol::{ReplicaStatus, TaskId, TaskStatus};
use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::B256,
};

use crate::{
    error::{AgentError, Context, read_error},
    market::Head,
    serve::Desk,
    store::{Stage, Work},
};

/// Said of a seat that has missed one of its two times.
const PRICE: &str = "its price is that of a timeout: a slash and reputation";

/// A node in a replicated task; times are unix seconds of the chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    pub(super) block: u64,
    /// Of the block.
    pub(super) now: u64,
    pub(super) task: TaskStatus,
    /// Last second to apply, while nodes apply.
    pub(super) accept_by: u64,
    /// The task's present round, from 1.
    pub(super) round: u8,
    pub(super) status: ReplicaStatus,
    /// The last round that the node applied in; 0: none.
    pub(super) applied_in: u8,
    /// Once sealed the seal, once revealed the result's hash.
    pub(super) digest: B256,
    /// Seats without a seal.
    pub(super) unsealed: usize,
    /// Last second to seal.
    pub(super) seal_until: u64,
    /// Last second to reveal.
    pub(super) reveal_until: u64,
    /// Last second to appeal.
    pub(super) settle_after: u64,
}

impl Seat {
    /// As of the newest block.
    pub(super) async fn now(desk: &Desk, task: TaskId) -> Result<Self, AgentError> {
        let head = desk.market.head().await?;
        Self::at(desk, task, head).await
    }

    /// As of so many blocks before the newest of `self`.
    pub(super) async fn before(&self, desk: &Desk, task: TaskId, depth: u64) -> Result<Self, AgentError> {
        let block = desk.market.block(BlockNumberOrTag::Number(self.block.saturating_sub(depth))).await?;
        Self::at(desk, task, block).await
    }

    /// All of it as of one block: its parts fit together, whatever endpoints answer.
    async fn at(desk: &Desk, id: TaskId, head: Head) -> Result<Self, AgentError> {
        let what = || format!("cannot read how far node {} is with task {id}", desk.node);
        let failed = |error| read_error(what(), error);
        let (market, block) = (desk.market.tasks(), BlockId::hash(head.hash));
        let task = market.taskOf(id.0).block(block).call().await.map_err(failed)?;
        let replication = market.replicationOf(id.0).block(block).call().await.map_err(failed)?;
        let replica = market.replicaOf(id.0, desk.node.0).block(block).call().await.map_err(failed)?;
        let unsealed = |status| status == u8::from(ReplicaStatus::Drawn);
        Ok(Self {
            block: head.number,
            now: head.timestamp,
            task: TaskStatus::try_from(task.status).context(what())?,
            accept_by: task.acceptBy.to(),
            round: replication.round,
            status: ReplicaStatus::try_from(replica.status).context(what())?,
            applied_in: replica.round,
            digest: replica.digest,
            unsealed: replication.seats.iter().filter(|seat| unsealed(seat.status)).count(),
            seal_until: replication.sealUntil.to(),
            reveal_until: replication.revealUntil.to(),
            settle_after: replication.settleAfter.to(),
        })
    }

    /// Whether nodes can apply.
    pub(super) fn is_open(&self) -> bool {
        self.task == TaskStatus::Recruiting && self.now <= self.accept_by
    }

    /// Whether nobody can seal any more.
    pub(super) fn seals_are_in(&self) -> bool {
        self.task == TaskStatus::Replicating && (self.unsealed == 0 || self.now > self.seal_until)
    }

    /// Whether the application holds a slot for nothing: the node was not drawn, or the task is over.
    pub(super) fn is_left_over(&self) -> bool {
        let waits = matches!(self.task, TaskStatus::Recruiting | TaskStatus::Drawing);
        self.status == ReplicaStatus::Applied && !(waits && self.applied_in == self.round)
    }

    /// What is left of the work; `own_seal` is that of the result on disk. The chain is right, whatever the database says:
    /// a reorganisation can take back any step, and the outbox brings it again.
    pub(super) fn reconcile(&self, mut work: Work, own_seal: Option<B256>) -> Work {
        use ReplicaStatus as R;
        if work.round.is_none_or(|round| self.applied_in < round) {
            return match self.is_open() && work.round == Some(self.round) {
                true => move_to(work, Stage::Applying),
                false => work.ended(Stage::Lost, "nobody can apply for it any more"),
            };
        }
        // Only a database that somebody put back can be behind.
        work.round = Some(self.applied_in);
        match self.status {
            R::None | R::Applied => move_to(work, Stage::Applied),
            R::Released if work.stage == Stage::Abandoned => work,
            R::Released => work.ended(Stage::Lost, "it was not drawn, or the task was taken back"),
            R::Drawn if self.now > self.seal_until => {
                work.ended(Stage::Failed, format!("its result was not sealed in time; {PRICE}"))
            }
            R::Drawn if work.stage > Stage::Executing && own_seal.is_some() => move_to(work, Stage::Sealing),
            R::Drawn => move_to(work, Stage::Executing),
            R::Sealed if own_seal != Some(self.digest) => work.ended(
                Stage::Failed,
                "the seal on the chain is none of this folder's and this key's, so the result can't be revealed: only \
                 the key that sealed can, with the salt that it sealed with",
            ),
            R::Sealed if self.now > self.reveal_until => {
                work.ended(Stage::Failed, format!("its result was not revealed in time; {PRICE}"))
            }
            R::Sealed if (Stage::Sealed..=Stage::Revealing).contains(&work.stage) => work,
            R::Sealed if work.stage == Stage::Revealed => move_to(work, Stage::Revealing),
            R::Sealed => move_to(work, Stage::Sealed),
            R::Revealed | R::Agreed => move_to(work, Stage::Revealed),
            R::TimedOut => work.ended(Stage::Failed, format!("its seat timed out; {PRICE}")),
            R::Undecided => work.ended(Stage::Lost, "no result had a majority: neither pay nor penalty"),
            R::Outvoted | R::Appealed => work.ended(Stage::Failed, "outvoted: most seats have another result"),
            R::Slashed => work.ended(Stage::Failed, "its result was found wrong: slashed"),
            R::Vindicated | R::Cleared => work.ended(Stage::Failed, "outvoted, and the court spared it"),
        }
    }
}

fn move_to(work: Work, stage: Stage) -> Work {
    if work.stage == stage { work } else { work.at(stage) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::test_spec;

    const SEAL: B256 = B256::repeat_byte(5);

    fn seat(task: TaskStatus, status: ReplicaStatus) -> Seat {
        Seat {
            block: 9,
            now: 100,
            task,
            accept_by: 110,
            round: 1,
            status,
            applied_in: u8::from(status != ReplicaStatus::None),
            digest: SEAL,
            unsealed: 1,
            seal_until: 120,
            reveal_until: 130,
            settle_after: 0,
        }
    }

    fn work(stage: Stage) -> Work {
        Work::new(TaskId(B256::repeat_byte(1)), test_spec()).in_round(1).at(stage)
    }

    #[track_caller]
    fn assert_moves(seat: Seat, from: Stage, to: Stage) {
        let own = (from > Stage::Executing).then_some(SEAL);
        assert_eq!(seat.reconcile(work(from), own).stage, to, "{seat:?}");
    }

    #[test]
    fn every_step_that_the_chain_took_is_taken_over() {
        use ReplicaStatus as R;
        use TaskStatus as T;
        for (task, status, from, to) in [
            (T::Recruiting, R::None, Stage::Applying, Stage::Applying),
            (T::Recruiting, R::Applied, Stage::Applying, Stage::Applied),
            (T::Drawing, R::Applied, Stage::Applied, Stage::Applied),
            (T::Replicating, R::Applied, Stage::Applied, Stage::Applied),
            (T::Replicating, R::Drawn, Stage::Applied, Stage::Executing),
            (T::Replicating, R::Drawn, Stage::Sealing, Stage::Sealing),
            (T::Replicating, R::Sealed, Stage::Sealing, Stage::Sealed),
            (T::Replicating, R::Sealed, Stage::Revealing, Stage::Revealing),
            (T::Replicating, R::Revealed, Stage::Revealing, Stage::Revealed),
            (T::Verified, R::Agreed, Stage::Revealed, Stage::Revealed),
            (T::Verified, R::Outvoted, Stage::Revealed, Stage::Failed),
            (T::Recruiting, R::Undecided, Stage::Revealed, Stage::Lost),
            (T::Replicating, R::Released, Stage::Applied, Stage::Lost),
            (T::Recruiting, R::TimedOut, Stage::Executing, Stage::Failed),
        ] {
            assert_moves(seat(task, status), from, to);
        }
    }

    #[test]
    fn every_step_that_a_reorganisation_took_back_is_taken_again() {
        use ReplicaStatus as R;
        use TaskStatus as T;
        for (task, status, from, to) in [
            (T::Recruiting, R::None, Stage::Applied, Stage::Applying),
            (T::Drawing, R::Applied, Stage::Executing, Stage::Applied),
            (T::Replicating, R::Drawn, Stage::Sealed, Stage::Sealing),
            (T::Replicating, R::Drawn, Stage::Revealing, Stage::Sealing),
            (T::Replicating, R::Sealed, Stage::Revealed, Stage::Revealing),
        ] {
            assert_moves(seat(task, status), from, to);
        }
    }

    #[test]
    fn what_is_late_has_failed() {
        let late = Seat { now: 121, ..seat(TaskStatus::Replicating, ReplicaStatus::Drawn) };
        assert_moves(late, Stage::Executing, Stage::Failed);
        let sealed = Seat { now: 121, ..seat(TaskStatus::Replicating, ReplicaStatus::Sealed) };
        assert_moves(sealed, Stage::Sealed, Stage::Sealed);
        assert_moves(Seat { now: 131, ..sealed }, Stage::Revealing, Stage::Failed);
        let over = Seat { now: 111, ..seat(TaskStatus::Recruiting, ReplicaStatus::None) };
        assert_moves(over, Stage::Applying, Stage::Lost);
    }

    #[test]
    fn a_seal_of_another_salt_can_not_be_revealed() {
        let foreign = Seat { digest: B256::ZERO, ..seat(TaskStatus::Replicating, ReplicaStatus::Sealed) };
        assert_moves(foreign, Stage::Sealing, Stage::Failed);
    }

    #[test]
    fn a_node_of_an_earlier_round_applies_again() {
        let again = Seat { round: 2, ..seat(TaskStatus::Recruiting, ReplicaStatus::Undecided) };
        let work = work(Stage::Lost).again().in_round(2);
        assert_eq!(again.reconcile(work.clone(), None), work);
        assert_eq!(Seat { now: 111, ..again }.reconcile(work, None).stage, Stage::Lost);
    }

    #[test]
    fn an_application_is_left_over_once_nothing_can_draw_it() {
        use ReplicaStatus::Applied;
        for (task, left_over) in [
            (TaskStatus::Recruiting, false),
            (TaskStatus::Drawing, false),
            (TaskStatus::Replicating, true),
            (TaskStatus::Cancelled, true),
            (TaskStatus::Expired, true),
        ] {
            assert_eq!(seat(task, Applied).is_left_over(), left_over, "{task}");
        }
        assert!(Seat { round: 2, ..seat(TaskStatus::Recruiting, Applied) }.is_left_over());
    }

    #[test]
    fn seals_are_in_when_nobody_is_left_or_the_time_is_over() {
        let seat = seat(TaskStatus::Replicating, ReplicaStatus::Sealed);
        assert!(!seat.seals_are_in());
        assert!(Seat { unsealed: 0, ..seat }.seals_are_in());
        assert!(Seat { now: 121, ..seat }.seals_are_in());
        assert!(!Seat { unsealed: 0, task: TaskStatus::Drawing, ..seat }.seals_are_in());
    }
}
