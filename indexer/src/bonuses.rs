//! Bonuses of closed epochs, recomputed from the raw events: what anybody compares posted roots with.

use std::{collections::BTreeMap, sync::Arc};

use aiigo_protocol::{ContractName, Event};
use aiigo_rewards::{ClosedEpoch, Ledger};
use alloy::primitives::{B256, LogData};
use tokio::sync::Mutex;

use crate::store::{Column, Condition, Order, PageRequest, Snapshot, StoreError, rows};

/// Whose events decide.
const CONTRACTS: [ContractName; 3] =
    [ContractName::NodeRegistry, ContractName::ProofOfWorkVerifier, ContractName::RewardDistributor];
/// Events that are read at a time.
const PAGE: u32 = 5_000;

/// Reads the history of a snapshot and hands over each epoch that it closed, in their order.
///
/// # Errors
/// If the database can't be read, or takes too long.
pub(crate) async fn replay(snapshot: &Snapshot, mut closed: impl FnMut(ClosedEpoch)) -> Result<(), StoreError> {
    let names = CONTRACTS.iter().map(|name| Column::value(&name.name().to_owned())).collect();
    let mut request = PageRequest {
        condition: Condition::In("contract", names),
        order: vec![Order { column: "position", descending: false }],
        after: None,
        before: None,
        limit: PAGE,
        from_end: false,
    };
    let mut ledger = Ledger::default();
    loop {
        let page = snapshot.page::<rows::Event>(&request).await?;
        for event in page.rows.iter().filter_map(|paged| decode(&paged.row)) {
            if let Some(epoch) = ledger.apply(&event) {
                closed(epoch);
            }
        }
        match page.rows.into_iter().next_back() {
            Some(last) if page.has_next => request.after = Some(last.bound),
            _ => return Ok(()),
        }
    }
}

fn decode(row: &rows::Event) -> Option<Event> {
    let contract = CONTRACTS.into_iter().find(|contract| row.contract.as_deref() == Some(contract.name()))?;
    let topics = row.topics.chunks_exact(32).map(B256::from_slice).collect();
    Event::decode(contract, &LogData::new(topics, row.data.clone())?)
}

/// The roots of closed epochs; `None` of one after which nobody had earned a bonus.
type Roots = Arc<BTreeMap<u64, Option<B256>>>;

/// The roots as of a block. However many ask, the history is read once a block.
#[derive(Debug, Default)]
pub(crate) struct BonusRoots {
    newest: Mutex<Option<(B256, Roots)>>,
}

impl BonusRoots {
    /// The roots as of the snapshot's block.
    pub(crate) async fn of(&self, snapshot: &Snapshot) -> Result<Roots, StoreError> {
        let block = snapshot.state().await?.and_then(|state| state.indexed_hash);
        let Some(block) = block else { return Ok(Roots::default()) };
        let mut newest = self.newest.lock().await;
        if let Some((of, roots)) = &*newest
            && *of == block
        {
            return Ok(Arc::clone(roots));
        }
        let mut roots = BTreeMap::new();
        replay(snapshot, |epoch| {
            roots.insert(epoch.number, epoch.tree().map(|tree| tree.root()));
        })
        .await?;
        let roots = Arc::new(roots);
        *newest = Some((block, Arc::clone(&roots)));
        Ok(roots)
    }
}
