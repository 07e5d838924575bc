//! `aiigo-indexer run`.

use std::{net::SocketAddr, num::NonZeroU32, sync::Arc, time::Duration};

use aiigo_chain::{Follower, FollowerConfig, rpc::RpcArgs};
use aiigo_protocol::Deployment;
use aiigo_telemetry::{Health, ListenArgs, Shutdown, install_metrics};
use alloy::providers::{DynProvider, Provider};
use axum::http::HeaderValue;
use clap::Args;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::CommandError;
use crate::{
    feed::Feed,
    graphql::Api,
    ingest::{self, Projector},
    server::{Cors, RateLimit, Server},
    store::{self, Candidate, DatabaseUrl, Reader, Writer},
};

/// The port that the indexer listens on if nothing else is said.
pub(super) const DEFAULT_PORT: u16 = 4350;

/// Pause before a database that was away is tried again, and between two looks at what another process wrote.
const RETRY: Duration = Duration::from_secs(1);

/// How long open requests may take to end after the program was asked to leave.
const GRACE: Duration = Duration::from_secs(8);

/// Where the data is kept.
#[derive(Args, Clone, Debug)]
pub(super) struct DatabaseArgs {
    /// The database: sqlite:FILE, created if it is not there, or postgres://USER@HOST/NAME, its password in PGPASSWORD or
    /// ~/.pgpass
    #[arg(
        long,
        value_name = "URL",
        env = "AIIGO_DATABASE",
        hide_env_values = true,
        default_value = "sqlite:indexer.db"
    )]
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
    /// Requests a second that one client may make, and five times as many at once; 0: as many as it likes
    #[arg(long, value_name = "REQUESTS", env = "AIIGO_RATE_LIMIT", default_value_t = 0)]
    rate_limit: u32,
    /// Tell clients apart by the last address in X-Forwarded-For, which the proxy before this server sets
    #[arg(long, env = "AIIGO_BEHIND_PROXY")]
    behind_proxy: bool,
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
        let candidate = store::prepare(&self.database.database).await?;
        let reader = Reader::open(&self.database.database).await?;
        let health = Health::new();
        let api = Api::new(reader.clone());
        let feed = api.feed().clone();
        let telling = tokio::spawn({
            let (feed, token) = (feed.clone(), token.clone());
            async move { feed.run(token).await }
        });
        let server = self.serve(api, health.clone(), token.clone()).await?;
        let indexed = self.index(candidate, &reader, &provider, deployment, (&health, &feed), &token).await;

        // Whichever part ended first, the others end too.
        token.cancel();
        health.set_ready(false);
        let served = server.await?;
        telling.await?;
        reader.close().await;
        indexed?;
        served
    }

    /// Writes, or waits for its turn to; begins anew when the database was away.
    async fn index(
        &self,
        candidate: Candidate,
        reader: &Reader,
        provider: &DynProvider,
        deployment: Deployment,
        (health, feed): (&Health, &Feed),
        token: &CancellationToken,
    ) -> Result<(), CommandError> {
        let deployment = Arc::new(deployment);
        let mut prepared = Some(candidate);
        loop {
            let turn = async {
                let candidate = match prepared.take() {
                    Some(candidate) => candidate,
                    None => store::prepare(&self.database.database).await?,
                };
                self.turn(candidate, reader, provider, &deployment, (health, feed), token).await
            };
            match turn.await {
                Err(error) if error.passes_by_itself() => {
                    health.set_ready(false);
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, "the database is away: trying again");
                }
                ended => return ended,
            }
            tokio::select! {
                () = token.cancelled() => return Ok(()),
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    /// Waits until nobody else writes, and then writes until asked to stop.
    async fn turn(
        &self,
        candidate: Candidate,
        reader: &Reader,
        provider: &DynProvider,
        deployment: &Arc<Deployment>,
        (health, feed): (&Health, &Feed),
        token: &CancellationToken,
    ) -> Result<(), CommandError> {
        let database = &self.database.database;
        let mut writer = tokio::select! {
            writer = candidate.elect(deployment) => writer?,
            () = stand_by(reader, health) => return Ok(()),
            () = token.cancelled() => return Ok(()),
        };
        health.set_ready(at_head(&writer, provider).await);
        tracing::info!(chain = deployment.chain_id, %database, indexed = writer.state().indexed, "indexing");
        let config = FollowerConfig {
            poll_interval: Duration::from_millis(self.poll_interval),
            max_range: self.max_range,
            ..FollowerConfig::default()
        };
        let journal = writer.blocks().await?;
        let projector = Projector::new(Deployment::clone(deployment));
        let follower = Follower::new(provider.clone(), Arc::clone(deployment), config, journal);
        ingest::run(follower, &projector, &mut writer, health, feed, token).await?;
        Ok(writer.close().await?)
    }

    async fn serve(
        &self,
        api: Api,
        health: Health,
        token: CancellationToken,
    ) -> Result<JoinHandle<Result<(), CommandError>>, CommandError> {
        let limits = match NonZeroU32::new(self.rate_limit) {
            Some(per_second) => RateLimit::new(per_second, self.behind_proxy),
            None => RateLimit::default(),
        };
        let router = Server::new(api, self.cors(), limits, token.clone()).router(health);
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
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

/// Tells as this process' own readiness what another writes. Never ends.
async fn stand_by(reader: &Reader, health: &Health) {
    let mut told = false;
    loop {
        let state = reader.snapshot().state().await;
        health.set_ready(state.is_ok_and(|state| state.is_some_and(|state| state.live)));
        tokio::time::sleep(RETRY).await;
        if !std::mem::replace(&mut told, true) {
            tracing::info!("another process writes to the database: serving what it writes, and standing by");
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
