//! `aiigo node register`.

use aiigo_protocol::{
    ContractName, Event, NodeId,
    NodeRegistry::{self, NodeRegistryEvents},
    ResourceType, parse_address,
};
use alloy::{
    primitives::{Address, U256},
    sol_types::SolCall,
};
use clap::Args;

use super::tell;
use crate::{
    CliError,
    args::{WalletArgs, resource_type},
    cli::Session,
    confirm::ConfirmArgs,
    format,
    wallet::Call,
};

/// Register a node, for a fee. On the machine itself, `aiigo-agent setup` does this and all that comes after it.
#[derive(Args, Debug)]
pub(crate) struct RegisterCommand {
    /// What it offers
    #[arg(long = "type", value_name = "TYPE", default_value = "CPU", value_parser = resource_type)]
    resource: ResourceType,
    /// The key that stands on the machine [default: the owner's]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    operator: Option<Address>,
    /// Who gets what it earns [default: the owner]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    payout: Option<Address>,
    /// Where its description is: an `ipfs://` or `data:` address
    #[arg(long, value_name = "URI", default_value = "")]
    metadata: String,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl RegisterCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let parameters = wallet.chain().registry().parameters().call().await;
        let parameters = parameters.map_err(|error| CliError::call("reading the registry's parameters", error))?;
        let fee = U256::from(parameters.registrationFee);
        let data = NodeRegistry::registerNodeCall {
            resourceType: self.resource.into(),
            metadataURI: self.metadata,
            operator: self.operator.unwrap_or_default(),
            payout: self.payout.unwrap_or_default(),
            referrer: 0,
        };
        let call = wallet.call("registering a node", ContractName::NodeRegistry, data.abi_encode());
        let call = Call { value: fee, ..call };
        let line = format!(
            "register a {} node of {}, for {}, which is not given back",
            self.resource,
            wallet.address(),
            format::eth(fee)
        );
        self.confirm.agree(&wallet, &[line], &[&call], session).await?;
        let landed = wallet.send_once("register", call, &session.stop).await?;
        let registered = landed.events(wallet.chain().deployment()).find_map(|event| match event {
            Event::NodeRegistry(NodeRegistryEvents::NodeRegistered(event)) => Some(NodeId(event.nodeId)),
            _ => None,
        });
        let node = registered.ok_or_else(|| landed.lacks_its_event())?;
        let least = format::aiigo(U256::from(parameters.minStake));
        let done = format!("Registered node {node}. It needs {least} at least: aiigo node stake {node} AMOUNT");
        tell(node, &landed, &done, session)
    }
}
