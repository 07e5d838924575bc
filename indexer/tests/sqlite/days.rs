//! The daily series adds up to the totals, and what nodes earn to what tasks paid.

use std::collections::BTreeMap;

use crate::support::{api::ask, chain::GENESIS_TIME, database::Database, story};
use aiigo_indexer::store::{Condition, Order, Reader, Row, rows};
use alloy::primitives::{Address, U256};
use serde_json::json;

async fn all<R: Row>(reader: &Reader) -> Vec<R> {
    let order = R::TABLE.key_columns().iter().map(|column| Order { column, descending: false }).collect();
    reader.snapshot().list::<R>(Condition::EVERYTHING, order, 10_000).await.expect("a readable table")
}

/// Sums by token.
fn by_token(amounts: impl IntoIterator<Item = (Address, U256)>) -> BTreeMap<Address, U256> {
    let mut sums = BTreeMap::new();
    for (token, amount) in amounts.into_iter().filter(|(_, amount)| !amount.is_zero()) {
        *sums.entry(token).or_insert(U256::ZERO) += amount;
    }
    sums
}

#[tokio::test]
async fn the_days_add_up_to_the_totals() {
    let database = Database::of(&story::eventful()).await;
    let reader = database.reader().await;
    let days: Vec<rows::Day> = all(&reader).await;
    let totals = all::<rows::Protocol>(&reader).await.pop().expect("totals");
    assert_eq!(days.iter().map(|day| day.day).collect::<Vec<_>>(), [GENESIS_TIME / 86_400, GENESIS_TIME / 86_400 + 1]);
    let count = |of: fn(&rows::Day) -> u64| days.iter().map(of).sum::<u64>();
    let sum = |of: fn(&rows::Day) -> U256| days.iter().map(of).sum::<U256>();
    assert!(days.iter().all(|day| day.tasks > 0 && day.tasks_verified > 0), "work on each of them");
    assert_eq!(count(|day| day.tasks), totals.tasks);
    assert_eq!(count(|day| day.tasks_verified), totals.tasks_verified);
    assert_eq!(count(|day| day.tasks_resolved), totals.tasks_resolved);
    assert_eq!(count(|day| day.tasks_cancelled), totals.tasks_cancelled);
    assert_eq!(count(|day| day.tasks_expired), totals.tasks_expired);
    assert_eq!(count(|day| day.nodes), totals.nodes);
    assert_eq!(sum(|day| day.slashed), totals.slashed);
    assert_eq!((sum(|day| day.minted), sum(|day| day.burned)), (totals.minted, totals.burned));
    let last = days.last().expect("a day");
    let end = (last.nodes_active, last.active_power, last.node_stake, last.pool_staked);
    assert_eq!(end, (totals.nodes_active, totals.active_power, totals.node_stake, totals.pool_staked));

    let moved: Vec<rows::DayToken> = all(&reader).await;
    let tokens: Vec<rows::TokenTotals> = all(&reader).await;
    for (of_day, of_all) in [
        ((|day| day.deposited) as fn(&rows::DayToken) -> U256, (|all| all.deposited) as fn(&rows::TokenTotals) -> U256),
        (|day| day.paid, |all| all.paid),
        (|day| day.fees, |all| all.fees),
        (|day| day.split, |all| all.split),
        (|day| day.refunded, |all| all.refunded),
    ] {
        let expected = by_token(tokens.iter().map(|totals| (totals.token, of_all(totals))));
        assert!(!expected.is_empty());
        assert_eq!(by_token(moved.iter().map(|day| (day.token, of_day(day)))), expected);
    }
}

#[tokio::test]
async fn prices_are_those_of_the_days_tasks() {
    let database = Database::of(&story::eventful()).await;
    let reader = database.reader().await;
    let tasks: Vec<rows::Task> = all(&reader).await;
    let prices: Vec<rows::DayPrice> = all(&reader).await;
    assert!(prices.len() >= 4, "two days, two kinds of resource");
    for price in &prices {
        let of_day = tasks.iter().filter(|task| {
            let day = task.created_at / 86_400;
            (day, task.resource_type, task.payment_token) == (price.day, price.resource_type, price.token)
        });
        let offered: Vec<U256> = of_day.map(|task| task.price_per_hour).collect();
        assert_eq!(price.tasks, offered.len() as u64);
        assert_eq!(price.sum, offered.iter().sum::<U256>());
        assert_eq!((Some(&price.lowest), Some(&price.highest)), (offered.iter().min(), offered.iter().max()));
    }
    assert_eq!(prices.iter().map(|price| price.tasks).sum::<u64>(), tasks.len() as u64);
}

