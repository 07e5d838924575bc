//! Taking a task: a sealed commitment, and its opening at least one block later. Losing the race is no fault.

use aiigo_chain::{Outcome, Priority};
use aiigo_protocol::{ContractName, DecodedRevert, NodeId, TaskId, TaskStatus};
use alloy::{
    primitives::{Address, B256, FixedBytes, U256, keccak256},
    sol_types::SolValue,
};

use futures::{FutureExt, future::select_all};
use tokio::sync::{Mutex, MutexGuard};

use super::{Desk, promises::Promises};
use crate::{
    error::AgentError,
    policy::Demand,
    store::{Stage, Work},
};

/// Commitments in a row for one task before the agent leaves it to others.
const MAX_ATTEMPTS: u32 = 3;

/// The right to commit: one task's at a time in each of the places that the contract has for a node's commitments.
#[derive(Debug, Default)]
pub(super) struct Turns {
    places: [Mutex<()>; 16],
}

impl Turns {
    /// The turn of a place.
    async fn at(&self, place: usize) -> MutexGuard<'_, ()> {
        self.places[place].lock().await
    }

    /// The first place that is free: one that was used before costs less gas.
    async fn free(&self) -> (usize, MutexGuard<'_, ()>) {
        let places = self.places.iter().enumerate();
        let now = places.clone().find_map(|(place, turn)| Some((place, turn.try_lock().ok()?)));
        match now {
            Some(free) => free,
            None => select_all(places.map(|(place, turn)| turn.lock().map(move |turn| (place, turn)).boxed())).await.0,
        }
    }
}

/// First 20 bytes of `keccak256(abi.encode(taskId, nodeId, salt, operator))`.
fn digest(task: B256, node: NodeId, salt: B256, operator: Address) -> FixedBytes<20> {
    FixedBytes::from_slice(&keccak256((task, node.0, salt, operator).abi_encode())[..20])
}

/// The place of a seal: the digest's last hex digit.
fn place(digest: FixedBytes<20>) -> usize {
    usize::from(digest[19] & 15)
}

/// Commits and accepts. A second commitment in the same place would replace the first, so nobody has its turn before this
/// one's acceptance is in a block.
pub(super) async fn accept(desk: &Desk, mut work: Work) -> Result<Work, AgentError> {
    let last = work.attempt.saturating_add(MAX_ATTEMPTS - 1);
    loop {
        let (_, task) = desk.market.task(work.task).await?;
        let demand = Demand { power: task.minPower.into(), escrow: U256::from(task.escrow) };
        let is_new = work.stage == Stage::Committing && !desk.sender.is_known(&commit_key(&work)).await?;
        let _promise = match is_new {
            true => match Promises::make(desk, work.task, demand).await? {
                Ok(promise) => promise,
                Err(refusal) => {
                    work = work.ended(Stage::Lost, refusal.reason);
                    desk.store.save(&work).await?;
                    return Ok(work);
                }
            },
            false => desk.promises.keep(work.task, demand),
        };
        let _turn = match is_new {
            true => new_turn(desk, &mut work).await?,
            // What an earlier run sent keeps its salt.
            false => desk.turns.at(place(seal(desk, &work))).await,
        };
        if work.stage == Stage::Committing {
            work = commit(desk, work).await?;
            desk.store.save(&work).await?;
        }
        if work.stage != Stage::Accepting {
            return Ok(work);
        }
        work = open(desk, work, last).await?;
        desk.store.save(&work).await?;
    }
}

/// The turn of a free place, with a salt that puts the seal there.
async fn new_turn<'d>(desk: &'d Desk, work: &mut Work) -> Result<MutexGuard<'d, ()>, AgentError> {
    let (free, turn) = desk.turns.free().await;
    while place(seal(desk, work)) != free {
        work.salt = B256::from(rand::random::<[u8; 32]>());
    }
    desk.store.save(work).await?;
    Ok(turn)
}

fn seal(desk: &Desk, work: &Work) -> FixedBytes<20> {
    digest(work.task.0, desk.node, work.salt, desk.sender.address())
}

async fn commit(desk: &Desk, mut work: Work) -> Result<Work, AgentError> {
    let (status, task) = desk.market.task(work.task).await?;
    if status != TaskStatus::Open {
        return Ok(work.ended(Stage::Lost, "it was taken before the commitment"));
    }
    let excluded = desk.market.tasks().isExcluded(work.task.0, desk.node.0).call().await;
    if excluded.map_err(|error| crate::error::read_error("cannot read if the node is excluded", error))? {
        return Ok(work.ended(Stage::Lost, "this node had it before"));
    }
    let call = desk.market.tasks().commitAccept(desk.node.0, seal(desk, &work)).calldata().clone();
    let label = format!("commit to task {}", work.task);
    let call = desk.market.call(ContractName::TaskMarketplace, call);
    match desk.sender.once(&commit_key(&work), &label, call, Some(task.acceptBy.to())).await? {
        Outcome::Landed { block, .. } => {
            work.commit_block = Some(block);
            Ok(work.at(Stage::Accepting))
        }
        Outcome::Reverted { error, .. } => Ok(work.ended(Stage::Lost, format!("the commitment was refused: {error}"))),
        Outcome::Expired => Ok(work.ended(Stage::Lost, "the commitment was not included in time")),
    }
}

