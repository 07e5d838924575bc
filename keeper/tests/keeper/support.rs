//! A devnet with a node, tasks, and keepers as processes.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use aiigo_devnet::{Account, BlockTime, Devnet, DevnetConfig, Line, Process, ProcessCommand, mined};
use aiigo_pow::Solver;
use aiigo_protocol::{
    AIIGOToken, ContractName, EscrowManager, IProofOfWorkVerifier, NodeId, NodeRegistry, ProofOfWorkVerifier, TaskId,
    TaskMarketplace, TaskStatus,
};
use alloy::{
    primitives::{Address, B256, Bytes, FixedBytes, U256, utils::parse_ether},
    providers::{DynProvider, Provider},
    sol_types::SolCall,
    transports::http::reqwest::Url,
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
        let stage = Self { devnet, buyer, owner, operator, dir };
        // However busy this machine is, what it shows is enough for a task.
        stage.set_audits(|rules| rules.hashesPerTflops = [100_000; 5]).await;
        stage
    }

    /// Changes the verifier's parameters, as governance.
    pub(crate) async fn set_audits(&self, change: impl FnOnce(&mut IProofOfWorkVerifier::Parameters)) {
        let verifier = self.verifier(&self.owner);
        let mut rules = verifier.parameters().call().await.expect("parameters");
        change(&mut rules);
        let call = ProofOfWorkVerifier::setParametersCall { parameters_: rules };
        self.devnet.govern(*verifier.address(), call.abi_encode().into()).await.expect("other rules");
    }

    pub(crate) fn keeper_account(&self, index: u32) -> Account {
        self.devnet.account(10 + index).expect("an account")
    }

    pub(crate) fn at(&self, name: ContractName) -> Address {
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

    /// Moves the clock to a time, unix seconds, unless it is later already.
    pub(crate) async fn pass_until(&self, time: u64) {
        let now = self.devnet.now().await.expect("a time");
        self.pass(time.saturating_sub(now)).await;
    }

    pub(crate) async fn mine(&self, blocks: u64) {
        self.devnet.mine(blocks).await.expect("blocks");
    }

    /// The usual node, without a proof of its power.
    pub(crate) async fn register(&self) -> NodeId {
        self.register_as(&self.owner, &self.operator).await
    }

    pub(crate) async fn register_as(&self, owner: &Account, operator: &Account) -> NodeId {
        let registry = self.registry(owner);
        let fee = registry.parameters().call().await.expect("parameters").registrationFee;
        let register = registry
            .registerNode(
                1,
                "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy".to_owned(),
                operator.address(),
                owner.address(),
                0,
            )
            .value(U256::from(fee));
        mined(register).await;
        NodeId(registry.nodeCount().call().await.expect("a count"))
    }

    pub(crate) async fn issue_challenge(&self, node: NodeId) {
        mined(self.verifier(&self.operator).issueChallenge(node.0)).await;
    }

    /// The usual node, ready to work.
    pub(crate) async fn active_node(&self) -> NodeId {
        let node = self.register().await;
        self.stake_for(node, &self.owner, aiigo("200")).await;
        self.prove(node, &self.owner, &self.operator).await;
        node
    }

    /// AIIGO from the faucet for an account, which a contract may take.
    pub(crate) async fn fund(&self, account: &Account, amount: U256, spender: ContractName) {
        self.devnet.send_aiigo(account.address(), amount).await.expect("AIIGO");
        let token = AIIGOToken::new(self.at(ContractName::AIIGOToken), self.devnet.provider_as(account));
        mined(token.approve(self.at(spender), amount)).await;
    }

    /// Stakes AIIGO of the faucet's for a node.
    pub(crate) async fn stake_for(&self, node: NodeId, owner: &Account, stake: U256) {
        self.fund(owner, stake, ContractName::NodeRegistry).await;
        mined(self.registry(owner).stakeForNode(node.0, stake)).await;
    }

    /// Passes a challenge and goes online.
    pub(crate) async fn prove(&self, node: NodeId, owner: &Account, operator: &Account) {
        let verifier = self.verifier(operator);
        mined(verifier.issueChallenge(node.0)).await;
        let challenge = verifier.challengeOf(node.0).call().await.expect("a challenge");
        let seed = verifier.nodeSeed(node.0, challenge.seed).call().await.expect("a seed");
        mined(verifier.submitSolution(node.0, solved(seed).await)).await;
        mined(self.registry(owner).setOnline(node.0, true)).await;
    }

    /// An open task of [`request`].
    pub(crate) async fn open_task(&self, spec: u8) -> TaskId {
        self.order(request(spec)).await
    }

    pub(crate) async fn order(&self, request: TaskMarketplace::TaskRequest) -> TaskId {
        let market = self.market(&self.buyer);
        let quote = market.quote(request.clone()).call().await.expect("a quote");
        let nonce = market.nonceOf(self.buyer.address()).call().await.expect("a nonce");
        let id = market.taskIdOf(self.buyer.address(), nonce, request.specHash).call().await.expect("an id");
        mined(market.createTask(request).value(U256::from(quote.escrow) + quote.tipDeposit)).await;
        TaskId(id)
    }

    pub(crate) async fn accept(&self, task: TaskId, node: NodeId) {
        self.accept_as(&self.operator, task, node).await;
    }

    pub(crate) async fn accept_as(&self, operator: &Account, task: TaskId, node: NodeId) {
        let market = self.market(operator);
        let salt = B256::repeat_byte(7);
        let hash = market.commitmentHash(task.0, node.0, salt, operator.address()).call().await.expect("a hash");
        mined(market.commitAccept(node.0, FixedBytes::<20>::from_slice(&hash[..20]))).await;
        mined(market.acceptTask(task.0, node.0, salt)).await;
    }

    pub(crate) async fn deliver(&self, task: TaskId) {
        self.deliver_as(&self.operator, task).await;
    }

    pub(crate) async fn deliver_as(&self, operator: &Account, task: TaskId) {
        mined(self.market(operator).submitResult(task.0, B256::repeat_byte(9), "ipfs://result".to_owned())).await;
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

    /// A command that needs no chain.
    fn command_about(&self, index: u32, args: &[&str]) -> ProcessCommand {
        let log = self.keeper_dir(index).join("log");
        ProcessCommand::new(format!("keeper {index}"), env!("CARGO_BIN_EXE_aiigo-keeper"), log).args(args)
    }

    fn command(&self, index: u32, args: &[&str]) -> ProcessCommand {
        self.command_at(index, self.devnet.rpc_url(), args)
    }

    fn command_at(&self, index: u32, endpoint: &Url, args: &[&str]) -> ProcessCommand {
        let dir = self.keeper_dir(index);
        self.command_about(index, args)
            .args(["--rpc-url", endpoint.as_str(), "--deployment"])
            .arg(self.devnet.deployment_path())
            .arg("--data-dir")
            .arg(&dir)
    }

    fn keeper_dir(&self, index: u32) -> PathBuf {
        self.dir.path().join(format!("keeper-{index}"))
    }

    /// `aiigo-keeper run` in the background, ready.
    pub(crate) async fn keeper(&self, index: u32, args: &[&str]) -> Process {
        let (mut process, url) = self.keeper_of(&self.keeper_account(index), index, args).await;
        process.wait_until_ready(&url, LIMIT).await.unwrap_or_else(|error| panic!("{error}"));
        process
    }

    /// `aiigo-keeper run` in the background with anybody's key, and where it tells whether it is ready.
    pub(crate) async fn keeper_of(&self, account: &Account, index: u32, args: &[&str]) -> (Process, Url) {
        let address = self.address_file(index);
        let mut process = self
            .command(index, &[&["run", "--listen", "127.0.0.1:0"], args].concat())
            .arg("--address-file")
            .arg(&address)
            .env("AIIGO_PRIVATE_KEY", account.private_key())
            .spawn()
            .expect("it starts");
        let listens = process.wait_for_address(&address, LIMIT).await.unwrap_or_else(|error| panic!("{error}"));
        (process, format!("http://{listens}").parse().expect("a URL"))
    }

    /// `aiigo-keeper run` in the background, behind a line that may fail; not waited for.
    pub(crate) fn keeper_behind(&self, line: &Line, index: u32, args: &[&str]) -> Process {
        self.command_at(index, line.url(), &[&["run", "--listen", "127.0.0.1:0"], args].concat())
            .env("AIIGO_PRIVATE_KEY", self.keeper_account(index).private_key())
            .spawn()
            .expect("it starts")
    }

    fn address_file(&self, index: u32) -> PathBuf {
        self.keeper_dir(index).join("address")
    }

    /// Seeds the secrets of a challenger.
    pub(crate) async fn make_secrets(&self, index: u32) {
        let command = self.command_about(index, &["secrets", "new"]).arg(self.keeper_dir(index).join("secrets"));
        let (code, stdout) = self.finish(command).await;
        assert_eq!(code, 0, "{stdout}");
    }

    /// `aiigo-keeper status --json` of a running keeper.
    pub(crate) async fn status_of(&self, index: u32) -> Value {
        let (code, stdout) = self.finish_status(index).await;
        assert_eq!(code, 0, "{stdout}");
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
    }

    /// The same, whether it succeeds or not.
    pub(crate) async fn finish_status(&self, index: u32) -> (i32, String) {
        let command = self.command_about(index, &["status", "--json", "--address-file"]).arg(self.address_file(index));
        self.finish(command).await
    }

    /// `aiigo-keeper run` in the background, of a chain that nobody serves.
    pub(crate) async fn keeper_without_chain(&self, index: u32) -> Process {
        let address = self.address_file(index);
        let mut process = self
            .command_about(
                index,
                &["run", "--listen", "127.0.0.1:0", "--rpc-url", "http://127.0.0.1:9", "--deployment"],
            )
            .arg(self.devnet.deployment_path())
            .arg("--data-dir")
            .arg(self.keeper_dir(index))
            .arg("--address-file")
            .arg(&address)
            .env("AIIGO_PRIVATE_KEY", self.keeper_account(index).private_key())
            .spawn()
            .expect("it starts");
        process.wait_for_address(&address, LIMIT).await.unwrap_or_else(|error| panic!("{error}"));
        process
    }

    /// A settings file, for `--config`.
    pub(crate) fn settings(&self, name: &str, toml: &str) -> String {
        let file = self.dir.path().join(name).with_extension("toml");
        std::fs::write(&file, toml).expect("a file");
        file.to_str().expect("UTF-8").to_owned()
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

/// An amount of AIIGO, wei.
pub(crate) fn aiigo(amount: &str) -> U256 {
    parse_ether(amount).expect("an amount")
}

/// An answer to a challenge, found in half of the devnet's window.
pub(crate) async fn solved(seed: B256) -> Bytes {
    solved_in(seed, Duration::from_secs(2)).await
}

/// An answer, looked for so long.
pub(crate) async fn solved_in(seed: B256, time: Duration) -> Bytes {
    tokio::task::spawn_blocking(move || solve(seed, time)).await.expect("no panic")
}

fn solve(seed: B256, time: Duration) -> Bytes {
    let solver = Solver::new(NonZeroUsize::MIN);
    let solution = solver.solve(seed, Instant::now() + time, &AtomicBool::new(false));
    solution.expect("64 nonces").encode().to_vec().into()
}
