//! Proving power: hashes are searched until shortly before a deadline of the chain, and the best are sent.
//!
//! Onboarding answers a challenge that the node asks for; a round challenges every node at once, unasked.

mod onboarding;
mod round;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use aiigo_pow::{Solution, Solver, node_seed};
use aiigo_protocol::{ContractName, NodeId};
use alloy::primitives::B256;
use clap::Args;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

pub(crate) use self::round::Round;
use crate::{
    error::{AgentError, Context},
    market::Market,
    power::{DeviceArgs, log_findings, log_lost},
};

/// Shortest time left for the solution's transaction, seconds.
const MIN_MARGIN: f64 = 2.0;
/// The newest block is not believed to be older, seconds.
const MAX_AGE: u64 = 30;

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

/// What a node is asked: to search with this seed between these times of the chain, unix seconds.
#[derive(Clone, Copy, Debug)]
struct Window {
    seed: B256,
    opened_at: u64,
    deadline: u64,
}

impl Window {
    fn seconds(&self) -> f64 {
        self.deadline.saturating_sub(self.opened_at) as f64
    }

    /// Seconds to the deadline: from the chain's newest block, and what has passed since it by this machine's clock.
    async fn left(&self, market: &Market) -> Result<f64, AgentError> {
        let head = market.head().await?.timestamp;
        let clock = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
        // A clock that is further ahead is wrong, and a chain that is ahead of it is a test's.
        let age = clock.saturating_sub(head).min(MAX_AGE);
        Ok(self.deadline.saturating_sub(head + age) as f64)
    }
}

/// Proves a node's power with the devices of this machine.
pub(crate) struct Prover {
    market: Market,
    node: NodeId,
    args: ProveArgs,
    /// One search at a time: two would each show half.
    solver: Mutex<Arc<Solver>>,
}

impl Prover {
    /// Finds, tests and measures the devices, before a challenge is open: no part of its window is spent on this.
    pub(crate) async fn detect(
        market: Market,
        node: NodeId,
        args: ProveArgs,
        token: &CancellationToken,
    ) -> Result<Self, AgentError> {
        let (solver, findings) = args.devices.detect(token).await?;
        log_findings(&findings);
        Ok(Self { market, node, args, solver: Mutex::new(Arc::new(solver)) })
    }

    /// The best that is found until shortly before the deadline.
    async fn search(&self, window: &Window, token: &CancellationToken) -> Result<Solution, AgentError> {
        let solver = self.solver.lock().await;
        let left = window.left(&self.market).await? - self.args.margin(window.seconds());
        let verifier = self.market.address(ContractName::ProofOfWorkVerifier);
        let seed = node_seed(self.market.chain_id(), verifier, window.seed, self.node.0);
        let deadline = Instant::now() + Duration::from_secs_f64(left.max(0.1));
        let solution = search(Arc::clone(&solver), seed, deadline, token).await?;
        metrics::gauge!("aiigo_agent_hashes_tried").set(solution.tried as f64);
        tracing::info!(tried = solution.tried, "searched");
        Ok(solution)
    }
}

/// A search whose result nobody waits for any more ends: its threads would keep the process from leaving.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn search(
    solver: Arc<Solver>,
    seed: B256,
    deadline: Instant,
    token: &CancellationToken,
) -> Result<Solution, AgentError> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancelled);
    let _stop = StopOnDrop(Arc::clone(&cancelled));
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
    found.context("the solver died")?.context("cannot solve the challenge")
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
