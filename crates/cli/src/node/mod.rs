//! `aiigo node`: what the owner of a node decides. The agent, on the machine itself, does the rest.

mod keys;
mod online;
mod register;
mod stake;

use aiigo_protocol::{ContractName, NodeId};
use alloy::sol_types::SolCall;
use clap::{Args, Subcommand};

use self::{
    keys::{SetOperatorCommand, SetPayoutCommand},
    online::{OfflineCommand, OnlineCommand},
    register::RegisterCommand,
    stake::{StakeCommand, UnstakeCommand, WithdrawCommand},
};
use crate::{
    CliError,
    args::{WalletArgs, parsed},
    cli::Session,
    confirm::ConfirmArgs,
    wallet::{Landed, Wallet},
};

/// `aiigo node`.
#[derive(Subcommand, Debug)]
pub(crate) enum NodeCommand {
    Register(RegisterCommand),
    Stake(StakeCommand),
    Unstake(UnstakeCommand),
    Withdraw(WithdrawCommand),
    SetOperator(SetOperatorCommand),
    SetPayout(SetPayoutCommand),
    Online(OnlineCommand),
    Offline(OfflineCommand),
}

impl NodeCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::Register(command) => command.run(session).await,
            Self::Stake(command) => command.run(session).await,
            Self::Unstake(command) => command.run(session).await,
            Self::Withdraw(command) => command.run(session).await,
            Self::SetOperator(command) => command.run(session).await,
            Self::SetPayout(command) => command.run(session).await,
            Self::Online(command) => command.run(session).await,
            Self::Offline(command) => command.run(session).await,
        }
    }
}

/// A node of one's own, and who signs.
#[derive(Args, Debug)]
struct OwnNode {
    /// The node's id: 1, 2, 3, …
    #[arg(value_parser = parsed::<NodeId>)]
    node: NodeId,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl OwnNode {
    /// Shows a call of the registry, asks, sends it and tells that it landed. `line` says what it does, `done` what it did.
    async fn call(
        &self,
        wallet: &Wallet,
        line: &str,
        call: impl SolCall,
        done: &str,
        session: &Session,
    ) -> Result<(), CliError> {
        let node = self.node;
        let call = wallet.call(line.to_owned(), ContractName::NodeRegistry, call.abi_encode());
        self.confirm.agree(wallet, &[line.to_owned()], &[&call], session).await?;
        let landed = wallet.send_once("node", call, &session.stop).await?;
        tell(node, &landed, done, session)
    }
}

fn tell(node: NodeId, landed: &Landed, done: &str, session: &Session) -> Result<(), CliError> {
    let document = serde_json::json!({ "nodeId": node.to_string(), "txHash": landed.tx_hash });
    session.output.result(&document, || format!("{done}\ntx {}", landed.tx_hash))
}
