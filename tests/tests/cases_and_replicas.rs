//! What the indexer tells of disputes and of replicated tasks is what the contracts say, from events alone.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::time::Duration;

use aiigo_devnet::{Account, BlockTime, mined};
use aiigo_protocol::{
    CaseStatus, ContractName, DisputeCourt, JuryRound, NodeRegistry, ProofOfWorkVerifier, ReplicaStatus, SeatState,
    TaskId, TaskMarketplace,
};
use aiigo_tests::{
    World,
    people::{Provider, request, solved},
};
use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::DynProvider,
    sol_types::SolCall,
};
use serde_json::{Value, json};

/// Accounts of the devnet that judge: a jury of three, who replaces a silent one, and the seven of the appeal.
const JURORS: std::ops::Range<u32> = 17..30;
/// What most nodes of a replicated task find.
const RIGHT: B256 = B256::repeat_byte(1);
/// Seconds that outlast every period of the devnet's court.
const PERIOD: u64 = 61;

const CASE: &str =
    "id status round taskId nodeId buyer payer nodeOwner nodeOperator nodePayout buyerFee providerFee deadline
    closeBy jurySize seated replacements lapses share low high appellant appealFee appealedShare ruled coherent pot
    buyerFeeReturned providerFeeReturned appealFeeReturned
    task { id status ruling case { id } } evidence { nodes { party uri } }
    jurors(first: 50) { nodes { juror round state share commitment fee penalty membership { seats weight } } }";

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name]["nodes"].as_array().expect("a list")
}

fn text(value: impl std::fmt::Display) -> Value {
    json!(value.to_string())
}

fn address(value: Address) -> Value {
    json!(format!("{value:#x}"))
}

/// `CamelCase` of the contracts as GraphQL has it.
fn constant(name: &str) -> Value {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_uppercase());
    }
    json!(text)
}

/// A dispute and who takes part in it.
struct Dispute {
    world: World,
    buyer: Account,
    jurors: Vec<Account>,
    court: DisputeCourt::DisputeCourtInstance<DynProvider>,
    case: U256,
    task: TaskId,
}

impl Dispute {
    async fn open() -> Self {
        let mut world = World::with_blocks("cases", BlockTime::PerTransaction).await;
        world.market.start_indexer().await.expect("an indexer");
        let buyer = world.buyer();
        let provider = world.provider(13, "200").await;
        let mut jurors = Vec::new();
        for index in JURORS {
            jurors.push(world.juror(index, "10000").await);
        }
        let task = world.order(&buyer, request(1)).await;
        world.perform(&provider, task).await;
        // The jurors count from the court's next epoch on.
        world.pass(6).await;
        let court = world.court(&buyer);
        let mut rules = court.parameters().call().await.expect("parameters");
        // As long as the other periods: however busy this machine is, an appeal comes in time.
        rules.appealWindow = rules.commitPeriod;
        let call = DisputeCourt::setParametersCall { parameters_: rules.clone() }.abi_encode();
        world.market.devnet().govern(*court.address(), call.into()).await.expect("other rules");
        let fees = U256::from(rules.caseFee) + U256::from(rules.appealFee);
        world.fund(&buyer, fees, ContractName::DisputeCourt).await;
        let market = world.marketplace(&buyer);
        let state = market.taskOf(task.0).call().await.expect("a task");
        let elapsed = U256::from(state.submittedAt - state.assignedAt);
        let due = market.dueFor(state.escrow, state.duration, elapsed).call().await.expect("what is due");
        // 2%; what is due is a multiple of 10,000.
        let bond = due * U256::from(200) / U256::from(10_000);
        mined(market.disputeTask(task.0, "ipfs://complaint".to_owned()).value(bond)).await;
        let case = market.disputeOf(task.0).call().await.expect("a dispute").caseId;
        let reply = world.court(&provider.account);
        mined(reply.submitEvidence(case, "ipfs://reply".to_owned())).await;
        Self { world, buyer, jurors, court, case, task }
    }

