//! Bonuses recomputed from the events of the chain, and the roots that were posted for them.

use std::collections::BTreeMap;

use aiigo_chain::search_back;
use aiigo_protocol::{ContractName, Event};
use aiigo_rewards::{ClosedEpoch, Ledger};
use alloy::{
    primitives::{Address, B256, U256},
    rpc::types::Filter,
};
use serde::Serialize;

use crate::{Chain, CliError, error::Context};

/// Whose events decide.
const CONTRACTS: [ContractName; 3] =
    [ContractName::NodeRegistry, ContractName::ProofOfWorkVerifier, ContractName::RewardDistributor];

/// Every closed epoch by its number, from all events since the deployment.
pub(super) async fn closed_epochs(chain: &Chain) -> Result<BTreeMap<u64, ClosedEpoch>, CliError> {
    let deployment = chain.deployment();
    let addresses: Vec<Address> = CONTRACTS.iter().map(|contract| deployment.address(*contract)).collect();
    let filter = Filter::new().address(addresses);
    let head = chain.head().await?.number;
    let logs = search_back(chain.provider(), &filter, deployment.block, head, |_| false).await?;
    let mut ledger = Ledger::default();
    let mut closed = BTreeMap::new();
    for log in &logs {
        let event = deployment.contract_at(log.address()).and_then(|contract| Event::decode(contract, log.data()));
        if let Some(epoch) = event.and_then(|event| ledger.apply(&event)) {
            closed.insert(epoch.number, epoch);
        }
    }
    Ok(closed)
}

/// Where a root stands, as `IBonusRoots.RootStatus` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum RootStatus {
    None,
    Pending,
    Final,
    Superseded,
    Vetoed,
}

impl RootStatus {
    const ALL: [Self; 5] = [Self::None, Self::Pending, Self::Final, Self::Superseded, Self::Vetoed];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Pending => "Pending",
            Self::Final => "Final",
            Self::Superseded => "Superseded",
            Self::Vetoed => "Vetoed",
        }
    }
}

/// A root that somebody posted.
#[derive(Clone, Copy, Debug)]
pub(super) struct PostedRoot {
    pub(super) id: U256,
    pub(super) root: B256,
    pub(super) epoch: u64,
    pub(super) poster: Address,
    pub(super) status: RootStatus,
    /// From then on it can be finalized, unix seconds.
    pub(super) final_at: u64,
}

impl PostedRoot {
    pub(super) async fn read(chain: &Chain, id: U256) -> Result<Self, CliError> {
        let what = || format!("reading root {id}");
        let posted = chain.rewards().rootOf(id).call().await.map_err(|error| CliError::call(what(), error))?;
        let status = RootStatus::ALL.get(usize::from(posted.status)).copied();
        let status = status.ok_or_else(|| format!("unknown status {}", posted.status)).context(what)?;
        let (root, epoch, poster) = (posted.root, posted.epoch, posted.poster);
        Ok(Self { id, root, epoch, poster, status, final_at: posted.finalAt.to() })
    }

    /// The one that counts.
    pub(super) async fn present(chain: &Chain) -> Result<Option<Self>, CliError> {
        let id = chain.rewards().currentRootId().call().await;
        match id.map_err(|error| CliError::call("reading which root counts", error))? {
            U256::ZERO => Ok(None),
            id => Self::read(chain, id).await.map(Some),
        }
    }
}
