//! Transactions of people's own hands, and their receipts.

use std::time::Duration;

use alloy::{
    contract::{CallBuilder, CallDecoder},
    eips::BlockId,
    network::Ethereum,
    providers::{PendingTransactionBuilder, Provider},
    rpc::types::TransactionReceipt,
};

use crate::{error::DevnetError, poll::Patience};

/// Gas beside the estimate: an epoch of the court that begins in between makes joining dearer by up to eight new slots.
const ROOM: u64 = 500_000;
/// How long a transaction may take to be in a block.
const LIMIT: Duration = Duration::from_secs(120);

/// Sends a call and waits until it is in a block.
///
/// # Errors
/// If the chain refuses it, it reverts, or no block takes it within two minutes.
pub async fn landed<P: Provider, D: CallDecoder>(call: CallBuilder<P, D>) -> Result<TransactionReceipt, DevnetError> {
    let call = call.block(BlockId::pending());
    let refused = |error| DevnetError::rpc("a call")(error);
    let gas = call.estimate_gas().await.map_err(refused)?;
    let pending = call.gas(gas + ROOM).send().await.map_err(refused)?;
    let receipt = receipt(&pending).await?;
    match receipt.status() {
        true => Ok(receipt),
        false => {
            let (from, tx_hash) = (receipt.from, receipt.transaction_hash);
            Err(DevnetError::Reverted { what: "a call".to_owned(), from, tx_hash })
        }
    }
}

/// [`landed`] for tests.
///
/// # Panics
/// If it is refused, reverts or never lands.
#[track_caller]
pub fn mined<P: Provider, D: CallDecoder>(call: CallBuilder<P, D>) -> impl Future<Output = TransactionReceipt> {
    let caller = std::panic::Location::caller();
    async move { landed(call).await.unwrap_or_else(|error| panic!("{caller}: {error}")) }
}

/// The receipt, asked of the chain itself: the client's own watcher also knows the blocks that a reorg took back, and takes
/// a transaction for mined that has been sent a second time and waits.
pub(crate) async fn receipt(pending: &PendingTransactionBuilder<Ethereum>) -> Result<TransactionReceipt, DevnetError> {
    let (tx_hash, provider) = (*pending.tx_hash(), pending.provider());
    let patience = Patience::new(LIMIT);
    loop {
        let found = provider.get_transaction_receipt(tx_hash).await;
        if let Some(receipt) = found.map_err(DevnetError::rpc("a receipt"))? {
            return Ok(receipt);
        }
        if !patience.pause().await {
            let reason = format!("no block took it within {} s", LIMIT.as_secs());
            return Err(DevnetError::Rpc { what: format!("transaction {tx_hash}"), reason });
        }
    }
}
