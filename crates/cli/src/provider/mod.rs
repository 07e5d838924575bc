//! `aiigo provider`: the machines of the market.

mod list;
mod show;

use aiigo_protocol::{
    NodeDescription, ResourceType,
    units::{format_amount, parse_amount},
};
use clap::Subcommand;
use serde::{Deserialize, Serialize};

pub(crate) use self::show::stakes;
use self::{list::ListCommand, show::ShowCommand};
use crate::{
    CliError,
    cli::Session,
    indexer::{U256Text, contract_name, number},
};

/// `aiigo provider`.
#[derive(Subcommand, Debug)]
pub(crate) enum ProviderCommand {
    List(ListCommand),
    Show(ShowCommand),
}

impl ProviderCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::List(command) => command.run(session).await,
            Self::Show(command) => command.run(session).await,
        }
    }
}

/// A node, as the indexer and the registry alike tell it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    #[serde(deserialize_with = "number")]
    id: u64,
    owner: String,
    operator: String,
    payout: String,
    resource_type: String,
    status: String,
    trust_level: u8,
    reputation: u16,
    /// AIIGO wei, decimal.
    stake: U256Text,
    unbonding: U256Text,
    /// Milli-TFLOPS.
    #[serde(deserialize_with = "number")]
    power: u64,
    #[serde(deserialize_with = "number")]
    running: u64,
    #[serde(deserialize_with = "number")]
    tasks_verified: u64,
    #[serde(deserialize_with = "number")]
    tasks_failed: u64,
    /// The part of its audit rounds that it passed, basis points; none before the first. Only the indexer counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uptime_bps: Option<u16>,
    /// Where the node describes itself; what follows is the description's, if it stands in that very address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// The lowest price that it takes, ETH an hour: what it said when it was described.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lowest_price: Option<String>,
    /// How well it suits a job, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
}

impl Node {
    /// Takes in what the node says of itself. An address elsewhere is not asked: it is a stranger's choice.
    fn describe(&mut self) {
        let Some(mut said) = self.metadata_uri.as_deref().and_then(NodeDescription::inline) else { return };
        let resource = contract_name(ResourceType::ALL.iter().map(|kind| kind.name()), &self.resource_type);
        let price = said.lowest_prices.remove(&resource).and_then(|price| parse_amount(&price).ok());
        self.lowest_price = price.map(format_amount);
        (self.name, self.region) = (said.name, said.region);
    }
}
