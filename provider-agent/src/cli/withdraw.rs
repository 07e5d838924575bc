//! `withdraw`: the earnings out of the escrow, with the payout key.

use aiigo_chain::SignerArgs;
use aiigo_protocol::{ContractName, EscrowManager, units};
use alloy::primitives::{Address, B256, U256};
use clap::Args;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{CommonArgs, Report, sending::sending};
use crate::error::{AgentError, Context, read_error};

#[derive(Args, Clone, Debug)]
pub(super) struct WithdrawArgs {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    signer: SignerArgs,
    /// Where the money goes [default: the payout address itself].
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
}

/// What was withdrawn.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WithdrawReport {
    account: Address,
    to: Address,
    /// ETH wei.
    amount: String,
    /// None if there was nothing to withdraw.
    tx_hash: Option<B256>,
}

pub(super) async fn withdraw(args: &WithdrawArgs, token: CancellationToken) -> Result<WithdrawReport, AgentError> {
    let agent = args.common.open().await?;
    let signer = args.signer.load_async().await.context("no payout key")?;
    let account = signer.address();
    let to = args.to.unwrap_or(account);
    let market = &agent.market;
    let failed = |error| read_error("cannot read the earnings", error);
    let balance = market.escrow().balanceOf(account, Address::ZERO).call().await.map_err(failed)?;
    if balance.is_zero() {
        return Ok(WithdrawReport { account, to, amount: balance.to_string(), tx_hash: None });
    }
    let data = market.escrow().withdraw(Address::ZERO, to).calldata().clone();
    let call = market.call(ContractName::EscrowManager, data);
    let key = format!("withdraw:{to}:{balance}:{}", market.head().await?.number);
    let landed =
        sending(&agent, signer, token, async |sender| sender.must_land(&key, "withdraw the earnings", call).await)
            .await?;
    // More may have come in since the balance was read.
    let amount = landed
        .receipt
        .logs()
        .iter()
        .find_map(|log| log.log_decode::<EscrowManager::Withdrawn>().ok())
        .map_or(balance, |log| log.inner.amount);
    Ok(WithdrawReport { account, to, amount: amount.to_string(), tx_hash: Some(landed.tx_hash) })
}

impl Report for WithdrawReport {
    fn text(&self) -> String {
        let amount = units::format_amount(self.amount.parse().unwrap_or(U256::ZERO));
        match self.tx_hash {
            Some(tx) => format!("{amount} ETH went to {} in {tx}", self.to),
            None => format!("{} has nothing to withdraw", self.account),
        }
    }
}
