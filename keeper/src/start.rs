//! What a keeper asks the chain once, and how it hears of it from then on.

use aiigo_chain::{FollowError, Follower, Update};
use aiigo_protocol::{ContractName, Deployment, ProofOfWorkVerifier, RewardDistributor};
use alloy::{primitives::U256, providers::DynProvider};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    code::Code,
    error::KeeperError,
    view::{Genesis, Schedule},
};

/// Updates of the chain that wait to be taken in.
const UPDATES: usize = 16;

/// Follows the chain beside everything else: who is busy with a thousand actions still hears of each block.
pub(crate) fn follow(mut follower: Follower) -> (mpsc::Receiver<Result<Update, FollowError>>, JoinSet<()>) {
    let (sender, updates) = mpsc::channel(UPDATES);
    let mut following = JoinSet::new();
    following.spawn(async move {
        loop {
            let update = follower.next().await;
            let is_last = update.is_err();
            if sender.send(update).await.is_err() || is_last {
                return;
            }
        }
    });
    (updates, following)
}

/// When reward epochs begin and end.
pub(crate) async fn schedule(provider: &DynProvider, deployment: &Deployment) -> Result<Schedule, KeeperError> {
    let rewards = RewardDistributor::new(deployment.address(ContractName::RewardDistributor), provider);
    let read = async |epoch: u64| {
        let start = rewards.epochStart(U256::from(epoch)).call().await;
        start.map(|start| start.saturating_to::<u64>())
    };
    let what = "cannot read when reward epochs begin";
    let start = read(0).await.map_err(KeeperError::because(Code::Unreachable, what))?;
    let second = read(1).await.map_err(KeeperError::because(Code::Unreachable, what))?;
    Ok(Schedule { start, length: second.saturating_sub(start).max(1) })
}

/// When audit rounds begin.
pub(crate) async fn genesis(provider: &DynProvider, deployment: &Deployment) -> Result<Genesis, KeeperError> {
    let verifier = ProofOfWorkVerifier::new(deployment.address(ContractName::ProofOfWorkVerifier), provider);
    let round = verifier.currentRound().call().await;
    let round = round.map_err(KeeperError::because(Code::Unreachable, "cannot read when audit rounds begin"))?;
    // Of a later round the history tells; its time is too late for round zero, and so gives no secret away too early.
    Ok(Genesis { opened_at: round.openedAt.to() })
}
