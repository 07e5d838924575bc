//! Who may push into a buyer's store: whoever works on one of this buyer's tasks right now, and only so much.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Mutex, PoisonError},
};

use aiigo_protocol::{
    NodeId, ReplicaStatus, TaskId,
    TaskMarketplace::{Task, TaskCreated},
    TaskStatus,
};
use aiigo_storage::{PushAuthorizer, PushDenied, PushGrant};
use aiigo_task::{CAPTURE_BYTES, MAX_DOCUMENT_BYTES, TaskSpec};
use alloy::primitives::{Address, B256};
use async_trait::async_trait;

use super::published::Published;
use crate::{Chain, CliError, job::timeline::Timeline};

/// Beside its outputs a task brings a manifest and what the program printed on its two streams.
const MARGIN_BYTES: u64 = MAX_DOCUMENT_BYTES as u64 + 2 * CAPTURE_BYTES;
/// Seconds after the time to reveal for which the seats of a counted task may bring what nobody took before.
const LATE_SECONDS: u64 = 24 * 3600;
/// Tasks remembered; then all are forgotten, and looked up again when needed.
const MOST_REMEMBERED: usize = 10_000;

/// Asks the chain: the task must be in progress and not overdue, the signer the operator of the node that has it, and the
/// task one that this store's buyer ordered. Then its outputs may take as much room as the spec allows. Of a replicated task
/// it must be the operator of a seat that has sealed its result, and no seat may be left that still can.
#[derive(Debug)]
pub struct ChainAuthorizer {
    chain: Chain,
    published: Published,
    /// Room of each known task, bytes: what a task orders never changes.
    rooms: Mutex<HashMap<TaskId, u64>>,
}

impl ChainAuthorizer {
    /// The authorizer of the store in a folder.
    pub fn new(chain: Chain, store: &Path) -> Self {
        Self { chain, published: Published::in_store(store), rooms: Mutex::default() }
    }

    /// The cheap questions first: only who passes them can make this program search the chain's events.
    async fn check(&self, grant: &PushGrant, signer: Address) -> Result<u64, PushDenied> {
        let id = TaskId(grant.task_id);
        let chain_id = self.chain.deployment().chain_id;
        if grant.chain_id != chain_id {
            return Err(refused(format!("this store works for chain {chain_id}, not {}", grant.chain_id)));
        }
        let (status, task) = self.chain.task(id).await.map_err(|error| match error {
            CliError::Failed(reason) => refused(reason),
            error => unavailable(error),
        })?;
        match task.replicas > 1 {
            true => self.check_seat(id, status, signer).await?,
            false => self.check_assigned(id, status, &task, signer).await?,
        }
        match self.remembered(id) {
            Some(room) => Ok(room),
            None => {
                let room = self.room(id, task.buyer, chain_id).await?;
                self.remember(id, room);
                Ok(room)
            }
        }
    }

    /// A task of one node: it has the task, and time.
    async fn check_assigned(
        &self,
        id: TaskId,
        status: TaskStatus,
        task: &Task,
        signer: Address,
    ) -> Result<(), PushDenied> {
        if status != TaskStatus::InProgress {
            return Err(refused(format!("task {id} is {status}: only a running one delivers")));
        }
        if !self.operates(signer, NodeId(task.nodeId)).await? {
            return Err(refused(format!("{signer} is not the operator of node {}, which has task {id}", task.nodeId)));
        }
        let parameters = self.chain.market().parameters().call().await;
        let parameters =
            parameters.map_err(|error| unavailable(CliError::call("reading the marketplace's parameters", error)))?;
        let until = task.assignedAt.to::<u64>() + u64::from(task.duration) + u64::from(parameters.grace);
        self.check_time(id, until).await
    }

