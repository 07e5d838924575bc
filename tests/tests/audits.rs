//! Audit rounds: the keeper opens them by its secrets, machines answer, and who does not is noticed.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::time::Duration;

use aiigo_devnet::{Program, eventually};
use aiigo_protocol::{
    ContractName,
    IProofOfWorkVerifier::Audits,
    NodeId, ProofOfWorkVerifier,
    ProofOfWorkVerifier::{RoundOpened, setParametersCall},
};
use aiigo_tests::World;
use alloy::{primitives::B256, providers::DynProvider, sol_types::SolCall};

/// Seconds for an answer: enough for both machines to show what they can, however busy this one is.
const WINDOW: u32 = 16;
const LIMIT: Duration = Duration::from_secs(90);

struct Audited {
    world: World,
    verifier: ProofOfWorkVerifier::ProofOfWorkVerifierInstance<DynProvider>,
}

impl Audited {
    /// A market whose keeper is the challenger, with secrets of its own, and two providers. Each has a processor of its own:
    /// whoever answers alone and then beside another would show half, and by chance less than counts as an answer.
    async fn start() -> Self {
        let mut world = World::empty("audits").await;
        let devnet = world.market.devnet();
        let verifier = ProofOfWorkVerifier::new(world.address(ContractName::ProofOfWorkVerifier), devnet.provider());
        let mut parameters = verifier.parameters().call().await.expect("parameters");
        parameters.window = WINDOW;
        let call = setParametersCall { parameters_: parameters }.abi_encode();
        devnet.govern(*verifier.address(), call.into()).await.expect("longer windows");

        let secrets = world.dir().join("keeper/secrets");
        let secrets = secrets.to_str().expect("UTF-8");
        let made = world.market.desk().run(Program::Keeper, None, ["secrets", "new", secrets]).await.expect("it runs");
        made.success().expect("secrets");
        world.market.start_keeper().await.expect("a keeper");
        for index in 0..2 {
            assert_eq!(world.market.add_agent().expect("an account"), index);
            let agent = world.market.agent(index).expect("an agent");
            agent.args = ["--threads", "1"].map(str::to_owned).to_vec();
            world.market.fund_agent(index).await.expect("AIIGO");
            world.market.set_up_agent(index).await.expect("a node");
            world.market.start_agent(index).await.expect("an agent");
        }
        for index in 0..2 {
            world.market.agent(index).expect("an agent").ready().await.expect("it is ready");
        }
        Self { world, verifier }
    }

    fn node(&self, index: usize) -> NodeId {
        self.world.market.agents()[index].node().expect("a node")
    }

    async fn audits(&self, index: usize) -> Audits {
        self.verifier.auditsOf(self.node(index).0).call().await.expect("audits")
    }

    /// Moves the clock to where the next round is due at the latest, and waits until the challenger has opened it.
    async fn round(&self, number: u64) -> RoundOpened {
        let parameters = self.verifier.parameters().call().await.expect("parameters");
        let round = self.verifier.currentRound().call().await.expect("a round");
        let due = round.openedAt.to::<u64>() + u64::from(parameters.auditInterval) + u64::from(parameters.jitter);
        let now = self.world.market.devnet().now().await.expect("a time");
        self.world.market.devnet().increase_time(Duration::from_secs(due - now)).await.expect("a later time");
        eventually(&format!("round {number}"), LIMIT, async || {
            let logs = self.verifier.RoundOpened_filter().topic1(B256::left_padding_from(&number.to_be_bytes()));
            let logs = logs.from_block(self.world.market.devnet().deployment().block).query().await.ok()?;
            logs.into_iter().next().map(|(opened, _)| opened)
        })
        .await
    }

    async fn until_passed(&self, index: usize, rounds: u32) {
        eventually(&format!("{rounds} audits passed by node {}", self.node(index)), LIMIT, async || {
            (self.audits(index).await.passed >= rounds).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn machines_answer_rounds_that_nobody_could_foresee_and_a_dead_one_is_reported() {
    let mut audited = Audited::start().await;
    eventually("a committed chain of secrets", LIMIT, async || {
        let head = audited.verifier.chainHead().call().await.ok()?;
        (head != B256::ZERO).then_some(())
    })
    .await;

    // One machine is dead when the round opens.
    audited.world.market.agent(1).expect("an agent").kill();
    let first = audited.round(1).await;
    assert_ne!(first.preimage, B256::ZERO, "the challenger revealed its secret");
    audited.until_passed(0, 1).await;
    assert_eq!(audited.audits(1).await.count, 0);

    // It is reported once the round has finished, for the keeper's tip.
    let keeper = audited.world.market.keeper_account().expect("an account").address();
    let finished = first.finishesAt.to::<u64>() + 1;
    let now = audited.world.market.devnet().now().await.expect("a time");
    let wait = Duration::from_secs(finished.saturating_sub(now));
    audited.world.market.devnet().increase_time(wait).await.expect("a later time");
    eventually("a recorded miss", LIMIT, async || (audited.audits(1).await.missesInRow == 1).then_some(())).await;
    assert_eq!(audited.audits(0).await.missesInRow, 0, "who answered missed nothing");
    let missed = audited.verifier.AuditMissed_filter().from_block(audited.world.market.devnet().deployment().block);
    let missed = missed.query().await.expect("logs");
    assert_eq!(missed.len(), 1, "by {keeper}");

    // Both are there for the next; the keeper, started anew, finds its place on the chain by its seed alone.
    audited.world.market.start_agent(1).await.expect("it starts again");
    audited.world.market.agent(1).expect("an agent").ready().await.expect("it is ready again");
    audited.world.market.start_keeper().await.expect("another keeper");
    let second = audited.round(2).await;
    assert_eq!(alloy::primitives::keccak256(second.preimage), first.preimage, "the next secret of the same chain");
    audited.until_passed(0, 2).await;
    audited.until_passed(1, 1).await;
    assert_eq!(audited.audits(1).await.missesInRow, 0);
    let power = audited.world.node(audited.node(0)).await.verifiedPower;
    assert!(power > 0, "what two audits showed counts");
}
