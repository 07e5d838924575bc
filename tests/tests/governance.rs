//! Who holds enough AIIGO changes the protocol from the terminal, and the next settlement goes by it.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use aiigo_devnet::{Account, BlockTime, Finished, mined};
use aiigo_protocol::{ContractName, TaskMarketplace};
use aiigo_tests::{
    World,
    people::{Provider, request},
    wei,
};
use alloy::{
    contract::CallBuilder,
    primitives::{Address, U256, hex, keccak256},
    providers::Provider as _,
    sol_types::{SolCall, SolEvent},
};
use serde_json::Value;

/// Accounts of the devnet: one with enough votes to decide alone, one with too few to propose, one without any.
const VOTER: u32 = 17;
const SMALL: u32 = 18;
const STRANGER: u32 = 19;
/// Seconds that outlast the devnet's voting delay, voting period and timelock (`contracts/script/config/anvil.json`).
const DELAY: u64 = 6;
const PERIOD: u64 = 31;
const TIMELOCK: u64 = 6;

struct Democracy {
    world: World,
    voter: Account,
}

impl Democracy {
    async fn start(name: &str) -> Self {
        let world = World::with_blocks(name, BlockTime::PerTransaction).await;
        let voter = world.account(VOTER);
        world.market.devnet().send_aiigo(voter.address(), wei("12000000")).await.expect("AIIGO");
        let small = world.account(SMALL);
        world.market.devnet().send_aiigo(small.address(), wei("5000")).await.expect("AIIGO");
        Self { world, voter }
    }

    /// Runs `aiigo gov …` as somebody.
    async fn run(&self, account: &Account, args: &[&str]) -> Finished {
        let args = ["gov"].iter().chain(args);
        self.world.market.aiigo(account, args).await.expect("it runs")
    }

    /// The same as the voter, successfully; its document.
    async fn gov(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        self.run(&self.voter, &args).await.json().unwrap_or_else(|error| panic!("{error}"))
    }

    async fn refused(&self, account: &Account, args: &[&str], hint: &str) {
        let finished = self.run(account, args).await;
        assert_eq!(finished.code(), 1, "{}\n{}", finished.command, finished.stderr);
        assert!(finished.stderr.contains(hint), "no `{hint}` in: {}", finished.stderr);
    }

    /// From a vote to the timelock's end.
    async fn carry_out(&self, proposal: &str) {
        self.world.pass(DELAY).await;
        self.gov(&["vote", proposal, "for", "--reason", "it is time", "--yes"]).await;
        self.world.pass(PERIOD).await;
        let queued = self.gov(&["queue", proposal, "--yes"]).await;
        assert_eq!(queued["state"], "Queued");
        self.world.pass(TIMELOCK).await;
        let executed = self.gov(&["execute", proposal, "--yes"]).await;
        assert_eq!(executed["state"], "Executed");
    }

    /// Has a task of its own done and paid: what was due, and the fee of it.
    async fn settle(&self, provider: &Provider, spec: u8) -> (U256, U256) {
        let buyer = self.world.buyer();
        let task = self.world.order(&buyer, request(spec)).await;
        self.world.perform(provider, task).await;
        let receipt = mined(self.world.marketplace(&buyer).approveTask(task.0)).await;
        let paid = receipt.logs().iter().find_map(|log| TaskMarketplace::TaskVerified::decode_log(&log.inner).ok());
        let paid = paid.expect("a payment");
        (paid.due, paid.feeAmount)
    }
}

