//! A devnet, a buyer's gateway, and an agent as the real process.

#![allow(dead_code)] // each test binary uses its part

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use aiigo_devnet::{Account, Devnet, DevnetConfig, Line, Process, ProcessCommand, eventually, mined};
use aiigo_protocol::{
    AIIGOToken, ContractName, EscrowManager, NodeId, NodeRegistry, ProofOfWorkVerifier, TaskId, TaskMarketplace,
    TaskStatus,
};
use aiigo_storage::{BlobCid, ContentUri, DirStore, GatewayUrl, PushAuthorizer, PushDenied, PushGrant};
use aiigo_task::{GuestPath, InputFile, Limits, ResultManifest, TaskProgram, TaskSpec, TaskSpecParts};
use alloy::{
    primitives::{Address, U256, aliases::U96, keccak256, utils::parse_ether},
    providers::DynProvider,
    sol_types::SolCall,
};
use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use crate::doors::Doors;

/// How long anything may take on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// Reads `in`, writes it to `out`, and exits with 3 after some work: about `fuel` instructions.
pub(crate) fn copy_program(fuel: u64) -> Vec<u8> {
    let rounds = fuel / 6;
    wat::parse_str(format!(
        r#"(module
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "path_open"
                (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (memory (export "memory") 2)
            (data (i32.const 100) "in") (data (i32.const 110) "out") (data (i32.const 120) "printed\n")
            (func $check (param i32) (if (local.get 0) (then unreachable)))
            (func (export "_start") (local $n i64)
                (local.set $n (i64.const {rounds}))
                (loop $work
                    (local.set $n (i64.sub (local.get $n) (i64.const 1)))
                    (br_if $work (i64.ne (local.get $n) (i64.const 0))))
                (call $check (call $path_open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 2) (i32.const 0)
                    (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 0)))
                (i32.store (i32.const 8) (i32.const 1024)) (i32.store (i32.const 12) (i32.const 60000))
                (call $check (call $fd_read (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i32.const 16)))
                (call $check (call $path_open (i32.const 3) (i32.const 0) (i32.const 110) (i32.const 3) (i32.const 1)
                    (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 0)))
                (i32.store (i32.const 12) (i32.load (i32.const 16)))
                (call $check (call $fd_write (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i32.const 16)))
                (i32.store (i32.const 8) (i32.const 120)) (i32.store (i32.const 12) (i32.const 8))
                (call $check (call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))
                (call $exit (i32.const 3))))"#
    ))
    .expect("a program")
}

/// Everything that an agent meets.
pub(crate) struct Stage {
    pub(crate) devnet: Devnet,
    pub(crate) owner: Account,
    pub(crate) operator: Account,
    pub(crate) payout: Account,
    pub(crate) buyer: Account,
    pub(crate) store: DirStore,
    pub(crate) gateway: GatewayUrl,
    /// Of the gateway.
    pub(crate) doors: Doors,
    dir: tempfile::TempDir,
}

/// Asks the chain who may push, as a buyer's gateway does.
struct Assigned {
    provider: DynProvider,
    market: Address,
    registry: Address,
}

#[async_trait]
impl PushAuthorizer for Assigned {
    async fn authorize(&self, grant: &PushGrant, signer: Address) -> Result<u64, PushDenied> {
        let ask = |error: alloy::contract::Error| PushDenied::Unavailable(error.to_string());
        let task = TaskMarketplace::new(self.market, &self.provider).taskOf(grant.task_id).call().await.map_err(ask)?;
        let operator =
            NodeRegistry::new(self.registry, &self.provider).operatorOf(task.nodeId).call().await.map_err(ask)?;
        match operator == signer {
            true => Ok(16 << 20),
            false => Err(PushDenied::Refused(format!("{signer} is not {operator}"))),
        }
    }
}

/// A program that ended.
pub(crate) struct Ended {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert!(self.success, "{}", self.stderr);
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// An agent that runs.
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(crate) url: Url,
}

