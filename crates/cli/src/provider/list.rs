//! `aiigo provider list`.

use aiigo_protocol::{NodeStatus, ResourceType, units::format_power};
use alloy::primitives::utils::parse_units;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::Node;
use crate::{
    CliError,
    args::{IndexerArgs, resource_type},
    cli::Session,
    format,
    indexer::{Connection, contract_name, graphql_name},
    output::{printable, table},
};

const FIELDS: &str = "id owner operator payout resourceType status trustLevel reputation stake unbonding power running \
                      tasksVerified tasksFailed metadataUri";

/// List the market's nodes, the most powerful first.
#[derive(Args, Debug)]
pub(crate) struct ListCommand {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=100))]
    first: u16,
    /// Only those in this status: Pending, Verified, Active, Inactive, Slashed
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Option<NodeStatus>,
    /// Only those that offer this
    #[arg(long = "type", value_name = "TYPE", value_parser = resource_type)]
    resource: Option<ResourceType>,
    /// Only those with so much verified power: `500 GFLOPS`, `2 TFLOPS`
    #[arg(long, value_name = "POWER", value_parser = power)]
    min_power: Option<u64>,
    /// Only from this trust level on, 0 to 4
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(0..=4))]
    min_trust: Option<u8>,
    /// Only from this reputation on, 0 to 10000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=10_000))]
    min_reputation: Option<u16>,
    /// What comes first; always the most of it
    #[arg(long, value_enum, default_value_t = Sort::Power)]
    sort: Sort,
    #[command(flatten)]
    indexer: IndexerArgs,
}

/// What the list is ordered by.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sort {
    /// Verified power
    Power,
    /// Reputation
    Reputation,
    /// AIIGO at stake
    Stake,
    /// The newest registration
    Newest,
}

impl Sort {
    fn graphql(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Reputation => "reputation",
            Self::Stake => "stake",
            Self::Newest => "id",
        }
    }
}

fn status(text: &str) -> Result<NodeStatus, String> {
    let found = NodeStatus::ALL.iter().find(|status| status.name().eq_ignore_ascii_case(text));
    found.copied().ok_or_else(|| format!("`{text}` is no status of a node"))
}

/// TFLOPS, in thousandths.
fn power(text: &str) -> Result<u64, String> {
    let parsed = parse_units(text, 3).ok().and_then(|milli| u64::try_from(milli.get_absolute()).ok());
    parsed
        .filter(|_| text.starts_with(|c: char| c.is_ascii_digit()))
        .ok_or_else(|| "expected a number of TFLOPS, such as 0.5".into())
}

impl ListCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let indexer = self.indexer.required("`aiigo provider list`")?;
        let query = format!(
            "query($first: Int) {{ nodes(first: $first, where: {{ {} }}, orderBy: [{{ {}: DESC }}]) {{ totalCount edges {{ \
             node {{ {FIELDS} }} }} }} }}",
            self.filter(),
            self.sort.graphql()
        );
        let nodes: Connection<Node> = indexer.ask(&query, json!({ "first": self.first }), "nodes").await?;
        let (total, mut nodes) = nodes.into_parts();
        for node in &mut nodes {
            node.describe();
        }
        session.output.result(&json!({ "totalCount": total, "nodes": nodes }), || {
            let mut rows = table([
                "NODE",
                "NAME",
                "REGION",
                "STATUS",
                "TYPE",
                "POWER",
                "REPUTATION",
                "TRUST",
                "STAKE",
                "TASKS",
                "FAILED",
            ]);
            rows.add_rows(nodes.iter().map(|node| {
                let text = |said: &Option<String>| said.as_deref().map(printable).unwrap_or_default();
                [
                    node.id.to_string(),
                    text(&node.name),
                    text(&node.region),
                    contract_name(NodeStatus::ALL.iter().map(|status| status.name()), &node.status),
                    contract_name(ResourceType::ALL.iter().map(|kind| kind.name()), &node.resource_type),
                    format_power(node.power),
                    node.reputation.to_string(),
                    node.trust_level.to_string(),
                    format::aiigo(node.stake.0),
                    node.tasks_verified.to_string(),
                    node.tasks_failed.to_string(),
                ]
            }));
            format!("{rows}\n{} of {total}", nodes.len())
        })
    }

    fn filter(&self) -> String {
        let conditions = [
            self.status.map(|status| format!("status: {{ _eq: {} }}", graphql_name(status.name()))),
            self.resource.map(|kind| format!("resourceType: {{ _eq: {} }}", graphql_name(kind.name()))),
            self.min_power.map(|power| format!("power: {{ _gte: \"{power}\" }}")),
            self.min_trust.map(|level| format!("trustLevel: {{ _gte: {level} }}")),
            self.min_reputation.map(|reputation| format!("reputation: {{ _gte: {reputation} }}")),
        ];
        conditions.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_is_asked_for_in_tflops() {
        assert_eq!(power("0.5"), Ok(500));
        assert_eq!(power("12"), Ok(12_000));
        for text in ["-1", "much", ""] {
            assert!(power(text).is_err(), "{text}");
        }
    }
}
