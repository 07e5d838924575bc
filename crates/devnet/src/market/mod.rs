//! The off-chain programs around a devnet, as the real processes that a user would start.

mod agent;
mod desk;
mod program;
mod server;

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU32},
};

use alloy::{primitives::U256, providers::DynProvider};
use url::Url;

pub use self::{
    agent::Agent,
    desk::Desk,
    program::{Finished, Program},
    server::Server,
};
use crate::{account::Account, devnet::Devnet, error::DevnetError, process::ProcessCommand};

/// The devnet's account of each role.
const BUYER: u32 = 1;
const KEEPER: u32 = 2;
/// Agent i is owned by account FIRST_AGENT + 2i and operated by the next.
const FIRST_AGENT: u32 = 4;

/// What a market is made of.
#[derive(Clone, Debug)]
pub struct MarketConfig {
    /// Where the programs' executables are.
    pub bin_dir: PathBuf,
    /// Executables of long-running programs to use instead of those in `bin_dir`.
    pub instead: Vec<(Program, PathBuf)>,
    /// Where each program gets a folder for its data and log; created if it is not there.
    pub dir: PathBuf,
    /// More arguments for `aiigo-keeper run`.
    pub keeper_args: Vec<String>,
    /// More arguments for `aiigo-agent run`.
    pub agent_args: Vec<String>,
    /// AIIGO (wei) that each node's owner stakes.
    pub stake: U256,
}

impl MarketConfig {
    /// A market of the programs in `bin_dir`; nodes stake 200 AIIGO.
    pub fn new(bin_dir: impl Into<PathBuf>, dir: impl Into<PathBuf>) -> Self {
        Self {
            bin_dir: bin_dir.into(),
            instead: Vec::new(),
            dir: dir.into(),
            keeper_args: Vec::new(),
            agent_args: Vec::new(),
            stake: U256::from(200) * U256::from(10).pow(U256::from(18)),
        }
    }
}

/// A devnet and the programs around it. Each is started by a call of its own, so that whoever shows it can tell what
/// happens; [`Market::start`] does it all. Dropping it kills every process.
#[derive(Debug)]
pub struct Market {
    // The order of dropping: the chain goes last.
    agents: Vec<Agent>,
    keeper: Option<Server>,
    indexer: Option<Server>,
    store: Option<Server>,
    config: MarketConfig,
    commands: Arc<AtomicU32>,
    devnet: Devnet,
}

impl Market {
    /// A market with nothing running but its chain.
    ///
    /// # Errors
    /// If a program is missing.
    pub fn new(devnet: Devnet, config: MarketConfig) -> Result<Self, DevnetError> {
        for program in Program::ALL {
            program.find(&config.bin_dir)?;
        }
        fs::create_dir_all(&config.dir).map_err(DevnetError::file("create", &config.dir))?;
        Ok(Self {
            agents: Vec::new(),
            keeper: None,
            indexer: None,
            store: None,
            config,
            commands: Arc::default(),
            devnet,
        })
    }

    /// A whole market: indexer, keeper, store and as many agents, ready to work.
    ///
    /// # Errors
    /// If any of it does not start.
    pub async fn start(devnet: Devnet, config: MarketConfig, agents: u32) -> Result<Self, DevnetError> {
        let mut market = Self::new(devnet, config)?;
        market.start_indexer().await?;
        market.start_keeper().await?;
        market.start_store().await?;
        for _ in 0..agents {
            let index = market.add_agent()?;
            market.fund_agent(index).await?;
            market.set_up_agent(index).await?;
            market.start_agent(index).await?;
        }
        for agent in &mut market.agents {
            agent.ready().await?;
        }
        Ok(market)
    }

    /// The chain.
    pub fn devnet(&self) -> &Devnet {
        &self.devnet
    }

    /// The folder with everybody's data and logs.
    pub fn dir(&self) -> &Path {
        &self.config.dir
    }

    /// Who buys.
    ///
    /// # Errors
    /// Never on a devnet as it comes.
    pub fn buyer(&self) -> Result<Account, DevnetError> {
        self.devnet.account(BUYER)
    }

    /// Who pays the keeper's gas and gets its tips.
    ///
    /// # Errors
    /// Never on a devnet as it comes.
    pub fn keeper_account(&self) -> Result<Account, DevnetError> {
        self.devnet.account(KEEPER)
    }