#[tokio::test]
async fn a_voter_lowers_the_fee_and_the_next_settlement_charges_it() {
    let democracy = Democracy::start("governance").await;
    let (world, voter) = (&democracy.world, &democracy.voter);
    let (small, stranger) = (world.account(SMALL), world.account(STRANGER));
    assert_eq!(democracy.gov(&["list"]).await, serde_json::json!([]));

    // Votes count once somebody was named to give them, and have to suffice.
    let propose = ["propose", "set-fee", "7%", "--description", "cheaper tasks", "--yes"];
    democracy.refused(voter, &propose, "you have 0 AIIGO of votes, and a proposal needs 100000 AIIGO").await;
    let delegated = democracy.gov(&["delegate", "self", "--yes"]).await;
    assert_eq!(delegated["votesWei"], wei("12000000").to_string());
    assert_eq!(delegated["txHashes"].as_array().map(Vec::len), Some(2), "of the token and of the pool");
    assert_eq!(democracy.gov(&["delegate", "self", "--yes"]).await["txHashes"], serde_json::json!([]));
    world.market.aiigo(&small, ["gov", "delegate", "self", "--yes"]).await.expect("it runs").success().expect("votes");
    world.pass(1).await;
    democracy.refused(&small, &propose, "you have 5000 AIIGO of votes").await;

    // Nobody is asked without a terminal, and what would be done is shown all the same.
    let unasked = democracy.run(voter, &propose[..5]).await;
    assert_eq!(unasked.code(), 2, "{}", unasked.stderr);
    for hint in ["feeBps: 8% → 7%", "12000000 AIIGO of votes", "Gas: about", "--yes"] {
        assert!(unasked.stderr.contains(hint), "no `{hint}` in: {}", unasked.stderr);
    }

    let proposed = democracy.gov(&propose).await;
    let id = proposed["proposalId"].as_str().expect("an id").to_owned();
    assert_eq!(proposed["calls"][0]["contract"], "TaskMarketplace");
    assert_eq!(proposed["calls"][0]["details"], serde_json::json!(["feeBps: 8% → 7%"]));
    let short = &id[..8];
    democracy.refused(voter, &["vote", short, "for", "--yes"], "voting begins").await;
    democracy.refused(voter, &["queue", short, "--yes"], "Pending").await;
    democracy.refused(voter, &["show", "1"], "aiigo gov list").await;

    let provider = world.provider(13, "200").await;
    let (due, fee) = democracy.settle(&provider, 1).await;
    assert_eq!(fee, due * U256::from(8) / U256::from(100));

    // One vote each, by whoever had votes when it began; then it is carried out step by step.
    world.pass(DELAY).await;
    democracy.refused(&stranger, &["vote", short, "for", "--yes"], "had no votes when voting began").await;
    let voted = democracy.gov(&["vote", short, "for", "--reason", "it is time", "--yes"]).await;
    assert_eq!(voted["weightWei"], wei("12000000").to_string());
    democracy.refused(voter, &["vote", short, "against", "--yes"], "a vote stays").await;
    let shown = democracy.run(voter, &["show", short]).await;
    for hint in ["Active", "set parameters of TaskMarketplace", "feeBps: 8% → 7%", "reached", "12000000 AIIGO (100%)"]
    {
        assert!(shown.stdout.contains(hint), "no `{hint}` in: {}", shown.stdout);
    }
    world.pass(PERIOD).await;
    democracy.refused(voter, &["execute", short, "--yes"], "Succeeded").await;
    let queued = democracy.gov(&["queue", short, "--yes"]).await;
    assert_eq!((&queued["state"], &queued["proposalId"]), (&"Queued".into(), &id.as_str().into()));
    world.pass(TIMELOCK).await;
    assert_eq!(democracy.gov(&["execute", short, "--yes"]).await["state"], "Executed");

    let market = world.marketplace(voter);
    assert_eq!(market.parameters().call().await.expect("parameters").feeBps, 700);
    let (due, fee) = democracy.settle(&provider, 2).await;
    assert_eq!(fee, due * U256::from(7) / U256::from(100));
    let listed = democracy.gov(&["list"]).await;
    assert_eq!((&listed[0]["id"], &listed[0]["state"]), (&id.as_str().into(), &"Executed".into()));
}

