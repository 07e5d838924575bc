//! `setup`: a node, its keys and its stake, with the owner's key: on this machine, or signed elsewhere.

mod apply;
mod metadata;
pub(super) mod offline;
mod plan;
mod wizard;

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use aiigo_chain::SignerArgs;
use aiigo_protocol::{
    NodeDescription, NodeId,
    NodeRegistry::NodeInfo,
    ResourceType, parse_address,
    units::{self, format_amount},
};
use alloy::primitives::{Address, U256};
use clap::{Args, builder::PossibleValuesParser, builder::TypedValueParser};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use url::Url;

use self::{
    apply::Sent,
    metadata::{Metadata, PublishArgs},
    plan::{Plan, Wishes},
};
use super::{Agent, CommonArgs, Report, ask, sending::sending};
use crate::{
    error::{AgentError, Context},
    machine::{Gpus, Hardware, download_speed},
    operator,
    policy::PolicyFile,
};

#[derive(Args, Clone, Debug)]
pub(super) struct SetupArgs {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    signer: SignerArgs,
    /// What the machine offers [default: CPU].
    #[arg(long, value_name = "TYPE", env = "AIIGO_RESOURCE", value_parser = resource_types())]
    resource: Option<ResourceType>,
    /// AIIGO that the node shall have at stake; what is missing is added, nothing is taken away.
    #[arg(long, value_name = "AIIGO", env = "AIIGO_STAKE", value_parser = units::parse_aiigo)]
    stake: Option<U256>,
    /// The key that stands on the machine: it works, and can move neither stake nor earnings. An address, or `new` for a key
    /// made here and used by the other commands [default: the owner].
    #[arg(long, value_name = "ADDRESS|new", env = "AIIGO_OPERATOR")]
    operator: Option<OperatorKey>,
    /// Address that the earnings go to [default: the owner].
    #[arg(long, value_name = "ADDRESS", env = "AIIGO_PAYOUT", value_parser = parse_address)]
    payout: Option<Address>,
    /// ETH that the operator shall have for gas; what is missing is sent.
    #[arg(long, value_name = "ETH", env = "AIIGO_GAS", value_parser = units::parse_eth)]
    gas: Option<U256>,
    /// What the node is called.
    #[arg(long, value_name = "NAME", env = "AIIGO_NAME")]
    name: Option<String>,
    /// Where it stands, such as `eu-west`.
    #[arg(long, value_name = "REGION", env = "AIIGO_REGION")]
    region: Option<String>,
    /// Measure the line by downloading from here, for ten seconds at most, and put that into the node's description.
    #[arg(long, value_name = "URL", env = "AIIGO_SPEED_TEST")]
    speed_test: Option<Url>,
    /// Describe the node anew, as it is now.
    #[arg(long)]
    describe: bool,
    #[command(flatten)]
    publish: PublishArgs,
    /// The owner, whose key is elsewhere.
    #[arg(long, value_name = "ADDRESS", requires = "unsigned", value_parser = parse_address)]
    owner: Option<Address>,
    /// Send nothing, but write the owner's transactions into this file, for `aiigo-agent sign` where the key is.
    #[arg(long, value_name = "FILE", requires = "owner")]
    unsigned: Option<PathBuf>,
    /// Send what `aiigo-agent sign` signed.
    #[arg(long, value_name = "FILE", conflicts_with = "unsigned")]
    signed: Option<PathBuf>,
    /// Do it without being asked; what is not said has its default.
    #[arg(long, short)]
    yes: bool,
}

/// Whose key stands on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OperatorKey {
    /// One that is made in the data folder.
    New,
    Of(Address),
}

impl std::str::FromStr for OperatorKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "new" => Ok(Self::New),
            text => parse_address(text).map(Self::Of).map_err(|error| format!("{error}; or `new`")),
        }
    }
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SetupReport {
    /// None while the owner has not signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    node_id: Option<String>,
    owner: Address,
    operator: Address,
    payout: Address,
    /// AIIGO wei.
    stake: String,
    /// What the machine has.
    hardware: Hardware,
    /// Sent now; empty if all was as it should be.
    transactions: Vec<Sent>,
    /// What the owner has to sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_sign: Option<PathBuf>,
}

