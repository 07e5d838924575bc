//! The API's answers.

use crate::support::{
    api::{ask, ask_with, refusal, statements},
    chain::Chain,
    database::Database,
    story,
};
use aiigo_indexer::{
    graphql::{MAX_COST, MAX_DEPTH},
    store::{Condition, Order, Reader, rows::Event},
};
use serde_json::{Value, json};

struct Fixture {
    chain: Chain,
    reader: Reader,
    _database: Database,
}

async fn fixture() -> Fixture {
    let chain = story::eventful();
    let database = Database::of(&chain).await;
    Fixture { chain, reader: database.reader().await, _database: database }
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name]["nodes"].as_array().expect("a list")
}

#[tokio::test]
async fn meta_tells_what_the_answer_is_of() {
    let Fixture { chain, reader, _database } = fixture().await;
    let data = ask(&reader, "{ _meta { chainId indexedBlock indexedHash headBlock finalizedBlock syncing } }").await;
    let height = chain.height();
    assert_eq!(
        data["_meta"],
        json!({
            "chainId": "31337",
            "indexedBlock": height.to_string(),
            "indexedHash": chain.header(height).hash.to_string(),
            "headBlock": height.to_string(),
            "finalizedBlock": height.to_string(),
            "syncing": false,
        })
    );
}

#[tokio::test]
async fn a_task_tells_its_whole_story() {
    let Fixture { reader, _database, .. } = fixture().await;
    let paid = ask(
        &reader,
        "{ tasks(where: { status: { _eq: VERIFIED } }, first: 1) { nodes { id due providerAmount feeAmount refundAmount
             escrow resultHash node { id payout } escrowDetails { status provider deposited }
             assignments { nodes { outcome nodeId } }
             timeline { kind event block timestamp txHash nodeId args } } } }",
    )
    .await;
    let task = &list(&paid, "tasks")[0];
    let amount = |name: &str| task[name].as_str().expect("a decimal string").parse::<u128>().expect("a number");
    assert_eq!(amount("due"), amount("providerAmount") + amount("feeAmount"));
    assert_eq!(amount("feeAmount") * 100, amount("due") * 8);
    assert_eq!(task["escrowDetails"]["status"], "RELEASED");
    assert_eq!(task["escrowDetails"]["provider"], task["node"]["payout"]);
    let kinds: Vec<&str> = task["timeline"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["kind"].as_str().expect("a kind"))
        .collect();
    assert_eq!(kinds[..2], ["CREATED", "DEPOSITED"]);
    assert_eq!(kinds[kinds.len() - 4..], ["ACCEPTED", "RESULT_SUBMITTED", "RELEASED", "VERIFIED"]);
    let first = &task["timeline"][0];
    assert_eq!(first["args"]["taskId"], task["id"]);
    assert_eq!(first["args"]["request"]["duration"], "60");
    assert_eq!(first["txHash"].as_str().map(str::len), Some(66));
    let again = ask_with(
        &reader,
        "query($id: Bytes!) { task(id: $id) { id status } }",
        json!({ "id": task["id"].as_str().expect("an id").to_uppercase().replace("0X", "0x") }),
    )
    .await;
    assert_eq!(again["task"], json!({ "id": task["id"], "status": "VERIFIED" }));
}

