//! What is to be sent, and what became of it.

use aiigo_protocol::DecodedRevert;
use alloy::{
    primitives::{Address, Bytes, TxHash, U256},
    rpc::types::TransactionReceipt,
};

/// A transaction that its sender wants on the chain, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Idempotency key: submitting the same key again changes nothing.
    pub key: String,
    /// What it does, for logs and messages.
    pub label: String,
    /// The contract.
    pub to: Address,
    /// The call.
    pub data: Bytes,
    /// ETH wei.
    pub value: U256,
    /// Unix seconds after which it must not land any more.
    pub deadline: Option<u64>,
    /// Wei per gas that it may cost at most; it waits while the chain asks for more.
    pub max_fee_per_gas: Option<u128>,
}

/// What became of an intent.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is on the chain and did what it should.
    Landed {
        /// The attempt that landed.
        tx_hash: TxHash,
        /// The block it landed in.
        block: u64,
        /// Gas it took.
        gas_used: u64,
        /// The whole receipt, with its events.
        receipt: Box<TransactionReceipt>,
    },
    /// The contract refused it.
    Reverted {
        /// The transaction; `None` if the simulation showed the refusal, so that nothing was sent.
        tx_hash: Option<TxHash>,
        /// What the contract said.
        error: DecodedRevert,
    },
    /// It did not land before its deadline, and can't any more.
    Expired,
}