impl Stage {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let devnet = Devnet::start(DevnetConfig::new(dir.path().join("chain"))).await;
        let devnet = devnet.unwrap_or_else(|error| panic!("no devnet: {error}"));
        let account = |index| devnet.account(index).expect("an account");
        let (buyer, owner, operator, payout) = (account(1), account(4), account(5), account(6));
        devnet.send_aiigo(owner.address(), aiigo(1000)).await.expect("AIIGO");
        allow_busy_machines(&devnet).await;
        let store = DirStore::open(dir.path().join("blobs")).expect("a store");
        let at = |name| devnet.deployment().address(name);
        let assigned = Assigned {
            provider: devnet.provider(),
            market: at(ContractName::TaskMarketplace),
            registry: at(ContractName::NodeRegistry),
        };
        let doors = Doors::default();
        let gateway = doors.serve(store.clone(), assigned).await;
        Self { devnet, owner, operator, payout, buyer, store, gateway, doors, dir }
    }

    pub(crate) fn at(&self, name: ContractName) -> Address {
        self.devnet.deployment().address(name)
    }

    pub(crate) fn registry(&self) -> NodeRegistry::NodeRegistryInstance<DynProvider> {
        NodeRegistry::new(self.at(ContractName::NodeRegistry), self.devnet.provider())
    }

    pub(crate) fn market(&self) -> TaskMarketplace::TaskMarketplaceInstance<DynProvider> {
        TaskMarketplace::new(self.at(ContractName::TaskMarketplace), self.devnet.provider_as(&self.buyer))
    }

    pub(crate) async fn credit(&self, account: Address) -> U256 {
        let escrow = EscrowManager::new(self.at(ContractName::EscrowManager), self.devnet.provider());
        escrow.balanceOf(account, Address::ZERO).call().await.expect("a balance")
    }

    pub(crate) async fn aiigo_of(&self, account: Address) -> U256 {
        let token = AIIGOToken::new(self.at(ContractName::AIIGOToken), self.devnet.provider());
        token.balanceOf(account).call().await.expect("a balance")
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("agent")
    }

    fn command(&self, name: &str, account: &Account) -> ProcessCommand {
        let log = self.dir.path().join(format!("{name}.log"));
        ProcessCommand::new("aiigo-agent", env!("CARGO_BIN_EXE_aiigo-agent"), log)
            .env("AIIGO_RPC_URL", self.devnet.rpc_url().as_str())
            .env("AIIGO_DEPLOYMENT", self.devnet.deployment_path())
            .env("AIIGO_DATA_DIR", self.data_dir())
            .env("AIIGO_PRIVATE_KEY", account.private_key())
    }

    /// How often the agent began to run the program of a task, in all its lives.
    pub(crate) fn runs_of(&self, task: TaskId) -> usize {
        self.logs().iter().map(|log| runs_in(log, task)).sum()
    }

    /// What the agent said in all its lives, on good lines and bad ones.
    pub(crate) fn logs(&self) -> Vec<String> {
        let logs = ["run.log", "bad-line.log"].map(|name| std::fs::read_to_string(self.dir.path().join(name)));
        logs.into_iter().flatten().collect()
    }

    /// Runs a command to its end.
    pub(crate) async fn agent(&self, account: &Account, args: &[&str]) -> Ended {
        let stdout = self.dir.path().join("command.out");
        let command = self.command("command", account).args(args).stdout(&stdout);
        let mut process = command.spawn().expect("it starts");
        let status = process.wait_for_end(LIMIT).await.expect("it ends");
        let read = |path: &Path| std::fs::read_to_string(path).expect("readable");
        Ended { success: status.success(), stdout: read(&stdout), stderr: read(process.log()) }
    }

    pub(crate) async fn setup(&self) -> Value {
        let (operator, payout) = (self.operator.address().to_string(), self.payout.address().to_string());
        let args = [
            "setup",
            "--json",
            "--yes",
            "--stake",
            "200",
            "--name",
            "a \"test\"",
            "--operator",
            &operator,
            "--payout",
            &payout,
        ];
        self.agent(&self.owner, &args).await.json()
    }

    /// Writes the provider's policy, whether an agent runs or not.
    pub(crate) fn policy(&self, text: &str) {
        std::fs::write(self.data_dir().join("policy.toml"), text).expect("written");
    }

    /// Starts `status --watch`.
    pub(crate) fn watch(&self) -> Process {
        let command = self.command("watch", &self.operator).args(["status", "--watch", "--json"]);
        command.stdout(self.watched()).spawn().expect("it starts")
    }

    /// What it tells.
    pub(crate) fn watched(&self) -> PathBuf {
        self.dir.path().join("watched")
    }

    pub(crate) async fn head(&self) -> u64 {
        use alloy::providers::Provider;
        self.devnet.provider().get_block_number().await.expect("a height")
    }

    pub(crate) async fn report(&self) -> Value {
        self.agent(&self.operator, &["status", "--json"]).await.json()
    }

    /// Starts `run`; the process answers, whatever its state.
    pub(crate) async fn run(&self, args: &[&str]) -> Running {
        let address = self.dir.path().join("address");
        // The address of an earlier run would be believed.
        let _ = std::fs::remove_file(&address);
        let mut process = self
            .command("run", &self.operator)
            .args(["run", "--allow-private-gateways", "--listen", "127.0.0.1:0", "--address-file"])
            .arg(&address)
            .args(args)
            .spawn()
            .expect("it starts");
        let address: SocketAddr =
            process.wait_for_address(&address, LIMIT).await.unwrap_or_else(|error| panic!("{error}"));
        Running { process, url: format!("http://{address}").parse().expect("a URL") }
    }

    /// Starts `run` on a bad line, and waits for nothing.
    pub(crate) fn run_on(&self, line: &Line) -> Process {
        self.command("bad-line", &self.operator)
            .env("AIIGO_RPC_URL", line.url().as_str())
            .env("AIIGO_RPC_TIMEOUT", "500")
            .args(["run", "--allow-private-gateways", "--listen", "127.0.0.1:0"])
            .spawn()
            .expect("it starts")
    }

    /// A spec for a program that reads `in` and writes `out`.
    pub(crate) async fn spec(&self, program: Vec<u8>, input: &[u8]) -> TaskSpec {
        let module = self.store.put_bytes(program).await.expect("stored");
        self.spec_of(module.into(), Vec::new(), input).await
    }

    /// The same of an image, or with arguments.
    pub(crate) async fn spec_of(&self, program: TaskProgram, args: Vec<String>, input: &[u8]) -> TaskSpec {
        let image = matches!(program, TaskProgram::Image(_));
        let input = self.store.put_bytes(input.to_vec()).await.expect("stored");
        let path = |path: &str| path.parse::<GuestPath>().expect("a path");
        TaskSpec::new(TaskSpecParts {
            name: "copy".into(),
            program,
            args,
            env: Default::default(),
            inputs: vec![InputFile { path: path("in"), cid: input.cid, size: input.size, sha256: input.sha256 }],
            outputs: vec![path("out")],
            limits: Limits {
                memory_bytes: 16 << 20,
                fuel: (!image).then_some(1 << 40),
                cpus: image.then_some(1),
                seconds: 60,
                output_bytes: 16 << 20,
            },
            gateways: vec![self.gateway.clone()],
        })
        .expect("a spec")
    }

    /// Puts a task of a minute for a spec on the chain.
    pub(crate) async fn create(&self, spec: &TaskSpec, price: &str) -> TaskId {
        self.create_for(spec, price, 60).await
    }

    /// Puts a task of so many seconds for a spec on the chain.
    pub(crate) async fn create_for(&self, spec: &TaskSpec, price: &str, duration: u32) -> TaskId {
        self.create_raw(spec.canonical(), price, duration).await
    }

    /// Puts a task for whatever bytes on the chain.
    pub(crate) async fn create_raw(&self, spec: Vec<u8>, price: &str, duration: u32) -> TaskId {
        let spec_hash = keccak256(&spec);
        let blob = self.store.put_bytes(spec).await.expect("stored");
        let request = TaskMarketplace::TaskRequest {
            resourceType: 1,
            minTrustLevel: 1,
            replicas: 1,
            minPower: 1,
            duration,
            acceptWindow: 600,
            reviewWindow: 3600,
            maxAuditAge: 0,
            pricePerHour: parse_ether(price).expect("an amount").to::<U96>(),
            paymentToken: Address::ZERO,
            watcher: Address::ZERO,
            specHash: spec_hash,
            specURI: ContentUri::new(blob.cid).at(self.gateway.clone()).to_string(),
        };
        let market = self.market();
        let quote = market.quote(request.clone()).call().await.expect("a quote");
        let nonce = market.nonceOf(self.buyer.address()).call().await.expect("a nonce");
        let id = market.taskIdOf(self.buyer.address(), nonce, request.specHash).call().await.expect("an id");
        mined(market.createTask(request).value(U256::from(quote.escrow) + quote.tipDeposit)).await;
        TaskId(id)
    }

    pub(crate) async fn status(&self, task: TaskId) -> TaskStatus {
        let task = self.market().taskOf(task.0).call().await.expect("a task");
        TaskStatus::try_from(task.status).expect("a status")
    }

    pub(crate) async fn until(&self, task: TaskId, status: TaskStatus) {
        eventually("task status", LIMIT, async || (self.status(task).await == status).then_some(())).await;
    }

    /// The manifest that the chain names, with its hash checked.
    pub(crate) async fn manifest(&self, task: TaskId, spec: &TaskSpec) -> ResultManifest {
        let events = self.market().ResultSubmitted_filter().from_block(self.devnet.deployment().block).query().await;
        let events = events.expect("events");
        let submitted: Vec<_> = events.iter().filter(|(event, _)| event.taskId == task.0).collect();
        assert_eq!(submitted.len(), 1, "submitted once");
        let event = &submitted[0].0;
        let uri: ContentUri = event.resultURI.parse().expect("an address");
        assert_eq!(uri.gateways, std::slice::from_ref(&self.gateway));
        let bytes = self.bytes(uri.cid).await;
        ResultManifest::parse_promised(&bytes, task.0, spec, event.resultHash).expect("as promised")
    }

    pub(crate) async fn bytes(&self, cid: BlobCid) -> Vec<u8> {
        self.store.get_bytes(&cid, 1 << 20).await.expect("delivered")
    }

    pub(crate) async fn approve(&self, task: TaskId) {
        mined(self.market().approveTask(task.0)).await;
    }

    pub(crate) async fn nonce_of(&self, account: &Account) -> u64 {
        use alloy::providers::Provider;
        self.devnet.provider().get_transaction_count(account.address()).await.expect("a count")
    }
}

