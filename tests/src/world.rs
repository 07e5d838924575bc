//! A market for a test file.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use aiigo_devnet::{Account, BlockTime, Devnet, DevnetConfig, Finished, Market, MarketConfig, Program, eventually};
use aiigo_protocol::{
    ContractName, EscrowManager, NodeId, NodeRegistry, ProofOfWorkVerifier, TaskId, TaskMarketplace, TaskStatus,
};
use alloy::{
    primitives::{Address, U256, utils::parse_ether},
    providers::Provider as _,
    sol_types::SolCall,
};
use serde_json::Value;

use crate::GraphQl;

/// How long a task may take to get anywhere, with two busy cores.
const TASK_LIMIT: Duration = Duration::from_secs(120);

/// A devnet with the programs around it.
#[derive(Debug)]
pub struct World {
    /// The processes.
    pub market: Market,
}

impl World {
    /// A whole market with so many providers, ready to work. Its folder is named after the test.
    ///
    /// # Panics
    /// If any of it does not start.
    pub async fn start(name: &str, agents: u32) -> Self {
        let (devnet, config) = Self::parts(name, BlockTime::default()).await;
        let market = Market::start(devnet, config, agents).await.unwrap_or_else(|error| panic!("no market: {error}"));
        Self { market }
    }

    /// A market with nothing but its chain.
    ///
    /// # Panics
    /// If the chain does not start or a program is missing.
    pub async fn empty(name: &str) -> Self {
        Self::with_blocks(name, BlockTime::default()).await
    }

    /// A market with nothing but its chain, whose blocks come as told.
    ///
    /// # Panics
    /// If the chain does not start or a program is missing.
    pub async fn with_blocks(name: &str, block_time: BlockTime) -> Self {
        let (devnet, config) = Self::parts(name, block_time).await;
        Self { market: Market::new(devnet, config).unwrap_or_else(|error| panic!("no market: {error}")) }
    }

    async fn parts(name: &str, block_time: BlockTime) -> (Devnet, MarketConfig) {
        let dir = fresh_dir(name);
        let devnet = Devnet::start(DevnetConfig::new(dir.join("chain")).block_time(block_time)).await;
        let devnet = devnet.unwrap_or_else(|error| panic!("no devnet: {error}"));
        allow_busy_machines(&devnet).await;
        let mut config = MarketConfig::new(bin_dir(), &dir);
        config.keeper_args = vec!["--jitter".to_owned(), "0.2".to_owned()];
        (devnet, config)
    }

    /// The market's folder.
    pub fn dir(&self) -> &Path {
        self.market.dir()
    }

    /// The indexer.
    ///
    /// # Panics
    /// If it does not run.
    pub fn graphql(&self) -> GraphQl {
        GraphQl::new(self.market.graphql().expect("a running indexer"))
    }

    /// The indexer, once it has taken in the chain's newest block.
    ///
    /// # Panics
    /// If it never does.
    pub async fn caught_up(&self) -> GraphQl {
        let graphql = self.graphql();
        let head = self.market.provider().get_block_number().await.expect("a number");
        graphql
            .until("the newest block", "{ _meta { indexedBlock } }", |data| {
                let indexed = &data["_meta"]["indexedBlock"];
                let number = indexed.as_u64().or_else(|| indexed.as_str()?.parse().ok())?;
                (number >= head).then_some(())
            })
            .await;
        graphql
    }

    /// Compares the whole index with the contracts; how many rows of each kind were compared.
    ///
    /// # Panics
    /// If they differ.
    pub async fn verified(&self) -> Value {
        self.caught_up().await;
        let database = format!("sqlite:{}", self.dir().join("indexer/index.db").display());
        let (desk, args) = (self.market.desk(), ["verify", "--json", "--database", &database]);
        let report = desk.run(Program::Indexer, None, args).await.expect("it runs");
        assert_eq!(report.code(), 0, "{}", report.stdout);
        let mut report = report.json().expect("JSON");
        assert_eq!(report["differences"], serde_json::json!([]));
        report["compared"].take()
    }

    /// Who buys.
    ///
    /// # Panics
    /// Never on a devnet.
    pub fn buyer(&self) -> Account {
        self.market.buyer().expect("an account")
    }