#[tokio::test]
async fn what_is_not_there_is_null_and_an_unknown_account_is_empty() {
    let Fixture { reader, _database, .. } = fixture().await;
    let data = ask(
        &reader,
        &format!(
            "{{ task(id: \"0x{0}\") {{ id }} node(id: 999) {{ id }} match(taskId: \"0x{0}\") {{ eligible }}
               account(address: \"0x{1}\") {{ tokenBalance balances {{ token }} tasks {{ totalCount nodes {{ id }} }} }} }}",
            "00".repeat(32),
            "ee".repeat(20)
        ),
    )
    .await;
    assert_eq!(data["task"], Value::Null);
    assert_eq!(data["node"], Value::Null);
    assert_eq!(data["match"], Value::Null);
    let empty = json!({ "tokenBalance": "0", "balances": [], "tasks": { "totalCount": 0, "nodes": [] } });
    assert_eq!(data["account"], empty);
}

#[tokio::test]
async fn an_account_shows_its_money_nodes_and_tasks() {
    let Fixture { chain, reader, _database } = fixture().await;
    let buyer = chain.market().tasks[0].buyer;
    let data = ask(
        &reader,
        &format!("{{ account(address: \"{buyer:#x}\") {{ address tasksCreated tasks(first: 200) {{ totalCount nodes {{ buyer }} }} }} }}"),
    )
    .await;
    let market = chain.market();
    let buyers = market.tasks.iter().map(|task| task.buyer).chain(market.replicated.iter().map(|task| task.buyer));
    let count = buyers.filter(|one| *one == buyer).count();
    assert_eq!(data["account"]["tasksCreated"], count);
    assert_eq!(data["account"]["tasks"]["totalCount"], count);
    for task in list(&data["account"], "tasks") {
        assert_eq!(task["buyer"], format!("{buyer:#x}"));
    }
}

#[tokio::test]
async fn filters_narrow_and_combine() {
    let Fixture { chain, reader, _database } = fixture().await;
    let total = chain.market().tasks.len() + chain.market().replicated.len();
    let count = async |filter: &str| {
        let data = ask(&reader, &format!("{{ tasks(where: {filter}, first: 0) {{ totalCount }} }}")).await;
        data["tasks"]["totalCount"].as_u64().expect("a count") as usize
    };
    let open = count("{ status: { _eq: OPEN } }").await;
    assert!(open > 0 && open < total);
    assert_eq!(count("{ status: { _ne: OPEN } }").await, total - open);
    assert_eq!(count("{ status: { _nin: [OPEN] } }").await, total - open);
    assert_eq!(count("{ _not: { status: { _eq: OPEN } } }").await, total - open);
    assert_eq!(count("{ _or: [{ status: { _eq: OPEN } }, { status: { _ne: OPEN } }] }").await, total);
    assert_eq!(count("{ _and: [{ status: { _eq: OPEN } }, { status: { _ne: OPEN } }] }").await, 0);
    assert_eq!(count("{ status: { _in: [] } }").await, 0);
    assert_eq!(count("{ _or: [] }").await, 0);
    assert_eq!(count("{}").await, total);
    let unassigned = count("{ nodeId: { _eq: null } }").await;
    assert_eq!(count("{ nodeId: { _ne: null } }").await, total - unassigned);
    assert_eq!(count("{ _not: { nodeId: { _gt: 0 } } }").await, unassigned, "unknown is not true");
    let cheap = count("{ pricePerHour: { _lt: \"50000000\" } }").await;
    assert!(cheap > 0);
    assert_eq!(count("{ pricePerHour: { _gte: \"50000000\" } }").await, total - cheap);
    let huge = "9".repeat(70);
    assert_eq!(count(&format!("{{ createdAt: {{ _gt: \"{huge}\" }} }}")).await, 0);
    assert_eq!(count(&format!("{{ createdAt: {{ _lt: \"{huge}\" }} }}")).await, total);
}

#[tokio::test]
async fn events_are_filtered_by_their_blocks() {
    let Fixture { reader, _database, .. } = fixture().await;
    let found = async |filter: &str| {
        let query = format!(
            "{{ events(where: {{ block: {{ {filter} }} }}, first: 200, orderBy: [{{ block: ASC }}]) {{ totalCount nodes {{ block }} }} }}"
        );
        let data = ask(&reader, &query).await;
        let block = |event: &Value| event["block"].as_str().expect("a number").parse::<u64>().expect("a number");
        let blocks: Vec<u64> = list(&data, "events").iter().map(block).collect();
        (data["events"]["totalCount"].as_u64().expect("a count"), blocks)
    };
    let order = vec![Order { column: "position", descending: false }];
    let events = reader.snapshot().list::<Event>(Condition::EVERYTHING, order, 100_000).await.expect("all events");
    let all: Vec<u64> = events.iter().map(|event| event.position.block()).collect();
    let (first, middle) = (all[0], all[all.len() / 2]);
    assert!(first < middle && middle < all[all.len() - 1], "{all:?}");

    let beyond = "\"340282366920938463463374607431768211456\"";
    let cases: [(String, &dyn Fn(u64) -> bool); 15] = [
        (format!("_eq: {middle}"), &|block| block == middle),
        (format!("_ne: {middle}"), &|block| block != middle),
        (format!("_gt: {middle}"), &|block| block > middle),
        (format!("_gte: {middle}"), &|block| block >= middle),
        (format!("_lt: {middle}"), &|block| block < middle),
        (format!("_lte: {middle}"), &|block| block <= middle),
        (format!("_gt: {first}, _lt: {middle}"), &|block| block > first && block < middle),
        (format!("_in: [{first}, {middle}]"), &|block| block == first || block == middle),
        (format!("_nin: [{first}, {middle}]"), &|block| block != first && block != middle),
        ("_eq: null".to_owned(), &|_| false),
        ("_ne: null".to_owned(), &|_| true),
        (format!("_eq: {beyond}"), &|_| false),
        (format!("_ne: {beyond}"), &|_| true),
        (format!("_lt: {beyond}"), &|_| true),
        (format!("_gte: {beyond}"), &|_| false),
    ];
    for (filter, meets) in cases {
        let mut expected: Vec<u64> = all.iter().copied().filter(|block| meets(*block)).collect();
        let (count, blocks) = found(&filter).await;
        assert_eq!(count, expected.len() as u64, "{filter}");
        expected.truncate(200);
        assert_eq!(blocks, expected, "{filter}");
    }
}

/// All ids, page by page.
async fn walk(reader: &Reader, arguments: &str, size: usize, forward: bool) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let window = match (forward, &cursor) {
            (true, None) => format!("first: {size}"),
            (true, Some(cursor)) => format!("first: {size}, after: \"{cursor}\""),
            (false, None) => format!("last: {size}"),
            (false, Some(cursor)) => format!("last: {size}, before: \"{cursor}\""),
        };
        let query = format!(
            "{{ tasks({window}, {arguments}) {{ edges {{ cursor node {{ id }} }}
                pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
        );
        let data = ask(reader, &query).await;
        let edges = data["tasks"]["edges"].as_array().expect("a list");
        assert!(edges.len() <= size);
        let ids: Vec<String> =
            edges.iter().map(|edge| edge["node"]["id"].as_str().expect("an id").to_owned()).collect();
        let info = &data["tasks"]["pageInfo"];
        assert_eq!(info["startCursor"], edges.first().map_or(Value::Null, |edge| edge["cursor"].clone()));
        assert_eq!(info["endCursor"], edges.last().map_or(Value::Null, |edge| edge["cursor"].clone()));
        let (behind, ahead, edge) = if forward {
            ("hasPreviousPage", "hasNextPage", "endCursor")
        } else {
            ("hasNextPage", "hasPreviousPage", "startCursor")
        };
        assert_eq!(info[behind], cursor.is_some(), "{query}");
        found = if forward { [found, ids].concat() } else { [ids, found].concat() };
        if info[ahead] == false {
            return found;
        }
        cursor = info[edge].as_str().map(str::to_owned);
    }
}