    /// Starts the indexer and waits until it is live.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_indexer(&mut self) -> Result<&mut Server, DevnetError> {
        self.indexer = None;
        let dir = self.config.dir.join("indexer");
        let database = format!("sqlite:{}", dir.join("index.db").display());
        let command = self.on_chain(Program::Indexer, &dir, ["run"])?.args(["--database", &database]);
        let mut server = Server::start(command, &dir).await?;
        server.ready().await?;
        Ok(self.indexer.insert(server))
    }

    /// Starts the keeper and waits until it watches.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_keeper(&mut self) -> Result<&mut Server, DevnetError> {
        self.keeper = None;
        let dir = self.config.dir.join("keeper");
        let command = self
            .on_chain(Program::Keeper, &dir, ["run"])?
            .arg("--data-dir")
            .arg(&dir)
            .args(&self.config.keeper_args)
            .env("AIIGO_PRIVATE_KEY", self.keeper_account()?.private_key());
        let mut server = Server::start(command, &dir).await?;
        server.ready().await?;
        Ok(self.keeper.insert(server))
    }

    /// Starts the buyer's store, from which providers fetch and to which they push.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_store(&mut self) -> Result<&mut Server, DevnetError> {
        self.store = None;
        let dir = self.config.dir.join("store");
        let command = self.on_chain(Program::Aiigo, &dir, ["store", "serve"])?.arg("--store").arg(self.store_dir());
        let mut server = Server::start(command, &dir).await?;
        server.ready().await?;
        Ok(self.store.insert(server))
    }

    /// The folder with the buyer's blobs.
    pub fn store_dir(&self) -> PathBuf {
        self.config.dir.join("store").join("blobs")
    }

    /// The running indexer.
    ///
    /// # Errors
    /// If it was not started.
    pub fn indexer(&mut self) -> Result<&mut Server, DevnetError> {
        self.indexer.as_mut().ok_or_else(|| not_running("indexer"))
    }

    /// The running keeper.
    ///
    /// # Errors
    /// If it was not started.
    pub fn keeper(&mut self) -> Result<&mut Server, DevnetError> {
        self.keeper.as_mut().ok_or_else(|| not_running("keeper"))
    }

    /// The running store.
    ///
    /// # Errors
    /// If it was not started.
    pub fn store(&mut self) -> Result<&mut Server, DevnetError> {
        self.store.as_mut().ok_or_else(|| not_running("store"))
    }

    /// Where the indexer answers.
    ///
    /// # Errors
    /// If it was not started.
    pub fn graphql(&self) -> Result<Url, DevnetError> {
        let mut url = self.indexer.as_ref().ok_or_else(|| not_running("indexer"))?.url().clone();
        url.set_path("/graphql");
        Ok(url)
    }

    /// Runs `aiigo` for an account to its end, with this market's chain, indexer and store as its settings.
    ///
    /// # Errors
    /// If it can't be started or does not end in five minutes. A failure of the command is no error here.
    pub async fn aiigo<S: AsRef<OsStr>>(
        &self,
        account: &Account,
        args: impl IntoIterator<Item = S>,
    ) -> Result<Finished, DevnetError> {
        self.desk().run(Program::Aiigo, Some(account), args).await
    }

    /// What commands are run with, apart from the market: it may change while they run.
    pub fn desk(&self) -> Desk {
        Desk {
            bin_dir: self.config.bin_dir.clone(),
            dir: self.config.dir.join("commands"),
            data_dir: self.config.dir.join("buyer"),
            store_dir: self.store_dir(),
            rpc_url: self.devnet.rpc_url().clone(),
            deployment: self.devnet.deployment_path().to_owned(),
            indexer: self.indexer.as_ref().map(|server| server.url().clone()),
            count: Arc::clone(&self.commands),
        }
    }

    /// A provider that reads the chain.
    pub fn provider(&self) -> DynProvider {
        self.devnet.provider()
    }

    /// Stops everything in good order, the chain last.
    ///
    /// # Errors
    /// If the system won't say how a process ended.
    pub async fn stop(mut self) -> Result<(), DevnetError> {
        for agent in &mut self.agents {
            agent.stop().await?;
        }
        for server in [self.keeper.take(), self.indexer.take(), self.store.take()].into_iter().flatten() {
            server.stop().await?;
        }
        self.devnet.stop().await
    }

    /// A long-running program with what all of them need to know of the chain.
    fn on_chain<'a>(
        &self,
        program: Program,
        dir: &Path,
        subcommand: impl IntoIterator<Item = &'a str>,
    ) -> Result<ProcessCommand, DevnetError> {
        let executable = match self.config.instead.iter().find(|(other, _)| *other == program) {
            Some((_, executable)) => executable.clone(),
            None => program.find(&self.config.bin_dir)?,
        };
        Ok(ProcessCommand::new(program.name(), executable, dir.join("log"))
            .args(subcommand)
            .args(["--rpc-url", self.devnet.rpc_url().as_str(), "--deployment"])
            .arg(self.devnet.deployment_path()))
    }
}

fn not_running(what: &'static str) -> DevnetError {
    DevnetError::Rpc { what: format!("its {what}"), reason: "it was not started".to_owned() }
}
