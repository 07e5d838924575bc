//! What each event means for the rows: one file a subject. A projection reads and writes rows through [`Changes`] and
//! nothing else, so it can be replayed, undone and tested without a chain.

mod challenge;
mod court;
pub(crate) mod day;
mod escrow;
mod governance;
mod juror;
mod node;
pub(crate) mod parameters;
mod protocol;
mod replica;
pub(crate) mod reward;
mod staking;
mod subject;
mod task;
mod token;

use aiigo_chain::LocatedEvent;
use aiigo_protocol::{ContractName, Deployment, Event};
use alloy::primitives::{Address, B256};

use crate::{
    catalog,
    store::{Changes, ColumnError, Row as _, StoreError, Value, key, rows},
};

/// What projections need to know that no event tells.
#[derive(Clone, Debug)]
pub struct Projector {
    deployment: Deployment,
    /// Where the escrow manager credits fees: the vault that shares them out.
    treasury: Address,
}

/// When and by what a change was made.
#[derive(Clone, Copy, Debug)]
struct Moment {
    time: u64,
    block: u64,
    tx: B256,
}

impl Projector {
    /// Projections of one deployment's events.
    pub fn new(deployment: Deployment) -> Self {
        let treasury = deployment.address(ContractName::FeeVault);
        Self { deployment, treasury }
    }

    /// Writes the events of a block and what follows from them.
    ///
    /// # Errors
    /// If the database fails, or an event is about something that no earlier event made.
    pub async fn apply(&self, events: &[LocatedEvent], db: &mut Changes) -> Result<(), StoreError> {
        let Some(block) = events.first().map(|event| event.block) else { return Ok(()) };
        let before = db.find::<rows::Protocol>(&key![0_u8]).await?;
        for event in events {
            db.log(self.raw(event)?);
            let at = Moment { time: block.timestamp, block: block.number, tx: event.tx_hash };
            self.dispatch(event.event.as_ref(), at, db).await?;
        }
        match db.find::<rows::Protocol>(&key![0_u8]).await? {
            Some(now) if before.as_ref() != Some(&now) => day::totals(db, block.timestamp, before.as_ref(), &now).await,
            _ => Ok(()),
        }
    }

    async fn dispatch(&self, event: Option<&Event>, at: Moment, db: &mut Changes) -> Result<(), StoreError> {
        match event {
            Some(Event::NodeRegistry(event)) => node::apply(event, at, db).await,
            Some(Event::ProofOfWorkVerifier(event)) => challenge::apply(event, at, db).await,
            Some(Event::TaskMarketplace(event)) => task::apply(event, at, db).await,
            Some(Event::EscrowManager(event)) => escrow::apply(event, self.treasury, at, db).await,
            Some(Event::RewardDistributor(event)) => reward::apply(event, at, db).await,
            Some(Event::StakingPool(event)) => {
                staking::apply(event, self.deployment.address(ContractName::AIIGOToken), at, db).await
            }
            Some(Event::AIIGOToken(event)) => token::apply(event, db).await,
            Some(Event::AIIGOGovernor(event)) => governance::apply(event, at, db).await,
            Some(Event::DisputeCourt(event)) => court::apply(event, at, db).await,
            Some(Event::TimelockController(_) | Event::FeeVault(_) | Event::KeeperTips(_) | Event::Guardian(_))
            | None => Ok(()),
        }
    }

    /// An event as it is kept.
    ///
    /// # Errors
    /// If it stands where no log can.
    fn raw(&self, located: &LocatedEvent) -> Result<rows::Event, StoreError> {
        let contract = self.deployment.contract_at(located.address);
        let selector = located.raw.topics().first();
        let kind = contract.zip(selector).and_then(|(contract, selector)| catalog::event_name(contract, selector));
        let subject = located.event.as_ref().map(subject::of).unwrap_or_default();
        let (block, log_index) = (located.block.number, located.log_index);
        let position = rows::LogPosition::new(block, log_index).ok_or(StoreError::NoPosition { block, log_index })?;
        Ok(rows::Event {
            position,
            timestamp: located.block.timestamp,
            tx_hash: located.tx_hash,
            tx_index: located.tx_index,
            address: located.address,
            contract: contract.map(|contract| contract.name().into()),
            kind: kind.map(Into::into),
            task_id: subject.task,
            node_id: subject.node,
            topics: located.raw.topics().iter().map(B256::as_slice).collect::<Vec<_>>().concat(),
            data: located.raw.data.clone(),
        })
    }
}

/// A variant of an enum in an event; the contracts check it, so another number means that this program is too old.
fn variant<T: TryFrom<u8>>(expected: &'static str, number: u8) -> Result<T, StoreError> {
    T::try_from(number).map_err(|_| StoreError::Damaged {
        table: rows::Event::TABLE.name,
        source: ColumnError::new(expected, Value::Int(number.into())),
    })
}