#[tokio::test]
async fn pages_forward_and_backward_give_every_row_once_and_in_order() {
    let Fixture { chain, reader, _database } = fixture().await;
    let total = chain.market().tasks.len() + chain.market().replicated.len();
    let orders = [
        "orderBy: []",
        "orderBy: [{ createdAt: ASC }]",
        "orderBy: [{ pricePerHour: DESC }]",
        // Mixed directions, with many ties.
        "orderBy: [{ acceptBy: ASC }, { escrow: DESC }]",
        "orderBy: [{ acceptBy: DESC }, { escrow: ASC }, { createdAt: DESC }]",
    ];
    for order in orders {
        let whole = walk(&reader, order, 200, true).await;
        assert_eq!(whole.len(), total, "{order}");
        let mut distinct = whole.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), total, "{order}");
        for size in [7, 50] {
            assert_eq!(walk(&reader, order, size, true).await, whole, "{order}, {size} forward");
            assert_eq!(walk(&reader, order, size, false).await, whole, "{order}, {size} backward");
        }
    }
}

#[tokio::test]
async fn amounts_sort_as_numbers() {
    let Fixture { reader, _database, .. } = fixture().await;
    let data =
        ask(&reader, "{ accounts(first: 200, orderBy: [{ tokenBalance: ASC }]) { nodes { tokenBalance } } }").await;
    let balances: Vec<u128> = list(&data, "accounts")
        .iter()
        .map(|account| account["tokenBalance"].as_str().expect("a string").parse().expect("a number"))
        .collect();
    assert!(balances.is_sorted() && balances.first() != balances.last(), "{balances:?}");
}

