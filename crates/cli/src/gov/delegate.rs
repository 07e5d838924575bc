//! `aiigo gov delegate`.

use std::str::FromStr;

use aiigo_protocol::{AIIGOToken, ContractName, StakingPool};
use alloy::{primitives::Address, sol_types::SolCall};
use clap::Args;

use crate::{
    CliError,
    args::{WalletArgs, parsed},
    cli::Session,
    confirm::ConfirmArgs,
    format,
    wallet::{Call, Wallet},
};

/// Say who votes with this account's AIIGO, held and staked; without that nobody does.
#[derive(Args, Debug)]
pub(crate) struct DelegateCommand {
    /// An address, or `self`
    #[arg(value_parser = parsed::<Delegate>)]
    to: Delegate,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    wallet: WalletArgs,
}

/// Who gets the votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delegate {
    Myself,
    Other(Address),
}

impl FromStr for Delegate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("self") {
            return Ok(Self::Myself);
        }
        text.parse().map(Self::Other).map_err(|_| format!("`{text}` is neither an address nor `self`"))
    }
}

impl DelegateCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let to = match self.to {
            Delegate::Myself => wallet.address(),
            Delegate::Other(address) => address,
        };
        let wanted = wanted(&wallet, to).await?;
        let mut hashes = Vec::new();
        if !wanted.is_empty() {
            let lines: Vec<String> = wanted.iter().map(|(line, _)| line.clone()).collect();
            let calls: Vec<&Call> = wanted.iter().map(|(_, call)| call).collect();
            self.confirm.agree(&wallet, &lines, &calls, session).await?;
        }
        for (_, call) in wanted {
            hashes.push(wallet.send_once("delegate", call, &session.stop).await?.tx_hash);
        }
        let (chain, now) = (wallet.chain(), wallet.chain().head().await?.timestamp);
        let failed = |error| CliError::call(format!("reading the votes of {to}"), error);
        let held = chain.token().getVotes(to).call().await.map_err(failed)?;
        let staked = chain.pool().getVotes(to).call().await.map_err(failed)?;
        let document = serde_json::json!({
            "delegate": to,
            "votesWei": (held + staked).to_string(),
            "asOf": now,
            "txHashes": hashes,
        });
        session.output.result(&document, || {
            let done = if hashes.is_empty() { "It was so already" } else { "Done" };
            let txs: String = hashes.iter().map(|hash| format!("\ntx {hash}")).collect();
            format!("{done}: {to} now has {} of votes{txs}", format::aiigo(held + staked))
        })
    }
}

/// The calls that are needed, with what they do: token and pool each have their own delegates.
async fn wanted(wallet: &Wallet, to: Address) -> Result<Vec<(String, Call)>, CliError> {
    let (chain, account) = (wallet.chain(), wallet.address());
    let failed = |error| CliError::call(format!("reading who votes for {account}"), error);
    let held = chain.token().balanceOf(account).call().await.map_err(failed)?;
    let staked = chain.pool().stakedOf(account).call().await.map_err(failed)?;
    let present = [chain.token().delegates(account).call().await, chain.pool().delegates(account).call().await];
    let calls = [
        (ContractName::AIIGOToken, "hold", held, AIIGOToken::delegateCall { delegatee: to }.abi_encode()),
        (ContractName::StakingPool, "have staked", staked, StakingPool::delegateCall { delegatee: to }.abi_encode()),
    ];
    let mut wanted = Vec::new();
    for (present, (contract, verb, amount, data)) in present.into_iter().zip(calls) {
        let call = wallet.call(format!("delegating the votes that you {verb} to {to}"), contract, data);
        if present.map_err(failed)? == to {
            wallet.is_done("delegate", &call)?;
            continue;
        }
        let line =
            format!("let {to} vote with the {} that you {verb}, and with what comes to it", format::aiigo(amount));
        wanted.push((line, call));
    }
    Ok(wanted)
}
