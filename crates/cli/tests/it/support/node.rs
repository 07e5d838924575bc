//! A provider that does what the test tells it, through the contracts themselves.

use std::{
    num::NonZeroUsize,
    path::Path,
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use aiigo_devnet::{Account, Devnet, mined};
use aiigo_pow::{Solver, node_seed};
use aiigo_protocol::{
    AIIGOToken, ContractName, Deployment, NodeRegistry, ProofOfWorkVerifier, ResourceType, TaskMarketplace,
    units::parse_amount,
};
use aiigo_storage::{BlobRef, ClientOptions, DirStore, GatewayClient, GatewayUrl, PushError, PushGrant};
use aiigo_task::{Outcome, OutputFile, ResultManifest, ResultParts, TaskSpec, Usage};
use alloy::{
    primitives::{Address, B256, U256},
    providers::DynProvider,
    signers::local::PrivateKeySigner,
};

/// A node that is online.
pub(crate) struct Node {
    pub(crate) id: u64,
    pub(crate) owner: Account,
    pub(crate) operator: Account,
    deployment: Deployment,
    as_operator: DynProvider,
}

impl Node {
    /// Registers a node, stakes, proves some power and goes online; its keys are the devnet's accounts `first` and the next.
    pub(crate) async fn online(devnet: &Devnet, first: u32) -> Self {
        let (owner, operator) = (devnet.account(first).expect("a key"), devnet.account(first + 1).expect("a key"));
        let deployment = devnet.deployment().clone();
        let (as_owner, as_operator) = (devnet.provider_as(&owner), devnet.provider_as(&operator));
        let at = |name| deployment.address(name);
        let stake = parse_amount("200").expect("an amount");
        devnet.send_aiigo(owner.address(), stake).await.expect("AIIGO");

        let registry = NodeRegistry::new(at(ContractName::NodeRegistry), &as_owner);
        let fee = U256::from(registry.parameters().call().await.expect("parameters").registrationFee);
        let register =
            registry.registerNode(ResourceType::CPU.into(), String::new(), operator.address(), Address::ZERO, 0);
        mined(register.value(fee)).await;
        let id = registry.nodeCount().call().await.expect("a count");
        let token = AIIGOToken::new(at(ContractName::AIIGOToken), &as_owner);
        mined(token.approve(at(ContractName::NodeRegistry), stake)).await;
        mined(registry.stakeForNode(id, stake)).await;

        let verifier = ProofOfWorkVerifier::new(at(ContractName::ProofOfWorkVerifier), &as_operator);
        mined(verifier.issueChallenge(id)).await;
        let challenge = verifier.challengeOf(id).call().await.expect("a challenge");
        let seed = node_seed(deployment.chain_id, *verifier.address(), challenge.seed, id);
        let solution = tokio::task::spawn_blocking(move || {
            let until = Instant::now() + Duration::from_millis(1500);
            Solver::new(NonZeroUsize::MIN).solve(seed, until, &AtomicBool::new(false))
        });
        let solution = solution.await.expect("no panic").expect("a solution");
        mined(verifier.submitSolution(id, solution.encode().to_vec().into())).await;
        mined(NodeRegistry::new(at(ContractName::NodeRegistry), &as_operator).setOnline(id, true)).await;
        Self { id, owner, operator, deployment, as_operator }
    }

    fn market(&self) -> TaskMarketplace::TaskMarketplaceInstance<&DynProvider> {
        TaskMarketplace::new(self.deployment.address(ContractName::TaskMarketplace), &self.as_operator)
    }

    /// Takes a task: seal, then open.
    pub(crate) async fn accept(&self, task: &str) {
        let (task, salt): (B256, B256) = (task.parse().expect("an id"), B256::repeat_byte(1));
        let market = self.market();
        let seal = market.commitmentHash(task, self.id, salt, self.operator.address()).call().await.expect("a hash");
        mined(market.commitAccept(self.id, alloy::primitives::FixedBytes::from_slice(&seal[..20]))).await;
        mined(market.acceptTask(task, self.id, salt)).await;
    }

    /// Puts a result's hash and place on the chain.
    pub(crate) async fn promise(&self, task: &str, result_hash: B256, manifest: &BlobRef) {
        let uri = format!("ipfs://{}", manifest.cid);
        mined(self.market().submitResult(task.parse().expect("an id"), result_hash, uri)).await;
    }

    /// Pushes some content to a gateway, signed with a key.
    pub(crate) async fn push(
        &self,
        gateway: &GatewayUrl,
        task: &str,
        content: &[u8],
        key: &PrivateKeySigner,
    ) -> Result<BlobRef, PushError> {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("blob");
        std::fs::write(&file, content).expect("a file");
        let blob = DirStore::open(dir.path().join("store")).expect("a store").put_file(&file).await.expect("a blob");
        let grant = PushGrant {
            chain_id: self.deployment.chain_id,
            task_id: task.parse().expect("an id"),
            cid: blob.cid,
            size: blob.size,
            expires: std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs() + 600,
        };
        let options = ClientOptions { allow_private: true, ..ClientOptions::default() };
        let client = GatewayClient::with_options([gateway.clone()], options).expect("a client");
        client.push(&file, &grant.sign(key).expect("signed")).await.map(|_| blob)
    }

    /// Delivers `report.json` and a manifest as the rules want; returns the manifest and where it lies.
    pub(crate) async fn deliver(
        &self,
        gateway: &GatewayUrl,
        store: &Path,
        task: &str,
        report: &[u8],
        exit_code: i32,
    ) -> (ResultManifest, BlobRef) {
        let blob = self.push(gateway, task, report, self.operator.signer()).await.expect("the output is taken");
        let parts = ResultParts {
            task_id: task.parse().expect("an id"),
            outcome: Outcome::Exited,
            exit_code,
            outputs: vec![OutputFile {
                path: "report.json".parse().expect("a path"),
                cid: blob.cid,
                size: blob.size,
                sha256: blob.sha256,
            }],
            stdout: None,
            stderr: None,
            usage: Usage::default(),
        };
        let manifest = ResultManifest::new(&spec(store), parts).expect("a manifest");
        let key = self.operator.signer();
        let place = self.push(gateway, task, &manifest.canonical(), key).await.expect("the manifest is taken");
        (manifest, place)
    }
}

/// The one spec that was ordered from a store.
fn spec(store: &Path) -> TaskSpec {
    let orders = std::fs::read_dir(store.join("published")).expect("orders");
    let files: Vec<_> = orders.flatten().map(|entry| entry.path()).collect();
    assert_eq!(files.len(), 1, "one job was ordered");
    TaskSpec::parse(&std::fs::read(&files[0]).expect("a spec")).expect("a spec")
}