/// Brings the node to what was asked for, by as few transactions as that takes.
pub(super) async fn setup(args: &SetupArgs, token: CancellationToken) -> Result<SetupReport, AgentError> {
    let agent = args.common.open().await?;
    let _lock = agent.data.lock().await?;
    let hardware = detect(args, &agent).await?;
    let known = args.common.known_node(&agent).await?;
    if let Some(file) = &args.signed {
        let (node, owner, sent) = offline::send(&agent, file, known, &token).await?;
        return report(&agent, node, owner, hardware, sent).await;
    }
    let answered;
    let args = if args.asks() {
        answered = wizard::ask(args.clone(), &agent, known, &hardware).await?;
        &answered
    } else {
        args
    };
    PolicyFile::write_template(&agent.data.policy())?;
    let description = NodeDescription {
        name: args.name.clone(),
        region: args.region.clone(),
        lowest_prices: lowest_prices(&agent.data.policy()),
    };
    let metadata = Metadata::new(description, hardware.clone());
    let wishes = args.wishes(&agent, &metadata).await?;
    match (&args.unsigned, args.owner) {
        (Some(file), Some(owner)) => {
            let plan = Plan::make(&agent, known, owner, &wishes).await?;
            args.publish.publish(&metadata, &agent.data.description()).await?;
            offline::write(&agent, &plan, owner, file).await?;
            let info = match plan.node {
                Some(node) => Some(agent.market.node(node).await?),
                None => None,
            };
            let of_node = |key: fn(&NodeInfo) -> Address| info.as_ref().map_or(owner, key);
            let operator = wishes.operator.unwrap_or_else(|| of_node(|info| info.operator));
            let payout = wishes.payout.unwrap_or_else(|| of_node(|info| info.payout));
            let stake = info.as_ref().map_or(U256::ZERO, |info| U256::from(info.stake));
            Ok(SetupReport {
                node_id: plan.node.map(|node| node.to_string()),
                owner,
                operator,
                payout,
                stake: stake.max(wishes.stake.unwrap_or_default()).to_string(),
                hardware,
                transactions: Vec::new(),
                to_sign: Some(file.clone()),
            })
        }
        _ => {
            let key = args.signer.load_async().await.context("no owner's key")?;
            let owner = key.address();
            let (node, sent) = sending(&agent, key, token, async |sender| {
                // What was wanted then may not be wanted now, and nothing is sent that was not shown.
                sender.give_up(&apply::prefix(&agent)).await?;
                let plan = Plan::make(&agent, known, owner, &wishes).await?;
                confirm(args, &plan).await?;
                args.publish.publish(&metadata, &agent.data.description()).await?;
                apply::apply(&agent, &plan, &sender).await
            })
            .await?;
            report(&agent, node, owner, hardware, sent).await
        }
    }
}

/// What the policy asks for, ETH an hour by resource. Of a policy that can't be read `doctor` and `run` tell.
fn lowest_prices(policy: &Path) -> BTreeMap<String, String> {
    let Ok(file) = PolicyFile::open(policy) else { return BTreeMap::new() };
    let policy = file.policy();
    let price = |kind: &ResourceType| {
        let floor = policy.floor_of((*kind).into());
        (!floor.is_zero()).then(|| (kind.name().to_owned(), format_amount(floor)))
    };
    ResourceType::ALL.iter().filter_map(price).collect()
}

impl SetupArgs {
    /// Whether somebody is there to be asked, and wants to be.
    fn asks(&self) -> bool {
        !self.yes && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    async fn wishes(&self, agent: &Agent, metadata: &Metadata) -> Result<Wishes, AgentError> {
        let operator = match self.operator {
            Some(OperatorKey::New) => Some(operator::make(&agent.data).await?),
            Some(OperatorKey::Of(address)) => Some(address),
            None => None,
        };
        let says_something = self.name.is_some() || self.region.is_some() || self.speed_test.is_some();
        Ok(Wishes {
            resource: self.resource,
            operator,
            payout: self.payout,
            stake: self.stake,
            gas: self.gas,
            metadata: self.publish.address_of(metadata)?,
            describes_anew: self.describe || says_something,
        })
    }
}

async fn detect(args: &SetupArgs, agent: &Agent) -> Result<Hardware, AgentError> {
    let folder = agent.data.path().to_owned();
    let found = tokio::task::spawn_blocking(move || Hardware::detect(&folder, &Gpus::open())).await;
    let mut hardware = found.context("looking at the machine was cut off")?.context("cannot look at the disk")?;
    if let Some(url) = &args.speed_test {
        hardware.download_mbps = Some(download_speed(url).await?);
    }
    Ok(hardware)
}

/// Asks before anything is sent.
async fn confirm(args: &SetupArgs, plan: &Plan) -> Result<(), AgentError> {
    if plan.steps.is_empty() {
        return Ok(());
    }
    let steps: Vec<_> = plan.steps.iter().map(|step| format!("  - {}\n", step.label())).collect();
    let what = format!("The owner's key will\n{}", steps.concat());
    if args.yes {
        tracing::info!("{what}");
        return Ok(());
    }
    ask::consent(what, "nothing was registered, nothing was paid").await
}

async fn report(
    agent: &Agent,
    node: NodeId,
    owner: Address,
    hardware: Hardware,
    transactions: Vec<Sent>,
) -> Result<SetupReport, AgentError> {
    let info = agent.market.node(node).await?;
    Ok(SetupReport {
        node_id: Some(node.to_string()),
        owner,
        operator: info.operator,
        payout: info.payout,
        stake: info.stake.to_string(),
        hardware,
        transactions,
        to_sign: None,
    })
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
            "Node {}\n  machine   {}\n  owner     {}\n  operator  {}\n  payout    {}\n  stake     {} AIIGO\n",
            self.node_id.as_deref().unwrap_or("(not registered yet)"),
            self.hardware,
            self.owner,
            self.operator,
            self.payout,
            units::format_amount(stake)
        );
        for sent in &self.transactions {
            text.push_str(&format!("  {}  {} in block {}\n", sent.tx_hash, sent.label, sent.block));
        }
        match &self.to_sign {
            Some(file) => text.push_str(&format!(
                "Next: take {0} to where the owner's key is, `aiigo-agent sign {0}` there, bring the signed file back, and\n\
                 `aiigo-agent setup --signed` it here.\n",
                file.display()
            )),
            None => text.push_str("Next: `aiigo-agent run` with the operator's key.\n"),
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_an_address_or_new() {
        assert_eq!("new".parse(), Ok(OperatorKey::New));
        let one = Address::repeat_byte(1);
        assert_eq!(one.to_string().parse(), Ok(OperatorKey::Of(one)));
        assert!("mine".parse::<OperatorKey>().is_err());
    }
}
