//! What a caller wants of the outbox, and what came of it.

use aiigo_protocol::DecodedRevert;
use alloy::{
    primitives::{Address, Bytes, TxHash, U256},
    rpc::types::TransactionReceipt,
};
use serde::{Deserialize, Serialize};

/// A transaction that is to be on the chain once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The caller's name for it: a second intent of the same key is the same one.
    pub key: String,
    /// What it does, for people.
    pub label: String,
    /// The contract or account that is called.
    pub to: Address,
    /// The call.
    pub data: Bytes,
    /// ETH that goes with it, wei.
    pub value: U256,
    /// Unix seconds, by this machine's clock. If it is not on the chain by then it is given up: never sent, or cancelled.
    pub deadline: Option<u64>,
    /// The most that any of its transactions offers per gas, wei. While the chain asks for more, the intent waits.
    pub max_fee_per_gas: Option<u128>,
    /// The most that its gas may cost, wei: gas limit × fee per gas of every transaction that is signed for it, its
    /// cancellation too, of which one is paid. While the chain asks for more, the intent waits.
    pub max_cost: Option<U256>,
    /// Whether it goes before others.
    pub priority: Priority,
}

/// How much an intent is in a hurry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// In the order of submission, for the market's usual tip.
    #[default]
    Normal,
    /// Before all normal ones that have no nonce yet, for twice the tip.
    Urgent,
}

/// What became of an intent. A block may still be reorganised after it was told: the outbox then goes on until the
/// transaction is on the chain again, and may tell another outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is on the chain and succeeded.
    Landed {
        /// The transaction.
        tx_hash: TxHash,
        /// Number of its block.
        block: u64,
        /// Gas that it used.
        gas_used: u64,
        /// Its receipt.
        receipt: Box<TransactionReceipt>,
    },
    /// The contract refused.
    Reverted {
        /// The transaction that paid for nothing; `None` if a simulation was refused, and nothing was sent.
        tx_hash: Option<TxHash>,
        /// Why.
        #[serde(with = "RevertFields")]
        error: DecodedRevert,
    },
    /// It was given up: its deadline passed, it was cancelled, or the contract began to refuse it while it waited for a
    /// block. It is not on the chain and will not be.
    Expired,
}

impl Outcome {
    /// Its name in metrics.
    pub(super) const fn label(&self) -> &'static str {
        match self {
            Self::Landed { .. } => "landed",
            Self::Reverted { tx_hash: Some(_), .. } => "reverted",
            Self::Reverted { tx_hash: None, .. } => "refused",
            Self::Expired => "expired",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "DecodedRevert")]
struct RevertFields {
    name: String,
    detail: String,
}

/// An intent that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unfinished {
    /// Its key.
    pub key: String,
    /// What it does.
    pub label: String,
    /// When it was submitted, unix seconds.
    pub submitted_at: u64,
    /// The nonce that its transactions have, once there is one.
    pub nonce: Option<u64>,
    /// Why it does not move on, if something is wrong.
    pub problem: Option<String>,
}
