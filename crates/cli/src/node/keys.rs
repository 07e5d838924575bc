//! `aiigo node set-operator` and `set-payout`.

use aiigo_protocol::{NodeRegistry, parse_address};
use alloy::primitives::Address;
use clap::Args;

use super::OwnNode;
use crate::{CliError, cli::Session};

/// Let another key stand on the machine. Bids that the last one signed are void.
#[derive(Args, Debug)]
pub(crate) struct SetOperatorCommand {
    #[command(flatten)]
    own: OwnNode,
    /// The key: it works, and can move neither stake nor earnings
    #[arg(value_parser = parse_address)]
    operator: Address,
}

impl SetOperatorCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let (node, operator) = (self.own.node, self.operator);
        let wallet = self.own.wallet.open().await?;
        let call = NodeRegistry::setOperatorCall { nodeId: node.0, operator };
        let line = format!("let {operator} work as node {node}, and no other key");
        self.own.call(&wallet, &line, call, &format!("Node {node} is operated by {operator}"), session).await
    }
}

/// Let another account get what the node earns from now on.
#[derive(Args, Debug)]
pub(crate) struct SetPayoutCommand {
    #[command(flatten)]
    own: OwnNode,
    /// The account
    #[arg(value_parser = parse_address)]
    payout: Address,
}

impl SetPayoutCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let (node, payout) = (self.own.node, self.payout);
        let wallet = self.own.wallet.open().await?;
        let call = NodeRegistry::setPayoutCall { nodeId: node.0, payout };
        let line = format!("let {payout} get what node {node} earns");
        self.own.call(&wallet, &line, call, &format!("Node {node} earns for {payout}"), session).await
    }
}
