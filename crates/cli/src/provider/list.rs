//! `aiigo provider list`.

use std::path::{Path, PathBuf};

use aiigo_protocol::{
    NodeStatus, ResourceType,
    units::{format_power, parse_eth},
};
use aiigo_task::parse_power;
use alloy::primitives::U256;
use clap::{Args, ValueEnum};
use comfy_table::Table;
use serde::Deserialize;
use serde_json::json;

use super::Node;
use crate::{
    CliError,
    args::{IndexerArgs, resource_type},
    cli::Session,
    format,
    indexer::{Connection, Indexer, contract_name, graphql_name},
    job::quoted_job,
    output::{printable, table},
};

const FIELDS: &str = "id owner operator payout resourceType status trustLevel reputation stake unbonding power running \
                      tasksVerified tasksFailed uptimeBps metadataUri";
/// Nodes of a page, where this program itself looks at what they say.
const PAGE: u16 = 100;

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
    #[arg(long, value_name = "POWER", value_parser = parse_power)]
    min_power: Option<u32>,
    /// Only from this trust level on, 0 to 4
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(0..=4))]
    min_trust: Option<u8>,
    /// Only from this reputation on, 0 to 10000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=10_000))]
    min_reputation: Option<u16>,
    /// Only those that passed so many of their audit rounds, per cent
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_uptime: Option<u8>,
    /// Only those whose region, in their own words, begins like this
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Only those that, in their own words, work for so much an hour
    #[arg(long, value_name = "ETH", value_parser = parse_eth)]
    max_price: Option<U256>,
    /// What comes first; always the most of it
    #[arg(long, value_enum, default_value_t = Sort::Power)]
    sort: Sort,
    /// Only those that could take this job now, the best first, with their scores
    #[arg(long, value_name = "JOB.YAML", conflicts_with = "sort")]
    job: Option<PathBuf>,
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

#[derive(Deserialize)]
struct Quote {
    #[serde(rename = "match")]
    ranking: Ranking,
}

#[derive(Deserialize)]
struct Ranking {
    eligible: u64,
    candidates: Vec<Candidate>,
}

#[derive(Deserialize)]
struct Candidate {
    score: f64,
    node: Node,
}

