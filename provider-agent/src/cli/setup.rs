//! `setup`: a node, its keys and its stake, with the owner's key.

use std::io::{self, IsTerminal, Write};

use aiigo_chain::SignerArgs;
use aiigo_protocol::{ContractName, NodeId, NodeRegistry, ResourceType, units};
use alloy::{
    primitives::{Address, B256, U256},
    providers::Provider,
    rpc::types::Filter,
    sol_types::SolEvent,
};
use clap::{Args, builder::PossibleValuesParser, builder::TypedValueParser};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{Agent, CommonArgs, Report, sending::sending};
use crate::{
    error::{AgentError, Context, read_error},
    market::{Call, Market},
    policy::PolicyFile,
    sender::Sender,
};

#[derive(Args, Clone, Debug)]
pub(super) struct SetupArgs {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    signer: SignerArgs,
    /// What the machine offers.
    #[arg(long, value_name = "TYPE", env = "AIIGO_RESOURCE", default_value = "CPU", value_parser = resource_types())]
    resource: ResourceType,
    /// AIIGO that the node shall have at stake; what is missing is added, nothing is taken away.
    #[arg(long, value_name = "AIIGO", env = "AIIGO_STAKE", value_parser = amount)]
    stake: Option<U256>,
    /// Address of the key that stands on the machine: it works, and can move neither stake nor earnings [default: the owner].
    #[arg(long, value_name = "ADDRESS", env = "AIIGO_OPERATOR")]
    operator: Option<Address>,
    /// Address that the earnings go to [default: the owner].
    #[arg(long, value_name = "ADDRESS", env = "AIIGO_PAYOUT")]
    payout: Option<Address>,
    /// What the node is called.
    #[arg(long, value_name = "NAME", env = "AIIGO_NAME")]
    name: Option<String>,
    /// Where it stands, such as `eu-west`.
    #[arg(long, value_name = "REGION", env = "AIIGO_REGION")]
    region: Option<String>,
    /// Pay the registration fee without being asked.
    #[arg(long, short)]
    yes: bool,
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SetupReport {
    node_id: String,
    owner: Address,
    operator: Address,
    payout: Address,
    /// AIIGO wei.
    stake: String,
    /// Sent now; empty if all was as it should be.
    transactions: Vec<Sent>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    label: String,
    tx_hash: B256,
    block: u64,
}

/// Metadata as the node's `data:` URI holds it.
#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    agent: &'static str,
}

/// Brings the node to what was asked for, by as few transactions as that takes.
pub(super) async fn setup(args: &SetupArgs, token: CancellationToken) -> Result<SetupReport, AgentError> {
    let agent = args.common.open().await?;
    let _lock = agent.data.lock().await?;
    let signer = args.signer.load_async().await.context("no owner's key")?;
    let owner = signer.address();
    PolicyFile::write_template(&agent.data.policy())?;
    let (node, sent) = sending(&agent, signer, token, async |sender| {
        let mut setup = Setup { args, agent: &agent, sender, sent: Vec::new() };
        let node = setup.bring_about().await?;
        Ok((node, setup.sent))
    })
    .await?;
    let info = agent.market.node(node).await?;
    Ok(SetupReport {
        node_id: node.to_string(),
        owner,
        operator: info.operator,
        payout: info.payout,
        stake: info.stake.to_string(),
        transactions: sent,
    })
}

struct Setup<'a> {
    args: &'a SetupArgs,
    agent: &'a Agent,
    sender: Sender,
    sent: Vec<Sent>,
}

