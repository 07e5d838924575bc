//! A devnet with a node, tasks, and keepers as processes.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use aiigo_devnet::{Account, BlockTime, Devnet, DevnetConfig, Process, ProcessCommand};
use aiigo_pow::Solver;
use aiigo_protocol::{
    AIIGOToken, ContractName, EscrowManager, NodeId, NodeRegistry, ProofOfWorkVerifier, TaskId, TaskMarketplace,
    TaskStatus,
};
use alloy::{
    contract::{CallBuilder, CallDecoder},
    primitives::{Address, B256, Bytes, FixedBytes, U256, utils::parse_ether},
    providers::{DynProvider, Provider},
    rpc::types::TransactionReceipt,
};
use serde_json::Value;

/// How long a keeper's command may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A chain, who acts on it, and a folder.
pub(crate) struct Stage {
    pub(crate) devnet: Devnet,
    pub(crate) buyer: Account,
    pub(crate) owner: Account,
    pub(crate) operator: Account,
    dir: tempfile::TempDir,
}

impl Stage {
    /// With a block for each transaction.
    pub(crate) async fn start() -> Self {
        Self::with_blocks(BlockTime::PerTransaction).await
    }

    pub(crate) async fn with_blocks(block_time: BlockTime) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let config = DevnetConfig::new(dir.path().join("chain")).block_time(block_time);
        let devnet = Devnet::start(config).await.unwrap_or_else(|error| panic!("no devnet: {error}"));
        let account = |index| devnet.account(index).expect("an account");
        let (buyer, owner, operator) = (account(1), account(4), account(5));
        Self { devnet, buyer, owner, operator, dir }
    }

    pub(crate) fn keeper_account(&self, index: u32) -> Account {
        self.devnet.account(10 + index).expect("an account")
    }

    fn at(&self, name: ContractName) -> Address {
        self.devnet.deployment().address(name)
    }

    pub(crate) fn market(&self, account: &Account) -> TaskMarketplace::TaskMarketplaceInstance<DynProvider> {
        TaskMarketplace::new(self.at(ContractName::TaskMarketplace), self.devnet.provider_as(account))
    }

    pub(crate) fn registry(&self, account: &Account) -> NodeRegistry::NodeRegistryInstance<DynProvider> {
        NodeRegistry::new(self.at(ContractName::NodeRegistry), self.devnet.provider_as(account))
    }

    pub(crate) fn verifier(&self, account: &Account) -> ProofOfWorkVerifier::ProofOfWorkVerifierInstance<DynProvider> {
        ProofOfWorkVerifier::new(self.at(ContractName::ProofOfWorkVerifier), self.devnet.provider_as(account))
    }

    pub(crate) fn escrow(&self) -> EscrowManager::EscrowManagerInstance<DynProvider> {
        EscrowManager::new(self.at(ContractName::EscrowManager), self.devnet.provider())
    }

    pub(crate) async fn credit(&self, account: Address) -> U256 {
        self.escrow().balanceOf(account, Address::ZERO).call().await.expect("a balance")
    }

    pub(crate) async fn status(&self, task: TaskId) -> TaskStatus {
        let task = self.market(&self.buyer).taskOf(task.0).call().await.expect("a task");
        TaskStatus::try_from(task.status).expect("a status")
    }

    pub(crate) async fn pass(&self, seconds: u64) {
        self.devnet.increase_time(Duration::from_secs(seconds)).await.expect("a later time");
    }

    /// A node without a proof of its power.
    pub(crate) async fn register(&self) -> NodeId {
        let registry = self.registry(&self.owner);
        let fee = registry.parameters().call().await.expect("parameters").registrationFee;
        let register = registry
            .registerNode(
                1,
                "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy".to_owned(),
                self.operator.address(),
                self.owner.address(),
                0,
            )
            .value(U256::from(fee));
        mined(register).await;
        NodeId(registry.nodeCount().call().await.expect("a count"))
    }

    pub(crate) async fn issue_challenge(&self, node: NodeId) {
        mined(self.verifier(&self.operator).issueChallenge(node.0)).await;
    }

    /// A node that is ready to work.
    pub(crate) async fn active_node(&self) -> NodeId {
        let node = self.register().await;
        let stake = parse_ether("200").expect("an amount");
        self.devnet.send_aiigo(self.owner.address(), stake).await.expect("AIIGO");
        let token = AIIGOToken::new(self.at(ContractName::AIIGOToken), self.devnet.provider_as(&self.owner));
        mined(token.approve(self.at(ContractName::NodeRegistry), stake)).await;
        mined(self.registry(&self.owner).stakeForNode(node.0, stake)).await;
        self.issue_challenge(node).await;
        let verifier = self.verifier(&self.operator);
        let challenge = verifier.challengeOf(node.0).call().await.expect("a challenge");
        let seed = verifier.nodeSeed(node.0, challenge.seed).call().await.expect("a seed");
        let solution = tokio::task::spawn_blocking(move || solve(seed)).await.expect("no panic");
        mined(verifier.submitSolution(node.0, solution)).await;
        mined(self.registry(&self.owner).setOnline(node.0, true)).await;
        node
    }

    /// An open task of [`request`].
    pub(crate) async fn open_task(&self, spec: u8) -> TaskId {
        let market = self.market(&self.buyer);
        let request = request(spec);
        let quote = market.quote(request.clone()).call().await.expect("a quote");
        let nonce = market.nonceOf(self.buyer.address()).call().await.expect("a nonce");
        let id = market.taskIdOf(self.buyer.address(), nonce, request.specHash).call().await.expect("an id");
        mined(market.createTask(request).value(U256::from(quote.escrow) + quote.tipDeposit)).await;
        TaskId(id)
    }

    pub(crate) async fn accept(&self, task: TaskId, node: NodeId) {
        let market = self.market(&self.operator);
        let salt = B256::repeat_byte(7);
        let hash = market.commitmentHash(task.0, node.0, salt, self.operator.address()).call().await.expect("a hash");
        mined(market.commitAccept(node.0, FixedBytes::<20>::from_slice(&hash[..20]))).await;
        mined(market.acceptTask(task.0, node.0, salt)).await;
    }

    pub(crate) async fn deliver(&self, task: TaskId) {
        mined(self.market(&self.operator).submitResult(task.0, B256::repeat_byte(9), "ipfs://result".to_owned())).await;
    }

    /// So many open tasks of [`request`] in one transaction.
    pub(crate) async fn open_tasks(&self, count: u8) {
        let market = self.market(&self.buyer);
        let requests: Vec<_> = (1..=count).map(request).collect();
        let mut value = U256::ZERO;
        for request in &requests {
            let quote = market.quote(request.clone()).call().await.expect("a quote");
            value += U256::from(quote.escrow) + quote.tipDeposit;
        }
        mined(market.createTasks(requests, Vec::new()).value(value)).await;
    }

    fn command(&self, index: u32, args: &[&str]) -> ProcessCommand {
        let dir = self.keeper_dir(index);
        ProcessCommand::new(format!("keeper {index}"), env!("CARGO_BIN_EXE_aiigo-keeper"), dir.join("log"))
            .args(args)
            .args(["--rpc-url", self.devnet.rpc_url().as_str(), "--deployment"])
            .arg(self.devnet.deployment_path())
            .arg("--data-dir")
            .arg(&dir)
    }

    fn keeper_dir(&self, index: u32) -> PathBuf {
        self.dir.path().join(format!("keeper-{index}"))
    }

    /// `aiigo-keeper run` in the background, ready.
    pub(crate) async fn keeper(&self, index: u32, args: &[&str]) -> Process {
        let address = self.keeper_dir(index).join("address");
        let mut process = self
            .command(index, &[&["run", "--listen", "127.0.0.1:0"], args].concat())
            .arg("--address-file")
            .arg(&address)
            .env("AIIGO_PRIVATE_KEY", self.keeper_account(index).private_key())
            .spawn()
            .expect("it starts");
        let listens = process.wait_for_address(&address, LIMIT).await.unwrap_or_else(|error| panic!("{error}"));
        let url = format!("http://{listens}").parse().expect("a URL");
        process.wait_until_ready(&url, LIMIT).await.unwrap_or_else(|error| panic!("{error}"));
        process
    }

    /// A command of the keeper with its key, to its end: exit code and stdout.
    pub(crate) async fn run(&self, index: u32, args: &[&str]) -> (i32, String) {
        let account = self.keeper_account(index);
        self.finish(self.command(index, args).env("AIIGO_PRIVATE_KEY", account.private_key())).await
    }

    /// The same without a key.
    pub(crate) async fn run_without_key(&self, args: &[&str]) -> (i32, String) {
        self.finish(self.command(9, args)).await
    }

    async fn finish(&self, command: ProcessCommand) -> (i32, String) {
        let stdout = self.dir.path().join("stdout");
        let mut process = command.stdout(&stdout).spawn().expect("it starts");
        let status = process.wait_for_end(LIMIT).await.unwrap_or_else(|error| panic!("{error}"));
        (status.code().unwrap_or(-1), std::fs::read_to_string(stdout).expect("its stdout"))
    }

    pub(crate) fn log(&self, index: u32) -> String {
        read(&self.keeper_dir(index).join("log"))
    }

    /// How often a task expired on this chain.
    pub(crate) async fn expired(&self) -> usize {
        let market = self.market(&self.buyer);
        let logs = market.TaskExpired_filter().from_block(self.devnet.deployment().block).query().await;
        logs.expect("logs").len()
    }

    pub(crate) async fn transactions_of(&self, account: &Account) -> u64 {
        self.devnet.provider().get_transaction_count(account.address()).await.expect("a nonce")
    }
}

