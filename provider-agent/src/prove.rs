//! Proving power: a challenge is asked for, its hashes are searched until shortly before its deadline, the best are sent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use aiigo_chain::Outcome;
use aiigo_pow::{Solver, node_seed};
use aiigo_protocol::{ContractName, IProofOfWorkVerifier::Challenge, NodeId};
use alloy::primitives::{B256, Bytes};
use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::{
    error::{AgentError, Context, read_error},
    market::Market,
    power::{DeviceArgs, log_findings, log_lost},
    sender::Sender,
};

/// Shortest time left for the solution's transaction, seconds.
const MIN_MARGIN: f64 = 2.0;
/// A challenge with less than this share of its window left is let go: power is judged by the whole window, and the lowest
/// of a node's results counts.
const WORTHWHILE_SHARE: f64 = 0.7;
/// Pause between two looks at the chain's clock.
const CLOCK_POLL: Duration = Duration::from_millis(500);

/// Flags of `run`: how power is proved.
#[derive(Args, Clone, Debug)]
pub(crate) struct ProveArgs {
    #[command(flatten)]
    devices: DeviceArgs,
    /// Seconds before a challenge's deadline at which the solution is sent [default: a sixth of the window, at least 2].
    #[arg(long, value_name = "SECONDS", env = "AIIGO_SOLVE_MARGIN")]
    solve_margin: Option<u32>,
}

impl ProveArgs {
    /// Seconds before the deadline at which the search ends.
    fn margin(&self, window: f64) -> f64 {
        let margin = self.solve_margin.map_or_else(|| MIN_MARGIN.max(window / 6.0), f64::from);
        margin.min(window / 2.0)
    }
}

/// Proves the node's power; returns when a challenge was passed.
pub(crate) async fn prove(market: &Market, sender: &Sender, node: NodeId, args: &ProveArgs) -> Result<(), AgentError> {
    // Before a challenge is open: no part of its window is spent on this.
    let (solver, findings) = args.devices.detect().await?;
    log_findings(&findings);
    let solver = Arc::new(solver);
    loop {
        let challenge = challenge_of(market, node).await?;
        if challenge.open && is_worthwhile(market, &challenge).await? {
            if answer(market, sender, node, &challenge, args, &solver).await? {
                return Ok(());
            }
            continue;
        }
        wait_until_challengeable(market, sender, &challenge).await?;
        ask(market, sender, node, &challenge).await?;
    }
}

async fn challenge_of(market: &Market, node: NodeId) -> Result<Challenge, AgentError> {
    let read = market.verifier().challengeOf(node.0).call().await;
    read.map_err(|error| read_error(format!("cannot read the challenge of node {node}"), error))
}

/// Seconds from the chain's newest block to the challenge's deadline, and the whole window.
async fn time_left(market: &Market, challenge: &Challenge) -> Result<(f64, f64), AgentError> {
    let now = market.head().await?.timestamp;
    let (opened, deadline) = (challenge.openedAt.to::<u64>(), challenge.deadline.to::<u64>());
    Ok((deadline.saturating_sub(now) as f64, deadline.saturating_sub(opened) as f64))
}

async fn is_worthwhile(market: &Market, challenge: &Challenge) -> Result<bool, AgentError> {
    let (left, window) = time_left(market, challenge).await?;
    Ok(left >= window * WORTHWHILE_SHARE)
}

/// Waits for an open challenge to lapse and for the pause after a missed one.
async fn wait_until_challengeable(market: &Market, sender: &Sender, challenge: &Challenge) -> Result<(), AgentError> {
    let parameters = market.verifier().parameters().call().await;
    let cooldown = parameters.map_err(|error| read_error("cannot read the verifier's parameters", error))?.cooldown;
    // A node that passed its last challenge is asked to wait in vain at worst once: the pause is short.
    let until = match challenge.id {
        0 => return Ok(()),
        _ => challenge.deadline.to::<u64>().saturating_add(cooldown.into()),
    };
    let mut said = false;
    // The chain refuses what comes in the same second.
    while market.head().await?.timestamp <= until {
        if !said {
            tracing::info!(until, "waiting until the node can be challenged again");
            said = true;
        }
        tokio::select! {
            () = sender.token().cancelled() => return Err(AgentError::stopped()),
            () = tokio::time::sleep(CLOCK_POLL) => {}
        }
    }
    Ok(())
}

