//! `aiigo store serve`: the buyer's gateway.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use aiigo_storage::{DirStore, GatewayUrl, gateway_router};
use aiigo_telemetry::{Health, ListenArgs, install_metrics, ops_router};
use clap::Args;
use serde_json::json;

use super::{authorizer::ChainAuthorizer, contents::Contents};
use crate::{
    CliError,
    args::{ChainArgs, DataArgs, StoreArgs},
    cli::Session,
    error::Context,
};

/// The store gateway's port.
const PORT: u16 = 4353;
/// Requests may take this long to end once the program is asked to leave.
const GRACE: Duration = Duration::from_secs(8);

/// Serve the store as a trustless IPFS gateway, and take deliveries of providers who work for its buyer.
#[derive(Args, Debug)]
pub(crate) struct ServeCommand {
    #[command(flatten)]
    listen: ListenArgs,
    /// Where others reach this gateway; jobs name it [default: the address that it listens on]
    #[arg(long, env = "AIIGO_PUBLIC_URL", value_name = "URL")]
    public_url: Option<GatewayUrl>,
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
        let store = DirStore::open(&dir).context(|| format!("opening the store {}", dir.display()))?;
        let chain = self.chain.connect().await?;
        install_metrics().context(|| "setting up metrics".into())?;
        let health = Health::new();
        health.set_status("store", json!(dir));
        let authorizer = Arc::new(ChainAuthorizer::new(chain, &dir));
        let router = gateway_router(store, authorizer).merge(ops_router(health.clone()));

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
        }
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
