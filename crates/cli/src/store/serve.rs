//! `aiigo store serve`: the buyer's gateway.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use aiigo_storage::{DirStore, GatewayUrl, StoreOptions, gateway_router};
use aiigo_task::parse_bytes;
use aiigo_telemetry::{Health, ListenArgs, install_metrics, ops_router};
use clap::Args;
use serde_json::json;

use super::{
    authorizer::ChainAuthorizer,
    contents::Contents,
    pins::{KEEP, release_what_is_over},
};
use crate::{
    Chain, CliError,
    args::{ChainArgs, DataArgs, StoreArgs},
    cli::Session,
    error::Context,
};

/// The store gateway's port.
const PORT: u16 = 4353;
/// Requests may take this long to end once the program is asked to leave.
const GRACE: Duration = Duration::from_secs(8);

/// Pause between two looks for tasks that are over, whose blobs need not stay.
const TIDYING: Duration = Duration::from_secs(600);

/// Serve the store as a trustless IPFS gateway, and take deliveries of providers who work for its buyer.
#[derive(Args, Debug)]
pub(crate) struct ServeCommand {
    #[command(flatten)]
    listen: ListenArgs,
    /// Where others reach this gateway; jobs name it [default: the address that it listens on]
    #[arg(long, env = "AIIGO_PUBLIC_URL", value_name = "URL")]
    public_url: Option<GatewayUrl>,
    /// Most that the store may hold, such as 50GiB: deliveries beyond it are refused once no garbage is left to collect
    #[arg(long, env = "AIIGO_STORE_QUOTA", value_name = "SIZE", value_parser = parse_bytes)]
    quota: Option<u64>,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    store: StoreArgs,
}

impl ServeCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let dir = self.store.dir(&self.data);
        let options = StoreOptions { quota: self.quota, ..StoreOptions::default() };
        let store = DirStore::with_options(&dir, options).context(|| format!("opening the store {}", dir.display()))?;
        let chain = self.chain.connect().await?;
        install_metrics().context(|| "setting up metrics".into())?;
        let health = Health::new();
        health.set_status("store", json!(dir));
        let authorizer = Arc::new(ChainAuthorizer::new(chain.clone(), &dir));
        let router = gateway_router(store.clone(), authorizer).merge(ops_router(health.clone()));

        let listener = self.listen.bind(PORT).await.context(|| "starting the gateway".into())?;
        let gateway = match self.public_url {
            Some(url) => url,
            None => local_url(listener.address)?,
        };
        Contents::of(&dir).set_gateway(&gateway)?;
        announce(&dir, listener.address, &gateway);
        health.set_ready(true);
        let server = axum::serve(listener.socket, router)
            .with_graceful_shutdown(session.stop.clone().cancelled_owned())
            .into_future();
        let leaving = async {
            session.stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            served = server => served.context(|| format!("serving on {}", listener.address)),
            () = leaving => Ok(()),
            () = tidy(&store, &chain) => Ok(()),
        }
    }
}

/// Unpins what tasks needed that are over, again and again. It never ends.
async fn tidy(store: &DirStore, chain: &Chain) {
    loop {
        match release_what_is_over(store, chain, KEEP).await {
            Ok(0) => {}
            Ok(pins) => tracing::info!(pins, "tasks are over: their blobs are not pinned any more"),
            Err(error) => tracing::warn!(%error, causes = ?error.causes(), "can't tell which tasks are over"),
        }
        tokio::time::sleep(TIDYING).await;
    }
}

fn announce(dir: &Path, address: SocketAddr, gateway: &GatewayUrl) {
    eprintln!("Serving {} on {address}, known to providers as {gateway}. Ctrl-C ends it.", dir.display());
}

/// The address that it listens on, as a URL; all addresses of a machine are none of it.
fn local_url(address: SocketAddr) -> Result<GatewayUrl, CliError> {
    if address.ip().is_unspecified() {
        return Err(CliError::Usage(format!(
            "{address} is every address of this machine: say with --public-url URL at which one providers reach it"
        )));
    }
    format!("http://{address}").parse().context(|| "naming the gateway".into())
}
