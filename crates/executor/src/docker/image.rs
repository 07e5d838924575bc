//! Getting an image, and what of it matters to the sandbox.

use std::time::Duration;

use aiigo_task::ImageReference;
use bollard::{errors::Error, models::ImageInspect, query_parameters::CreateImageOptionsBuilder};
use futures::TryStreamExt;

use super::{
    engine::{Doing, Engine, has_status, reason_of},
    shelf::Shelf,
};
use crate::ExecutorError;

/// Longest pull.
const PULL_TIME: Duration = Duration::from_secs(1800);
/// Volumes that an image may declare; each is replaced by a place of limited size.
const MAX_VOLUMES: usize = 16;

/// An image that the engine has.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// The engine's name for its content.
    pub(super) id: String,
    /// Where it wants volumes. Left alone, the engine would give it directories of the host's disk, without limit.
    pub(super) volumes: Vec<String>,
    /// Its working directory, if it names one.
    pub(super) working_dir: Option<String>,
    /// Whether it says what to run.
    pub(super) has_command: bool,
}

/// The image, pulled by its digest if the engine does not have it.
pub(super) async fn obtain(engine: &Engine, shelf: &Shelf, image: &ImageReference) -> Result<Image, ExecutorError> {
    let name = image.to_string();
    let looking = || format!("looking for the image {image}");
    let inspected = match engine.docker.inspect_image(&name).await {
        Err(error) if has_status(&error, 404) => {
            let shelved = shelf.put(image);
            shelved.map_err(|error| ExecutorError::ImageUnavailable {
                image: image.clone(),
                reason: format!("it can't be remembered that it is pulled: {error}"),
            })?;
            pull(engine, image).await?;
            shelf.tidy(engine).await;
            engine.docker.inspect_image(&name).await.doing(looking)?
        }
        other => other.doing(looking)?,
    };
    shelf.touch(image);
    judge(image, inspected)
}

async fn pull(engine: &Engine, image: &ImageReference) -> Result<(), ExecutorError> {
    let unavailable = |reason| ExecutorError::ImageUnavailable { image: image.clone(), reason };
    tracing::info!(%image, "pulling");
    let options = CreateImageOptionsBuilder::new().from_image(&image.to_string()).build();
    let steps = engine.docker.create_image(Some(options), None, None).try_for_each(|_| async { Ok::<_, Error>(()) });
    match tokio::time::timeout(PULL_TIME, steps).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(unavailable(reason_of(&error))),
        Err(_) => Err(unavailable(format!("it was not there after {} s", PULL_TIME.as_secs()))),
    }
}

fn judge(image: &ImageReference, inspected: ImageInspect) -> Result<Image, ExecutorError> {
    let refused = |reason: &str| ExecutorError::ImageRefused { image: image.clone(), reason: reason.into() };
    let id = inspected.id.ok_or_else(|| refused("the engine does not tell its id"))?;
    if inspected.os.is_some_and(|os| os != "linux") {
        return Err(refused("it is not for Linux"));
    }
    let config = inspected.config.unwrap_or_default();
    let volumes = config.volumes.unwrap_or_default();
    if volumes.len() > MAX_VOLUMES {
        return Err(refused("it declares too many volumes"));
    }
    if volumes.iter().any(|path| !path.starts_with('/') || path.trim_matches('/').is_empty()) {
        return Err(refused("it declares a volume that is no directory of its own"));
    }
    Ok(Image {
        id,
        volumes,
        working_dir: config.working_dir.filter(|path| !path.trim_matches('/').is_empty()),
        has_command: config.entrypoint.is_some_and(|list| !list.is_empty())
            || config.cmd.is_some_and(|list| !list.is_empty()),
    })
}
