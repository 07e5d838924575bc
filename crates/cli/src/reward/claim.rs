//! `aiigo reward claim`.

use std::collections::BTreeSet;

use aiigo_chain::search_back;
use aiigo_protocol::{
    ContractName, Event, NodeId,
    RewardDistributor::{self, RewardDistributorEvents},
};
use alloy::{
    primitives::{B256, U256},
    rpc::types::Filter,
    sol_types::{SolCall, SolEvent},
};
use clap::Args;

use super::history::{PostedRoot, closed_epochs};
use crate::{
    Chain, CliError,
    args::{WalletArgs, parsed},
    cli::Session,
    confirm::ConfirmArgs,
    format,
    progress::Progress,
    wallet::{Call, Landed, Wallet},
};

/// Claim a node's base rewards and bonuses, to its payout address; anyone may.
#[derive(Args, Debug)]
pub(crate) struct ClaimCommand {
    /// The node's id
    #[arg(value_parser = parsed::<NodeId>)]
    node: NodeId,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    wallet: WalletArgs,
}

/// A claim of what a node earned up to the present root. A proof of its whole amount.
#[derive(Debug)]
struct Bonus {
    cumulative: U256,
    proof: Vec<B256>,
}

impl ClaimCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let (chain, node) = (wallet.chain(), self.node);
        let payout = chain.registry().payoutOf(node.0).call().await;
        let payout = payout.map_err(|error| CliError::call(format!("reading where node {node} is paid"), error))?;
        let bases = bases(chain, node).await?;
        let progress = Progress::new(false);
        progress.waiting("recomputing the bonuses from the chain's events");
        let bonus = bonus(chain, node).await?;
        drop(progress);
        let base: U256 = bases.iter().map(|(_, amount)| *amount).sum();
        let expected = match &bonus {
            Some(bonus) => expected_bonus(chain, node, bonus, base).await?,
            None => U256::ZERO,
        };
        if base.is_zero() && expected.is_zero() {
            return Err(CliError::Failed(format!(
                "node {node} has nothing to claim: epochs are paid once they are closed (aiigo reward epochs --node {node})"
            )));
        }
        let mut lines: Vec<String> = bases
            .iter()
            .map(|(epoch, amount)| format!("mint {} to {payout}: base reward of epoch {epoch}", format::aiigo(*amount)))
            .collect();
        let mut calls: Vec<Call> = bases.iter().map(|(epoch, _)| base_call(&wallet, node, *epoch)).collect();
        if let (Some(bonus), false) = (bonus, expected.is_zero()) {
            lines.push(format!("mint {} to {payout}: bonuses", format::aiigo(expected)));
            let data = RewardDistributor::claimBonusCall {
                nodeId: node.0,
                cumulativeAmount: bonus.cumulative,
                proof: bonus.proof,
            };
            let what = format!("claiming the bonuses of node {node}");
            calls.push(wallet.call(what, ContractName::RewardDistributor, data.abi_encode()));
        }
        self.confirm.agree(&wallet, &lines, &calls.iter().collect::<Vec<_>>(), session).await?;
        let (mut base, mut bonus, mut hashes) = (U256::ZERO, U256::ZERO, Vec::new());
        for call in calls {
            let landed = wallet.send_once("claim-reward", call, &session.stop).await?;
            let (of_base, of_bonus) = claimed(chain, &landed);
            base += of_base;
            bonus += of_bonus;
            hashes.push(landed.tx_hash);
        }
        let document = serde_json::json!({
            "nodeId": node,
            "payout": payout,
            "baseWei": base.to_string(),
            "bonusWei": bonus.to_string(),
            "txHashes": hashes,
        });
        session.output.result(&document, || {
            let txs: String = hashes.iter().map(|hash| format!("\ntx {hash}")).collect();
            format!(
                "Minted {} of base rewards and {} of bonuses to {payout}{txs}",
                format::aiigo(base),
                format::aiigo(bonus)
            )
        })
    }
}

fn base_call(wallet: &Wallet, node: NodeId, epoch: U256) -> Call {
    let data = RewardDistributor::claimBaseRewardCall { epoch, nodeId: node.0 }.abi_encode();
    let what = format!("claiming the base reward of node {node} in epoch {epoch}");
    wallet.call(what, ContractName::RewardDistributor, data)
}

/// The closed epochs in which a node can claim something, with how much.
async fn bases(chain: &Chain, node: NodeId) -> Result<Vec<(U256, U256)>, CliError> {
    let filter = Filter::new()
        .address(chain.deployment().address(ContractName::RewardDistributor))
        .event_signature(RewardDistributor::FeeRecorded::SIGNATURE_HASH)
        .topic2(B256::from(U256::from(node.0)));
    let head = chain.head().await?.number;
    let logs = search_back(chain.provider(), &filter, chain.deployment().block, head, |_| false).await?;
    let recorded = logs.iter().filter_map(|log| RewardDistributor::FeeRecorded::decode_log(&log.inner).ok());
    let epochs: BTreeSet<U256> = recorded.map(|recorded| recorded.epoch).collect();
    let mut found = Vec::new();
    for epoch in epochs {
        let failed = |error| CliError::call(format!("reading epoch {epoch}"), error);
        if !chain.rewards().epochOf(epoch).call().await.map_err(failed)?.closed {
            continue;
        }
        let amount = chain.rewards().baseRewardOf(epoch, node.0).call().await.map_err(failed)?;
        if !amount.is_zero() {
            found.push((epoch, amount));
        }
    }
    Ok(found)
}

/// What the present root has for a node, proved by the events.
async fn bonus(chain: &Chain, node: NodeId) -> Result<Option<Bonus>, CliError> {
    let Some(present) = PostedRoot::present(chain).await? else { return Ok(None) };
    let epochs = closed_epochs(chain).await?;
    let tree = epochs.get(&present.epoch).and_then(|epoch| epoch.tree());
    match tree {
        Some(tree) if tree.root() == present.root => {
            let proof = tree.amount(node).zip(tree.proof(node));
            Ok(proof.map(|(cumulative, proof)| Bonus { cumulative, proof }))
        }
        _ => Err(CliError::Failed(format!(
            "root {} of epoch {}, which counts, is not what the events give: nothing was claimed; aiigo reward verify",
            present.id, present.epoch
        ))),
    }
}

/// What claiming a bonus would mint once the base rewards are claimed, which bound it to a tenth of them.
async fn expected_bonus(chain: &Chain, node: NodeId, bonus: &Bonus, base: U256) -> Result<U256, CliError> {
    let had = chain.rewards().rewardsOf(node.0).call().await;
    let had = had.map_err(|error| CliError::call(format!("reading what node {node} has claimed"), error))?;
    let bound = (U256::from(had.baseClaimed) + base) / U256::from(10);
    Ok(bonus.cumulative.min(bound).saturating_sub(U256::from(had.bonusClaimed)))
}

/// Base reward and bonus that a transaction minted, AIIGO wei.
fn claimed(chain: &Chain, landed: &Landed) -> (U256, U256) {
    let (mut base, mut bonus) = (U256::ZERO, U256::ZERO);
    for event in landed.events(chain.deployment()) {
        match event {
            Event::RewardDistributor(RewardDistributorEvents::BaseRewardClaimed(claimed)) => base += claimed.amount,
            Event::RewardDistributor(RewardDistributorEvents::BonusClaimed(claimed)) => bonus += claimed.amount,
            _ => {}
        }
    }
    (base, bonus)
}
