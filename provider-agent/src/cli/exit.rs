//! `exit`: off the market in order, with the owner's key. What can't be done yet is done by the next call.

use std::time::Duration;

use aiigo_chain::SignerArgs;
use aiigo_protocol::{ContractName, NodeId, NodeRegistry::NodeInfo, units};
use alloy::primitives::{B256, U256};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{Agent, CommonArgs, Report, sending::sending};
use crate::{
    error::{AgentError, Context},
    sender::Sender,
    store::Mode,
};

/// Rest between two looks at tasks that are still running.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Args, Clone, Debug)]
pub(super) struct ExitArgs {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    signer: SignerArgs,
}

/// How far the node is out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExitReport {
    node_id: String,
    /// Sent now, in this order.
    transactions: Vec<Sent>,
    /// AIIGO wei that left for the owner now.
    withdrawn: String,
    /// AIIGO wei that still unbonds.
    unbonding: String,
    /// When it can be withdrawn, unix seconds; none if nothing unbonds.
    #[serde(skip_serializing_if = "Option::is_none")]
    ready_at: Option<u64>,
    /// Results that buyers or the court still look at.
    reviewing: u16,
    /// Whether nothing is left to do.
    done: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    label: String,
    tx_hash: B256,
}

/// Goes as far as it can: no new tasks, offline, all tasks ended, the stake unbonding, the stake withdrawn.
pub(super) async fn exit(args: &ExitArgs, token: CancellationToken) -> Result<ExitReport, AgentError> {
    let agent = args.common.open().await?;
    let node = args.common.node(&agent).await?;
    let key = args.signer.load_async().await.context("no owner's key")?;
    let info = agent.market.node(node).await?;
    if info.owner != key.address() {
        return Err(AgentError::new(format!(
            "node {node} belongs to {}, not to {}: use the owner's key",
            info.owner,
            key.address()
        )));
    }
    agent.store.set_mode(Mode::Leaving).await?;
    sending(&agent, key, token, async |sender| Leaving { agent: &agent, node, sender, sent: Vec::new() }.go(info).await)
        .await
}

struct Leaving<'a> {
    agent: &'a Agent,
    node: NodeId,
    sender: Sender,
    sent: Vec<Sent>,
}

impl Leaving<'_> {
    async fn go(mut self, mut info: NodeInfo) -> Result<ExitReport, AgentError> {
        let registry = self.agent.market.registry();
        if info.online {
            self.send("online", "take the node offline", registry.setOnline(self.node.0, false).calldata().clone())
                .await?;
        }
        self.wait_for_tasks().await?;
        info = self.agent.market.node(self.node).await?;
        if info.stake > 0 {
            let all = U256::from(info.stake);
            let label = format!("unstake {} AIIGO", units::format_amount(all));
            self.send("unstake", &label, registry.unstake(self.node.0, all).calldata().clone()).await?;
            info = self.agent.market.node(self.node).await?;
        }
        let mut withdrawn = 0;
        let now = self.agent.market.head().await?.timestamp;
        if info.unbonding > 0 && info.unbondingReadyAt.to::<u64>() <= now && info.reviewing == 0 {
            let label = format!("withdraw {} AIIGO", units::format_amount(U256::from(info.unbonding)));
            self.send("withdraw-stake", &label, registry.withdrawStake(self.node.0).calldata().clone()).await?;
            withdrawn = info.unbonding;
            info = self.agent.market.node(self.node).await?;
        }
        let unbonding = info.unbonding;
        Ok(ExitReport {
            node_id: self.node.to_string(),
            transactions: self.sent,
            withdrawn: withdrawn.to_string(),
            unbonding: unbonding.to_string(),
            ready_at: (unbonding > 0).then(|| info.unbondingReadyAt.to()),
            reviewing: info.reviewing,
            done: unbonding == 0 && info.stake == 0,
        })
    }

    /// Tasks that run are brought to their end by the agent; whoever leaves them pays with stake.
    async fn wait_for_tasks(&self) -> Result<(), AgentError> {
        let mut said = None;
        loop {
            let running = self.agent.market.node(self.node).await?.running;
            if running == 0 {
                return Ok(());
            }
            if !self.agent.data.is_locked()? {
                return Err(AgentError::new(format!(
                    "{running} tasks of node {} are running, and no agent works in {}: start `aiigo-agent run`, which \
                     takes no new ones, then call `aiigo-agent exit` again",
                    self.node,
                    self.agent.data.path().display()
                )));
            }
            if said != Some(running) {
                tracing::info!(running, "waiting for tasks to end; interrupt and call again later if you like");
                said = Some(running);
            }
            tokio::select! {
                () = self.sender.token().cancelled() => return Err(AgentError::stopped()),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn send(&mut self, step: &str, label: &str, data: alloy::primitives::Bytes) -> Result<(), AgentError> {
        let call = self.agent.market.call(ContractName::NodeRegistry, data);
        // Each step is taken once per state of the chain, so a key of its own for each time does no harm.
        let key = format!("{step}:{}:{}", self.node, self.agent.market.head().await?.number);
        let landed = self.sender.must_land(&key, label, call).await?;
        tracing::info!(label, tx = %landed.tx_hash, "done");
        self.sent.push(Sent { label: label.to_owned(), tx_hash: landed.tx_hash });
        Ok(())
    }
}

impl Report for ExitReport {
    fn text(&self) -> String {
        let aiigo = |wei: &str| units::format_amount(wei.parse().unwrap_or(U256::ZERO));
        let mut text = format!("Node {}\n", self.node_id);
        for sent in &self.transactions {
            text.push_str(&format!("  {}  {}\n", sent.tx_hash, sent.label));
        }
        if self.done {
            text.push_str("It has left the market. Earnings: `aiigo-agent withdraw` with the payout key.\n");
            return text;
        }
        if let Some(ready) = self.ready_at {
            let ready = i64::try_from(ready).ok().and_then(|ready| Timestamp::from_second(ready).ok());
            let ready = ready.map_or_else(|| "?".into(), |ready| ready.strftime("%Y-%m-%d %H:%M UTC").to_string());
            text.push_str(&format!("{} AIIGO unbond until {ready}", aiigo(&self.unbonding)));
            if self.reviewing > 0 {
                text.push_str(&format!(", and as long as {} results are in review", self.reviewing));
            }
            text.push_str(": call `aiigo-agent exit` again then.\n");
        }
        text
    }
}
