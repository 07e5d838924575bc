//! Nodes that may work on replicated tasks, a buyer with the store of `aiigo store serve`, and somebody who draws and counts.

use std::{
    num::NonZeroUsize,
    path::PathBuf,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::{Duration, Instant, UNIX_EPOCH},
};

use aiigo_cli::{
    Chain,
    store::{ChainAuthorizer, Published},
};
use aiigo_devnet::{Account, Devnet, DevnetConfig, Process, ProcessCommand, eventually, mined};
use aiigo_pow::Solver;
use aiigo_protocol::{
    AIIGOToken, ContractName, EscrowManager, NodeId, NodeRegistry, ProofOfWorkVerifier, ReplicaStatus, TaskId,
    TaskMarketplace,
};
use aiigo_storage::{BlobCid, ClientOptions, ContentUri, DirStore, GatewayClient, GatewayUrl, PushGrant, cid_of};
use aiigo_task::{InputFile, Limits, ResultManifest, TaskSpec, TaskSpecParts};
use alloy::{
    primitives::{Address, B256, Bytes, U256, utils::parse_ether},
    providers::{DynProvider, Provider},
    rlp,
    sol_types::{SolCall, SolEvent},
};
use futures::future::join_all;
use serde_json::Value;

use crate::{
    doors::Doors,
    support::{LIMIT, aiigo, allow_busy_machines},
};

/// How long all seats may take, with agents that are killed.
const PATIENCE: Duration = Duration::from_secs(300);
/// Seconds to apply.
const WINDOW: u32 = 240;
/// AIIGO at stake: enough for trust level 2 after a slash.
const STAKE: u64 = 1200;

/// A node with its keys; whether an agent runs for it is the test's choice.
pub(crate) struct Member {
    pub(crate) node: NodeId,
    pub(crate) owner: Account,
    pub(crate) operator: Account,
    pub(crate) dir: PathBuf,
    process: Mutex<Option<Process>>,
}

/// All of them.
pub(crate) struct Crowd {
    pub(crate) devnet: Devnet,
    pub(crate) members: Vec<Member>,
    pub(crate) store: DirStore,
    buyer: Account,
    gateway: GatewayUrl,
    /// Of the gateway.
    pub(crate) doors: Doors,
    published: Published,
    dir: tempfile::TempDir,
}

async fn solved(seed: B256, time: Duration) -> Bytes {
    let solve = move || Solver::new(NonZeroUsize::MIN).solve(seed, Instant::now() + time, &AtomicBool::new(false));
    tokio::task::spawn_blocking(solve).await.expect("no panic").expect("64 nonces").encode().to_vec().into()
}