    /// A replicated task: what a seat found is taken once no other seat can use it, and from then on for as long as it can be
    /// revealed, or, if it was counted, a day longer.
    async fn check_seat(&self, id: TaskId, status: TaskStatus, signer: Address) -> Result<(), PushDenied> {
        let replication = self.chain.market().replicationOf(id.0).call().await;
        let replication =
            replication.map_err(|error| unavailable(CliError::call(format!("reading the seats of {id}"), error)))?;
        let reveal_until = replication.revealUntil.to::<u64>();
        let until = match status {
            TaskStatus::Replicating => reveal_until,
            TaskStatus::Verified => reveal_until.saturating_add(LATE_SECONDS),
            _ => return Err(refused(format!("task {id} is {status}: only a running or a counted one delivers"))),
        };
        let working = |seat: u8| seat == u8::from(ReplicaStatus::Drawn);
        let seal_until = replication.sealUntil.to::<u64>();
        if replication.seats.iter().any(|seat| working(seat.status)) {
            let now = self.chain.head().await.map_err(unavailable)?.timestamp;
            if now <= seal_until {
                let reason = format!("seats of task {id} have not sealed their results: come back once all have");
                return Err(PushDenied::Unavailable(reason));
            }
        }
        use ReplicaStatus::{Agreed, Appealed, Outvoted, Revealed, Sealed};
        let delivering = [Sealed, Revealed, Agreed, Outvoted, Appealed].map(u8::from);
        for seat in replication.seats.iter().filter(|seat| delivering.contains(&seat.status)) {
            if self.operates(signer, NodeId(seat.nodeId)).await? {
                return self.check_time(id, until).await;
            }
        }
        Err(refused(format!("{signer} is not the operator of a node that has sealed a result of task {id}")))
    }

    async fn operates(&self, signer: Address, node: NodeId) -> Result<bool, PushDenied> {
        let operator = self.chain.registry().operatorOf(node.0).call().await;
        let operator = operator.map_err(|error| unavailable(CliError::call("reading a node's operator", error)))?;
        Ok(operator == signer)
    }

    async fn check_time(&self, id: TaskId, until: u64) -> Result<(), PushDenied> {
        match self.chain.head().await.map_err(unavailable)?.timestamp > until {
            true => Err(refused(format!("task {id} was due by {until}"))),
            false => Ok(()),
        }
    }

    /// What the spec allows, if the buyer ordered it from this store.
    async fn room(&self, id: TaskId, buyer: Address, chain_id: u64) -> Result<u64, PushDenied> {
        let spec_hash = self.spec_hash(id).await?;
        let spec = self.published.spec(chain_id, buyer, spec_hash).map_err(unavailable)?;
        let spec = spec.ok_or_else(|| refused(format!("task {id} was not ordered from this store")))?;
        let spec = TaskSpec::parse_promised(&spec, spec_hash)
            .map_err(|error| unavailable(CliError::caused(format!("reading the spec of task {id}"), error)))?;
        Ok(spec.limits.output_bytes.saturating_add(MARGIN_BYTES))
    }

    async fn spec_hash(&self, id: TaskId) -> Result<B256, PushDenied> {
        let mut timeline = Timeline::new(self.chain.clone(), id);
        timeline.refresh().await.map_err(unavailable)?;
        let created: Option<&TaskCreated> = timeline.created();
        created.map(|created| created.specHash).ok_or_else(|| {
            unavailable(CliError::Failed(format!("the chain's events do not show the creation of task {id}")))
        })
    }

    fn remembered(&self, id: TaskId) -> Option<u64> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied()
    }

    fn remember(&self, id: TaskId, room: u64) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.len() >= MOST_REMEMBERED {
            rooms.clear();
        }
        rooms.insert(id, room);
    }
}

#[async_trait]
impl PushAuthorizer for ChainAuthorizer {
    async fn authorize(&self, grant: &PushGrant, signer: Address) -> Result<u64, PushDenied> {
        self.check(grant, signer).await
    }
}

fn refused(reason: String) -> PushDenied {
    PushDenied::Refused(reason)
}

/// The chain or the disk does not answer: the provider is told no more than that.
fn unavailable(error: CliError) -> PushDenied {
    tracing::warn!(%error, causes = ?error.causes(), "a push can't be judged");
    PushDenied::Unavailable("the store can't judge this push now; try again in a moment".into())
}
