//! Where an intent stands.
//!
//! ```text
//!            simulated, signed, recorded             receipt               final
//!   Queued ───────────────────────────▶ Pending ──────────────▶ Included ────────▶ Done
//!     │  ▲                               │   ▲  ▲                 │   ▲              ▲
//!     │  └─ nonce taken by a stranger ───┤   │  └── reorganised ──┘   │              │
//!     │     (proven, final)     deadline │   └──── reorganised ───┐   │ receipt      │
//!     │                                  ▼                        │   │ of either    │
//!     │                              Cancelling ──────────────────┴───┘              │
//!     └── refused by simulation, or its deadline passed ─────────────────────────────┘
//! ```

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    primitives::{Address, B256, Bytes, ChainId, TxHash, TxKind, U256},
    signers,
};

use super::{Intent, Outcome, Unfinished, fees::Fees};
use crate::Key;

/// Where an intent stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    /// Nothing was signed; it has no nonce.
    Queued,
    /// Signed and recorded, maybe sent, maybe in a block: only the chain knows.
    Pending { nonce: u64 },
    /// As `Pending`, with a transaction that does nothing competing for the nonce.
    Cancelling { nonce: u64 },
    /// In a block that can still be reorganised.
    Included { nonce: u64, block: u64, block_hash: B256, outcome: Outcome },
    /// Over.
    Done { outcome: Outcome },
}

impl State {
    /// The nonce that it still competes for.
    pub(super) const fn open_nonce(&self) -> Option<u64> {
        match self {
            Self::Pending { nonce } | Self::Cancelling { nonce } => Some(*nonce),
            _ => None,
        }
    }

    /// What came of it, as far as that is known.
    pub(super) fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Included { outcome, .. } | Self::Done { outcome } => Some(outcome),
            Self::Queued | Self::Pending { .. } | Self::Cancelling { .. } => None,
        }
    }

    /// The nonce that it has, in a block or not.
    pub(super) const fn nonce(&self) -> Option<u64> {
        match self {
            Self::Pending { nonce } | Self::Cancelling { nonce } | Self::Included { nonce, .. } => Some(*nonce),
            Self::Queued | Self::Done { .. } => None,
        }
    }
}

/// An intent in the outbox.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: i64,
    pub(super) intent: Intent,
    pub(super) state: State,
    /// Unix seconds.
    pub(super) created_at: u64,
    pub(super) problem: Option<String>,
}

impl Entry {
    /// Whether its time is over.
    pub(super) fn is_late(&self, now: u64) -> bool {
        self.intent.deadline.is_some_and(|deadline| now > deadline)
    }
}

impl From<Entry> for Unfinished {
    fn from(entry: Entry) -> Self {
        let nonce = entry.state.nonce();
        let Intent { key, label, .. } = entry.intent;
        Self { key, label, submitted_at: entry.created_at, nonce, problem: entry.problem }
    }
}

/// What a signed transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The intent itself.
    Call,
    /// Nothing: it uses up the nonce.
    Cancel,
}

/// A signed transaction.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) kind: Kind,
    pub(super) nonce: u64,
    pub(super) tx_hash: TxHash,
    pub(super) raw: Bytes,
    pub(super) fees: Fees,
    pub(super) gas_limit: u64,
    /// Unix seconds.
    pub(super) signed_at: u64,
    /// The chain's head then.
    pub(super) signed_block: u64,
}

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft<'a> {
    pub(super) kind: Kind,
    pub(super) chain_id: ChainId,
    pub(super) nonce: u64,
    pub(super) to: Address,
    pub(super) value: U256,
    pub(super) data: &'a Bytes,
    pub(super) gas_limit: u64,
    pub(super) fees: Fees,
}

impl Draft<'_> {
    /// Signs it.
    pub(super) async fn sign(self, signer: &Key, now: u64, head: u64) -> Result<Attempt, signers::Error> {
        let mut transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.fees.max,
            max_priority_fee_per_gas: self.fees.priority,
            to: TxKind::Call(self.to),
            value: self.value,
            input: self.data.clone(),
            ..TxEip1559::default()
        };
        let signature = signer.sign(&mut transaction).await?;
        let signed = TxEnvelope::from(transaction.into_signed(signature));
        Ok(Attempt {
            kind: self.kind,
            nonce: self.nonce,
            tx_hash: *signed.tx_hash(),
            raw: signed.encoded_2718().into(),
            fees: self.fees,
            gas_limit: self.gas_limit,
            signed_at: now,
            signed_block: head,
        })
    }
}
