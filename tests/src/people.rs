//! People who act on the chain by their own hands, where no program would do what a test needs.

use std::{
    num::NonZeroUsize,
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use aiigo_devnet::{Account, mined};
use aiigo_pow::Solver;
use aiigo_protocol::{
    AIIGOToken, ContractName, DisputeCourt, NodeId, NodeRegistry, ProofOfWorkVerifier, StakingPool, TaskId,
    TaskMarketplace,
};
use alloy::{
    primitives::{Address, B256, Bytes, FixedBytes, U256},
    providers::{DynProvider, Provider as _},
    rlp,
    sol_types::SolEvent,
};

use crate::{World, wei};

/// A node, and the account that owns and operates it.
#[derive(Debug)]
pub struct Provider {
    /// The node.
    pub node: NodeId,
    /// Its keys.
    pub account: Account,
}

/// A task of a minute of execution, of an hour to be accepted, and of an hour for the review.
pub fn request(spec: u8) -> TaskMarketplace::TaskRequest {
    TaskMarketplace::TaskRequest {
        resourceType: 1,
        minTrustLevel: 1,
        replicas: 1,
        minPower: 1,
        duration: 60,
        acceptWindow: 3600,
        reviewWindow: 3600,
        maxAuditAge: 0,
        pricePerHour: wei("0.36").to(),
        paymentToken: Address::ZERO,
        watcher: Address::ZERO,
        specHash: B256::repeat_byte(spec),
        specURI: "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy".to_owned(),
    }
}

/// The answer to a challenge, looked for so long.
///
/// # Panics
/// If the machine is too slow for any.
pub async fn solved(seed: B256, time: Duration) -> Bytes {
    let solve = move || Solver::new(NonZeroUsize::MIN).solve(seed, Instant::now() + time, &AtomicBool::new(false));
    tokio::task::spawn_blocking(solve).await.expect("no panic").expect("64 nonces").encode().to_vec().into()
}

/// # Panics
/// All of it, if the chain refuses.
impl World {
    /// An account of the devnet.
    pub fn account(&self, index: u32) -> Account {
        self.market.devnet().account(index).expect("an account")
    }

    fn signed(&self, account: &Account) -> DynProvider {
        self.market.devnet().provider_as(account)
    }

    /// The marketplace, called by an account.
    pub fn marketplace(&self, account: &Account) -> TaskMarketplace::TaskMarketplaceInstance<DynProvider> {
        TaskMarketplace::new(self.address(ContractName::TaskMarketplace), self.signed(account))
    }

    /// The dispute court, called by an account.
    pub fn court(&self, account: &Account) -> DisputeCourt::DisputeCourtInstance<DynProvider> {
        DisputeCourt::new(self.address(ContractName::DisputeCourt), self.signed(account))
    }

    /// The registry, called by an account.
    pub fn registry(&self, account: &Account) -> NodeRegistry::NodeRegistryInstance<DynProvider> {
        NodeRegistry::new(self.address(ContractName::NodeRegistry), self.signed(account))
    }

    /// The verifier, called by an account.
    pub fn verifier(&self, account: &Account) -> ProofOfWorkVerifier::ProofOfWorkVerifierInstance<DynProvider> {
        ProofOfWorkVerifier::new(self.address(ContractName::ProofOfWorkVerifier), self.signed(account))
    }

    /// Moves the clock on.
    pub async fn pass(&self, seconds: u64) {
        self.market.devnet().increase_time(Duration::from_secs(seconds)).await.expect("a later time");
    }

    /// The header of a block, as draws take it.
    pub async fn header(&self, block: u64) -> Bytes {
        let found = self.market.provider().get_block_by_number(block.into()).await.expect("an answer");
        rlp::encode(&found.expect("a block").header.inner).into()
    }

    /// AIIGO of the faucet's for an account, which a contract may take.
    pub async fn fund(&self, account: &Account, amount: U256, spender: ContractName) {
        self.market.devnet().send_aiigo(account.address(), amount).await.expect("AIIGO");
        let token = AIIGOToken::new(self.address(ContractName::AIIGOToken), self.signed(account));
        mined(token.approve(self.address(spender), amount)).await;
    }

    /// A node that is staked for, has proved its power and is online.
    pub async fn provider(&self, index: u32, stake: &str) -> Provider {
        let account = self.account(index);
        let registry = self.registry(&account);
        let fee = registry.parameters().call().await.expect("parameters").registrationFee;
        let (uri, own) = (request(0).specURI, account.address());
        let receipt = mined(registry.registerNode(1, uri, own, own, 0).value(U256::from(fee))).await;
        let registered =
            receipt.logs().iter().find_map(|log| NodeRegistry::NodeRegistered::decode_log(&log.inner).ok());
        let node = registered.expect("a node").nodeId;
        self.fund(&account, wei(stake), ContractName::NodeRegistry).await;
        mined(registry.stakeForNode(node, wei(stake))).await;
        let verifier = self.verifier(&account);
        mined(verifier.issueChallenge(node)).await;
        let challenge = verifier.challengeOf(node).call().await.expect("a challenge");
        let seed = verifier.nodeSeed(node, challenge.seed).call().await.expect("a seed");
        mined(verifier.submitSolution(node, solved(seed, Duration::from_secs(1)).await)).await;
        mined(registry.setOnline(node, true)).await;
        Provider { node: NodeId(node), account }
    }

    /// Somebody who joined the jurors with a stake.
    pub async fn juror(&self, index: u32, stake: &str) -> Account {
        let account = self.account(index);
        self.fund(&account, wei(stake), ContractName::StakingPool).await;
        let pool = StakingPool::new(self.address(ContractName::StakingPool), self.signed(&account));
        let receipt = mined(pool.stake(wei(stake), U256::ZERO)).await;
        let staked = receipt.logs().iter().find_map(|log| StakingPool::Staked::decode_log(&log.inner).ok());
        mined(self.court(&account).joinJury(staked.expect("a position").positionId)).await;
        account
    }

    /// Orders a task of which only the chain knows.
    pub async fn order(&self, buyer: &Account, request: TaskMarketplace::TaskRequest) -> TaskId {
        let market = self.marketplace(buyer);
        let quote = market.quote(request.clone()).call().await.expect("a quote");
        let nonce = market.nonceOf(buyer.address()).call().await.expect("a nonce");
        let id = market.taskIdOf(buyer.address(), nonce, request.specHash).call().await.expect("an id");
        mined(market.createTask(request).value(U256::from(quote.escrow) + quote.tipDeposit)).await;
        TaskId(id)
    }

    /// A provider accepts a task and delivers a result.
    pub async fn perform(&self, provider: &Provider, task: TaskId) {
        let (market, node) = (self.marketplace(&provider.account), provider.node.0);
        let salt = B256::repeat_byte(7);
        let hash = market.commitmentHash(task.0, node, salt, provider.account.address()).call().await.expect("a hash");
        mined(market.commitAccept(node, FixedBytes::<20>::from_slice(&hash[..20]))).await;
        mined(market.acceptTask(task.0, node, salt)).await;
        mined(market.submitResult(task.0, B256::repeat_byte(9), "ipfs://result".to_owned())).await;
    }
}