impl Crowd {
    /// So many nodes of trust level 2, online.
    pub(crate) async fn start(count: u32) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let devnet = Devnet::start(DevnetConfig::new(dir.path().join("chain"))).await;
        let devnet = devnet.unwrap_or_else(|error| panic!("no devnet: {error}"));
        allow_busy_machines(&devnet).await;
        let blobs = dir.path().join("blobs");
        let store = DirStore::open(&blobs).expect("a store");
        let chain = Chain::new(devnet.provider(), Arc::new(devnet.deployment().clone()));
        let doors = Doors::default();
        let gateway = doors.serve(store.clone(), ChainAuthorizer::new(chain, &blobs)).await;
        let buyer = devnet.account(1).expect("an account");
        let published = Published::in_store(&blobs);
        let mut crowd = Self { devnet, members: Vec::new(), store, buyer, gateway, doors, published, dir };
        crowd.relax().await;
        crowd.members = join_all((0..count).map(|index| crowd.member(index))).await;
        crowd.audit().await;
        crowd
    }

    pub(crate) fn at(&self, name: ContractName) -> Address {
        self.devnet.deployment().address(name)
    }

    pub(crate) fn market(&self, account: &Account) -> TaskMarketplace::TaskMarketplaceInstance<DynProvider> {
        TaskMarketplace::new(self.at(ContractName::TaskMarketplace), self.devnet.provider_as(account))
    }

    /// The marketplace, called by somebody with no part in anything.
    pub(crate) fn anyone(&self) -> TaskMarketplace::TaskMarketplaceInstance<DynProvider> {
        self.market(&self.devnet.account(2).expect("an account"))
    }

    fn registry(&self, account: &Account) -> NodeRegistry::NodeRegistryInstance<DynProvider> {
        NodeRegistry::new(self.at(ContractName::NodeRegistry), self.devnet.provider_as(account))
    }

    fn verifier(&self, account: &Account) -> ProofOfWorkVerifier::ProofOfWorkVerifierInstance<DynProvider> {
        ProofOfWorkVerifier::new(self.at(ContractName::ProofOfWorkVerifier), self.devnet.provider_as(account))
    }

    /// One audit makes a node trusted, and there is time for all to answer it.
    async fn relax(&self) {
        let registry = self.registry(&self.buyer);
        let mut rules = registry.parameters().call().await.expect("parameters");
        rules.levelTwoChallenges = 1;
        let call = NodeRegistry::setParametersCall { parameters_: rules }.abi_encode();
        self.devnet.govern(*registry.address(), call.into()).await.expect("other rules");
        let verifier = self.verifier(&self.buyer);
        let mut rules = verifier.parameters().call().await.expect("parameters");
        (rules.window, rules.hashesPerTflops) = (60, [20_000; 5]);
        let call = ProofOfWorkVerifier::setParametersCall { parameters_: rules }.abi_encode();
        self.devnet.govern(*verifier.address(), call.into()).await.expect("longer windows");
    }

    /// Registers a node, stakes for it, proves some power and goes online.
    async fn member(&self, index: u32) -> Member {
        let account = |index| self.devnet.account(index).expect("an account");
        let (owner, operator) = (account(4 + 2 * index), account(5 + 2 * index));
        let registry = self.registry(&owner);
        let fee = U256::from(registry.parameters().call().await.expect("parameters").registrationFee);
        let register = registry.registerNode(1, String::new(), operator.address(), owner.address(), 0).value(fee);
        let receipt = mined(register).await;
        let registered =
            receipt.logs().iter().find_map(|log| NodeRegistry::NodeRegistered::decode_log(&log.inner).ok());
        let node = registered.expect("a node").nodeId;
        self.devnet.send_aiigo(owner.address(), aiigo(STAKE)).await.expect("AIIGO");
        let token = AIIGOToken::new(self.at(ContractName::AIIGOToken), self.devnet.provider_as(&owner));
        mined(token.approve(*registry.address(), aiigo(STAKE))).await;
        mined(registry.stakeForNode(node, aiigo(STAKE))).await;
        let verifier = self.verifier(&operator);
        mined(verifier.issueChallenge(node)).await;
        let challenge = verifier.challengeOf(node).call().await.expect("a challenge");
        let seed = verifier.nodeSeed(node, challenge.seed).call().await.expect("a seed");
        mined(verifier.submitSolution(node, solved(seed, Duration::from_secs(1)).await)).await;
        mined(self.registry(&operator).setOnline(node, true)).await;
        let dir = self.dir.path().join(format!("agent-{index}"));
        Member { node: NodeId(node), owner, operator, dir, process: Mutex::default() }
    }

    /// All pass an audit round.
    async fn audit(&self) {
        let verifier = self.verifier(&self.buyer);
        let open = verifier.roundOpenToAnyoneAt().call().await.expect("a time").to::<u64>();
        let now = self.devnet.now().await.expect("a time");
        self.pass(open.saturating_sub(now) + 1).await;
        mined(verifier.openRoundWithoutPreimage()).await;
        let round = verifier.currentRound().call().await.expect("a round");
        join_all(self.members.iter().map(async |member| {
            let seed = verifier.nodeSeed(member.node.0, round.seed).call().await.expect("a seed");
            let solution = solved(seed, Duration::from_secs(4)).await;
            mined(self.verifier(&member.operator).submitRoundSolution(round.number, member.node.0, solution)).await;
        }))
        .await;
        self.pass(round.finishesAt.saturating_sub(round.openedAt).to::<u64>()).await;
    }

    /// Moves the clock on.
    pub(crate) async fn pass(&self, seconds: u64) {
        self.devnet.increase_time(Duration::from_secs(seconds)).await.expect("a later time");
    }

    fn command(&self, index: usize, log: &str) -> ProcessCommand {
        let member = &self.members[index];
        let log = self.dir.path().join(format!("{log}-{index}.log"));
        ProcessCommand::new("aiigo-agent", env!("CARGO_BIN_EXE_aiigo-agent"), log)
            .env("AIIGO_RPC_URL", self.devnet.rpc_url().as_str())
            .env("AIIGO_DEPLOYMENT", self.devnet.deployment_path())
            .env("AIIGO_DATA_DIR", &member.dir)
            .env("AIIGO_PRIVATE_KEY", member.operator.private_key())
    }

    /// Starts a node's agent, and waits for nothing.
    pub(crate) fn run(&self, index: usize) {
        let node = self.members[index].node.to_string();
        let process = self
            .command(index, "agent")
            .args(["run", "--allow-private-gateways", "--listen", "127.0.0.1:0", "--node", &node])
            .spawn()
            .expect("it starts");
        *self.members[index].process.lock().expect("no panic") = Some(process);
    }

    /// The process of a node's agent.
    pub(crate) fn process(&self, index: usize) -> u32 {
        self.members[index].process.lock().expect("no panic").as_ref().expect("a running agent").id()
    }

    /// Kills a node's agent, if it has one.
    pub(crate) fn kill(&self, index: usize) {
        if let Some(mut process) = self.members[index].process.lock().expect("no panic").take() {
            process.kill();
        }
    }

    /// What an agent's log says.
    pub(crate) fn log(&self, index: usize) -> String {
        std::fs::read_to_string(self.dir.path().join(format!("agent-{index}.log"))).expect("a log")
    }

    /// A task as a node's agent has it written down, once it looks so.
    pub(crate) async fn until_told(&self, index: usize, task: TaskId, stage: &str) -> Value {
        let what = format!("{stage} at agent {index}");
        let told = eventually(&what, LIMIT, async || {
            let node = self.members[index].node.to_string();
            let stdout = self.dir.path().join(format!("status-{index}.json"));
            let command = self.command(index, "status").args(["status", "--json", "--node", &node]).stdout(&stdout);
            let status = command.spawn().expect("it starts").wait_for_end(LIMIT).await.expect("it ends");
            assert!(status.success());
            let report: Value = serde_json::from_slice(&std::fs::read(&stdout).expect("a report")).expect("JSON");
            let tasks = report["tasks"].as_array().expect("tasks").clone();
            tasks.into_iter().find(|told| told["taskId"] == task.to_string() && told["stage"] == stage)
        });
        told.await
    }

    /// A task for three seats whose program reads `in` and writes `out`.
    pub(crate) async fn order(&self, program: Vec<u8>, input: &[u8]) -> (TaskId, TaskSpec) {
        self.order_for(3, program, input).await
    }

    /// The same for so many seats, or for one node.
    pub(crate) async fn order_for(&self, replicas: u8, program: Vec<u8>, input: &[u8]) -> (TaskId, TaskSpec) {
        let module = self.store.put_bytes(program).await.expect("stored");
        let input = self.store.put_bytes(input.to_vec()).await.expect("stored");
        let path = |path: &str| path.parse().expect("a path");
        let spec = TaskSpec::new(TaskSpecParts {
            name: "copy".into(),
            program: module.into(),
            args: Vec::new(),
            env: Default::default(),
            inputs: vec![InputFile { path: path("in"), cid: input.cid, size: input.size, sha256: input.sha256 }],
            outputs: vec![path("out")],
            limits: Limits {
                memory_bytes: 16 << 20,
                fuel: Some(1 << 40),
                cpus: None,
                seconds: 300,
                output_bytes: 1 << 20,
            },
            gateways: vec![self.gateway.clone()],
        })
        .expect("a spec");
        let chain = self.devnet.deployment().chain_id;
        self.published.record(chain, self.buyer.address(), spec.hash(), &spec.canonical()).expect("recorded");
        let blob = self.store.put_bytes(spec.canonical()).await.expect("stored");
        let request = TaskMarketplace::TaskRequest {
            resourceType: 1,
            minTrustLevel: 2,
            replicas,
            minPower: 1,
            duration: 600,
            acceptWindow: WINDOW,
            reviewWindow: 3600,
            maxAuditAge: 0,
            pricePerHour: parse_ether("0.36").expect("an amount").to(),
            paymentToken: Address::ZERO,
            watcher: Address::ZERO,
            specHash: spec.hash(),
            specURI: ContentUri::new(blob.cid).at(self.gateway.clone()).to_string(),
        };
        let market = self.market(&self.buyer);
        let quote = market.quote(request.clone()).call().await.expect("a quote");
        let nonce = market.nonceOf(self.buyer.address()).call().await.expect("a nonce");
        let id = market.taskIdOf(self.buyer.address(), nonce, request.specHash).call().await.expect("an id");
        mined(market.createTask(request).value(U256::from(quote.escrow) + quote.tipDeposit)).await;
        (TaskId(id), spec)
    }

    /// The buyer takes a task back.
    pub(crate) async fn cancel(&self, task: TaskId) {
        mined(self.market(&self.buyer).cancelTask(task.0)).await;
    }

    pub(crate) async fn replication(&self, task: TaskId) -> TaskMarketplace::Replication {
        self.anyone().replicationOf(task.0).call().await.expect("a task of several")
    }

    pub(crate) async fn replica(&self, task: TaskId, index: usize) -> ReplicaStatus {
        let replica = self.anyone().replicaOf(task.0, self.members[index].node.0).call().await.expect("a replica");
        ReplicaStatus::try_from(replica.status).expect("a status")
    }

    /// Waits for so many candidates, lets the window pass, and draws.
    pub(crate) async fn draw(&self, task: TaskId, candidates: u32) {
        eventually("candidates", PATIENCE, async || {
            (self.replication(task).await.candidates == candidates).then_some(())
        })
        .await;
        self.pass(u64::from(WINDOW) + 1).await;
        let market = self.anyone();
        mined(market.drawReplicas(task.0, Bytes::new())).await;
        let block = self.replication(task).await.drawBlock.to::<u64>();
        self.devnet.mine(98).await.expect("blocks");
        let found = self.devnet.provider().get_block_by_number(block.into()).await.expect("an answer");
        let header = rlp::encode(&found.expect("a block").header.inner);
        mined(market.drawReplicas(task.0, header.into())).await;
    }

    /// Waits until so many seats have one of these states.
    pub(crate) async fn until_seats(&self, task: TaskId, count: usize, wanted: &[ReplicaStatus]) {
        let names: Vec<&str> = wanted.iter().map(|status| status.name()).collect();
        let has = |status: u8| wanted.iter().any(|wanted| u8::from(*wanted) == status);
        eventually(&format!("{count} seats {}", names.join(" or ")), PATIENCE, async || {
            let seats = self.replication(task).await.seats;
            (seats.iter().filter(|seat| has(seat.status)).count() == count).then_some(())
        })
        .await;
    }

    /// Counts the results.
    pub(crate) async fn judge(&self, task: TaskId) {
        mined(self.anyone().judgeReplicas(task.0)).await;
    }

    /// What a node revealed: once, with the files where it says.
    pub(crate) async fn revealed(&self, task: TaskId, index: usize, spec: &TaskSpec) -> ResultManifest {
        let node = self.members[index].node.0;
        let market = self.anyone();
        let events = market.ReplicaRevealed_filter().from_block(self.devnet.deployment().block).query().await;
        let events = events.expect("events");
        let own: Vec<_> =
            events.iter().map(|(event, _)| event).filter(|e| (e.taskId, e.nodeId) == (task.0, node)).collect();
        assert_eq!(own.len(), 1, "revealed once");
        let uri: ContentUri = own[0].resultURI.parse().expect("an address");
        assert_eq!(uri.gateways, std::slice::from_ref(&self.gateway));
        let bytes = self.bytes(uri.cid).await;
        ResultManifest::parse_promised(&bytes, task.0, spec, own[0].resultHash).expect("as promised")
    }

    pub(crate) async fn bytes(&self, cid: BlobCid) -> Vec<u8> {
        self.store.get_bytes(&cid, 1 << 20).await.expect("delivered")
    }

    /// Pushes to the buyer's store as somebody; what it says, if it refuses.
    pub(crate) async fn push_by_hand(&self, task: TaskId, signer: &Account, content: &[u8]) -> Option<String> {
        let file = self.dir.path().join("parcel");
        std::fs::write(&file, content).expect("written");
        let expires = UNIX_EPOCH.elapsed().expect("a time").as_secs() + 60;
        let chain_id = self.devnet.deployment().chain_id;
        let grant = PushGrant { chain_id, task_id: task.0, cid: cid_of(content), size: content.len() as u64, expires };
        let options = ClientOptions { allow_private: true, ..ClientOptions::default() };
        let client = GatewayClient::with_options([self.gateway.clone()], options).expect("a client");
        let pushed = client.push(&file, &grant.sign(signer.signer()).expect("signed")).await;
        pushed.err().map(|error| error.to_string())
    }

    /// Whether the buyer's store has this content.
    pub(crate) async fn has(&self, content: &[u8]) -> bool {
        self.store.get_bytes(&cid_of(content), 1 << 20).await.is_ok()
    }

    pub(crate) async fn head(&self) -> u64 {
        self.devnet.provider().get_block_number().await.expect("a number")
    }

    pub(crate) async fn nonce_of(&self, index: usize) -> u64 {
        let operator = self.members[index].operator.address();
        self.devnet.provider().get_transaction_count(operator).await.expect("a count")
    }

    /// Wei of ETH that a node has earned.
    pub(crate) async fn earned(&self, index: usize) -> U256 {
        let escrow = EscrowManager::new(self.at(ContractName::EscrowManager), self.devnet.provider());
        escrow.balanceOf(self.members[index].owner.address(), Address::ZERO).call().await.expect("a balance")
    }

    pub(crate) async fn node(&self, index: usize) -> NodeRegistry::NodeInfo {
        self.registry(&self.buyer).nodeInfo(self.members[index].node.0).call().await.expect("a node")
    }

    /// A node without an agent applies.
    pub(crate) async fn apply_by_hand(&self, task: TaskId, index: usize) {
        let Member { node, operator, .. } = &self.members[index];
        mined(self.market(operator).applyForReplica(task.0, node.0)).await;
    }

    /// A node without an agent seals what it likes.
    pub(crate) async fn seal_by_hand(&self, task: TaskId, index: usize, result: B256) {
        let Member { node, operator, .. } = &self.members[index];
        let market = self.market(operator);
        let seal = market.replicaSeal(task.0, node.0, result, B256::ZERO, operator.address()).call().await;
        mined(market.sealReplica(task.0, node.0, seal.expect("a seal"))).await;
    }

    /// And reveals it.
    pub(crate) async fn reveal_by_hand(&self, task: TaskId, index: usize, result: B256) {
        let Member { node, operator, .. } = &self.members[index];
        let uri = "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy".to_owned();
        mined(self.market(operator).revealReplica(task.0, node.0, result, uri, B256::ZERO)).await;
    }
}