impl Running {
    pub(crate) async fn ready(&mut self) {
        self.process.wait_until_ready(&self.url, LIMIT).await.unwrap_or_else(|error| panic!("{error}"));
    }
}

pub(crate) fn node_of(setup: &Value) -> NodeId {
    setup["nodeId"].as_str().and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("no node: {setup}"))
}

/// How often an agent's log says that it runs the program of a task.
pub(crate) fn runs_in(log: &str, task: TaskId) -> usize {
    let task = task.to_string();
    log.lines().filter(|line| line.contains("running the program") && line.contains(&task)).count()
}

pub(crate) fn aiigo(amount: u64) -> U256 {
    U256::from(amount) * U256::from(10).pow(U256::from(18))
}

/// Counts few hashes as power: however busy this machine is, what it shows is more than nothing.
pub(crate) async fn allow_busy_machines(devnet: &Devnet) {
    let verifier = devnet.deployment().address(ContractName::ProofOfWorkVerifier);
    let verifier = ProofOfWorkVerifier::new(verifier, devnet.provider());
    let mut rules = verifier.parameters().call().await.expect("parameters");
    rules.hashesPerTflops = [100_000; 5];
    let call = ProofOfWorkVerifier::setParametersCall { parameters_: rules }.abi_encode();
    devnet.govern(*verifier.address(), call.into()).await.expect("other rules");
}
