//! Bids: providers' signed offers for an open task. The buyer compares them, and takes one.

use std::{fs, path::PathBuf};

use aiigo_protocol::{
    ContractName, NodeId, SignedBid, TaskId,
    TaskMarketplace::{self, Bid},
};
use aiigo_task::format_duration;
use alloy::{
    primitives::{Address, U256},
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
    refusal::explanation,
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
            let mut rows = table(["TASK", "NODE", "PRICE", "WITHIN", "STANDS UNTIL", "REPUTATION", "FILE", ""]);
            rows.add_rows(offers.iter().map(|offer| {
                [
                    offer.task.to_string(),
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
    /// Reads a bid, and asks the chain whether its task's buyer could take it now.
    async fn look(chain: &Chain, file: PathBuf) -> Result<Self, CliError> {
        let what = || format!("reading the bid {}", file.display());
        if fs::metadata(&file).context(what)?.len() > MAX_FILE {
            return Err(CliError::Failed(format!("{} is too long for a bid", file.display())));
        }
        let text = fs::read_to_string(&file).context(what)?;
        let signed: SignedBid = serde_json::from_str(&text).context(what)?;
        let bid = signed.bid(chain.deployment()).context(what)?;
        let (_, task) = chain.task(signed.task()).await?;
        let node = chain.registry().nodeInfo(signed.node_id).call().await;
        let node = node.map_err(|error| CliError::call(format!("reading node {}", signed.node_id), error))?;
        let taken = chain.market().assignTask(bid.clone(), signed.signature.clone()).from(task.buyer).call().await;
        let fault = match taken.map_err(|error| CliError::call("trying the bid", error)) {
            Ok(_) => None,
            Err(CliError::Refused { error, .. }) => {
                Some(explanation(&error).map_or_else(|| error.to_string(), str::to_owned))
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            file,
            task: signed.task(),
            node: signed.node(),
            total: U256::from(bid.pricePerHour).saturating_mul(U256::from(bid.eta)).div_ceil(U256::from(HOUR)),
            token: task.paymentToken,
            eta: bid.eta,
            expiry: signed.expiry,
            reputation: node.reputation,
            fault,
            bid,
            signature: signed.signature,
        })
    }
}
