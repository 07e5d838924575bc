//! Onboarding: the node asks for a challenge and answers it.

use std::time::Duration;

use aiigo_chain::Outcome;
use aiigo_protocol::{ContractName, IProofOfWorkVerifier::Challenge, units::format_power};
use alloy::primitives::Bytes;

use super::{Prover, Window};
use crate::{
    error::{AgentError, read_error},
    sender::Sender,
};

/// A challenge with less than this share of its window left is let go: power is judged by the whole window, and the lowest
/// of a node's results counts.
const WORTHWHILE_SHARE: f64 = 0.7;
/// Pause between two looks at the chain's clock.
const CLOCK_POLL: Duration = Duration::from_millis(500);

impl From<&Challenge> for Window {
    fn from(challenge: &Challenge) -> Self {
        Self { seed: challenge.seed, opened_at: challenge.openedAt.to(), deadline: challenge.deadline.to() }
    }
}

impl Prover {
    /// Asks for challenges until one is passed.
    pub(crate) async fn onboard(&self, sender: &Sender) -> Result<(), AgentError> {
        loop {
            let challenge = self.challenge().await?;
            if challenge.open && self.is_worthwhile(&challenge).await? {
                if self.answer_challenge(sender, &challenge).await? {
                    return Ok(());
                }
                continue;
            }
            self.wait_until_challengeable(sender, &challenge).await?;
            self.ask(sender, &challenge).await?;
        }
    }

    async fn challenge(&self) -> Result<Challenge, AgentError> {
        let node = self.node;
        let read = self.market.verifier().challengeOf(node.0).call().await;
        read.map_err(|error| read_error(format!("cannot read the challenge of node {node}"), error))
    }

    async fn is_worthwhile(&self, challenge: &Challenge) -> Result<bool, AgentError> {
        let window = Window::from(challenge);
        Ok(window.left(&self.market).await? >= window.seconds() * WORTHWHILE_SHARE)
    }

    /// Waits for an open challenge to lapse and for the pause after a missed one.
    async fn wait_until_challengeable(&self, sender: &Sender, challenge: &Challenge) -> Result<(), AgentError> {
        let parameters = self.market.verifier().parameters().call().await;
        let cooldown = parameters.map_err(|error| read_error("cannot read the verifier's parameters", error))?.cooldown;
        // A node that passed its last challenge is asked to wait in vain at worst once: the pause is short.
        let until = match challenge.id {
            0 => return Ok(()),
            _ => challenge.deadline.to::<u64>().saturating_add(cooldown.into()),
        };
        let mut said = false;
        // The chain refuses what comes in the same second.
        while self.market.head().await?.timestamp <= until {
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

    async fn ask(&self, sender: &Sender, previous: &Challenge) -> Result<(), AgentError> {
        let (market, node) = (&self.market, self.node);
        let call =
            market.call(ContractName::ProofOfWorkVerifier, market.verifier().issueChallenge(node.0).calldata().clone());
        let key = format!("challenge:{node}:after:{}", previous.id);
        let label = format!("ask for a challenge of node {node}");
        sender.must_land(&key, &label, call).await.map(|_| ())
    }

    /// Searches and sends; whether the solution landed.
    async fn answer_challenge(&self, sender: &Sender, challenge: &Challenge) -> Result<bool, AgentError> {
        let (market, node) = (&self.market, self.node);
        tracing::info!(challenge = challenge.id, "proving the machine's power");
        let solution = self.search(&Window::from(challenge), sender.token()).await?;
        let nonces = Bytes::copy_from_slice(&solution.encode());
        let call = market.verifier().submitSolution(node.0, nonces).calldata().clone();
        let call = market.call(ContractName::ProofOfWorkVerifier, call);
        let key = format!("solution:{node}:{}", challenge.id);
        let label = format!("answer challenge {} of node {node}", challenge.id);
        match sender.once(&key, &label, call, Some(challenge.deadline.to())).await? {
            Outcome::Landed { .. } => {
                let power = market.node(node).await?.verifiedPower;
                tracing::info!(power = format_power(power), "the power is proved");
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
}
