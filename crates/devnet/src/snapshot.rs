//! The deployed state, cached: the compiler and the deploy script run once for each version of the contracts.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use aiigo_protocol::Deployment;
use alloy::primitives::{B256, Keccak256};

use crate::{
    account::MNEMONIC,
    anvil::{Anvil, BlockTime, State},
    deploy,
    error::DevnetError,
};

/// Where snapshots are kept, below the project's root: `foundry.toml` lets the deploy script write there.
const CACHE: &str = ".aiigo/devnet";
/// What decides how the deployed state looks, below the project's root.
const SOURCES: &[&str] =
    &["contracts/src", "contracts/script", "contracts/solc.js", "foundry.toml", "package-lock.json"];
/// Raised when the way snapshots are made changes.
const FORMAT: u8 = 1;
/// The chain's clock jumps from the deployment to the present, over as many reward epochs (a minute each on a devnet)
/// as the keeper then has to close.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

const STATE_FILE: &str = "state.json";
const DEPLOYMENT_FILE: &str = "deployment.json";

/// Puts the deployed state and its record into `dir`, from the cache when it has them.
///
/// # Errors
/// If the contracts don't compile or deploy, or a file can't be read or written.
pub async fn place(project_root: &Path, dir: &Path, chain_id: u64) -> Result<Placed, DevnetError> {
    let cache = project_root.join(CACHE);
    // Held to the end: nobody deploys twice at a time, or deletes what is being copied.
    let _lock = lock(cache.clone()).await?;
    let root = project_root.to_owned();
    let key = blocking(move || fingerprint(&root, chain_id)).await?;
    let snapshot = cache.join(key.to_string());
    if !is_fresh(&snapshot) {
        tracing::info!("deploying the contracts to a new chain");
        create(project_root, &cache, &snapshot, chain_id).await?;
    }
    let placed = Placed { state: dir.join(STATE_FILE), deployment: dir.join(DEPLOYMENT_FILE) };
    copy(&snapshot.join(STATE_FILE), &placed.state)?;
    copy(&snapshot.join(DEPLOYMENT_FILE), &placed.deployment)?;
    Ok(placed)
}

/// The files of a placed snapshot.
#[derive(Debug)]
pub struct Placed {
    /// anvil's dump.
    pub state: PathBuf,
    /// The deploy script's record.
    pub deployment: PathBuf,
}

async fn create(project_root: &Path, cache: &Path, snapshot: &Path, chain_id: u64) -> Result<(), DevnetError> {
    let work = cache.join("work");
    remove_folder(&work)?;
    fs::create_dir_all(&work).map_err(DevnetError::file("create", &work))?;
    let state = work.join(STATE_FILE);
    let anvil = Anvil::start(project_root, &work, chain_id, BlockTime::PerTransaction, State::SavedTo(&state)).await?;
    // The genesis block has no randomness, and the script refuses a chain without.
    anvil.mine(1).await?;
    deploy::run(project_root, anvil.url(), &work, &work.join(DEPLOYMENT_FILE)).await?;
    anvil.stop().await?;
    Deployment::load(work.join(DEPLOYMENT_FILE))?;
    // The last step makes it a snapshot: a killed attempt leaves none.
    remove_others(cache)?;
    fs::rename(&work, snapshot).map_err(DevnetError::file("create", snapshot))
}

/// Deletes the snapshots of other versions; who started from one has a copy.
fn remove_others(cache: &Path) -> Result<(), DevnetError> {
    let entries = fs::read_dir(cache).map_err(DevnetError::file("read", cache))?;
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with("0x") {
            remove_folder(&entry.path())?;
        }
    }
    Ok(())
}

fn remove_folder(path: &Path) -> Result<(), DevnetError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(DevnetError::file("delete", path)(error)),
        _ => Ok(()),
    }
}

fn is_fresh(snapshot: &Path) -> bool {
    let modified = fs::metadata(snapshot.join(STATE_FILE)).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age < MAX_AGE))
}

fn copy(from: &Path, to: &Path) -> Result<(), DevnetError> {
    fs::copy(from, to).map(|_| ()).map_err(DevnetError::file("copy the chain's state to", to))
}

/// Waits for the right to use the cache, among threads and processes; it ends with the returned file.
async fn lock(cache: PathBuf) -> Result<File, DevnetError> {
    blocking(move || {
        let path = cache.join("lock");
        let open = || {
            fs::create_dir_all(&cache)?;
            let file = File::create(&path)?;
            file.lock()?;
            Ok(file)
        };
        open().map_err(DevnetError::file("lock", &path))
    })
    .await
}

/// A hash over everything that a deployed state depends on.
fn fingerprint(project_root: &Path, chain_id: u64) -> Result<B256, DevnetError> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&project_root.join(source), &mut files)?;
    }
    files.sort();
    let mut hasher = Keccak256::new();
    hasher.update([FORMAT]);
    hasher.update(chain_id.to_be_bytes());
    hasher.update(MNEMONIC);
    for file in files {
        let content = fs::read(&file).map_err(DevnetError::file("read", &file))?;
        hasher.update(file.strip_prefix(project_root).unwrap_or(&file).to_string_lossy().as_bytes());
        // Lengths keep the end of one file and the beginning of the next apart.
        hasher.update(content.len().to_be_bytes());
        hasher.update(content);
    }
    Ok(hasher.finalize())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), DevnetError> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(DevnetError::file("read", path))? {
        collect(&entry.map_err(DevnetError::file("read", path))?.path(), files)?;
    }
    Ok(())
}

/// File work off the async runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DevnetError> + Send + 'static,
) -> Result<T, DevnetError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