/// A task of 60 s of execution, a minute to be accepted, a minute for the review.
pub(crate) fn request(spec: u8) -> TaskMarketplace::TaskRequest {
    TaskMarketplace::TaskRequest {
        resourceType: 1,
        minTrustLevel: 1,
        replicas: 1,
        minPower: 1,
        duration: 60,
        acceptWindow: 60,
        reviewWindow: 60,
        maxAuditAge: 0,
        pricePerHour: parse_ether("0.36").expect("an amount").to(),
        paymentToken: Address::ZERO,
        watcher: Address::ZERO,
        specHash: B256::repeat_byte(spec),
        specURI: "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy".to_owned(),
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Sends a transaction and waits until it has landed.
pub(crate) async fn mined<D: CallDecoder>(call: CallBuilder<&DynProvider, D>) -> TransactionReceipt {
    let pending = call.send().await.unwrap_or_else(|error| panic!("refused: {error}"));
    let receipt = pending.get_receipt().await.expect("a receipt");
    assert!(receipt.status(), "reverted: {}", receipt.transaction_hash);
    receipt
}

/// The attempts of `aiigo-keeper once --json`: duty, subject and ending of each.
pub(crate) fn attempts(stdout: &str) -> Vec<(String, String, String)> {
    let document: Value = serde_json::from_str(stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    document["done"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|done| (text(&done["duty"]), text(&done["subject"]), text(&done["ending"])))
        .collect()
}

/// An answer to a challenge, found in half of the devnet's window.
fn solve(seed: B256) -> Bytes {
    let solver = Solver::new(NonZeroUsize::MIN);
    let solution = solver.solve(seed, Instant::now() + Duration::from_secs(2), &AtomicBool::new(false));
    solution.expect("64 nonces").encode().to_vec().into()
}