#[tokio::test]
async fn a_page_of_parents_costs_the_same_statements_whatever_its_size() {
    let Fixture { reader, _database, .. } = fixture().await;
    let query = |size: usize| {
        format!(
            "{{ _meta {{ indexedBlock }} tasks(first: {size}, where: {{ nodeId: {{ _ne: null }} }}) {{ totalCount nodes {{
                 id timeline {{ kind }} escrowDetails {{ held }} excluded
                 assignments(first: 3) {{ totalCount nodes {{ outcome node {{ id }} }} }}
                 node {{ id challenges(first: 2) {{ totalCount nodes {{ id }} }} tasks(first: 2) {{ nodes {{ id }} }} }}
             }} }} }}"
        )
    };
    let small = statements(&reader, &query(2)).await;
    let large = statements(&reader, &query(60)).await;
    assert!(small > 8, "{small} statements for all of that?");
    assert_eq!(large, small, "statements for 60 tasks, and for 2");
}

#[tokio::test]
async fn cases_and_replicas_cost_the_same_statements_whatever_their_number() {
    let Fixture { reader, _database, .. } = fixture().await;
    // Asked one by one: a node that both lead to would be read once.
    let cases = |size: usize| {
        format!(
            "{{ cases(first: {size}, where: {{ ruled: {{ _eq: true }} }}) {{ nodes {{ id replicaNode {{ id }}
                 task {{ id seats case {{ id }} cases(first: 2) {{ totalCount }} }}
                 node {{ id cases(first: 2) {{ totalCount nodes {{ id }} }} }}
                 evidence(first: 2) {{ totalCount nodes {{ uri }} }}
                 jurors(first: 2) {{ nodes {{ share case {{ id }}
                     membership {{ weight position {{ amount }} account {{ courtFees }} }} }} }}
             }} }} }}"
        )
    };
    let replicas = |size: usize| {
        format!(
            "{{ tasks(first: {size}, where: {{ seats: {{ _gt: 1 }}, status: {{ _eq: VERIFIED }} }}) {{ nodes {{
                 excluded replicaRounds {{ round }}
                 replicas(first: 2) {{ totalCount nodes {{ status case {{ id }} task {{ id }}
                     node {{ id replicas(first: 2) {{ totalCount nodes {{ status }} }} }} }} }}
             }} }} }}"
        )
    };
    for (what, query) in [("cases", &cases as &dyn Fn(usize) -> String), ("replicas", &replicas)] {
        let small = statements(&reader, &query(2)).await;
        let large = statements(&reader, &query(20)).await;
        assert!(small > 6, "{small} statements for {what}?");
        assert_eq!(large, small, "statements for 20 {what}, and for 2");
    }
}

