//! Sending transactions for as long as a command runs.

use aiigo_chain::{Key, Outbox, OutboxConfig};
use tokio_util::sync::CancellationToken;

use super::Agent;
use crate::{
    error::{AgentError, Context},
    sender::Sender,
};

/// Lets `work` send with a key, through the key's own outbox in the agent's folder.
///
/// # Errors
/// Those of `work`, and if the outbox can't be had: another program may use the same key here.
pub(super) async fn sending<T>(
    agent: &Agent,
    key: Key,
    token: CancellationToken,
    work: impl AsyncFnOnce(Sender) -> Result<T, AgentError>,
) -> Result<T, AgentError> {
    let path = agent.data.outbox(key.address());
    let outbox = Outbox::open(&path, agent.market.provider().clone(), key, OutboxConfig::default());
    let outbox = outbox.await.context("cannot send transactions; does `aiigo-agent run` use the same key?")?;
    let driving = token.child_token();
    let driver = tokio::spawn({
        let (outbox, driving) = (outbox.clone(), driving.clone());
        async move { outbox.run(driving).await }
    });
    let done = tokio::select! {
        done = work(Sender::new(outbox, token, None)) => done,
        ended = driver => Err(match ended {
            Ok(Err(error)) => AgentError::because("the outbox fails", error),
            _ => AgentError::stopped(),
        }),
    };
    driving.cancel();
    done
}