    async fn state(&self) -> DisputeCourt::Case {
        self.court.caseOf(self.case).call().await.expect("a case")
    }

    async fn seats(&self) -> Vec<DisputeCourt::Seat> {
        self.court.seatsOf(self.case).call().await.expect("seats")
    }

    /// Draws until the jury sits.
    async fn draw(&self) {
        let block = self.state().await.draw.blockNumber;
        self.world.market.devnet().mine(2).await.expect("blocks");
        let header = self.world.header(block).await;
        while self.state().await.status == u8::from(CaseStatus::Drawing) {
            mined(self.court.draw(self.case, header.clone())).await;
        }
    }

    /// The jurors whose seats are in this state.
    async fn who(&self, state: SeatState) -> Vec<Account> {
        let seats = self.seats().await;
        let has = |juror: &&Account| seats.iter().any(|s| s.juror == juror.address() && s.state == u8::from(state));
        self.jurors.iter().filter(has).cloned().collect()
    }

    fn salt(juror: &Account) -> B256 {
        keccak256(juror.address())
    }

    async fn commit(&self, juror: &Account, share: u16) {
        let court = self.world.court(juror);
        let round = self.state().await.round;
        let hash = court.voteHash(self.case, round, juror.address(), share, Self::salt(juror)).call().await;
        mined(court.commitVote(self.case, hash.expect("a hash"))).await;
    }

    async fn reveal(&self, juror: &Account, share: u16) {
        mined(self.world.court(juror).revealVote(self.case, share, Self::salt(juror))).await;
    }

    /// The next period, once the present one is over.
    async fn advance(&self) {
        self.world.pass(PERIOD).await;
        mined(self.court.advance(self.case)).await;
    }

