//! Jurors judge disputes from the terminal: by hand, and by running the program again.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use aiigo_devnet::{Account, BlockTime, Finished, eventually, mined};
use aiigo_protocol::{CaseStatus, DisputeCourt, SeatState, TaskId};
use aiigo_tests::{JobFile, World, bin_dir, modules, people::Provider, wei};
use alloy::{
    primitives::{B256, FixedBytes, U256},
    providers::DynProvider,
    sol_types::SolCall,
};
use serde_json::Value;

/// Accounts of the devnet that judge: as many as a jury has seats.
const JURORS: std::ops::Range<u32> = 17..20;
/// However busy the machine is, a vote takes less, in seconds.
const PERIOD: u32 = 600;
const LIMIT: Duration = Duration::from_secs(180);

struct Courtroom {
    world: World,
    provider: Provider,
    jurors: Vec<Account>,
    court: DisputeCourt::DisputeCourtInstance<DynProvider>,
}

/// A juror's watcher, which does not outlive the test.
struct Watcher(Child);

impl Watcher {
    /// As `kill -9` does.
    fn kill(mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("it is over");
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Courtroom {
    /// A market with a served store, a provider, and three jurors who joined by `aiigo`.
    async fn open(name: &str) -> Self {
        let mut world = World::with_blocks(name, BlockTime::PerTransaction).await;
        world.market.start_store().await.expect("a store");
        let provider = world.provider(13, "200").await;
        let court = world.court(&world.buyer());
        let mut rules = court.parameters().call().await.expect("parameters");
        (rules.commitPeriod, rules.revealPeriod, rules.appealWindow) = (PERIOD, PERIOD, PERIOD);
        let call = DisputeCourt::setParametersCall { parameters_: rules }.abi_encode();
        world.market.devnet().govern(*court.address(), call.into()).await.expect("other rules");
        let room = Self { jurors: JURORS.map(|index| world.account(index)).collect(), world, provider, court };
        for juror in &room.jurors {
            room.world.market.devnet().send_aiigo(juror.address(), wei("10000")).await.expect("AIIGO");
            let refused = room.run(juror, &["court", "join", "--yes"]).await;
            assert!(refused.stderr.contains("aiigo stake add 10000"), "{}", refused.stderr);
            room.run(juror, &["stake", "add", "--yes", "10000"]).await.success().expect("a position");
            let joined = room.json(juror, &["court", "join", "--yes"]).await;
            assert_eq!(joined["weightWei"], wei("10000").to_string());
        }
        // They count from the court's next epoch on.
        room.world.pass(6).await;
        room
    }

    /// Where a juror keeps what is its own.
    fn data_dir(&self, juror: &Account) -> PathBuf {
        self.world.dir().join("jurors").join(juror.address().to_string())
    }

    /// `aiigo` as somebody, with a folder of their own.
    fn command(&self, account: &Account, args: &[&str]) -> Command {
        let dir = self.data_dir(account);
        fs::create_dir_all(&dir).expect("a folder");
        let mut command = Command::new(bin_dir().join("aiigo"));
        command.args(args).envs(self.world.market.desk().environment(Some(account))).current_dir(&dir);
        command.env("AIIGO_DATA_DIR", &dir).env("AIIGO_STORE", dir.join("store")).stdin(Stdio::null());
        command
    }

    async fn run(&self, account: &Account, args: &[&str]) -> Finished {
        let mut command = self.command(account, args);
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Finished { command: args.join(" "), status: output.status, stdout, stderr }
    }

    async fn json(&self, account: &Account, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        self.run(account, &args).await.json().unwrap_or_else(|error| panic!("{error}"))
    }

    async fn refused(&self, account: &Account, args: &[&str], hint: &str) {
        let finished = self.run(account, args).await;
        assert_eq!(finished.code(), 1, "{}\n{}", finished.command, finished.stderr);
        assert!(finished.stderr.contains(hint), "no `{hint}` in: {}", finished.stderr);
    }

    fn watch(&self, juror: &Account) -> Watcher {
        let args = ["court", "watch", "--auto", "--yes", "--interval", "1s", "--allow-private-gateways"];
        let log = fs::File::options().create(true).append(true).open(self.data_dir(juror).join("log")).expect("a log");
        Watcher(self.command(juror, &args).stdout(Stdio::null()).stderr(log).spawn().expect("it starts"))
    }

    /// A job with a task of its own: it writes `hello` into a file.
    async fn order(&self, name: &str) -> TaskId {
        let job = JobFile::new(&self.world.dir().join("jobs"), name, &modules::exit_with(0)).write();
        self.world.submit(&job).await
    }

    /// The provider delivers a result hash, and the buyer disputes it: the case, whose jury sits.
    async fn dispute(&self, task: TaskId, result: B256) -> U256 {
        let (account, node) = (&self.provider.account, self.provider.node.0);
        let market = self.world.marketplace(account);
        let salt = B256::repeat_byte(7);
        let hash = market.commitmentHash(task.0, node, salt, account.address()).call().await.expect("a hash");
        mined(market.commitAccept(node, FixedBytes::<20>::from_slice(&hash[..20]))).await;
        mined(market.acceptTask(task.0, node, salt)).await;
        mined(market.submitResult(task.0, result, "ipfs://result".to_owned())).await;

        let buyer = self.world.buyer();
        let terms = self.court.parameters().call().await.expect("parameters");
        self.world.market.devnet().send_aiigo(buyer.address(), U256::from(terms.caseFee)).await.expect("AIIGO");
        let dispute = ["job", "dispute", &task.to_string(), "--evidence", "ipfs://complaint", "--yes"];
        let disputed = self.json(&buyer, &dispute).await;
        let case = disputed["caseId"].as_str().and_then(|id| id.parse().ok()).expect("a case");

        let block = self.case(case).await.draw.blockNumber;
        self.world.market.devnet().mine(2).await.expect("blocks");
        let header = self.world.header(block).await;
        while self.status(case).await == CaseStatus::Drawing {
            mined(self.court.draw(case, header.clone())).await;
        }
        case
    }

    async fn case(&self, id: U256) -> DisputeCourt::Case {
        self.court.caseOf(id).call().await.expect("a case")
    }

    async fn status(&self, id: U256) -> CaseStatus {
        CaseStatus::try_from(self.case(id).await.status).expect("a status")
    }

    async fn seat(&self, case: U256, juror: &Account) -> SeatState {
        let seats = self.court.seatsOf(case).call().await.expect("seats");
        let seat = seats.iter().find(|seat| seat.juror == juror.address()).expect("a seat");
        SeatState::try_from(seat.state).expect("a state")
    }

    /// The ruling, once there is one.
    async fn ruling(&self, case: U256) -> u16 {
        eventually("a ruling", LIMIT, async || (self.status(case).await == CaseStatus::Ruled).then_some(())).await;
        let ballot = self.case(case).await.ballot;
        ballot.low.midpoint(ballot.high)
    }
}

#[tokio::test]
async fn jurors_decide_a_dispute_by_hand() {
    let room = Courtroom::open("court-by-hand").await;
    let [first, second, third] = &room.jurors[..] else { panic!("three jurors") };
    let (buyer, provider) = (room.world.buyer(), &room.provider.account);
    let task = room.order("by-hand").await;
    let case = room.dispute(task, B256::repeat_byte(9)).await;
    let id = &case.to_string()[..];

    let again = ["job", "dispute", &task.to_string(), "--evidence", "ipfs://complaint", "--yes"];
    room.refused(&buyer, &again, "is Disputed").await;

    // What there is to know, to everybody.
    room.json(provider, &["court", "evidence", id, "ipfs://reply", "--yes"]).await;
    let shown = room.json(first, &["court", "show", id]).await;
    assert_eq!((&shown["status"], &shown["taskId"]), (&"Committing".into(), &task.to_string().into()));
    let uris: Vec<&str> =
        shown["evidence"].as_array().expect("a list").iter().flat_map(|e| e["uri"].as_str()).collect();
    assert_eq!(uris, ["ipfs://complaint", "ipfs://reply"]);
    let text = room.run(first, &["court", "show", id]).await.stdout;
    assert!(text.contains("ipfs://complaint") && text.contains("jurors seal their votes until"), "{text}");
    let mine = room.json(first, &["court", "cases", "--open", "--juror", &first.address().to_string()]).await;
    assert_eq!(mine[0]["id"], id);
    let found = room.json(first, &["court", "check", id, "--allow-private-gateways"]).await;
    assert_eq!((&found["finding"], &found["share"]), (&"wrong".into(), &0.into()));

    // Only jurors vote, only once, and nothing is opened before all are sealed.
    room.refused(&buyer, &["court", "vote", id, "0", "--yes"], "has no seat in it").await;
    room.refused(first, &["court", "reveal", id, "--yes"], "no vote can be opened").await;
    let mut waits = room.command(third, &["court", "vote", id, "100%", "--wait", "--yes", "--json"]);
    let waiting = tokio::task::spawn_blocking(move || waits.output());
    for juror in [first, second] {
        let sealed = room.json(juror, &["court", "vote", id, "10000", "--yes"]).await;
        let secret = PathBuf::from(sealed["secret"].as_str().expect("a file"));
        assert!(fs::read_to_string(secret).expect("what opens it").contains("10000"));
        room.refused(juror, &["court", "vote", id, "0", "--yes"], "no vote can be sealed").await;
    }
    eventually("all votes sealed", LIMIT, async || (room.status(case).await == CaseStatus::Revealing).then_some(()))
        .await;
    // Without the file nothing opens it.
    let moved = room.run(first, &["court", "reveal", id, "--yes", "--data-dir", "elsewhere"]).await;
    assert!(moved.code() == 1 && moved.stderr.contains("--data-dir"), "{}", moved.stderr);
    for juror in [first, second] {
        let opened = room.json(juror, &["court", "reveal", id, "--yes", "--wait"]).await;
        assert_eq!(opened["share"], 10_000);
    }
    let waited = waiting.await.expect("no panic").expect("it ran");
    let waited: Value = serde_json::from_slice(&waited.stdout).expect("JSON");
    assert!(waited["revealedTxHash"].is_string(), "{waited}");
    assert_eq!(room.ruling(case).await, 10_000);

    // Who lost may have a larger jury, for a fee; nobody else may.
    room.refused(first, &["court", "appeal", id, "--yes"], "is no party of case").await;
    room.refused(&buyer, &["court", "appeal", id, "--yes"], "it costs 120 AIIGO").await;
    room.world.market.devnet().send_aiigo(buyer.address(), wei("120")).await.expect("AIIGO");
    let appealed = room.json(&buyer, &["court", "appeal", id, "--yes"]).await;
    assert_eq!((&appealed["status"], &appealed["feeWei"]), (&"Drawing".into(), &wei("120").to_string().into()));
    room.refused(&buyer, &["court", "appeal", id, "--yes"], "it is Drawing").await;

    // There are no seven others to draw: the first ruling stays, and who agreed with it is paid.
    while room.status(case).await != CaseStatus::Closed {
        room.world.pass(u64::from(PERIOD) + 1).await;
        mined(room.court.advance(case)).await;
    }
    let paid = room.json(first, &["court", "withdraw", "--yes"]).await;
    assert!(paid["amountWei"].as_str().is_some_and(|wei| wei != "0"), "{paid}");
    room.refused(first, &["court", "withdraw", "--yes"], "owes").await;
    let left = room.json(first, &["court", "leave", "--yes"]).await;
    assert_eq!(left["seats"], 0);
    room.refused(first, &["court", "leave", "--yes"], "the account is no juror: `aiigo court join`").await;
}

#[tokio::test]
async fn watchers_run_the_program_again_and_a_killed_one_opens_what_it_sealed() {
    let room = Courtroom::open("court-auto").await;
    let [killed, second, third] = &room.jurors[..] else { panic!("three jurors") };
    let task = room.order("wrong").await;
    let case = room.dispute(task, B256::repeat_byte(9)).await;

    // Killed as soon as it has decided, and again as soon as its vote is sealed.
    let watcher = room.watch(killed);
    let votes = room.data_dir(killed).join("votes");
    let decided =
        || fs::read_dir(&votes).ok()?.flatten().find(|entry| entry.path().extension().is_some_and(|e| e == "json"));
    eventually("a decision on the disk", LIMIT, async || decided().map(|_| ())).await;
    watcher.kill();
    let watcher = room.watch(killed);
    eventually("a sealed vote", LIMIT, async || (room.seat(case, killed).await == SeatState::Committed).then_some(()))
        .await;
    watcher.kill();
    let secrets = fs::read_dir(&votes).expect("votes").count();
    let others = [room.watch(second), room.watch(third)];
    eventually("all votes sealed", LIMIT, async || (room.status(case).await == CaseStatus::Revealing).then_some(()))
        .await;
    let watcher = room.watch(killed);
    assert_eq!(room.ruling(case).await, 0, "the program gives another result");
    assert_eq!(fs::read_dir(&votes).expect("votes").count(), secrets, "it decided once");
    let found = room.json(killed, &["court", "check", &case.to_string(), "--allow-private-gateways"]).await;
    let right: B256 = found["found"].as_str().and_then(|hash| hash.parse().ok()).expect("what the program gives");

    // The same watchers judge the next case; its result is the right one.
    let task = room.order("right").await;
    let case = room.dispute(task, right).await;
    assert_eq!(room.ruling(case).await, 10_000);
    drop((watcher, others));

    // What is due now can be done from a timer, too.
    let looked = room.json(killed, &["court", "watch", "--auto", "--once", "--yes"]).await;
    let seats: Vec<&str> = looked.as_array().expect("a list").iter().flat_map(|case| case["seat"].as_str()).collect();
    assert_eq!(seats, ["Revealed", "Revealed"]);

    // A vote that can't be read is told, and stands in no other case's way.
    let spoilt = fs::read_dir(&votes).expect("votes").flatten().map(|entry| entry.path());
    let spoilt = spoilt.into_iter().find(|path| path.to_string_lossy().contains("case-1-")).expect("the first vote");
    fs::write(&spoilt, "half").expect("written");
    let looked = room.run(killed, &["court", "watch", "--auto", "--once", "--yes"]).await;
    assert!(looked.code() != 0 && looked.stderr.contains(&spoilt.display().to_string()), "{}", looked.stderr);
    assert!(looked.stderr.contains("case 2 is"), "{}", looked.stderr);
}
