//! `aiigo-indexer doctor`.

use std::{net::SocketAddr, process::ExitCode};

use aiigo_chain::rpc::{RpcArgs, RpcError};
use aiigo_protocol::Deployment;
use aiigo_telemetry::ListenArgs;
use alloy::providers::{DynProvider, Provider};
use clap::Args;
use serde::Serialize;

use super::{
    CommandError, print,
    run::{DEFAULT_PORT, DatabaseArgs},
};
use crate::store;

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

/// What one check found.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'static str>,
}

impl Check {
    fn new(name: &'static str, found: Result<String, String>, fix: &'static str) -> Self {
        match found {
            Ok(found) => Self { name, ok: true, found, fix: None },
            Err(found) => Self { name, ok: false, found, fix: Some(fix) },
        }
    }

    fn line(&self) -> String {
        let mark = if self.ok { "ok    " } else { "FAILED" };
        let fix = self.fix.map(|fix| format!("\n         fix: {fix}")).unwrap_or_default();
        format!("{mark} {}: {}{fix}", self.name, self.found)
    }
}

impl DoctorCommand {
    pub(super) async fn run(self) -> Result<ExitCode, CommandError> {
        let chain = self.rpc.connect().await;
        let mut checks = vec![Self::chain(&chain).await];
        if let Ok((_, deployment)) = &chain {
            checks.push(self.database(deployment).await);
        }
        checks.push(self.port().await);

        let ok = checks.iter().all(|check| check.ok);
        if self.json {
            print(&serde_json::json!({ "ok": ok, "checks": checks }).to_string())?;
        } else {
            print(&checks.iter().map(Check::line).collect::<Vec<_>>().join("\n"))?;
        }
        Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn chain(connected: &Result<(DynProvider, Deployment), RpcError>) -> Check {
        let found = async {
            let (provider, deployment) = connected.as_ref().map_err(ToString::to_string)?;
            let head = provider.get_block_number().await.map_err(|error| error.to_string())?;
            Ok(format!("every contract is on chain {}; its head is block {head}", deployment.chain_id))
        };
        let fix = "start the node, name its endpoint with --rpc-url, deploy the contracts, and name the file that the \
                   deployment wrote with --deployment";
        Check::new("chain", found.await, fix)
    }

    async fn database(&self, deployment: &Deployment) -> Check {
        let url = &self.database.database;
        let found = async {
            if !url.path().exists() {
                return match url.path().parent().filter(|folder| !folder.as_os_str().is_empty()) {
                    Some(folder) if !folder.is_dir() => Err(format!("there is no folder {}", folder.display())),
                    _ => Ok(format!("{url} will be created")),
                };
            }
            let writer = store::open_writer(url, deployment).await.map_err(|error| error.to_string())?;
            let indexed = writer.state().indexed;
            writer.close().await.map_err(|error| error.to_string())?;
            Ok(indexed.map_or_else(|| format!("{url} is empty"), |block| format!("{url} is indexed to block {block}")))
        };
        Check::new("database", found.await, "name a file in a folder that you may write to: --database sqlite:FILE")
    }

    async fn port(&self) -> Check {
        let wanted = self.listen.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], DEFAULT_PORT)));
        let found = tokio::net::TcpListener::bind(wanted).await;
        Check::new(
            "port",
            found.map(|_| format!("{wanted} is free")).map_err(|error| format!("{wanted}: {error}")),
            "stop what listens there (perhaps a running indexer), or choose another with --listen ADDRESS:PORT",
        )
    }
}
