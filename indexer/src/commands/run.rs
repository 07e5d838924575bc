//! `aiigo-indexer run`.

use std::{sync::Arc, time::Duration};

use aiigo_chain::{Follower, FollowerConfig, rpc::RpcArgs};
use aiigo_telemetry::{Health, ListenArgs, Shutdown, install_metrics};
use alloy::providers::{DynProvider, Provider};
use axum::http::HeaderValue;
use clap::Args;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::CommandError;
use crate::{
    graphql::Api,
    ingest::{self, Projector},
    server::{self, Cors},
    store::{self, DatabaseUrl, Reader, Writer},
};

/// The port that the indexer listens on if nothing else is said.
pub(super) const DEFAULT_PORT: u16 = 4350;

/// How long open requests may take to end after the program was asked to leave.
const GRACE: Duration = Duration::from_secs(8);

/// Where the data is kept.
#[derive(Args, Clone, Debug)]
pub(super) struct DatabaseArgs {
    /// The database, created if it is not there: sqlite:FILE
    #[arg(long, value_name = "URL", env = "AIIGO_DATABASE", default_value = "sqlite:indexer.db")]
    pub(super) database: DatabaseUrl,
}

/// Index the chain and serve GraphQL.
#[derive(Args, Clone, Debug)]
pub struct RunCommand {
    #[command(flatten)]
    rpc: RpcArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    listen: ListenArgs,
    /// Origin whose web pages may read the answers (https://example.org); repeatable; * for all
    #[arg(long = "cors-origin", value_name = "ORIGIN", env = "AIIGO_CORS_ORIGIN", value_delimiter = ',')]
    cors_origins: Vec<HeaderValue>,
    /// Milliseconds between two looks at the chain's head
    #[arg(long, value_name = "MS", env = "AIIGO_POLL_INTERVAL", default_value_t = 500,
          value_parser = clap::value_parser!(u64).range(10..=60_000))]
    poll_interval: u64,
    /// The most blocks of the history to ask for at once
    #[arg(long, value_name = "BLOCKS", env = "AIIGO_MAX_RANGE", default_value_t = 10_000,
          value_parser = clap::value_parser!(u64).range(1..))]
    max_range: u64,
}

impl RunCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        install_metrics()?;
        let token = Shutdown::on_signals()?.token();
        let (provider, deployment) = self.rpc.connect().await?;
        let mut writer = store::open_writer(&self.database.database, &deployment).await?;
        let reader = Reader::open(&self.database.database).await?;
        let health = Health::new();
        health.set_ready(at_head(&writer, &provider).await);
        tracing::info!(
            chain = deployment.chain_id,
            database = %self.database.database,
            indexed = writer.state().indexed,
            "starting"
        );

        let server = self.serve(reader.clone(), health.clone(), token.clone()).await?;
        let config = FollowerConfig {
            poll_interval: Duration::from_millis(self.poll_interval),
            max_range: self.max_range,
            ..FollowerConfig::default()
        };
        let journal = writer.blocks().await?;
        let projector = Projector::new(deployment.clone());
        let follower = Follower::new(provider, Arc::new(deployment), config, journal);
        let indexed = ingest::run(follower, &projector, &mut writer, &health, &token).await;

        // Whichever part ended first, the others end too.
        token.cancel();
        health.set_ready(false);
        let served = server.await?;
        reader.close().await;
        writer.close().await?;
        indexed?;
        served
    }

    async fn serve(
        &self,
        reader: Reader,
        health: Health,
        token: CancellationToken,
    ) -> Result<JoinHandle<Result<(), CommandError>>, CommandError> {
        let router = server::router(Api::new(reader), health, &self.cors());
        let listener = self.listen.bind(DEFAULT_PORT).await?;
        Ok(tokio::spawn(async move {
            let stopping = token.clone();
            let serving = axum::serve(listener.socket, router).with_graceful_shutdown(stopping.cancelled_owned());
            let out_of_time = async {
                token.cancelled().await;
                tokio::time::sleep(GRACE).await;
            };
            let result = tokio::select! {
                result = serving.into_future() => result.map_err(CommandError::Serve),
                () = out_of_time => Ok(()),
            };
            token.cancel();
            result
        }))
    }

    fn cors(&self) -> Cors {
        match self.cors_origins.as_slice() {
            [] => Cors::SameOrigin,
            origins if origins.iter().any(|origin| origin == "*") => Cors::Any,
            origins => Cors::Origins(origins.to_vec()),
        }
    }
}

/// Whether nothing happened since the program last ran: then no update will come to say so.
async fn at_head(writer: &Writer, provider: &DynProvider) -> bool {
    match (writer.state().indexed, provider.get_block_number().await) {
        (Some(indexed), Ok(head)) => indexed == head,
        _ => false,
    }
}
