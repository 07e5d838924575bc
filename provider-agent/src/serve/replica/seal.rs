//! A seat's first word: its result, sealed, so that no other seat can copy it.

use aiigo_chain::Outcome;
use aiigo_protocol::{NodeId, TaskId};
use aiigo_storage::ContentUri;
use alloy::{
    primitives::{Address, B256, keccak256},
    sol_types::SolValue,
};

use super::{apply::market_call, news::Listener, round_of, seat::Seat};
use crate::{
    error::AgentError,
    serve::{
        Desk,
        execute::{self, Produced},
    },
    store::{Stage, Work},
};

/// Blocks that the last seal must be deep before anything is shown: a seal that a reorganisation takes back could come again
/// with what somebody else has shown meanwhile.
const DEPTH: u64 = 3;

/// `keccak256(abi.encode(taskId, nodeId, resultHash, salt, operator))`.
fn seal_of(task: TaskId, node: NodeId, result: B256, salt: B256, operator: Address) -> B256 {
    keccak256((task.0, node.0, result, salt, operator).abi_encode())
}

/// The seal of the result in hand, if there is one.
pub(super) fn own_seal(desk: &Desk, work: &Work) -> Option<B256> {
    let result = work.result_hash?;
    Some(seal_of(work.task, desk.node, result, work.salt, desk.sender.address()))
}

/// Runs the program. A seat can't be given back, so what this machine can't do now it tries until the time is over.
pub(super) async fn execute(desk: &Desk, seat: &Seat, work: Work) -> Result<Work, AgentError> {
    match execute::produce(desk, &work, seat.seal_until).await? {
        Produced::Results { hash, manifest } => {
            // Nobody has it there yet: a place to name in case that nobody ever takes it.
            let result_uri = Some(ContentUri::new(manifest).to_string());
            Ok(Work { result_hash: Some(hash), result_uri, ..work.at(Stage::Sealing) })
        }
        Produced::TooLate => {
            Err(AgentError::new("there is no time left to run the program, and a seat can't be given back"))
        }
        Produced::NotNow(reason) | Produced::Nothing(reason) => Err(AgentError::new(format!(
            "this machine can't run the program, and a seat can't be given back: unless it can by the deadline, the seat \
             times out, with a slash: {reason}"
        ))),
    }
}

/// Seals the result. The salt was written down before the node even applied.
pub(super) async fn seal(desk: &Desk, seat: &Seat, work: Work) -> Result<Work, AgentError> {
    let sealed = own_seal(desk, &work)
        .ok_or_else(|| AgentError::new(format!("task {} has no result to be sealed", work.task)))?;
    let call = desk.market.tasks().sealReplica(work.task.0, desk.node.0, sealed).calldata().clone();
    let key = format!("seal:{}:{}", work.task, round_of(&work));
    let label = format!("seal the result of task {}", work.task);
    match desk.sender.until_landed(&key, &label, market_call(desk, call), Some(seat.seal_until)).await? {
        Outcome::Landed { .. } => {
            tracing::info!(task = %work.task, "the result is sealed; the other seats are waited for");
            Ok(work.at(Stage::Sealed))
        }
        Outcome::Reverted { error, .. } => Err(AgentError::refused(label, &error)),
        Outcome::Expired => Err(AgentError::new(format!("{label}: not included in time"))),
    }
}

/// Waits until nobody can seal any more.
pub(super) async fn await_seals(desk: &Desk, seat: &Seat, work: Work, news: &mut Listener) -> Result<Work, AgentError> {
    if !seat.seals_are_in() {
        news.wait(desk, Some(seat.seal_until)).await?;
        return Ok(work);
    }
    let before = seat.before(desk, work.task, DEPTH).await?;
    if before.round == seat.round && before.seals_are_in() {
        return Ok(work.at(Stage::Delivering));
    }
    desk.clock.after(seat.block).await?;
    Ok(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seal_is_that_of_the_contract() {
        let (result, salt, operator) = (B256::repeat_byte(2), B256::repeat_byte(3), Address::repeat_byte(4));
        let sealed = seal_of(TaskId(B256::repeat_byte(1)), NodeId(7), result, salt, operator);
        let mut encoded = vec![1; 32];
        encoded.extend_from_slice(&[0; 31]);
        encoded.push(7);
        encoded.extend_from_slice(&[2; 32]);
        encoded.extend_from_slice(&[3; 32]);
        encoded.extend_from_slice(&[0; 12]);
        encoded.extend_from_slice(&[4; 20]);
        assert_eq!(sealed, keccak256(encoded));
    }
}
