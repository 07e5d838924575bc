//! `aiigo node online` and `offline`.

use aiigo_protocol::NodeRegistry;
use clap::Args;

use super::OwnNode;
use crate::{CliError, cli::Session};

/// Let the node take tasks again.
#[derive(Args, Debug)]
pub(crate) struct OnlineCommand {
    #[command(flatten)]
    own: OwnNode,
}

impl OnlineCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        set(&self.own, true, session).await
    }
}

/// Let the node take no more tasks; what it has accepted it still has to deliver.
#[derive(Args, Debug)]
pub(crate) struct OfflineCommand {
    #[command(flatten)]
    own: OwnNode,
}

impl OfflineCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        set(&self.own, false, session).await
    }
}

async fn set(own: &OwnNode, online: bool, session: &Session) -> Result<(), CliError> {
    let node = own.node;
    let wallet = own.wallet.open().await?;
    let (line, done) = match online {
        true => (format!("let node {node} take tasks"), format!("Node {node} is online")),
        false => (format!("let node {node} take no more tasks"), format!("Node {node} is offline")),
    };
    own.call(&wallet, &line, NodeRegistry::setOnlineCall { nodeId: node.0, online }, &done, session).await
}
