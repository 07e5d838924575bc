//! `aiigo-indexer doctor`.

use std::{net::SocketAddr, process::ExitCode};

use aiigo_chain::rpc::{RpcArgs, RpcError};
use aiigo_protocol::Deployment;
use aiigo_telemetry::{Check, Checkup, ListenArgs};
use alloy::providers::{DynProvider, Provider};
use clap::Args;

use super::{
    CommandError, print,
    run::{DEFAULT_PORT, DatabaseArgs},
};
use crate::store::{self, DatabaseUrl};

/// Check chain, deployment, database and port.
#[derive(Args, Clone, Debug)]
pub struct DoctorCommand {
    #[command(flatten)]
    rpc: RpcArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    listen: ListenArgs,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl DoctorCommand {
    pub(super) async fn run(self) -> Result<ExitCode, CommandError> {
        let chain = self.rpc.connect().await;
        let mut checks = vec![Self::chain(&chain).await];
        if let Ok((_, deployment)) = &chain {
            checks.push(self.database(deployment).await);
        }
        checks.push(self.port().await);

        let checkup = Checkup::new(checks);
        match self.json {
            true => print(&serde_json::json!(checkup).to_string())?,
            false => print(checkup.text().trim_end())?,
        }
        Ok(checkup.exit_code())
    }

    async fn chain(connected: &Result<(DynProvider, Deployment), RpcError>) -> Check {
        let found: Result<String, String> = async {
            let (provider, deployment) = connected.as_ref().map_err(ToString::to_string)?;
            let head = provider.get_block_number().await.map_err(|error| error.to_string())?;
            Ok(format!("every contract is on chain {}; its head is block {head}", deployment.chain_id))
        }
        .await;
        let fix = "start the node, name its endpoint with --rpc-url, deploy the contracts, and name the file that the \
                   deployment wrote with --deployment";
        Check::of("chain", found, fix)
    }

    async fn database(&self, deployment: &Deployment) -> Check {
        let url = &self.database.database;
        let found: Result<String, String> = async {
            if let DatabaseUrl::Sqlite(path) = url
                && !path.exists()
            {
                return match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                    Some(folder) if !folder.is_dir() => Err(format!("there is no folder {}", folder.display())),
                    _ => Ok(format!("{url} will be created")),
                };
            }
            let state = store::inspect(url, deployment).await.map_err(|error| error.to_string())?;
            let indexed = state.and_then(|state| state.indexed);
            Ok(indexed.map_or_else(|| format!("{url} is empty"), |block| format!("{url} is indexed to block {block}")))
        }
        .await;
        Check::of(
            "database",
            found,
            "name a file in a folder that you may write to, or a database that you may: --database URL",
        )
    }

    async fn port(&self) -> Check {
        let wanted = self.listen.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], DEFAULT_PORT)));
        let found = tokio::net::TcpListener::bind(wanted).await;
        Check::of(
            "port",
            found.map(|_| format!("{wanted} is free")).map_err(|error| format!("{wanted}: {error}")),
            "stop what listens there (perhaps a running indexer), or choose another with --listen ADDRESS:PORT",
        )
    }
}