impl ListCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let indexer = self.indexer.required("`aiigo provider list`")?;
        let (total, nodes) = match &self.job {
            Some(file) => self.ranked(&indexer, file).await?,
            None => self.listed(&indexer).await?,
        };
        session.output.result(&json!({ "totalCount": total, "nodes": nodes }), || {
            format!("{}\n{} of {total}", self.table(&nodes), nodes.len())
        })
    }

    /// How many the indexer has, and those that are wanted of them.
    async fn listed(&self, indexer: &Indexer) -> Result<(u64, Vec<Node>), CliError> {
        let query = format!(
            "query($first: Int, $after: String) {{ nodes(first: $first, after: $after, where: {{ {} }}, orderBy: [{{ {}: DESC \
             }}]) {{ totalCount pageInfo {{ hasNextPage endCursor }} edges {{ node {{ {FIELDS} }} }} }} }}",
            self.filter(),
            self.sort.graphql()
        );
        let first = if self.asks_their_words() { PAGE } else { self.first };
        let (mut wanted, mut after) = (Vec::new(), None);
        loop {
            let page: Connection<Node> =
                indexer.ask(&query, json!({ "first": first, "after": after }), "nodes").await?;
            after = page.next();
            let (total, nodes) = page.into_parts();
            wanted.extend(self.wanted(nodes));
            if wanted.len() >= self.first.into() || after.is_none() {
                wanted.truncate(self.first.into());
                return Ok((total, wanted));
            }
        }
    }

    /// How many could take a job, and the best of them.
    async fn ranked(&self, indexer: &Indexer, job: &Path) -> Result<(u64, Vec<Node>), CliError> {
        let query = format!(
            "query($request: QuoteInput!, $first: Int) {{ quote(request: $request, first: $first) {{ match {{ eligible \
             candidates {{ score node {{ {FIELDS} }} }} }} }} }}"
        );
        let variables = json!({ "request": quoted_job(job)?, "first": PAGE });
        let Quote { ranking } = indexer.ask(&query, variables, "quote").await?;
        let scored = ranking.candidates.into_iter().map(|it| Node { score: Some(it.score), ..it.node });
        let mut wanted: Vec<Node> = self.wanted(scored.collect()).collect();
        wanted.truncate(self.first.into());
        Ok((ranking.eligible, wanted))
    }

    /// Whether nodes are chosen by what they say of themselves, which the indexer does not look at.
    fn asks_their_words(&self) -> bool {
        self.region.is_some() || self.max_price.is_some() || self.min_uptime.is_some()
    }

    fn wanted(&self, nodes: Vec<Node>) -> impl Iterator<Item = Node> {
        let described = nodes.into_iter().map(|mut node| {
            node.describe();
            node
        });
        described.filter(|node| self.suits(node))
    }

    fn suits(&self, node: &Node) -> bool {
        let begins = |region: &String| {
            let own = node.region.as_deref().unwrap_or_default();
            own.get(..region.len()).is_some_and(|start| start.eq_ignore_ascii_case(region))
        };
        // Who names no price takes what brings more than its gas.
        let price = || node.lowest_price.as_deref().and_then(|price| parse_eth(price).ok()).unwrap_or_default();
        let passed = |percent: u8| node.uptime_bps.is_some_and(|uptime| uptime >= u16::from(percent) * 100);
        let is = |status: NodeStatus| node.status == graphql_name(status.name());
        let offers = |kind: ResourceType| node.resource_type == graphql_name(kind.name());
        self.region.as_ref().is_none_or(begins)
            && self.max_price.is_none_or(|most| price() <= most)
            && self.min_uptime.is_none_or(passed)
            // The rest the indexer has looked at, but for the candidates of a job.
            && self.status.is_none_or(is)
            && self.resource.is_none_or(offers)
            && self.min_power.is_none_or(|power| node.power >= power.into())
            && self.min_trust.is_none_or(|level| node.trust_level >= level)
            && self.min_reputation.is_none_or(|reputation| node.reputation >= reputation)
    }

    fn table(&self, nodes: &[Node]) -> Table {
        let mut head = vec!["NODE", "NAME", "REGION", "STATUS", "TYPE", "POWER", "FROM", "UPTIME"];
        head.extend(["REPUTATION", "TRUST", "STAKE", "TASKS"]);
        if self.job.is_some() {
            head.insert(1, "SCORE");
        }
        let mut rows = table(head);
        rows.add_rows(nodes.iter().map(|node| {
            let text = |said: &Option<String>| said.as_deref().map(printable).unwrap_or_default();
            let tasks = match node.tasks_failed {
                0 => node.tasks_verified.to_string(),
                failed => format!("{}, {failed} failed", node.tasks_verified),
            };
            let mut row = vec![
                node.id.to_string(),
                text(&node.name),
                text(&node.region),
                contract_name(NodeStatus::ALL.iter().map(|status| status.name()), &node.status),
                contract_name(ResourceType::ALL.iter().map(|kind| kind.name()), &node.resource_type),
                format_power(node.power),
                node.lowest_price.as_ref().map(|price| format!("{price} ETH/h")).unwrap_or_default(),
                node.uptime_bps.map(|uptime| format!("{}%", uptime / 100)).unwrap_or_default(),
                node.reputation.to_string(),
                node.trust_level.to_string(),
                format::aiigo(node.stake.0),
                tasks,
            ];
            if let Some(score) = node.score {
                row.insert(1, format!("{score:.3}"));
            }
            row
        }));
        rows
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
    use aiigo_protocol::NodeDescription;
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        list: ListCommand,
    }

    fn list(args: &[&str]) -> ListCommand {
        Line::parse_from(["list"].iter().chain(args)).list
    }

    /// As the indexer answers.
    fn node(description: &str) -> Node {
        let mut node: Node = serde_json::from_value(json!({
            "id": "7", "owner": "0x", "operator": "0x", "payout": "0x", "resourceType": "CPU", "status": "ACTIVE",
            "trustLevel": 2, "reputation": 5100, "stake": "1", "unbonding": "0", "power": "1500", "running": "0",
            "tasksVerified": "4", "tasksFailed": "1", "uptimeBps": 9950,
            "metadataUri": NodeDescription::address_of(description),
        }))
        .expect("a node");
        node.describe();
        node
    }

    #[test]
    fn nodes_are_chosen_by_what_they_say_and_by_what_is_known_of_them() {
        let node = node(r#"{"region":"EU-west","lowestPrices":{"CPU":"0.020","GPU":"9"}}"#);
        assert_eq!(node.lowest_price.as_deref(), Some("0.02"));
        for (args, suits) in [
            (&["--region", "eu"][..], true),
            (&["--region", "eu-west"], true),
            (&["--region", "eu-west-1"], false),
            (&["--region", "west"], false),
            (&["--max-price", "0.02 ETH"], true),
            (&["--max-price", "0.019"], false),
            (&["--min-uptime", "99"], true),
            (&["--min-uptime", "100"], false),
            (&["--status", "active", "--type", "cpu"], true),
            (&["--status", "inactive"], false),
            (&["--type", "gpu"], false),
            (&["--min-power", "1.5 TFLOPS"], true),
            (&["--min-power", "1501 GFLOPS"], false),
            (&["--min-trust", "3"], false),
            (&["--min-reputation", "5101"], false),
        ] {
            assert_eq!(list(args).suits(&node), suits, "{args:?}");
        }
    }

    #[test]
    fn who_says_nothing_has_no_region_and_no_lowest_price() {
        for description in ["{}", r#"{"lowestPrices":{"CPU":"cheap"}}"#, "no JSON"] {
            let node = node(description);
            assert_eq!(node.lowest_price, None);
            assert!(list(&["--max-price", "0.000001"]).suits(&node));
            assert!(!list(&["--region", "eu"]).suits(&node));
        }
    }

    #[test]
    fn a_table_has_scores_only_for_a_job() {
        let scored = Node { score: Some(0.5), ..node("{}") };
        assert!(list(&["--job", "job.yaml"]).table(&[scored]).to_string().contains("0.500"));
        assert!(!list(&[]).table(&[node("{}")]).to_string().contains("SCORE"));
    }
}