    /// Runs `aiigo` as the buyer.
    ///
    /// # Panics
    /// If it can't be run.
    pub async fn aiigo(&self, args: &[&str]) -> Finished {
        self.market.aiigo(&self.buyer(), args).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs `aiigo --json` as the buyer and returns its document.
    ///
    /// # Panics
    /// If it fails.
    pub async fn aiigo_json(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        self.aiigo(&args).await.json().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Orders a job and returns the task.
    ///
    /// # Panics
    /// If it can't be ordered.
    pub async fn submit(&self, job: &Path) -> TaskId {
        let document = self.aiigo_json(&["job", "submit", text(job), "--yes"]).await;
        document["taskId"].as_str().and_then(|id| id.parse().ok()).expect("a task id")
    }

    /// The task as the chain has it.
    ///
    /// # Panics
    /// If the chain does not answer.
    pub async fn task(&self, id: TaskId) -> (TaskStatus, TaskMarketplace::Task) {
        let market = TaskMarketplace::new(self.address(ContractName::TaskMarketplace), self.market.provider());
        let task = market.taskOf(id.0).call().await.expect("a task");
        (TaskStatus::try_from(task.status).expect("a status"), task)
    }

    /// Waits until a task has one of these states; returns its node, if it has one then.
    ///
    /// # Panics
    /// If it never has.
    pub async fn until_task_is(&self, id: TaskId, wanted: &[TaskStatus]) -> Option<NodeId> {
        let names: Vec<&str> = wanted.iter().map(|status| status.name()).collect();
        eventually(&format!("{} for task {id}", names.join(" or ")), TASK_LIMIT, async || {
            let (status, task) = self.task(id).await;
            wanted.contains(&status).then_some((task.nodeId != 0).then_some(NodeId(task.nodeId)))
        })
        .await
    }

    /// The node as the chain has it.
    ///
    /// # Panics
    /// If the chain does not answer.
    pub async fn node(&self, id: NodeId) -> NodeRegistry::NodeInfo {
        let registry = NodeRegistry::new(self.address(ContractName::NodeRegistry), self.market.provider());
        registry.nodeInfo(id.0).call().await.expect("a node")
    }

    /// Wei of ETH that the escrow holds for an account to withdraw.
    ///
    /// # Panics
    /// If the chain does not answer.
    pub async fn credit(&self, account: Address) -> U256 {
        let escrow = EscrowManager::new(self.address(ContractName::EscrowManager), self.market.provider());
        escrow.balanceOf(account, Address::ZERO).call().await.expect("a balance")
    }

    /// Where a contract is.
    pub fn address(&self, name: ContractName) -> Address {
        self.market.devnet().deployment().address(name)
    }

    /// The position of the provider that runs a node.
    ///
    /// # Panics
    /// If none does.
    pub fn agent_of(&self, node: NodeId) -> usize {
        let runs_it = |agent: &aiigo_devnet::Agent| agent.node().is_ok_and(|id| id == node);
        self.market.agents().iter().position(runs_it).unwrap_or_else(|| panic!("no provider runs node {node}"))
    }
}

/// A path as an argument.
fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are UTF-8")
}

/// Counts few hashes as power: however busy this machine is, what it shows is enough for a task.
async fn allow_busy_machines(devnet: &Devnet) {
    let verifier = devnet.deployment().address(ContractName::ProofOfWorkVerifier);
    let verifier = ProofOfWorkVerifier::new(verifier, devnet.provider());
    let mut rules = verifier.parameters().call().await.expect("parameters");
    rules.hashesPerTflops = [100_000; 5];
    let call = ProofOfWorkVerifier::setParametersCall { parameters_: rules }.abi_encode();
    devnet.govern(*verifier.address(), call.into()).await.expect("other rules");
}

/// An amount of ETH or AIIGO in wei.
///
/// # Panics
/// If the text is no amount.
pub fn wei(amount: &str) -> U256 {
    parse_ether(amount).expect("an amount")
}

/// Where cargo puts the programs: two folders above a test's executable, in `deps`.
///
/// # Panics
/// If the test runs from nowhere.
pub fn bin_dir() -> PathBuf {
    let own = std::env::current_exe().expect("the test's own path");
    own.ancestors().nth(2).expect("a folder for programs").to_owned()
}

/// An empty folder for a test file's data, which stays for whoever looks for a fault.
///
/// # Panics
/// If it can't be made.
pub fn fresh_dir(name: &str) -> PathBuf {
    let dir = bin_dir().join("e2e").join(name);
    match fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("cannot empty {}: {error}", dir.display()),
        _ => {}
    }
    fs::create_dir_all(&dir).expect("a folder");
    dir
}