impl Setup<'_> {
    async fn bring_about(&mut self) -> Result<NodeId, AgentError> {
        let (node, is_new) = match self.args.common.known_node(self.agent).await? {
            Some(node) => (node, false),
            None => match self.registered_before().await? {
                Some(node) => (node, false),
                None => (self.register().await?, true),
            },
        };
        self.remember(node).await?;
        let info = self.market().node(node).await?;
        if info.owner != self.sender.address() {
            return Err(AgentError::new(format!(
                "node {node} belongs to {}, not to {}: use the owner's key",
                info.owner,
                self.sender.address()
            )));
        }
        if !is_new {
            self.correct(node, &info).await?;
        }
        self.stake(node, U256::from(info.stake)).await?;
        Ok(node)
    }

    fn market(&self) -> &Market {
        &self.agent.market
    }

    async fn remember(&self, node: NodeId) -> Result<(), AgentError> {
        let (chain, registry) = (self.market().chain_id(), self.market().address(ContractName::NodeRegistry));
        self.agent.store.set_node(chain, registry, node, self.sender.address()).await
    }

    /// A node of this owner and operator whose registration this folder does not know of: the fee is paid once.
    async fn registered_before(&self) -> Result<Option<NodeId>, AgentError> {
        let owner = self.sender.address();
        let filter = Filter::new()
            .address(self.market().address(ContractName::NodeRegistry))
            .event_signature(NodeRegistry::NodeRegistered::SIGNATURE_HASH)
            .topic2(owner.into_word())
            .from_block(self.market().deployment().block);
        let logs = self.market().provider().get_logs(&filter).await;
        let mut found = None;
        for log in logs.context("cannot look for nodes that are registered already: name yours with --node")? {
            let Ok(event) = log.log_decode::<NodeRegistry::NodeRegistered>() else { continue };
            let node = NodeId(event.inner.nodeId);
            let info = self.market().node(node).await?;
            if info.operator == self.args.operator.unwrap_or(owner) {
                tracing::info!(%node, "registered already");
                found = Some(node);
            }
        }
        Ok(found)
    }

    async fn register(&mut self) -> Result<NodeId, AgentError> {
        let parameters = self.market().registry().parameters().call().await;
        let fee =
            parameters.map_err(|error| read_error("cannot read the registry's parameters", error))?.registrationFee;
        let fee = U256::from(fee);
        self.check_funds(fee).await?;
        self.confirm(fee).await?;
        let operator = self.args.operator.unwrap_or(Address::ZERO);
        let payout = self.args.payout.unwrap_or(Address::ZERO);
        let resource = u8::from(self.args.resource);
        let data =
            self.market().registry().registerNode(resource, self.metadata()?, operator, payout, 0).calldata().clone();
        let call = Call { to: self.market().address(ContractName::NodeRegistry), data, value: fee };
        // The same folder, owner and operator never pay twice.
        let key = format!("register:{}", self.args.operator.unwrap_or(self.sender.address()));
        let receipt = self.send(&key, "register a node", call).await?;
        receipt
            .logs()
            .iter()
            .find_map(|log| log.log_decode::<NodeRegistry::NodeRegistered>().ok())
            .map(|log| NodeId(log.inner.nodeId))
            .ok_or_else(|| AgentError::new("the registration landed but named no node: is the deployment file right?"))
    }

    async fn check_funds(&self, fee: U256) -> Result<(), AgentError> {
        let owner = self.sender.address();
        let eth = self.market().eth_of(owner).await?;
        if eth <= fee {
            return Err(AgentError::new(format!(
                "{owner} has {} ETH; registering costs {} ETH and gas: send it some",
                units::format_amount(eth),
                units::format_amount(fee)
            )));
        }
        Ok(())
    }

    async fn confirm(&self, fee: U256) -> Result<(), AgentError> {
        let fee = units::format_amount(fee);
        let what = format!("Registering a node costs {fee} ETH, which is not given back.");
        if self.args.yes {
            tracing::info!("{what}");
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(AgentError::new(format!("{what} Say --yes to pay it")));
        }
        let asked = tokio::task::spawn_blocking(move || ask(&format!("{what} Pay it? [y/N] "))).await;
        match asked.context("cannot ask")?.context("cannot ask on this terminal: say --yes")? {
            true => Ok(()),
            false => Err(AgentError::new("nothing was registered, nothing was paid")),
        }
    }

    /// Keys and metadata of a node that was registered earlier.
    async fn correct(&mut self, node: NodeId, info: &NodeRegistry::NodeInfo) -> Result<(), AgentError> {
        let block = self.market().head().await?.number;
        if let Some(operator) = self.args.operator.filter(|operator| *operator != info.operator) {
            let data = self.market().registry().setOperator(node.0, operator).calldata().clone();
            let call = self.market().call(ContractName::NodeRegistry, data);
            self.send(&format!("operator:{node}:{operator}:{block}"), "set the operator", call).await?;
        }
        if let Some(payout) = self.args.payout.filter(|payout| *payout != info.payout) {
            let data = self.market().registry().setPayout(node.0, payout).calldata().clone();
            let call = self.market().call(ContractName::NodeRegistry, data);
            self.send(&format!("payout:{node}:{payout}:{block}"), "set the payout address", call).await?;
        }
        let metadata = self.metadata()?;
        let says_something = self.args.name.is_some() || self.args.region.is_some();
        if says_something && self.current_metadata(node).await? != Some(metadata.clone()) {
            let data = self.market().registry().setMetadata(node.0, metadata).calldata().clone();
            let call = self.market().call(ContractName::NodeRegistry, data);
            self.send(&format!("metadata:{node}:{block}"), "set the metadata", call).await?;
        }
        Ok(())
    }

    /// The latest metadata that the registry announced; it keeps none.
    async fn current_metadata(&self, node: NodeId) -> Result<Option<String>, AgentError> {
        let (registered, changed) =
            (NodeRegistry::NodeRegistered::SIGNATURE_HASH, NodeRegistry::MetadataChanged::SIGNATURE_HASH);
        let filter = Filter::new()
            .address(self.market().address(ContractName::NodeRegistry))
            .event_signature(vec![registered, changed])
            .topic1(U256::from(node.0))
            .from_block(self.market().deployment().block);
        let logs = self.market().provider().get_logs(&filter).await.context("cannot read the node's metadata")?;
        Ok(logs.last().and_then(|log| {
            let changed = log.log_decode::<NodeRegistry::MetadataChanged>().map(|log| log.inner.data.metadataURI);
            changed
                .or_else(|_| log.log_decode::<NodeRegistry::NodeRegistered>().map(|log| log.inner.data.metadataURI))
                .ok()
        }))
    }

    /// Adds what is missing.
    async fn stake(&mut self, node: NodeId, has: U256) -> Result<(), AgentError> {
        let Some(missing) = self.args.stake.and_then(|wanted| wanted.checked_sub(has)).filter(|it| !it.is_zero())
        else {
            return Ok(());
        };
        let (owner, registry) = (self.sender.address(), self.market().address(ContractName::NodeRegistry));
        let failed = |error| read_error("cannot read the owner's AIIGO", error);
        let balance = self.market().token().balanceOf(owner).call().await.map_err(failed)?;
        if balance < missing {
            return Err(AgentError::new(format!(
                "{owner} has {} AIIGO, and {} are to be staked: send it some",
                units::format_amount(balance),
                units::format_amount(missing)
            )));
        }
        let allowance = self.market().token().allowance(owner, registry).call().await.map_err(failed)?;
        // Nothing else changes the stake upwards, so its amount tells one occasion from another.
        let occasion = format!("{node}:{has}:{missing}");
        if allowance < missing {
            let data = self.market().token().approve(registry, missing).calldata().clone();
            let call = self.market().call(ContractName::AIIGOToken, data);
            self.send(&format!("approve:{occasion}:{allowance}"), "approve the stake", call).await?;
        }
        let data = self.market().registry().stakeForNode(node.0, missing).calldata().clone();
        let call = self.market().call(ContractName::NodeRegistry, data);
        let label = format!("stake {} AIIGO", units::format_amount(missing));
        let block = self.market().head().await?.number;
        self.send(&format!("stake:{occasion}:{block}"), &label, call).await?;
        Ok(())
    }

    async fn send(
        &mut self,
        key: &str,
        label: &str,
        call: Call,
    ) -> Result<Box<alloy::rpc::types::TransactionReceipt>, AgentError> {
        let landed = self.sender.must_land(key, label, call).await?;
        tracing::info!(label, tx = %landed.tx_hash, "done");
        self.sent.push(Sent { label: label.to_owned(), tx_hash: landed.tx_hash, block: landed.block });
        Ok(landed.receipt)
    }

    fn metadata(&self) -> Result<String, AgentError> {
        let metadata = Metadata {
            name: self.args.name.as_deref(),
            region: self.args.region.as_deref(),
            agent: concat!("aiigo-agent/", env!("CARGO_PKG_VERSION")),
        };
        let json = serde_json::to_string(&metadata).context("cannot write the node's metadata")?;
        Ok(format!("data:application/json,{}", percent_encoded(&json)))
    }
}