/// Puts the acceptance into the outbox' order, and tells its key.
async fn submit(desk: &Desk, work: &Work, occasion: &str) -> Result<String, AgentError> {
    let call = desk.market.tasks().acceptTask(work.task.0, desk.node.0, work.salt).calldata().clone();
    let call = desk.market.call(ContractName::TaskMarketplace, call);
    let key = accept_key(work, occasion);
    // A commitment lapses by itself, within a minute: the acceptance is urgent, and needs no deadline of its own.
    desk.sender.submit(&key, &format!("accept task {}", work.task), call, None, Priority::Urgent).await?;
    Ok(key)
}

async fn open(desk: &Desk, work: Work, last: u32) -> Result<Work, AgentError> {
    let key = submit(desk, &work, "").await?;
    let mut outcome = desk.sender.outcome(&key).await?;
    // Some endpoints try a transaction in the block that is there, not in the next one.
    if matches!(&outcome, Outcome::Reverted { tx_hash: None, error } if error.name == "CommitmentTooFresh") {
        desk.clock.after(work.commit_block.unwrap_or_default()).await?;
        let key = submit(desk, &work, ":later").await?;
        outcome = desk.sender.outcome(&key).await?;
    }
    match outcome {
        Outcome::Landed { .. } => {
            tracing::info!(task = %work.task, name = work.spec.name, "accepted");
            Ok(work.at(Stage::Executing))
        }
        Outcome::Reverted { error, .. } => Ok(after_refusal(work, &error, last)),
        Outcome::Expired => Ok(work.ended(Stage::Lost, "the acceptance was not included in time")),
    }
}

/// A commitment that came too early or too late can be made again; everything else is lost.
fn after_refusal(work: Work, error: &DecodedRevert, last: u32) -> Work {
    let again = matches!(error.name.as_str(), "CommitmentTooFresh" | "CommitmentLapsed" | "NoCommitment");
    if !again || work.attempt >= last {
        return work.ended(Stage::Lost, format!("the acceptance was refused: {error}"));
    }
    work.again()
}

/// Whether an acceptance of the task is sent, and in no block at present: a reorganisation took it back, and the outbox
/// brings it again.
pub(super) async fn is_under_way(desk: &Desk, work: &Work) -> Result<bool, AgentError> {
    for occasion in ["", ":later"] {
        if desk.sender.is_under_way(&accept_key(work, occasion)).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The outbox' key of a commitment.
fn commit_key(work: &Work) -> String {
    format!("commit:{}:{}", work.task, work.attempt)
}

/// The outbox' key of an acceptance.
fn accept_key(work: &Work, occasion: &str) -> String {
    format!("accept:{}:{}{occasion}", work.task, work.attempt)
}

/// Gives a task back while that is still cheap; whether that was possible.
pub(super) async fn abandon(desk: &Desk, task: TaskId) -> Result<bool, AgentError> {
    let call = desk.market.tasks().abandonTask(task.0).calldata().clone();
    let call = desk.market.call(ContractName::TaskMarketplace, call);
    let outcome = desk.sender.once(&abandon_key(task), &format!("give task {task} back"), call, None).await?;
    Ok(matches!(outcome, Outcome::Landed { .. }))
}

/// Whether a task was given back: also by a run of this agent that did not live to write it down.
pub(super) async fn was_given_back(desk: &Desk, work: &Work) -> Result<bool, AgentError> {
    desk.sender.has_landed(&abandon_key(work.task)).await
}

fn abandon_key(task: TaskId) -> String {
    format!("abandon:{task}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seal_is_that_of_the_contract() {
        let sealed = digest(B256::repeat_byte(1), NodeId(7), B256::repeat_byte(2), Address::repeat_byte(3));
        let mut encoded = Vec::new();
        encoded.extend_from_slice(&[1; 32]);
        encoded.extend_from_slice(&[0; 31]);
        encoded.push(7);
        encoded.extend_from_slice(&[2; 32]);
        encoded.extend_from_slice(&[0; 12]);
        encoded.extend_from_slice(&[3; 20]);
        assert_eq!(sealed.as_slice(), &keccak256(encoded)[..20]);
    }

    #[tokio::test]
    async fn the_first_free_place_is_taken_and_the_seventeenth_waits() {
        let turns = Turns::default();
        let mut taken = Vec::new();
        for expected in 0..16 {
            let (place, turn) = turns.free().await;
            assert_eq!(place, expected);
            taken.push(turn);
        }
        let mut seventeenth = std::pin::pin!(turns.free());
        assert!(futures::poll!(seventeenth.as_mut()).is_pending());
        drop(taken.remove(9));
        assert_eq!(seventeenth.await.0, 9);
        drop(taken.remove(3));
        assert_eq!(turns.free().await.0, 3);
    }
}