#[tokio::test]
async fn nodes_earn_what_their_tasks_paid() {
    let database = Database::of(&story::eventful()).await;
    let reader = database.reader().await;
    let tasks: Vec<rows::Task> = all(&reader).await;
    let token: BTreeMap<_, _> = tasks.iter().map(|task| (task.id, task.payment_token)).collect();
    let replicas: Vec<rows::Replica> = all(&reader).await;
    let earnings: Vec<rows::Earning> = all(&reader).await;
    let alone = tasks
        .iter()
        .filter(|task| task.seats == 1)
        .filter_map(|task| Some((task.node_id?, task.payment_token, task.provider_amount?)));
    let together = replicas
        .iter()
        .filter_map(|replica| Some((replica.node_id, token[&replica.task_id], replica.provider_amount?)));
    let mut expected: BTreeMap<(u64, Address), (u64, U256)> = BTreeMap::new();
    for (node, token, amount) in alone.chain(together).filter(|(_, _, amount)| !amount.is_zero()) {
        let (count, sum) = expected.entry((node, token)).or_default();
        (*count, *sum) = (*count + 1, *sum + amount);
    }
    let earned = earnings.iter().map(|earning| ((earning.node_id, earning.token), (earning.tasks, earning.amount)));
    assert!(expected.len() > 3);
    assert_eq!(earned.collect::<BTreeMap<_, _>>(), expected);
}

#[tokio::test]
async fn the_series_is_asked_for_day_by_day() {
    let database = Database::of(&story::eventful()).await;
    let reader = database.reader().await;
    let query = "{ days(first: 1) { totalCount nodes { day startsAt tasks nodesActive activePower
        tokens { nodes { token volume paid fees split } } prices { nodes { resourceType tasks lowest mean highest } } } }
        nodes { nodes { id uptimeBps auditsPassed auditsMissed earnings { token tasks amount } } } }";
    let answer = ask(&reader, query).await;
    let newest = &answer["days"]["nodes"][0];
    let number =
        |value: &serde_json::Value| value.as_str().and_then(|text| text.parse::<u128>().ok()).expect("a number");
    assert_eq!(
        (&answer["days"]["totalCount"], number(&newest["day"])),
        (&json!(2), u128::from(GENESIS_TIME / 86_400 + 1))
    );
    assert_eq!(number(&newest["startsAt"]), number(&newest["day"]) * 86_400);
    for token in newest["tokens"]["nodes"].as_array().expect("tokens") {
        assert_eq!(number(&token["volume"]), ["paid", "fees", "split"].iter().map(|part| number(&token[*part])).sum());
    }
    for price in newest["prices"]["nodes"].as_array().expect("prices") {
        let (lowest, mean, highest) = (number(&price["lowest"]), number(&price["mean"]), number(&price["highest"]));
        assert!(lowest <= mean && mean <= highest && lowest > 0, "{price}");
    }
    let nodes = answer["nodes"]["nodes"].as_array().expect("nodes");
    assert!(nodes.iter().any(|node| !node["earnings"].as_array().expect("a list").is_empty()));
    let bps: Vec<u64> = nodes.iter().filter_map(|node| node["uptimeBps"].as_u64()).collect();
    assert!(bps.iter().any(|bps| (1..10_000).contains(bps)), "somebody passed some and missed some: {bps:?}");
    for node in nodes {
        let (passed, missed) = (&node["auditsPassed"], &node["auditsMissed"]);
        let (passed, missed) = (passed.as_u64().expect("a count"), missed.as_u64().expect("a count"));
        let expected = (passed * 10_000).checked_div(passed + missed);
        assert_eq!(node["uptimeBps"].as_u64(), expected, "{node}");
    }
}
