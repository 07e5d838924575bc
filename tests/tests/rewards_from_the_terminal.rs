//! What a node earned is claimed and checked from the terminal, without trusting whoever posts the roots.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::fs;

use aiigo_devnet::{Account, BlockTime, Finished, mined};
use aiigo_protocol::{ContractName, RewardDistributor};
use aiigo_tests::{World, people::request, wei};
use alloy::{
    primitives::{B256, U256},
    providers::DynProvider,
};
use serde_json::Value;

/// An account of the devnet that posts roots.
const POSTER: u32 = 17;
/// Seconds that outlast the devnet's reward epochs and the time for vetoes (`contracts/script/config/anvil.json`).
const EPOCH: u64 = 61;
const VETO: u64 = 11;

struct Market {
    world: World,
    poster: Account,
    rewards: RewardDistributor::RewardDistributorInstance<DynProvider>,
}

impl Market {
    async fn open() -> Self {
        let mut world = World::with_blocks("rewards-from-the-terminal", BlockTime::PerTransaction).await;
        world.market.start_indexer().await.expect("an indexer");
        let poster = world.account(POSTER);
        let signed = world.market.devnet().provider_as(&poster);
        let rewards = RewardDistributor::new(world.address(ContractName::RewardDistributor), signed);
        Self { world, poster, rewards }
    }

    async fn run(&self, args: &[&str]) -> Finished {
        self.world.market.aiigo(&self.poster, args).await.expect("it runs")
    }