    /// The case as the indexer has it, after it has been compared with the court's own words.
    async fn told(&self) -> Value {
        let graphql = self.world.caught_up().await;
        let told = graphql.ask(&format!(r#"{{ case(id: "{}") {{ {CASE} }} }}"#, self.case)).await["case"].clone();
        let (case, seats) = (self.state().await, self.seats().await);
        let status = CaseStatus::try_from(case.status).expect("a status");
        let round = JuryRound::try_from(case.round).expect("a round");
        let expected = json!({
            "status": constant(status.name()), "round": constant(round.name()),
            "taskId": text(case.taskId), "nodeId": text(case.nodeId),
            "buyer": address(case.buyer), "payer": address(case.payer),
            "nodeOwner": address(case.nodeOwner), "nodeOperator": address(case.nodeOperator),
            "nodePayout": address(case.nodePayout), "providerFee": text(case.providerFee),
            "deadline": text(case.deadline), "closeBy": text(case.closeBy),
            "jurySize": case.jurySize, "seated": case.seated, "replacements": case.replacements,
        });
        for (name, value) in expected.as_object().expect("an object") {
            assert_eq!(told[name], *value, "{name} of {told:#}");
        }
        let appellant = (!case.appellant.is_zero()).then(|| address(case.appellant));
        assert_eq!(told["appellant"], appellant.unwrap_or_default());
        let jurors = list(&told, "jurors");
        assert_eq!(jurors.len(), seats.len());
        for (juror, seat) in jurors.iter().zip(&seats) {
            let state = SeatState::try_from(seat.state).expect("a state");
            let round = JuryRound::try_from(seat.round).expect("a round");
            assert_eq!(
                (&juror["juror"], &juror["state"], &juror["round"]),
                (&address(seat.juror), &constant(state.name()), &constant(round.name()))
            );
            let sealed = (!seat.commitment.is_zero()).then(|| text(seat.commitment));
            assert_eq!(juror["commitment"], sealed.unwrap_or_default());
            assert_eq!(juror["share"].as_u64().unwrap_or_default(), u64::from(seat.share));
            let member = self.court.membershipOf(seat.juror).call().await.expect("a membership");
            let membership = json!({ "seats": member.seats, "weight": text(member.weight) });
            assert_eq!(juror["membership"], membership);
        }
        told
    }
}

#[tokio::test]
async fn a_dispute_is_told_from_its_opening_over_a_silent_juror_and_an_appeal_to_its_last_fee() {
    let dispute = Dispute::open().await;
    let opened = dispute.told().await;
    let uris: Vec<&Value> = list(&opened, "evidence").iter().map(|piece| &piece["uri"]).collect();
    assert_eq!(uris, ["ipfs://complaint", "ipfs://reply"]);
    assert_eq!(opened["task"]["case"]["id"], opened["id"]);

    // Two of three seal a vote; the third one is replaced.
    dispute.draw().await;
    dispute.told().await;
    for juror in &dispute.who(SeatState::Drawn).await[..2] {
        dispute.commit(juror, 10_000).await;
    }
    dispute.advance().await;
    let replaced = dispute.told().await;
    assert_eq!((&replaced["replacements"], &replaced["seated"]), (&json!(1), &json!(2)));
    dispute.draw().await;
    for juror in dispute.who(SeatState::Drawn).await {
        dispute.commit(&juror, 10_000).await;
    }
    for juror in dispute.who(SeatState::Committed).await {
        dispute.reveal(&juror, 10_000).await;
    }
    let ruled = dispute.told().await;
    assert_eq!((&ruled["status"], &ruled["share"]), (&json!("RULED"), &json!(10_000)));

    // The buyer appeals; of seven, one votes for it.
    mined(dispute.court.appeal(dispute.case)).await;
    assert_eq!(dispute.told().await["appealedShare"], 10_000);
    dispute.draw().await;
    let bench = dispute.who(SeatState::Drawn).await;
    assert_eq!(bench.len(), 7);
    let share = |index: usize| if index == 0 { 0 } else { 10_000 };
    for (index, juror) in bench.iter().enumerate() {
        dispute.commit(juror, share(index)).await;
    }
    for (index, juror) in bench.iter().enumerate() {
        dispute.reveal(juror, share(index)).await;
    }
    let before = dispute.told().await;
    assert_eq!((&before["status"], &before["round"]), (&json!("RULED"), &json!("APPEAL")));

    // Closed, taken back by the chain, and closed again.
    dispute.world.pass(PERIOD).await;
    mined(dispute.court.advance(dispute.case)).await;
    assert_eq!(dispute.told().await["status"], "CLOSED");
    dispute.world.market.devnet().reorg(1).await.expect("a reorg");
    dispute.world.market.devnet().mine(1).await.expect("a block on the new branch");
    assert_eq!(dispute.told().await, before, "as if it had never been closed");
    mined(dispute.court.advance(dispute.case)).await;
    let closed = dispute.told().await;
    assert_eq!(
        (&closed["ruled"], &closed["coherent"], &closed["appealFeeReturned"]),
        (&json!(true), &json!(9), &json!("0"))
    );
    assert_eq!((&closed["task"]["status"], &closed["task"]["ruling"]), (&json!("RESOLVED"), &json!(10_000)));
    assert_eq!(closed["task"]["id"], dispute.task.to_string());

    // What it owes everybody.
    let graphql = dispute.world.graphql();
    for account in dispute.jurors.iter().chain([&dispute.buyer]) {
        let owed = dispute.court.feesOf(account.address()).call().await.expect("an amount");
        let query = format!(r#"{{ account(address: "{}") {{ courtFees }} }}"#, account.address());
        assert_eq!(graphql.ask(&query).await["account"]["courtFees"], owed.to_string());
    }
    let pot: u128 = list(&closed, "jurors").iter().map(|juror| amount(&juror["fee"])).sum();
    assert_eq!(pot, amount(&closed["pot"]));

    let compared = dispute.world.verified().await;
    assert!(compared["case"] == 1 && compared["caseJuror"].as_u64() > Some(9), "{compared}");
}

fn amount(value: &Value) -> u128 {
    value.as_str().and_then(|text| text.parse().ok()).expect("an amount")
}

/// Four nodes that may work on replicated tasks.
async fn trusted(world: &World) -> Vec<Provider> {
    let owner = world.account(13);
    let registry = world.registry(&owner);
    let mut rules = registry.parameters().call().await.expect("parameters");
    rules.levelTwoChallenges = 1;
    let call = NodeRegistry::setParametersCall { parameters_: rules }.abi_encode();
    world.market.devnet().govern(*registry.address(), call.into()).await.expect("other rules");
    let verifier = world.verifier(&owner);
    let mut rules = verifier.parameters().call().await.expect("parameters");
    // Time for all four to answer a round one after the other; and a busy machine has power all the same.
    (rules.window, rules.hashesPerTflops) = (60, [20_000; 5]);
    let call = ProofOfWorkVerifier::setParametersCall { parameters_: rules }.abi_encode();
    world.market.devnet().govern(*verifier.address(), call.into()).await.expect("longer windows");
    let mut providers = Vec::new();
    for index in 13..17 {
        providers.push(world.provider(index, "1200").await);
    }
    let open = verifier.roundOpenToAnyoneAt().call().await.expect("a time").to::<u64>();
    let now = world.market.devnet().now().await.expect("a time");
    world.pass(open.saturating_sub(now) + 1).await;
    mined(verifier.openRoundWithoutPreimage()).await;
    let round = verifier.currentRound().call().await.expect("a round");
    for Provider { node, account } in &providers {
        let seed = verifier.nodeSeed(node.0, round.seed).call().await.expect("a seed");
        let solution = solved(seed, Duration::from_secs(4)).await;
        mined(world.verifier(account).submitRoundSolution(round.number, node.0, solution)).await;
    }
    world.pass(round.finishesAt.saturating_sub(round.openedAt).to::<u64>()).await;
    providers
}

/// Replicated tasks and the nodes that work on them.
struct Replication {
    world: World,
    buyer: Account,
    providers: Vec<Provider>,
    market: TaskMarketplace::TaskMarketplaceInstance<DynProvider>,
}

impl Replication {
    async fn start() -> Self {
        let mut world = World::with_blocks("replicas", BlockTime::PerTransaction).await;
        world.market.start_indexer().await.expect("an indexer");
        let providers = trusted(&world).await;
        let buyer = world.buyer();
        let market = world.marketplace(&buyer);
        Self { world, buyer, providers, market }
    }

    async fn state(&self, task: TaskId) -> TaskMarketplace::Replication {
        self.market.replicationOf(task.0).call().await.expect("a task of several")
    }

    /// All four nodes apply for three seats.
    async fn recruit(&self, spec: u8) -> TaskId {
        let mut wanted = request(spec);
        (wanted.replicas, wanted.minTrustLevel, wanted.acceptWindow) = (3, 2, 60);
        let task = self.world.order(&self.buyer, wanted).await;
        for Provider { node, account } in &self.providers {
            mined(self.world.marketplace(account).applyForReplica(task.0, node.0)).await;
        }
        task
    }

    /// Three are drawn, and the fourth may go.
    async fn draw(&self, task: TaskId) -> Vec<&Provider> {
        self.world.pass(61).await;
        mined(self.market.drawReplicas(task.0, Bytes::new())).await;
        self.told(task).await;
        let block = self.state(task).await.drawBlock.to::<u64>();
        self.world.market.devnet().mine(98).await.expect("blocks");
        mined(self.market.drawReplicas(task.0, self.world.header(block).await)).await;
        let seats = self.state(task).await.seats;
        let sits = |provider: &&Provider| seats.iter().any(|seat| seat.nodeId == provider.node.0);
        let left = self.providers.iter().filter(|provider| !sits(provider)).map(|provider| provider.node.0);
        mined(self.market.releaseCandidates(task.0, left.collect())).await;
        let of = |node: u64| self.providers.iter().find(|provider| provider.node.0 == node).expect("a candidate");
        seats.iter().map(|seat| of(seat.nodeId)).collect()
    }

    /// The last of the bench has another result than the others.
    async fn work(&self, task: TaskId, bench: &[&Provider]) {
        let salt = B256::repeat_byte(7);
        let result = |seat: usize| if seat == 2 { B256::repeat_byte(2) } else { RIGHT };
        for (seat, Provider { node, account }) in bench.iter().enumerate() {
            let seal = self.market.replicaSeal(task.0, node.0, result(seat), salt, account.address()).call().await;
            mined(self.world.marketplace(account).sealReplica(task.0, node.0, seal.expect("a seal"))).await;
        }
        self.told(task).await;
        for (seat, Provider { node, account }) in bench.iter().enumerate() {
            let shown = self.world.marketplace(account);
            mined(shown.revealReplica(task.0, node.0, result(seat), "ipfs://result".to_owned(), salt)).await;
        }
    }

    /// The task as the indexer has it, after it has been compared with the market's own words.
    async fn told(&self, task: TaskId) -> Value {
        let graphql = self.world.caught_up().await;
        let query = format!(
            r#"{{ task(id: "{task}") {{ status seats resultHash resultUri providerAmount excluded
            replicaRounds {{ round candidates extended drawBlock sealUntil revealUntil settleAfter resultHash agreeing }}
            replicas {{ nodes {{ nodeId round seat status sealedHash resultHash resultUri providerAmount
                node {{ running reviewing }} }} }} }} }}"#
        );
        let told = graphql.ask(&query).await["task"].clone();
        let truth = self.state(task).await;
        let round = told["replicaRounds"].as_array().and_then(|rounds| rounds.last()).expect("a round");
        let time = |value: u64| if value == 0 { Value::Null } else { text(value) };
        assert_eq!((&round["round"], &round["candidates"]), (&json!(truth.round), &json!(truth.candidates)));
        assert_eq!(round["drawBlock"], time(truth.drawBlock.to()));
        assert_eq!(
            (&round["sealUntil"], &round["revealUntil"]),
            (&time(truth.sealUntil.to()), &time(truth.revealUntil.to()))
        );
        for (seat, position) in truth.seats.iter().zip(0_u64..) {
            let drawn = list(&told, "replicas").iter().find(|replica| replica["nodeId"] == text(seat.nodeId));
            assert_eq!(drawn.expect("a replica")["seat"], position);
        }
        for Provider { node, .. } in &self.providers {
            let replica = self.market.replicaOf(task.0, node.0).call().await.expect("a replica");
            let status = ReplicaStatus::try_from(replica.status).expect("a status");
            let info = self.world.node(*node).await;
            let entry = list(&told, "replicas").iter().find(|replica| replica["nodeId"] == text(node));
            let Some(entry) = entry else {
                assert_eq!(status, ReplicaStatus::None);
                continue;
            };
            assert_eq!(entry["status"], constant(status.name()), "node {node}");
            assert_eq!(entry["node"], json!({ "running": info.running, "reviewing": info.reviewing }), "node {node}");
            let digest = text(replica.digest);
            match status {
                ReplicaStatus::Sealed => assert_eq!(entry["sealedHash"], digest),
                ReplicaStatus::Revealed
                | ReplicaStatus::Agreed
                | ReplicaStatus::Outvoted
                | ReplicaStatus::Slashed
                | ReplicaStatus::Appealed
                | ReplicaStatus::Cleared => {
                    assert_eq!(entry["resultHash"], digest);
                }
                _ => {}
            }
        }
        told
    }
}

