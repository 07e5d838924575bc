//! What the index says, compared with what the contracts say of the same block.

mod check;
mod disputes;
mod governance;
mod money;
mod nodes;
mod rewards;
mod tasks;

use std::{collections::BTreeMap, sync::Arc};

use aiigo_protocol::{ContractName, Deployment};
use alloy::{
    eips::BlockId,
    primitives::{Address, B256},
    providers::{DynProvider, Provider},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

pub use self::check::{Check, Difference};
use crate::store::{Bound, Condition, PageRequest, Row, Snapshot, StoreError, rows};

/// Rows that are read at once.
const PAGE: u32 = 500;
/// Rows that the chain is asked about at the same time.
const CONCURRENT: usize = 16;

/// What was compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The block of which both spoke.
    pub block: u64,
    /// How many rows of each kind.
    pub compared: BTreeMap<&'static str, u64>,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// Why a comparison came to no end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Nothing is indexed.
    #[error("nothing is indexed yet: start `aiigo-indexer run` first")]
    Empty,
    /// The chain went on, and the node knows the block no more, or only its header.
    #[error(
        "the chain's node can't tell the state of block {block}: {source}; use one that keeps old states (an archive node), \
         or an index that is up to date"
    )]
    Chain {
        /// The indexed block.
        block: u64,
        /// What the node said.
        source: Box<alloy::contract::Error>,
    },
    /// The indexed block is not on the chain.
    #[error(
        "block {block} ({hash}) is not on this chain: let the indexer catch up with the reorganisation, then try again"
    )]
    Reorganised {
        /// Its number.
        block: u64,
        /// Its hash.
        hash: B256,
    },
    /// The chain does not answer.
    #[error("the chain does not answer: {0}")]
    Unreachable(#[from] alloy::transports::TransportError),
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The contracts as of the indexed block.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    provider: DynProvider,
    deployment: Arc<Deployment>,
    number: u64,
    block: BlockId,
}

impl Chain {
    fn at(&self, name: ContractName) -> Address {
        self.deployment.address(name)
    }

    /// For `map_err`.
    fn refused(&self) -> impl Fn(alloy::contract::Error) -> VerifyError {
        let block = self.number;
        move |source| VerifyError::Chain { block, source: Box::new(source) }
    }
}

/// A row that the contracts can be asked about.
pub(crate) trait Verifiable: Row {
    /// What it is called in reports.
    const KIND: &'static str;

    /// Compares it with what the contracts say.
    fn verify(self, chain: &Chain) -> impl Future<Output = Result<Check, VerifyError>> + Send;
}

/// Compares every node, task, escrow, balance, account, position, reward, case, juror, replica and proposal with the contracts.
///
/// # Errors
/// If there is nothing to compare, or database or chain fail. A difference is none.
pub async fn verify(snapshot: &Snapshot, provider: DynProvider, deployment: Deployment) -> Result<Report, VerifyError> {
    let state = snapshot.state().await?;
    let indexed = state.as_ref().and_then(|state| Some((state.indexed?, state.indexed_hash?)));
    let (number, hash) = indexed.ok_or(VerifyError::Empty)?;
    if let Some(state) = state {
        state.of(&deployment)?;
    }
    let canonical = provider.get_block_by_number(number.into()).await?;
    if canonical.is_none_or(|block| block.header.hash != hash) {
        return Err(VerifyError::Reorganised { block: number, hash });
    }
    let chain = Chain { provider, deployment: Arc::new(deployment), number, block: BlockId::hash(hash) };
    let mut report = Report { block: number, ..Report::default() };
    report.all::<rows::Node>(snapshot, &chain).await?;
    report.all::<rows::NodeEscrow>(snapshot, &chain).await?;
    report.all::<rows::Task>(snapshot, &chain).await?;
    report.all::<rows::Escrow>(snapshot, &chain).await?;
    report.all::<rows::Balance>(snapshot, &chain).await?;
    report.all::<rows::Account>(snapshot, &chain).await?;
    report.all::<rows::Position>(snapshot, &chain).await?;
    report.all::<rows::Epoch>(snapshot, &chain).await?;
    report.all::<rows::Reward>(snapshot, &chain).await?;
    report.all::<rows::Case>(snapshot, &chain).await?;
    report.all::<rows::CaseJuror>(snapshot, &chain).await?;
    report.all::<rows::Replica>(snapshot, &chain).await?;
    report.all::<rows::Proposal>(snapshot, &chain).await?;
    report.all::<rows::Protocol>(snapshot, &chain).await?;
    Ok(report)
}

impl Report {
    /// Compares all rows of a kind, page by page.
    async fn all<R: Verifiable>(&mut self, snapshot: &Snapshot, chain: &Chain) -> Result<(), VerifyError> {
        let mut after: Option<Bound> = None;
        loop {
            let request = PageRequest {
                condition: Condition::EVERYTHING,
                order: Vec::new(),
                after: after.take(),
                before: None,
                limit: PAGE,
                from_end: false,
            };
            let page = snapshot.page::<R>(&request).await?;
            after = page.rows.last().map(|last| last.bound.clone());
            let checks = stream::iter(page.rows).map(|paged| paged.row.verify(chain)).buffered(CONCURRENT);
            for check in checks.try_collect::<Vec<Check>>().await? {
                *self.compared.entry(R::KIND).or_default() += 1;
                self.differences.extend(check.into_differences());
            }
            if !page.has_next {
                return Ok(());
            }
        }
    }
}
