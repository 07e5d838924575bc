//! `aiigo protocol addresses`.

use aiigo_protocol::ContractName;
use alloy::{
    primitives::{Address, B256, U256, b256},
    providers::Provider,
};
use clap::Args;
use serde::Serialize;

use crate::{CliError, args::ChainArgs, cli::Session, error::Context, output::table};

/// Where a proxy keeps its implementation (ERC-1967): keccak256("eip1967.proxy.implementation") − 1.
const IMPLEMENTATION: B256 = b256!("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");

/// List the contracts, with the implementations behind their proxies as the chain has them now.
#[derive(Args, Debug)]
pub(crate) struct AddressesCommand {
    #[command(flatten)]
    chain: ChainArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    contract: ContractName,
    address: Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    implementation: Option<Address>,
    /// Whether it is another implementation than the deployment file says.
    upgraded: bool,
}

impl AddressesCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let chain = self.chain.connect().await?;
        let mut rows = Vec::new();
        for contract in ContractName::ALL {
            let address = chain.deployment().address(contract);
            let word = chain.provider().get_storage_at(address, U256::from_be_bytes(IMPLEMENTATION.0)).await;
            let word = B256::from(word.context(|| format!("reading the implementation of {contract}"))?);
            let implementation = (!word.is_zero()).then(|| Address::from_word(word));
            let deployed = chain.deployment().contracts.get(contract.name()).and_then(|it| it.implementation);
            rows.push(Row { contract, address, implementation, upgraded: implementation != deployed });
        }
        let document = serde_json::json!({
            "chainId": chain.deployment().chain_id,
            "block": chain.deployment().block,
            "contracts": rows,
        });
        session.output.result(&document, || {
            let mut text = table(["CONTRACT", "ADDRESS", "IMPLEMENTATION"]);
            text.add_rows(rows.iter().map(|row| {
                let implementation = row.implementation.map(|address| address.to_string()).unwrap_or_default();
                let note = if row.upgraded { " (upgraded)" } else { "" };
                [row.contract.to_string(), row.address.to_string(), implementation + note]
            }));
            format!("{text}\nchain {}, since block {}", chain.deployment().chain_id, chain.deployment().block)
        })
    }
}
