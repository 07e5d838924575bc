//! The images that this agent had pulled: those that were not used for longest go when they take too much room.
//!
//! A file of the shelf's folder stands for each, named by the hash of the image's name and written before the pull, so that
//! an agent that dies in between forgets nothing; its time is that of the last use. An image that the engine had before is
//! somebody else's and never removed.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use aiigo_task::{ImageReference, format_bytes};
use bollard::query_parameters::RemoveImageOptions;
use sha2::{Digest, Sha256};

use super::engine::{Engine, has_status, reason_of};

/// Where it is remembered which images were pulled, and how much room they may take together.
#[derive(Clone, Debug)]
pub struct ImageShelf {
    /// A folder of the agent's own.
    pub folder: PathBuf,
    /// The most, bytes, as the engine counts them: a layer that two images share counts twice.
    pub bytes: u64,
}

/// The shelf, and what is in use.
#[derive(Debug)]
pub(super) struct Shelf {
    config: Option<ImageShelf>,
    used: Arc<Mutex<HashMap<String, usize>>>,
}

/// An image that is not removed until this is dropped.
#[derive(Debug)]
pub(super) struct Use {
    image: String,
    used: Arc<Mutex<HashMap<String, usize>>>,
}

impl Drop for Use {
    fn drop(&mut self) {
        let mut used = lock(&self.used);
        match used.get_mut(&self.image) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(used.remove(&self.image)),
        }
    }
}

/// An image on the shelf.
#[derive(Debug)]
struct Shelved {
    file: PathBuf,
    image: String,
    last_use: SystemTime,
    bytes: u64,
}

impl Shelf {
    pub(super) fn new(config: Option<ImageShelf>) -> Self {
        Self { config, used: Arc::default() }
    }

    /// Holds an image while it is used.
    pub(super) fn hold(&self, image: &ImageReference) -> Use {
        let image = image.to_string();
        *lock(&self.used).entry(image.clone()).or_default() += 1;
        Use { image, used: Arc::clone(&self.used) }
    }

    /// An image is about to be pulled: from now on it is this agent's to remove.
    pub(super) fn put(&self, image: &ImageReference) -> io::Result<()> {
        let Some(shelf) = &self.config else { return Ok(()) };
        fs::create_dir_all(&shelf.folder)?;
        fs::write(shelf.file(&image.to_string()), image.to_string())
    }

    /// An image is used.
    pub(super) fn touch(&self, image: &ImageReference) {
        let Some(shelf) = &self.config else { return };
        // Only those that stand on it.
        if let Ok(file) = File::options().append(true).open(shelf.file(&image.to_string())) {
            let _ = file.set_modified(SystemTime::now());
        }
    }

    /// Removes what was not used for longest, until the rest has room.
    pub(super) async fn tidy(&self, engine: &Engine) {
        let Some(shelf) = &self.config else { return };
        let mut shelved = shelf.look(engine).await;
        shelved.sort_by_key(|image| image.last_use);
        let mut bytes: u64 = shelved.iter().map(|image| image.bytes).sum();
        for Shelved { file, image, bytes: size, .. } in shelved {
            if bytes <= shelf.bytes {
                return;
            }
            if lock(&self.used).contains_key(&image) {
                continue;
            }
            match engine.docker.remove_image(&image, None::<RemoveImageOptions>, None).await {
                Err(error) if !has_status(&error, 404) => {
                    // Somebody else uses it.
                    tracing::debug!(image, reason = reason_of(&error), "an image stays");
                    continue;
                }
                _ => {}
            }
            tracing::info!(image, size = format_bytes(size), "removed an image that was not used for longest");
            let _ = fs::remove_file(file);
            bytes = bytes.saturating_sub(size);
        }
    }
}

impl ImageShelf {
    fn file(&self, image: &str) -> PathBuf {
        let name: String = Sha256::digest(image).iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(name)
    }

    /// What stands on it; what the engine no longer has is forgotten.
    async fn look(&self, engine: &Engine) -> Vec<Shelved> {
        let mut shelved = Vec::new();
        for file in files(&self.folder) {
            let Ok(image) = fs::read_to_string(&file) else { continue };
            let Ok(last_use) = fs::metadata(&file).and_then(|metadata| metadata.modified()) else { continue };
            match engine.docker.inspect_image(&image).await {
                Ok(found) => {
                    let bytes = found.size.and_then(|size| size.try_into().ok()).unwrap_or_default();
                    shelved.push(Shelved { file, image, last_use, bytes });
                }
                Err(error) if has_status(&error, 404) => drop(fs::remove_file(file)),
                Err(_) => {}
            }
        }
        shelved
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).map(|files| files.flatten().map(|file| file.path()).collect()).unwrap_or_default()
}

/// Nothing that holds the lock can panic in between.
fn lock(used: &Mutex<HashMap<String, usize>>) -> MutexGuard<'_, HashMap<String, usize>> {
    used.lock().unwrap_or_else(PoisonError::into_inner)
}