fn with_status(task: &Value, status: &str) -> usize {
    list(task, "replicas").iter().filter(|replica| replica["status"] == status).count()
}

#[tokio::test]
async fn replicated_tasks_are_told_from_the_applications_to_the_settlement_of_who_was_outvoted() {
    let tasks = Replication::start().await;
    let devnet = tasks.world.market.devnet();
    let task = tasks.recruit(4).await;
    assert_eq!(tasks.told(task).await["replicaRounds"][0]["candidates"], 4);
    let bench = tasks.draw(task).await;
    let drawn = tasks.told(task).await;
    assert_eq!((&drawn["status"], &drawn["seats"]), (&json!("REPLICATING"), &json!(3)));
    tasks.work(task, &bench).await;
    let before = tasks.told(task).await;

    // Counted, taken back by the chain, and counted again.
    mined(tasks.market.judgeReplicas(task.0)).await;
    assert_eq!(tasks.told(task).await["status"], "VERIFIED");
    devnet.reorg(1).await.expect("a reorg");
    devnet.mine(1).await.expect("a block on the new branch");
    assert_eq!(tasks.told(task).await, before, "as if it had never been counted");
    mined(tasks.market.judgeReplicas(task.0)).await;
    let counted = tasks.told(task).await;
    assert_eq!((&counted["resultHash"], &counted["resultUri"]), (&text(RIGHT), &json!("ipfs://result")));
    assert_eq!(counted["replicaRounds"][0]["agreeing"], 2);
    let paid = list(&counted, "replicas").iter().filter(|replica| !replica["providerAmount"].is_null());
    let paid: u128 = paid.map(|replica| amount(&replica["providerAmount"])).sum();
    assert_eq!(paid, amount(&counted["providerAmount"]));

    // The outvoted node does not appeal.
    tasks.world.pass(86_401).await;
    mined(tasks.market.settleReplicas(task.0)).await;
    let settled = tasks.told(task).await;
    let last = ["AGREED", "SLASHED", "RELEASED"].map(|status| with_status(&settled, status));
    assert_eq!(last, [2, 1, 1]);

    // The next one does, before a court that nobody judges in.
    let task = tasks.recruit(5).await;
    let bench = tasks.draw(task).await;
    tasks.work(task, &bench).await;
    mined(tasks.market.judgeReplicas(task.0)).await;
    let Provider { node, account } = bench[2];
    let court = tasks.world.court(account);
    let fee = court.parameters().call().await.expect("parameters").caseFee;
    tasks.world.fund(account, U256::from(fee), ContractName::DisputeCourt).await;
    mined(tasks.world.marketplace(account).appealReplica(task.0, node.0, "ipfs://my-log".to_owned())).await;
    let appealed = tasks.told(task).await;
    assert_eq!(with_status(&appealed, "APPEALED"), 1);
    let query = format!(
        r#"{{ task(id: "{task}") {{ case {{ id }} cases {{ nodes {{ id }} }} }}
            replicas(where: {{ caseId: {{ _ne: null }} }}) {{ nodes {{ nodeId case {{ id taskId appealId replicaNodeId nodeId
                buyer payer status round lapses ruled pot task {{ id }} evidence {{ nodes {{ party uri }} }} }} }} }} }}"#
    );
    let ask = async || tasks.world.caught_up().await.ask(&query).await;
    let data = ask().await;
    let case = list(&data, "replicas")[0]["case"].clone();
    let truth = court.caseOf(U256::from(1)).call().await.expect("a case");
    assert_eq!((&case["appealId"], &case["nodeId"]), (&text(truth.taskId), &text(truth.nodeId)));
    assert_eq!((&case["taskId"], &case["task"]["id"]), (&json!(task.to_string()), &json!(task.to_string())));
    assert_eq!((&case["replicaNodeId"], &case["buyer"]), (&text(node), &address(truth.buyer)));
    assert_eq!(case["evidence"]["nodes"], json!([{ "party": address(account.address()), "uri": "ipfs://my-log" }]));
    assert_eq!((&data["task"]["case"], &list(&data["task"], "cases")[0]["id"]), (&Value::Null, &case["id"]));
    for _ in 0..2 {
        tasks.world.pass(PERIOD).await;
        mined(court.advance(U256::from(1))).await;
    }
    let data = ask().await;
    let case = &list(&data, "replicas")[0]["case"];
    assert_eq!((&case["status"], &case["round"], &case["ruled"]), (&json!("CLOSED"), &json!("REDRAW"), &json!(false)));
    assert_eq!((&case["lapses"], with_status(&tasks.told(task).await, "CLEARED")), (&json!(2), 1));

    let compared = tasks.world.verified().await;
    assert!(compared["case"] == 1 && compared["replica"].as_u64() >= Some(8), "{compared}");
}
