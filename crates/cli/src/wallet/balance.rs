//! `aiigo wallet balance`.

use alloy::primitives::Address;
use clap::Args;
use serde::Serialize;

use crate::{
    Chain, CliError,
    args::{AccountArgs, ChainArgs},
    cli::Session,
    format,
    output::facts,
};

/// What an account has.
#[derive(Args, Debug)]
pub(crate) struct BalanceCommand {
    #[command(flatten)]
    account: AccountArgs,
    #[command(flatten)]
    chain: ChainArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Balance {
    address: Address,
    eth_wei: String,
    aiigo_wei: String,
    escrow_eth_wei: String,
    escrow_aiigo_wei: String,
}

impl BalanceCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let chain = self.chain.connect().await?;
        let address = self.account.address().await?;
        let [eth, aiigo, escrow_eth, escrow_aiigo] = balances(&chain, address).await?;
        let document = Balance {
            address,
            eth_wei: eth.to_string(),
            aiigo_wei: aiigo.to_string(),
            escrow_eth_wei: escrow_eth.to_string(),
            escrow_aiigo_wei: escrow_aiigo.to_string(),
        };
        session.output.result(&document, || {
            facts(&[
                ("account", address.to_string()),
                ("in the account", format::eth(eth)),
                ("", format::aiigo(aiigo)),
                ("to withdraw (`aiigo wallet withdraw`)", format::eth(escrow_eth)),
                ("", format::aiigo(escrow_aiigo)),
            ])
        })
    }
}

type Wei = alloy::primitives::U256;

/// ETH and AIIGO in the account, ETH and AIIGO in the escrow's balances.
async fn balances(chain: &Chain, address: Address) -> Result<[Wei; 4], CliError> {
    let error = |error| CliError::call(format!("reading the balances of {address}"), error);
    let (token, escrow) = (chain.token(), chain.escrow());
    let aiigo = *token.address();
    Ok([
        chain.eth_of(address).await?,
        token.balanceOf(address).call().await.map_err(error)?,
        escrow.balanceOf(address, Address::ZERO).call().await.map_err(error)?,
        escrow.balanceOf(address, aiigo).call().await.map_err(error)?,
    ])
}
