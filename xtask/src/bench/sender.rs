//! One account's transactions by the thousand. Unsigned: anvil has the keys of its own accounts.

use std::time::Duration;

use aiigo_devnet::try_until;
use alloy::{
    primitives::{Address, B256, Bytes, U256},
    providers::{DynProvider, Provider, ext::AnvilApi},
    rpc::{client::BatchRequest, types::TransactionRequest},
};

use crate::project::Error;

/// Transactions in one request, and on their way at once.
const BATCH: usize = 500;
/// How long a batch may take to land.
const LIMIT: Duration = Duration::from_secs(60);
/// Wei per gas: more than the fullest blocks can make it cost.
const FEE: u128 = 1_000_000_000_000;

/// A transaction to be sent.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) to: Address,
    pub(super) data: Bytes,
    /// Wei.
    pub(super) value: U256,
    pub(super) gas: u64,
}

/// When blocks come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocks {
    /// By the chain's clock.
    ByTheClock,
    /// With every batch: the chain was told not to make any by itself.
    OnDemand,
}

/// Sends transactions of accounts that the chain has the keys of.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    provider: DynProvider,
    blocks: Blocks,
}

impl Sender {
    pub(super) const fn new(provider: DynProvider, blocks: Blocks) -> Self {
        Self { provider, blocks }
    }

    /// Sends them in their order and waits until all are on the chain; one that fails there is an error.
    pub(super) async fn send(&self, from: Address, calls: Vec<Call>) -> Result<(), Error> {
        let provider = &self.provider;
        let mut nonce = provider.get_transaction_count(from).await?;
        let first = provider.get_block_number().await? + 1;
        for calls in calls.chunks(BATCH) {
            let mut batch = BatchRequest::new(provider.client());
            let mut sent = Vec::with_capacity(calls.len());
            for call in calls {
                let transaction = TransactionRequest::default()
                    .from(from)
                    .to(call.to)
                    .input(call.data.clone().into())
                    .value(call.value)
                    .gas_limit(call.gas)
                    .nonce(nonce)
                    .max_fee_per_gas(FEE)
                    .max_priority_fee_per_gas(0);
                sent.push(batch.add_call::<_, B256>("eth_sendTransaction", &(transaction,))?);
                nonce += 1;
            }
            batch.send().await?;
            for sent in sent {
                sent.await?;
            }
            if self.blocks == Blocks::OnDemand {
                provider.anvil_mine(Some(1), None).await?;
            }
            let landed = try_until(LIMIT, async || {
                // anvil counts a block's transactions a moment before it has the block.
                let count = provider.get_transaction_count(from).await.ok()?;
                let head = provider.get_block_number().await.ok()?;
                (count >= nonce && head >= first).then_some(())
            });
            landed.await.ok_or("the chain does not take the transactions")?;
        }
        match failed(provider, from, first).await?.first() {
            Some(hash) => Err(format!("transaction {hash} failed").into()),
            None => Ok(()),
        }
    }
}

/// An account's transactions that landed in this block or a later one and failed.
pub(super) async fn failed(provider: &DynProvider, from: Address, first: u64) -> Result<Vec<B256>, Error> {
    let mut failed = Vec::new();
    for number in first..=provider.get_block_number().await? {
        let receipts = provider.get_block_receipts(number.into()).await?.unwrap_or_default();
        let own = receipts.iter().filter(|receipt| receipt.from == from && !receipt.status());
        failed.extend(own.map(|receipt| receipt.transaction_hash));
    }
    Ok(failed)
}