/// A new implementation for a proxy, as a release would bring it: the same program, at an address of its own.
async fn released(world: &World, author: &Account, proxy: Address) -> Address {
    let provider = world.market.devnet().provider_as(author);
    let present = implementation(world, proxy).await;
    let code = provider.get_code_at(present).await.expect("code");
    let nonce = provider.get_transaction_count(author.address()).await.expect("a nonce");
    let own = author.address().create(nonce);
    // It knows where it stands: an implementation refuses to be called there.
    let hexadecimal = hex::encode(&code).replace(&hex::encode(present), &hex::encode(own));
    let code = hex::decode(hexadecimal).expect("code");
    // PUSH2 size, DUP1, PUSH1 12, PUSH0, CODECOPY, PUSH0, RETURN, and two to fill up: returns what follows.
    let mut deploy = vec![0x61];
    deploy.extend(u16::try_from(code.len()).expect("within the limit of code").to_be_bytes());
    deploy.extend([0x80, 0x60, 12, 0x5f, 0x39, 0x5f, 0xf3, 0x00, 0x00]);
    deploy.extend(code);
    let receipt = mined(CallBuilder::new_raw_deploy(&provider, deploy.into())).await;
    assert_eq!(receipt.contract_address, Some(own));
    own
}

/// What a proxy runs (ERC-1967).
async fn implementation(world: &World, proxy: Address) -> Address {
    let slot = keccak256("eip1967.proxy.implementation");
    let slot = U256::from_be_bytes(slot.0) - U256::from(1);
    let word = world.market.provider().get_storage_at(proxy, slot).await.expect("a slot");
    Address::from_word(word.into())
}

#[tokio::test]
async fn a_contract_is_upgraded_and_goes_on_with_its_stakes() {
    let democracy = Democracy::start("upgrade").await;
    let world = &democracy.world;
    let staker = world.account(SMALL);
    democracy.gov(&["delegate", "self", "--yes"]).await;
    let stake = async |args: &[&str]| {
        let args: Vec<&str> = ["stake"].iter().chain(args).chain(&["--json"]).copied().collect();
        world.market.aiigo(&staker, &args).await.expect("it runs").json().unwrap_or_else(|error| panic!("{error}"))
    };
    stake(&["add", "1000", "--lock", "30", "--yes"]).await;
    let before = stake(&["list"]).await;
    world.pass(1).await;

    let pool = world.address(ContractName::StakingPool);
    let next = released(world, &world.account(STRANGER), pool).await;
    let named = next.to_string();
    let upgrade = ["propose", "upgrade", "StakingPool", &named, "--description", "a release", "--yes"];
    let proposed = democracy.gov(&upgrade).await;
    assert_eq!(proposed["calls"][0]["contract"], "StakingPool");
    democracy.carry_out(proposed["proposalId"].as_str().expect("an id")).await;
    assert_eq!(implementation(world, pool).await, next);

    // The stakes of before are there, and others come to them.
    let after = stake(&["list"]).await;
    assert_eq!((&after[0]["positionId"], &after[0]["amountWei"]), (&before[0]["positionId"], &before[0]["amountWei"]));
    stake(&["add", "500", "--yes"]).await;
    assert_eq!(stake(&["list"]).await.as_array().map(Vec::len), Some(2));
    let addresses = world.market.aiigo(&democracy.voter, ["protocol", "addresses"]).await.expect("it runs");
    assert!(addresses.stdout.contains(&named), "{}", addresses.stdout);
}