/// RFC 2397 wants a URI's characters; everything but the unreserved ones is escaped.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn ask(question: &str) -> io::Result<bool> {
    let mut stderr = io::stderr();
    stderr.write_all(question.as_bytes())?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn amount(text: &str) -> Result<U256, String> {
    units::parse_amount(text).map_err(|error| error.to_string())
}

fn resource_types() -> impl TypedValueParser<Value = ResourceType> {
    PossibleValuesParser::new(ResourceType::ALL.iter().map(|kind| kind.name())).try_map(|name| {
        let found = ResourceType::ALL.iter().find(|kind| kind.name() == name);
        found.copied().ok_or_else(|| format!("unknown type `{name}`"))
    })
}

impl Report for SetupReport {
    fn text(&self) -> String {
        let stake = self.stake.parse().unwrap_or(U256::ZERO);
        let mut text = format!(
            "Node {}\n  owner     {}\n  operator  {}\n  payout    {}\n  stake     {} AIIGO\n",
            self.node_id,
            self.owner,
            self.operator,
            self.payout,
            units::format_amount(stake)
        );
        for sent in &self.transactions {
            text.push_str(&format!("  {}  {} in block {}\n", sent.tx_hash, sent.label, sent.block));
        }
        text.push_str("Next: `aiigo-agent run` with the operator's key.\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_a_uri() {
        assert_eq!(percent_encoded(r#"{"a":"é b"}"#), "%7B%22a%22%3A%22%C3%A9%20b%22%7D");
    }
}
