//! A chain with nothing on it.

use std::{fs, path::PathBuf};

use alloy::providers::DynProvider;
use url::Url;

use crate::{
    anvil::{Anvil, BlockTime, State},
    devnet::{CHAIN_ID, project_root},
    error::DevnetError,
};

/// A chain before its first deployment. Dropping it stops it.
#[derive(Debug)]
pub struct BareChain {
    anvil: Anvil,
}

impl BareChain {
    /// Starts a chain on a free port; its log goes to `dir`.
    ///
    /// # Errors
    /// If anvil is missing or does not start.
    pub async fn start(dir: impl Into<PathBuf>, block_time: BlockTime) -> Result<Self, DevnetError> {
        let dir = dir.into();
        fs::create_dir_all(&dir).map_err(DevnetError::file("create", &dir))?;
        Ok(Self { anvil: Anvil::start(&project_root(), &dir, CHAIN_ID, block_time, State::Fresh).await? })
    }

    /// The chain's JSON-RPC endpoint.
    pub fn rpc_url(&self) -> &Url {
        self.anvil.url()
    }

    /// A provider that only reads.
    pub fn provider(&self) -> DynProvider {
        self.anvil.provider()
    }
}