#[tokio::test]
async fn a_case_tells_who_voted_how_and_what_it_cost() {
    let Fixture { chain, reader, _database } = fixture().await;
    let appealed = "{ cases(where: { appellant: { _ne: null }, ruled: { _eq: true } }, first: 1) { nodes { id } } }";
    let id = list(&ask(&reader, appealed).await, "cases")[0]["id"].as_str().expect("an id").to_owned();
    let truth = &chain.market().cases[id.parse::<usize>().expect("a number") - 1];
    let data = ask_with(
        &reader,
        "query($id: BigInt!) { case(id: $id) { status round taskId buyer share appealedShare coherent pot
             appealFee appealFeeReturned task { id case { id } ruling } evidence { nodes { number party uri } }
             jurors(first: 50) { totalCount nodes { juror round state share fee penalty } } } }",
        json!({ "id": id }),
    )
    .await;
    let case = &data["case"];
    assert_eq!((&case["status"], &case["taskId"]), (&json!("CLOSED"), &json!(truth.task.to_string())));
    assert_eq!((&case["task"]["case"]["id"], &case["task"]["ruling"]), (&json!(id), &case["share"]));
    assert_eq!(case["appealFeeReturned"], case["appealFee"]);
    assert_eq!(list(case, "evidence")[0]["party"], format!("{:#x}", truth.buyer));
    let jurors = list(case, "jurors");
    assert_eq!(jurors.len(), truth.seats.len());
    for (juror, seat) in jurors.iter().zip(&truth.seats) {
        assert_eq!(juror["juror"], format!("{:#x}", seat.juror));
        let voted = !juror["share"].is_null();
        assert_eq!(juror["share"].as_u64(), voted.then_some(u64::from(seat.share)));
        assert_eq!(juror["fee"] != "0", juror["state"] == "COHERENT", "{juror}");
    }
    let coherent = jurors.iter().filter(|juror| juror["state"] == "COHERENT").count();
    assert_eq!(case["coherent"], coherent);
    let juror = &jurors[0]["juror"];
    let data = ask_with(
        &reader,
        "query($address: Bytes!) { juror(address: $address) { address drawn cases(first: 200) { totalCount } }
             account(address: $address) { juror { weight } jurySeats(where: { caseId: { _gte: 1 } }) { totalCount } } }",
        json!({ "address": juror }),
    )
    .await;
    assert_eq!(data["juror"]["drawn"], data["juror"]["cases"]["totalCount"]);
    assert_eq!(data["account"]["jurySeats"]["totalCount"], data["juror"]["drawn"]);
}

#[tokio::test]
async fn a_replicated_task_tells_its_rounds_and_the_node_that_was_outvoted() {
    let Fixture { reader, _database, .. } = fixture().await;
    let data = ask(
        &reader,
        "{ replicas(where: { status: { _eq: SLASHED } }, first: 1) { nodes { nodeId resultHash due task {
             id status seats resultHash resultUri timeline { kind }
             replicaRounds { round candidates drawBlock randomness sealUntil revealUntil resultHash agreeing settleAfter }
             replicas(where: { seat: { _ne: null } }, first: 50) { nodes { round seat status resultHash providerAmount } }
         } } } }",
    )
    .await;
    let outvoted = &list(&data, "replicas")[0];
    let task = &outvoted["task"];
    assert_eq!((&task["status"], &task["seats"]), (&json!("VERIFIED"), &json!(3)));
    assert_ne!(outvoted["resultHash"], task["resultHash"]);
    let round = task["replicaRounds"].as_array().and_then(|rounds| rounds.last()).expect("a round");
    assert_eq!((&round["resultHash"], &round["agreeing"]), (&task["resultHash"], &json!(2)));
    assert!(round["randomness"].is_string() && round["settleAfter"].is_string(), "{round}");
    let seats = list(task, "replicas");
    let last: Vec<&Value> = seats.iter().filter(|seat| seat["round"] == round["round"]).collect();
    assert_eq!(last.len(), 3);
    for seat in last {
        let agreed = seat["status"] == "AGREED";
        assert_eq!(seat["resultHash"] == task["resultHash"], agreed, "{seat}");
        assert_eq!(seat["providerAmount"].is_string(), agreed, "{seat}");
    }
    let kinds: Vec<&Value> = task["timeline"].as_array().expect("a list").iter().map(|entry| &entry["kind"]).collect();
    for kind in ["APPLIED", "DRAWN", "SEALED", "REVEALED", "JUDGED", "OUTVOTED", "SETTLED"] {
        assert!(kinds.iter().any(|one| *one == kind), "{kind} is missing: {kinds:?}");
    }
}

