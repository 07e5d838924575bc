//! Whether a task is still this node's while its program runs: a timeout, a ruling or a reorganisation can take it away, and
//! then the machine has better things to do.

use aiigo_protocol::TaskStatus;

use super::{Desk, accept};
use crate::{error::AgentError, store::Work};

/// Blocks in a row that must say so before a program is stopped: endpoints lag, and a short reorganisation brings the same
/// acceptance back.
const BLOCKS: u64 = 4;

/// What the chain says of a task that this node took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tenure {
    /// It is this node's.
    Held,
    /// Its acceptance was reorganised away, and is on its way again.
    ComesBack,
    /// It was this node's, and is no more.
    Ended,
    /// On this branch of the chain it never was.
    Never,
}

impl Tenure {
    /// As of the newest block: one word, which a lagging endpoint may give.
    async fn of(desk: &Desk, work: &Work) -> Result<Self, AgentError> {
        let (status, task) = desk.market.task(work.task).await?;
        if task.nodeId == desk.node.0 {
            return Ok(Self::Held);
        }
        if status == TaskStatus::Open && accept::is_under_way(desk, work).await? {
            return Ok(Self::ComesBack);
        }
        let excluded = desk.market.tasks().isExcluded(work.task.0, desk.node.0).call().await;
        let excluded =
            excluded.map_err(|error| crate::error::read_error("cannot read if the node is excluded", error))?;
        Ok(if excluded { Self::Ended } else { Self::Never })
    }
}

/// Where the node stands, once that is sure: it holds the task, or block after block says that it does not. While an
/// acceptance is on its way back it is waited for.
pub(super) async fn settled(desk: &Desk, work: &Work) -> Result<Tenure, AgentError> {
    let (mut height, mut told) = (0, 0);
    loop {
        let tenure = Tenure::of(desk, work).await?;
        told = match tenure {
            Tenure::Held => return Ok(tenure),
            Tenure::ComesBack => 0,
            Tenure::Ended | Tenure::Never => told + 1,
        };
        if told >= BLOCKS {
            return Ok(tenure);
        }
        height = desk.clock.after(height).await?;
    }
}

/// Waits until the task of a running program is not this node's any more. A chain that does not answer says nothing.
pub(super) async fn lost(desk: &Desk, work: &Work) -> Result<(), AgentError> {
    let (mut height, mut told) = (0, 0);
    loop {
        height = desk.clock.after(height).await?;
        told = match Tenure::of(desk, work).await {
            Ok(Tenure::Ended | Tenure::Never) => told + 1,
            Ok(Tenure::Held | Tenure::ComesBack) => 0,
            Err(_) => told,
        };
        if told >= BLOCKS {
            return Ok(());
        }
    }
}

/// Whether the acceptance is on its way back, as far as one word tells.
pub(super) async fn comes_back(desk: &Desk, work: &Work) -> Result<bool, AgentError> {
    Ok(Tenure::of(desk, work).await? == Tenure::ComesBack)
}