#[tokio::test]
async fn every_kind_of_proposal_does_what_it_says() {
    let democracy = Democracy::start("proposals").await;
    let world = &democracy.world;
    democracy.gov(&["delegate", "self", "--yes"]).await;
    let provider = world.provider(13, "200").await;
    let node = provider.node.to_string();
    world.pass(1).await;
    let market = world.address(ContractName::TaskMarketplace).to_string();
    let file = world.dir().join("calls.json");
    std::fs::write(&file, r#"[{"target": "NodeRegistry", "data": "0x85f2aef2"}]"#).expect("a file");
    let file = file.to_str().expect("UTF-8");

    // What can't be carried out is said before it is proposed; what makes no sense is refused.
    let unasked = democracy.run(&democracy.voter, &["propose", "raw", "--file", file, "--description", "x"]).await;
    assert!(unasked.code() == 2 && unasked.stderr.contains("call 1 would fail"), "{}", unasked.stderr);
    // What is set twice is told as it happens, the second against the first.
    let marketplace = world.marketplace(&democracy.voter);
    let present = marketplace.parameters().call().await.expect("parameters");
    let twice: Vec<_> = [700, 900]
        .map(|fee| {
            let mut parameters_ = present.clone();
            parameters_.feeBps = fee;
            let data = TaskMarketplace::setParametersCall { parameters_ }.abi_encode();
            serde_json::json!({ "target": "TaskMarketplace", "data": hex::encode_prefixed(data) })
        })
        .into();
    let both = world.dir().join("twice.json");
    std::fs::write(&both, serde_json::json!(twice).to_string()).expect("a file");
    let both = ["propose", "raw", "--file", both.to_str().expect("UTF-8"), "--description", "x"];
    let unasked = democracy.run(&democracy.voter, &both).await;
    for hint in ["feeBps: 8% → 7%", "feeBps: 7% → 9%"] {
        assert!(unasked.stderr.contains(hint), "no `{hint}` in: {}", unasked.stderr);
    }
    let upgrade = ["propose", "upgrade", "TaskMarketplace", "0x00000000000000000000000000000000000000aa"];
    let described = ["--description", "x", "--yes"];
    democracy.refused(&democracy.voter, &[&upgrade[..], &described].concat(), "has no code").await;
    let token =
        democracy.run(&democracy.voter, &["propose", "upgrade", "AIIGOToken", &market, "--description", "x"]).await;
    assert!(token.code() == 2 && token.stderr.contains("not upgradeable"), "{}", token.stderr);

    let mut ids = Vec::new();
    for (args, summary) in [
        (&["set-min-stake", "150"][..], "set parameters of NodeRegistry"),
        (&["set-reward-rate", "eth", "900"], "set the reward rate of ETH to 900 AIIGO for each whole unit of fee"),
        (&["pause", "--duration", "1d"], "refuse entry to StakingPool until"),
        (&["slash", &node], "slash node 1 for misuse and ban it"),
    ] {
        let args: Vec<&str> =
            ["propose"].iter().chain(args).chain(&["--description", "because", "--yes"]).copied().collect();
        let proposed = democracy.gov(&args).await;
        let told = proposed["calls"][0]["summary"].as_str().expect("a sentence");
        assert!(told.starts_with(summary), "{told}");
        ids.push(proposed["proposalId"].as_str().expect("an id").to_owned());
    }
    // All at once, as votes go: in their order.
    world.pass(DELAY).await;
    for id in &ids {
        democracy.gov(&["vote", id, "for", "--yes"]).await;
    }
    world.pass(PERIOD).await;
    for id in &ids {
        democracy.gov(&["queue", id, "--yes"]).await;
    }
    world.pass(TIMELOCK).await;
    for id in &ids {
        democracy.gov(&["execute", id, "--yes"]).await;
    }
    let registry = world.registry(&democracy.voter);
    assert_eq!(U256::from(registry.parameters().call().await.expect("parameters").minStake), wei("150"));
    let now = world.market.devnet().now().await.expect("a time");
    assert!(registry.entryPausedUntil().call().await.expect("a time").to::<u64>() > now);
    assert_eq!(world.node(provider.node).await.status, u8::from(aiigo_protocol::NodeStatus::Slashed));

    let unpause = democracy.gov(&["propose", "unpause", "--description", "over", "--yes"]).await;
    assert_eq!(unpause["calls"].as_array().map(Vec::len), Some(3));
    democracy.carry_out(unpause["proposalId"].as_str().expect("an id")).await;
    assert!(registry.entryPausedUntil().call().await.expect("a time").is_zero());
    world.pass(1).await;
    let partner = world.provider(14, "200").await.node.to_string();
    let trusted = ["propose", "add-trusted-node", &partner, "--tier", "cloud", "--description", "known", "--yes"];
    let trusted = democracy.gov(&trusted).await;
    assert_eq!(trusted["calls"][0]["summary"], format!("mark node {partner} as cloud"));
    democracy.carry_out(trusted["proposalId"].as_str().expect("an id")).await;
}