#[tokio::test]
async fn nested_pages_are_each_parents_own() {
    let Fixture { chain, reader, _database } = fixture().await;
    let data = ask(
        &reader,
        "{ nodes(first: 20) { nodes { id challengesPassed challengesMissed
             challenges(first: 100) { totalCount nodes { nodeId } }
             recent: challenges(first: 1, orderBy: [{ id: DESC }]) { totalCount nodes { id } pageInfo { hasNextPage } } } } }",
    )
    .await;
    assert_eq!(list(&data, "nodes").len(), chain.market().nodes.len());
    for node in list(&data, "nodes") {
        let all = list(node, "challenges");
        assert_eq!(node["challenges"]["totalCount"], all.len());
        assert!(all.iter().all(|challenge| challenge["nodeId"] == node["id"]));
        assert_eq!(node["recent"]["totalCount"], all.len());
        assert_eq!(node["recent"]["pageInfo"]["hasNextPage"], all.len() > 1);
    }
}

#[tokio::test]
async fn every_list_and_single_answers() {
    let Fixture { reader, _database, .. } = fixture().await;
    let data = ask(
        &reader,
        "{ protocol { totals { nodes tasks minted } tokens { token escrowed }
             parameters { market { feeBps grace } registry { minStake } verifier { calibrations { hashesPerTflops } }
               court { jurySize caseFee } schedule { start epochLength total } stakerShareBps paymentTokens { token allowed timeoutTip }
               rewardRates { token rate } } }
           challenges { totalCount nodes { id status issuedTx passedTx node { id } } }
           escrows { totalCount nodes { taskId task { id } } }
           balances { totalCount nodes { account amount } } accounts { totalCount nodes { address stakes { nodes { id } } } }
           stakes { totalCount nodes { id amount } } epochs { totalCount nodes { number rewards { nodes { nodeId amount } } } }
           rewards { totalCount nodes { epoch weight amount node { id } } } epochFees { totalCount nodes { fee } }
           proposals { totalCount nodes { id calls votes { nodes { voter support } } } }
           votes { totalCount nodes { proposal { description } } }
           events(where: { kind: { _eq: \"TaskCreated\" } }) { totalCount nodes { kind contract args topics data } }
           assignments { totalCount nodes { task { id } node { id } } }
           cases { totalCount nodes { id status round share task { id case { id } } node { id }
             jurors { nodes { juror state share fee membership { weight } } } evidence { nodes { party uri } } } }
           caseJurors { totalCount nodes { case { id } round state } }
           jurors { totalCount nodes { address weight active position { id amount } account { courtFees }
             cases { nodes { caseId } } } }
           replicas { totalCount nodes { round status task { id seats replicaRounds { round candidates } } node { id } } } }",
    )
    .await;
    for (name, value) in data.as_object().expect("an object") {
        if name != "protocol" {
            assert!(value["totalCount"].as_u64().expect("a count") > 0, "{name}");
        }
    }
    let parameters = &data["protocol"]["parameters"];
    assert_eq!(parameters["market"], json!({ "feeBps": 800, "grace": 60 }));
    assert_eq!(parameters["court"], json!({ "jurySize": 3, "caseFee": "20000000000000000000" }));
    assert_eq!(parameters["schedule"]["epochLength"], "120");
    assert_eq!(parameters["stakerShareBps"], 3_000);
    assert_eq!(parameters["verifier"]["calibrations"].as_array().map(Vec::len), Some(5));
    let proposal = &list(&data, "proposals")[0]["calls"][0];
    assert_eq!(proposal["data"], "0x010203");
}

#[tokio::test]
async fn wrong_requests_are_explained() {
    let Fixture { reader, _database, .. } = fixture().await;
    let cases = [
        ("{ tasks(first: 201) { totalCount } }", "`first` is 201; it must be from 0 to 200"),
        ("{ tasks(first: -1) { totalCount } }", "`first` is -1"),
        ("{ tasks(first: 1, last: 1) { totalCount } }", "not both"),
        ("{ tasks(after: \"zzz\") { totalCount } }", "`after` is no cursor"),
        ("{ tasks(orderBy: [{ createdAt: ASC }, { createdAt: DESC }]) { totalCount } }", "twice"),
        ("{ task(id: \"0x12\") { id } }", "32 bytes, not 1"),
        ("{ tasks(where: { buyer: { _eq: \"0x12\" } }) { totalCount } }", "20 bytes, not 1"),
        ("{ match(taskId: \"0x00\", weights: { price: -1 }) { eligible } }", "32 bytes, not 1"),
    ];
    for (query, words) in cases {
        let (message, code) = refusal(&reader, query).await;
        assert!(message.contains(words), "{query}: {message}");
        assert_eq!(code, "BAD_INPUT", "{query}");
    }
    for (query, words) in [
        ("{ task(id: 5) { id } }", "0x string"),
        ("{ node(id: \"x\") { id } }", "whole number"),
        ("{ node(id: -1) { id } }", "whole number"),
        ("{ tasks(orderBy: [{ createdAt: ASC, escrow: ASC }]) { totalCount } }", "exactly one field"),
        ("{ taskz { id } }", "taskz"),
        ("mutation { x }", "mutation"),
    ] {
        let (message, _) = refusal(&reader, query).await;
        assert!(message.contains(words), "{query}: {message}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_order_is_refused() {
    let Fixture { reader, _database, .. } = fixture().await;
    let data = ask(&reader, "{ tasks(first: 1, orderBy: [{ escrow: ASC }]) { pageInfo { endCursor } } }").await;
    let cursor = data["tasks"]["pageInfo"]["endCursor"].as_str().expect("a cursor");
    let (message, _) = refusal(&reader, &format!("{{ tasks(after: \"{cursor}\") {{ totalCount }} }}")).await;
    assert!(message.contains("another `orderBy`"), "{message}");
    let (message, _) = refusal(&reader, &format!("{{ nodes(after: \"{cursor}\") {{ totalCount }} }}")).await;
    assert!(message.contains("another list"), "{message}");
}

#[tokio::test]
async fn depth_and_cost_are_limited_and_the_limits_are_told() {
    let Fixture { reader, _database, .. } = fixture().await;
    let deep =
        |levels: usize| format!("{{ tasks(first: 1) {{ {} }} }}", nest("nodes { node { tasks(first: 1) {", levels));
    let (message, code) = refusal(&reader, &deep(8)).await;
    assert!(message.contains(&format!("at most {MAX_DEPTH}")), "{message}");
    assert_eq!(code, "TOO_DEEP");

    let costly = "{ nodes(first: 200) { nodes { tasks(first: 200) { nodes { id } } } } }";
    let (message, code) = refusal(&reader, costly).await;
    assert!(message.contains(&format!("at most {MAX_COST}")) && message.contains("smaller pages"), "{message}");
    assert_eq!(code, "TOO_COSTLY");

    let brackets = format!("{{ tasks(where: {} ) {{ totalCount }} }}", "[".repeat(100_000));
    let (message, code) = refusal(&reader, &brackets).await;
    assert!(message.contains("at most 64"), "{message}");
    assert_eq!(code, "TOO_DEEP");

    let terms = "{status:{_eq:OPEN}},".repeat(600);
    let (message, _) = refusal(&reader, &format!("{{ tasks(where: {{ _or: [{terms}] }}) {{ totalCount }} }}")).await;
    assert!(message.contains("at most 500"), "{message}");
}

fn nest(open: &str, levels: usize) -> String {
    let closing = " }".repeat(open.matches('{').count() * levels);
    format!("{} totalCount {closing}", open.repeat(levels))
}

#[tokio::test]
async fn tools_can_introspect() {
    let Fixture { reader, _database, .. } = fixture().await;
    // As GraphiQL asks: lists of non-null lists of non-null, nine levels down.
    let types = "ofType { kind name ".repeat(9) + &"}".repeat(9);
    let query = format!(
        "{{ __schema {{ types {{ name fields(includeDeprecated: true) {{ name args {{ name type {{ kind name {types} }} }} }} }} }} }}"
    );
    let data = ask(&reader, &query).await;
    assert!(data["__schema"]["types"].as_array().expect("types").len() > 50);
}
