//! Audit rounds: answered unasked, whatever else the machine does.

use aiigo_chain::Outcome;
use aiigo_pow::estimate_hash_rate;
use aiigo_protocol::{ContractName, ProofOfWorkVerifier::RoundOpened, TaskId, decode_revert, units::format_power};
use alloy::primitives::{B256, Bytes};
use tokio_util::sync::CancellationToken;

use super::{Prover, Window};
use crate::{
    error::{AgentError, read_error},
    sender::Sender,
};

/// What a round wants of a node: `IProofOfWorkVerifier.Duty`.
const DUE: u8 = 1;
const EXCUSED: u8 = 2;

/// A round that challenged every node that was Active.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) number: u64,
    window: Window,
    /// Last second for excuses, unix seconds.
    finishes_at: u64,
}

impl From<&RoundOpened> for Round {
    fn from(opened: &RoundOpened) -> Self {
        let window = Window { seed: opened.seed, opened_at: opened.openedAt.to(), deadline: opened.deadline.to() };
        Self { number: opened.round, window, finishes_at: opened.finishesAt.to() }
    }
}

impl Round {
    /// Tells it from a round of the same number on a branch that the chain gave up.
    pub(crate) fn seed(&self) -> B256 {
        self.window.seed
    }

    /// Whether an answer may still come in time.
    pub(crate) fn is_open(&self, now: u64) -> bool {
        now < self.window.deadline
    }

    fn key(&self, what: &str) -> String {
        format!("{what}:{}:{}", self.number, self.window.seed)
    }
}

impl Prover {
    /// Does what the round wants of the node. Tasks that were being executed when it opened excuse the node, in case that
    /// the machine shows less than it should beside them.
    pub(crate) async fn answer_round(
        &self,
        sender: &Sender,
        round: Round,
        executing: &[TaskId],
        stop: &CancellationToken,
    ) -> Result<(), AgentError> {
        let current = self.market.verifier().currentRound().call().await;
        let current = current.map_err(|error| read_error("cannot read the present round", error))?;
        if current.seed != round.window.seed {
            // An endpoint that is behind would say that nothing is due.
            return Err(AgentError::new(format!("the endpoint does not know round {} yet", round.number)));
        }
        let verified = self.verified_rate().await?;
        let duty = self.market.verifier().dutyOf(round.number, self.node.0).call().await;
        let duty = duty.map_err(|error| read_error(format!("cannot read what round {} wants", round.number), error))?;
        if duty != DUE && duty != EXCUSED {
            return Ok(());
        }
        tracing::info!(round = round.number, "an audit: proving the machine's power");
        // The excuse has the earlier nonce: it lands first, and waits for nothing.
        let excusing = async {
            match duty == DUE {
                true => self.excuse(sender, &round, executing).await,
                false => Ok(()),
            }
        };
        let (answered, excused) = tokio::join!(self.search_and_answer(sender, &round, verified, stop), excusing);
        answered.and(excused)
    }

    async fn search_and_answer(
        &self,
        sender: &Sender,
        round: &Round,
        verified: u64,
        stop: &CancellationToken,
    ) -> Result<(), AgentError> {
        let solution = self.search(&round.window, stop).await?;
        let shown = estimate_hash_rate(solution.largest_hash, round.window.seconds() as u64);
        // Misses recorded meanwhile can only have lowered it.
        if shown.saturating_mul(2) < self.verified_rate().await.unwrap_or(verified) {
            // Sent, it would be a miss, and undo an excuse.
            tracing::warn!(round = round.number, shown, "less than half of the verified power: not sent");
            return Ok(());
        }
        self.send_answer(sender, round, Bytes::copy_from_slice(&solution.encode())).await
    }

    /// Records the first of the tasks that the contract takes as an excuse.
    async fn excuse(&self, sender: &Sender, round: &Round, executing: &[TaskId]) -> Result<(), AgentError> {
        let (market, node) = (&self.market, self.node);
        let verifier = market.verifier();
        for task in executing {
            let excuse = verifier.excuse(round.number, node.0, task.0);
            if let Err(error) = excuse.call().await {
                match error.as_revert_data() {
                    Some(data) => tracing::debug!(%task, refusal = %decode_revert(&data), "no excuse"),
                    None => return Err(read_error("cannot try an excuse", error)),
                }
                continue;
            }
            let call = market.call(ContractName::ProofOfWorkVerifier, excuse.calldata().clone());
            let label = format!("excuse node {node} from round {} by task {task}", round.number);
            let key = format!("{}:{task}", round.key("excuse"));
            if let Outcome::Landed { .. } = sender.once(&key, &label, call, Some(round.finishes_at)).await? {
                tracing::info!(round = round.number, %task, "excused, should the result be weak");
                return Ok(());
            }
        }
        Ok(())
    }

    async fn verified_rate(&self) -> Result<u64, AgentError> {
        let verified = self.market.verifier().verifiedHashRate(self.node.0).call().await;
        verified.map_err(|error| read_error("cannot read the verified power", error))
    }

    async fn send_answer(&self, sender: &Sender, round: &Round, nonces: Bytes) -> Result<(), AgentError> {
        let (market, node) = (&self.market, self.node);
        let call = market.verifier().submitRoundSolution(round.number, node.0, nonces).calldata().clone();
        let call = market.call(ContractName::ProofOfWorkVerifier, call);
        let label = format!("answer round {} for node {node}", round.number);
        match sender.once(&round.key("round"), &label, call, Some(round.window.deadline)).await? {
            Outcome::Landed { .. } => {
                let power = market.node(node).await?.verifiedPower;
                metrics::counter!("aiigo_agent_audits_total", "outcome" => "passed").increment(1);
                tracing::info!(round = round.number, power = format_power(power), "the audit is answered");
            }
            Outcome::Reverted { error, .. } => {
                metrics::counter!("aiigo_agent_audits_total", "outcome" => "refused").increment(1);
                tracing::error!(round = round.number, %error, "the answer was refused");
            }
            Outcome::Expired => {
                metrics::counter!("aiigo_agent_audits_total", "outcome" => "late").increment(1);
                tracing::error!(round = round.number, "the answer was not included in time");
            }
        }
        Ok(())
    }
}