async fn ask(market: &Market, sender: &Sender, node: NodeId, previous: &Challenge) -> Result<(), AgentError> {
    let call =
        market.call(ContractName::ProofOfWorkVerifier, market.verifier().issueChallenge(node.0).calldata().clone());
    let key = format!("challenge:{node}:after:{}", previous.id);
    let label = format!("ask for a challenge of node {node}");
    sender.must_land(&key, &label, call).await.map(|_| ())
}

/// Searches and sends; whether the solution landed.
async fn answer(
    market: &Market,
    sender: &Sender,
    node: NodeId,
    challenge: &Challenge,
    args: &ProveArgs,
    solver: &Arc<Solver>,
) -> Result<bool, AgentError> {
    let (left, window) = time_left(market, challenge).await?;
    let budget = Duration::from_secs_f64((left - args.margin(window)).max(0.1));
    let seed = node_seed(market.chain_id(), market.address(ContractName::ProofOfWorkVerifier), challenge.seed, node.0);
    tracing::info!(challenge = challenge.id, seconds = budget.as_secs_f64(), "proving the machine's power");
    let deadline = Instant::now() + budget;
    let nonces = search(Arc::clone(solver), seed, deadline, sender.token()).await?;
    let call = market
        .call(ContractName::ProofOfWorkVerifier, market.verifier().submitSolution(node.0, nonces).calldata().clone());
    let key = format!("solution:{node}:{}", challenge.id);
    let label = format!("answer challenge {} of node {node}", challenge.id);
    match sender.once(&key, &label, call, Some(challenge.deadline.to())).await? {
        Outcome::Landed { .. } => {
            let power = market.node(node).await?.verifiedPower;
            tracing::info!(power = aiigo_protocol::units::format_power(power), "the power is proved");
            Ok(true)
        }
        Outcome::Reverted { error, .. } => {
            tracing::warn!(%error, "the solution was refused; asking for another challenge");
            Ok(false)
        }
        Outcome::Expired => {
            tracing::warn!("the solution was not included in time; asking for another challenge");
            Ok(false)
        }
    }
}

async fn search(
    solver: Arc<Solver>,
    seed: B256,
    deadline: Instant,
    token: &CancellationToken,
) -> Result<Bytes, AgentError> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancelled);
    let searching = tokio::task::spawn_blocking(move || {
        let found = solver.solve(seed, deadline, &flag);
        log_lost(&solver.take_lost());
        found
    });
    tokio::pin!(searching);
    let found = tokio::select! {
        found = &mut searching => found,
        () = token.cancelled() => {
            cancelled.store(true, Ordering::Relaxed);
            // The threads look at the flag many times a second.
            let _ = searching.await;
            return Err(AgentError::stopped());
        }
    };
    let solution = found.context("the solver died")?.context("cannot solve the challenge")?;
    metrics::gauge!("aiigo_agent_hashes_tried").set(solution.tried as f64);
    tracing::info!(tried = solution.tried, "searched");
    Ok(Bytes::copy_from_slice(&solution.encode()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_leaves_blocks_for_the_solution() {
        let args = ProveArgs { devices: DeviceArgs::default(), solve_margin: None };
        assert_eq!(args.margin(192.0), 32.0);
        assert_eq!(args.margin(4.0), 2.0);
        let args = ProveArgs { devices: DeviceArgs::default(), solve_margin: Some(100) };
        assert_eq!(args.margin(32.0), 16.0);
    }
}
