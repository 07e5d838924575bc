//! Bids: providers' signed offers for an open task. The buyer compares them, and takes one.

use std::{fs, path::PathBuf};

use aiigo_protocol::{
    ContractName, NodeId, NodeStatus, SignedBid, TaskId,
    TaskMarketplace::{self, Bid},
    TaskStatus, bid_digest,
};
use aiigo_task::format_duration;
use alloy::{
    primitives::{Address, Signature, U256},
    sol_types::SolCall,
};
use clap::Args;
use serde::Serialize;

use super::{follow::look, report::Report, timeline::Timeline};
use crate::{
    Chain, CliError,
    args::{ChainArgs, WalletArgs},
    cli::Session,
    confirm::ConfirmArgs,
    error::Context,
    format,
    output::{printable, table},
    progress::Progress,
};

/// No bid is as long as this, bytes.
const MAX_FILE: u64 = 16 << 10;
const HOUR: u64 = 3600;

/// Compare bids for a task, the cheapest first, and say which can be taken.
#[derive(Args, Debug)]
pub(crate) struct BidsCommand {
    /// Files that providers sent, as `aiigo-agent bid` writes them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    chain: ChainArgs,
}

impl BidsCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let chain = self.chain.connect().await?;
        let mut offers = Vec::with_capacity(self.files.len());
        for file in self.files {
            offers.push(Offer::look(&chain, file).await?);
        }
        offers.sort_by_key(|offer| (offer.fault.is_some(), offer.total, offer.eta));
        session.output.result(&offers, || {
            let mut rows = table(["NODE", "PRICE", "WITHIN", "STANDS UNTIL", "REPUTATION", "FILE", ""]);
            rows.add_rows(offers.iter().map(|offer| {
                [
                    offer.node.to_string(),
                    format::payment(offer.token, offer.total),
                    format_duration(std::time::Duration::from_secs(offer.eta.into())),
                    format::clock(offer.expiry),
                    offer.reputation.to_string(),
                    printable(&offer.file.display().to_string()),
                    offer.fault.clone().unwrap_or_default(),
                ]
            }));
            rows.to_string()
        })
    }
}

/// Take a provider's bid for an open task.
#[derive(Args, Debug)]
pub(crate) struct AssignCommand {
    /// The bid, as `aiigo-agent bid` wrote it
    #[arg(value_name = "FILE")]
    bid: PathBuf,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl AssignCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let offer = Offer::look(wallet.chain(), self.bid).await?;
        if let Some(fault) = &offer.fault {
            return Err(CliError::Failed(format!("this bid can't be taken: {fault}")));
        }
        let task = offer.task;
        let progress = Progress::new(false);
        let data = TaskMarketplace::assignTaskCall { bid: offer.bid.clone(), signature: offer.signature.clone() };
        let what = format!("giving task {task} to node {}", offer.node);
        let call = wallet.call(what, ContractName::TaskMarketplace, data.abi_encode());
        let price = format::payment(offer.token, offer.total);
        let line =
            format!("give task {task} to node {}, for {price} if it delivers within {} s", offer.node, offer.eta);
        self.confirm.agree(&wallet, &[line], &[&call], session).await?;
        wallet.send_once("assign", call, &session.stop).await?;
        let mut timeline = Timeline::new(wallet.chain().clone(), task);
        look(&mut timeline, &progress).await?;
        let report = Report::of(wallet.chain(), &timeline, None).await?;
        session
            .output
            .result(&report, || report.text(None) + &format!("\nTo wait for its result: aiigo job follow {task}"))
    }
}

/// A bid, looked at.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Offer {
    file: PathBuf,
    task: TaskId,
    node: NodeId,
    /// For the whole task, smallest units.
    #[serde(serialize_with = "decimal")]
    total: U256,
    /// What is paid with; zero for ETH.
    token: Address,
    /// Seconds.
    eta: u32,
    /// Unix seconds.
    expiry: u64,
    /// Of the node, 0 to 10000.
    reputation: u16,
    /// Why it can't be taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    #[serde(skip)]
    bid: Bid,
    #[serde(skip)]
    signature: alloy::primitives::Bytes,
}

fn decimal<S: serde::Serializer>(number: &U256, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

impl Offer {
    /// Reads a bid, and asks the chain what it is worth. A file that is none is an error.
    async fn look(chain: &Chain, file: PathBuf) -> Result<Self, CliError> {
        let what = || format!("reading the bid {}", file.display());
        if fs::metadata(&file).context(what)?.len() > MAX_FILE {
            return Err(CliError::Failed(format!("{} is too long for a bid", file.display())));
        }
        let text = fs::read_to_string(&file).context(what)?;
        let signed: SignedBid = serde_json::from_str(&text).context(what)?;
        let bid = signed.bid(chain.deployment()).context(what)?;
        let (status, task) = chain.task(signed.task()).await?;
        let node = chain.registry().nodeInfo(signed.node_id).call().await;
        let node = node.map_err(|error| CliError::call(format!("reading node {}", signed.node_id), error))?;
        let used = chain.market().isBidNonceUsed(bid.nodeId, bid.nonce).call().await;
        let used = used.map_err(|error| CliError::call("reading the bid's nonce", error))?;
        let epoch = chain.registry().bidEpochOf(bid.nodeId).call().await;
        let epoch = epoch.map_err(|error| CliError::call("reading the node's bid epoch", error))?;
        let head = chain.head().await?;
        let total = U256::from(bid.pricePerHour).saturating_mul(U256::from(bid.eta)).div_ceil(U256::from(HOUR));
        let signer = Signature::from_raw(&signed.signature)
            .and_then(|signature| signature.recover_address_from_prehash(&bid_digest(&bid, chain.deployment())))
            .ok();
        let faults = [
            (status != TaskStatus::Open, format!("the task is {status}")),
            (head.timestamp > signed.expiry, "it has expired".to_owned()),
            (bid.nodeEpoch != epoch, "the node took all its bids back".to_owned()),
            (used, "it was taken or cancelled".to_owned()),
            (node.status != NodeStatus::Active as u8, "the node is not active".to_owned()),
            (bid.eta > task.duration, format!("it takes longer than the {} s of the task", task.duration)),
            (total > U256::from(task.escrow), "it costs more than the escrow holds".to_owned()),
            // A contract's signature (ERC-1271) is for the market to check.
            (
                signer.is_none_or(|signer| signer != node.operator && signer != node.owner)
                    && !is_contract(chain, node.operator).await?
                    && !is_contract(chain, node.owner).await?,
                "it is not signed by the node".to_owned(),
            ),
        ];
        Ok(Self {
            file,
            task: signed.task(),
            node: signed.node(),
            total,
            token: task.paymentToken,
            eta: bid.eta,
            expiry: signed.expiry,
            reputation: node.reputation,
            fault: faults.into_iter().find_map(|(fails, fault)| fails.then_some(fault)),
            bid,
            signature: signed.signature,
        })
    }
}

async fn is_contract(chain: &Chain, account: Address) -> Result<bool, CliError> {
    use alloy::providers::Provider;
    let code = chain.provider().get_code_at(account).await.context(|| format!("reading the code of {account}"))?;
    Ok(!code.is_empty())
}