    async fn json(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        self.run(&args).await.json().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Ends the epoch that runs: its number.
    async fn close_epoch(&self) -> u64 {
        let epoch = self.rewards.currentEpoch().call().await.expect("a number");
        self.world.pass(EPOCH).await;
        while self.rewards.nextEpochToClose().call().await.expect("a number") <= epoch {
            let next = self.rewards.nextEpochToClose().call().await.expect("a number");
            mined(self.rewards.closeEpoch(next)).await;
        }
        epoch.to()
    }

    /// Posts a root and, if nobody minds, lets it count.
    async fn post(&self, epoch: u64, root: B256, finalize: bool) {
        self.world.fund(&self.poster, wei("10000"), ContractName::RewardDistributor).await;
        mined(self.rewards.postRoot(U256::from(epoch), root)).await;
        if finalize {
            self.world.pass(VETO).await;
            let id = self.rewards.rootCount().call().await.expect("a number");
            mined(self.rewards.finalizeRoot(id)).await;
        }
    }
}

fn amount(value: &Value) -> U256 {
    value.as_str().and_then(|text| U256::from_str_radix(text, 10).ok()).expect("an amount")
}

#[tokio::test]
async fn rewards_are_claimed_with_proofs_of_ones_own_and_wrong_roots_are_told() {
    let market = Market::open().await;
    let world = &market.world;
    let provider = world.provider(13, "200").await;
    let node = &provider.node.to_string()[..];
    let nothing = market.run(&["reward", "claim", node, "--yes"]).await;
    assert!(nothing.code() == 1 && nothing.stderr.contains("has nothing to claim"), "{}", nothing.stderr);

    let task = world.order(&world.buyer(), request(1)).await;
    world.perform(&provider, task).await;
    mined(world.marketplace(&world.buyer()).approveTask(task.0)).await;
    let running = market.json(&["reward", "epochs", "--node", node, "--first", "1"]).await;
    assert!(running[0]["closed"] == false && !amount(&running[0]["nodeWeightWei"]).is_zero(), "{running}");
    let epoch = market.close_epoch().await;

    // The base reward first: bonuses are a part of it.
    let epochs = market.json(&["reward", "epochs", "--node", node, "--first", "3"]).await;
    let closed = epochs.as_array().expect("a list").iter().find(|row| row["epoch"] == epoch).expect("the epoch");
    let claimable = amount(&closed["nodeRewardWei"]);
    let claimed = market.json(&["reward", "claim", node, "--yes"]).await;
    assert_eq!((amount(&claimed["baseWei"]), amount(&claimed["bonusWei"])), (claimable, U256::ZERO));
    assert!(!claimable.is_zero() && claimed["payout"] == format!("{:#x}", provider.account.address()));

    // The only node is among the best tenth: 3% on top, once a root says so.
    let tree = world.dir().join("tree.json");
    let tree = tree.to_str().expect("UTF-8");
    let verified = market.json(&["reward", "verify", "--tree", tree]).await;
    let root: B256 = verified["lastRoot"].as_str().and_then(|root| root.parse().ok()).expect("a root");
    let dump: Value = serde_json::from_slice(&fs::read(tree).expect("a tree")).expect("JSON");
    assert_eq!((&dump["format"], &dump["tree"][0]), (&"standard-v1".into(), &root.to_string().into()));
    market.post(epoch, root, true).await;
    let claimed = market.json(&["reward", "claim", node, "--yes"]).await;
    assert_eq!(amount(&claimed["bonusWei"]), claimable * U256::from(3) / U256::from(100));
    let again = market.run(&["reward", "claim", node, "--yes"]).await;
    assert!(again.code() == 1 && again.stderr.contains("has nothing to claim"), "{}", again.stderr);

    // A wrong root is told as long as it may come to count.
    market.post(epoch, B256::repeat_byte(7), false).await;
    let verified = market.run(&["reward", "verify", "--json"]).await;
    assert_eq!(verified.code(), 1, "{}", verified.stderr);
    let verified: Value = serde_json::from_str(&verified.stdout).expect("JSON");
    let roots: Vec<_> =
        verified["roots"].as_array().expect("a list").iter().map(|r| (&r["status"], &r["right"])).collect();
    assert_eq!(roots, [(&"Final".into(), &true.into()), (&"Pending".into(), &false.into())]);
    assert!(market.run(&["reward", "verify"]).await.stdout.contains("WRONG"), "for people, too");
}

#[tokio::test]
async fn the_protocol_and_the_settings_are_told() {
    let mut world = World::with_blocks("protocol-commands", BlockTime::PerTransaction).await;
    world.market.start_indexer().await.expect("an indexer");
    world.provider(13, "200").await;
    world.caught_up().await;

    let params = world.aiigo_json(&["protocol", "params"]).await;
    let find = |contract: &str, name: &str| {
        let groups = params.as_array().expect("groups");
        let group = groups.iter().find(|group| group["contract"] == contract).expect("a contract");
        let all = group["parameters"].as_array().expect("a list");
        all.iter().find(|parameter| parameter["name"] == name).expect("a parameter")["value"].clone()
    };
    assert_eq!(find("TaskMarketplace", "feeBps"), "8%");
    assert_eq!(find("NodeRegistry", "minStake"), "100 AIIGO");
    assert_eq!(find("DisputeCourt", "commitPeriod"), "1m");
    assert_eq!(find("AIIGOGovernor", "proposalThreshold"), "100000 AIIGO");
    assert_eq!(find("StakingPool", "entry"), "open");

    let addresses = world.aiigo_json(&["protocol", "addresses"]).await;
    let contracts = addresses["contracts"].as_array().expect("a list");
    assert_eq!(contracts.len(), ContractName::ALL.len());
    for contract in contracts {
        let name = contract["contract"].as_str().expect("a name");
        let expected = ContractName::ALL.into_iter().find(|known| known.name() == name).expect("a contract");
        assert_eq!(contract["address"], format!("{:#x}", world.address(expected)));
        assert_eq!(contract["upgraded"], false, "{name}");
    }

    let stats = world.aiigo_json(&["protocol", "stats"]).await;
    assert_eq!((&stats["totals"]["nodes"], &stats["totals"]["nodeStake"]), (&1.into(), &wei("200").to_string().into()));

    let settings = world.aiigo_json(&["config", "show", "--data-dir", "here"]).await;
    let source = |name: &str| {
        let rows = settings.as_array().expect("a list");
        rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name}"))["source"].clone()
    };
    assert_eq!(source("data-dir"), "flag");
    assert_eq!(source("rpc-url"), "environment, AIIGO_RPC_URL");
    assert_eq!(source("mnemonic-index"), "default");
    assert_eq!(source("account"), "not set");
    let key = world.buyer().private_key();
    assert!(!settings.to_string().contains(key.trim_start_matches("0x")), "a key is never shown");
}
