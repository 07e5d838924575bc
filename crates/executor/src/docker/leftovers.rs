//! Removing what runs leave at the engine.

use std::{collections::HashMap, time::Duration};

use bollard::{
    errors::Error,
    query_parameters::{
        ListContainersOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder,
        RemoveVolumeOptionsBuilder,
    },
};
use tokio::time::{Instant, sleep};

use super::{
    engine::{Doing, Engine, has_status},
    names::{LABEL, Names, prefix},
};
use crate::ExecutorError;

/// How long the engine may take to let go of what has ended.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// Removes what one run made; what is not there is fine.
pub(super) async fn remove(engine: &Engine, names: &Names) -> Result<(), ExecutorError> {
    let containers = tokio::join!(container(engine, &names.task), container(engine, &names.keeper));
    let volumes = tokio::join!(volume(engine, &names.work), volume(engine, &names.inputs));
    containers.0.and(containers.1).and(volumes.0).and(volumes.1)
}

/// Removes what earlier processes of an agent left: it was killed, or the machine went down.
pub(super) async fn sweep(engine: &Engine, instance: &str) -> Result<(), ExecutorError> {
    let looking = || "looking for containers that were left behind";
    let filters = HashMap::from([("label".to_owned(), vec![format!("{LABEL}={instance}")])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let prefix = prefix(instance);
    for found in engine.docker.list_containers(Some(options)).await.doing(looking)? {
        let names = found.names.unwrap_or_default();
        if let Some(name) = names.iter().map(|name| name.trim_start_matches('/')).find(|name| name.starts_with(&prefix))
        {
            tracing::warn!(container = name, "removing a container that was left behind");
            container(engine, name).await?;
        }
    }
    let options = ListVolumesOptionsBuilder::new().filters(&filters).build();
    let found = engine.docker.list_volumes(Some(options)).await.doing(looking)?;
    for found in found.volumes.unwrap_or_default() {
        if found.name.starts_with(&prefix) {
            volume(engine, &found.name).await?;
        }
    }
    Ok(())
}

async fn container(engine: &Engine, name: &str) -> Result<(), ExecutorError> {
    insist(|| {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        engine.docker.remove_container(name, Some(options))
    })
    .await
    .doing(|| format!("removing the container {name}"))
}

async fn volume(engine: &Engine, name: &str) -> Result<(), ExecutorError> {
    insist(|| {
        let options = RemoveVolumeOptionsBuilder::new().force(true).build();
        engine.docker.remove_volume(name, Some(options))
    })
    .await
    .doing(|| format!("removing the volume {name}"))
}

/// Until it is gone: while the engine still ends something, it answers that it is in use.
async fn insist<R: Future<Output = Result<(), Error>> + Send>(remove: impl Fn() -> R + Send) -> Result<(), Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match remove().await {
            Err(error) if has_status(&error, 404) => return Ok(()),
            Err(error) if has_status(&error, 409) || has_status(&error, 500) => {
                if Instant::now() >= deadline {
                    return Err(error);
                }
                sleep(PAUSE).await;
            }
            other => return other,
        }
    }
}
