//! How fast questions are answered, over HTTP, by a large market.

use std::{
    fmt,
    path::Path,
    time::{Duration, Instant},
};

use aiigo_devnet::{Devnet, Postgres, ProcessCommand};
use reqwest::Client;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use url::Url;

use super::{disk, latency::Latencies, server::Indexer};
use crate::project::Error;

/// Questions of one client alone.
const ALONE: usize = 1_000;
/// Clients that ask at the same time, and questions of each.
const CLIENTS: usize = 32;
const EACH: usize = 40;
/// How long filling a database may take.
const LIMIT: Duration = Duration::from_secs(1_800);
/// Blocks below the made-up ones.
const SPARE: u64 = 20;
/// Nodes or tasks that `fill` puts in a block.
const A_BLOCK: u64 = 1_000;

/// What is asked on both databases.
#[derive(Serialize)]
pub(super) struct Asked {
    pub(super) tasks: u64,
    pub(super) nodes: u64,
    pub(super) sqlite: Answers,
    pub(super) postgres: Answers,
}

/// How fast a database answers.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Answers {
    /// A page of 50 tasks by filter and order, with node and escrow of each.
    pub(super) page: Answer,
    /// The nodes ranked for a task.
    pub(super) r#match: Answer,
}

/// How fast a question is answered.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Answer {
    p50_ms: f64,
    p99_ms: f64,
    /// With many clients at the same time.
    p99_ms_32: f64,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50_ms, p99_ms, p99_ms_32 } = self;
        write!(f, "p50 {p50_ms:.1}, p99 {p99_ms:.1}, p99 of {CLIENTS} clients {p99_ms_32:.1}")
    }
}

/// The programs, and a place for databases.
pub(super) struct Queries<'a> {
    pub(super) devnet: &'a Devnet,
    pub(super) indexer: &'a Path,
    pub(super) fill: &'a Path,
    pub(super) dir: &'a Path,
    pub(super) server: &'a Postgres,
    pub(super) tasks: u64,
    pub(super) nodes: u64,
}

impl Queries<'_> {
    pub(super) async fn run(&self) -> Result<Asked, Error> {
        let blocks = self.tasks.div_ceil(A_BLOCK) + self.nodes.div_ceil(A_BLOCK) + SPARE;
        self.devnet.mine(blocks).await?;
        let file = self.dir.join("market.db");
        let sqlite = self.ask(&format!("sqlite:{}", file.display())).await?;
        disk::remove_sqlite(&file)?;
        let postgres = self.ask(self.server.database("market")?.as_str()).await?;
        Ok(Asked { tasks: self.tasks, nodes: self.nodes, sqlite, postgres })
    }

    async fn ask(&self, database: &str) -> Result<Answers, Error> {
        let started = Instant::now();
        let mut process = ProcessCommand::new("fill", self.fill, self.dir.join("fill.log"))
            .args(["--rpc-url", self.devnet.rpc_url().as_str(), "--database", database])
            .args(["--nodes".to_owned(), self.nodes.to_string(), "--tasks".to_owned(), self.tasks.to_string()])
            .arg("--deployment")
            .arg(self.devnet.deployment_path())
            .spawn()?;
        if !process.wait_for_end(LIMIT).await?.success() {
            return Err(format!("filling the database failed:\n{}", process.last_lines()).into());
        }
        eprintln!("  filled in {:.0} s", started.elapsed().as_secs_f64());
        disk::settle().await?;
        let indexer = Indexer::start(self.indexer, self.devnet, database, self.dir).await?;
        let tasks = open_tasks(&indexer.url).await?;
        let page = measure(&indexer.url, pages(&tasks)).await?;
        let r#match = measure(&indexer.url, matches(&tasks)).await?;
        indexer.stop().await?;
        Ok(Answers { page, r#match })
    }
}

const PAGE: &str = "query($where: TaskFilter, $order: TaskOrder!) { tasks(where: $where, orderBy: [$order], first: 50) {
        pageInfo { hasNextPage endCursor }
        nodes { id buyer status pricePerHour createdAt node { id reputation power } escrowDetails { status deposited held } } } }";

/// Filters and orders as a marketplace's pages have them.
fn pages(tasks: &[Value]) -> Vec<Value> {
    let orders = [
        json!({ "createdAt": "DESC" }),
        json!({ "updatedAt": "DESC" }),
        json!({ "pricePerHour": "DESC" }),
        json!({ "escrow": "ASC" }),
    ];
    let statuses = ["OPEN", "IN_PROGRESS", "COMPLETED", "VERIFIED", "CANCELLED"];
    let filters = tasks.iter().enumerate().map(|(index, task)| {
        let status = statuses[index % statuses.len()];
        match index % 4 {
            0 => json!({ "status": { "_eq": status } }),
            1 => json!({ "status": { "_eq": status }, "resourceType": { "_eq": "GPU" } }),
            2 => json!({ "buyer": { "_eq": task["buyer"] } }),
            _ => json!({ "nodeId": { "_eq": (index * 37 + 1).to_string() } }),
        }
    });
    let asked = filters.enumerate().map(|(index, filter)| {
        let order = &orders[index / 4 % orders.len()];
        json!({ "query": PAGE, "variables": { "where": filter, "order": order } })
    });
    asked.collect()
}

fn matches(tasks: &[Value]) -> Vec<Value> {
    let query = "query($task: Bytes!) { match(taskId: $task, first: 20) { eligible refusedCount
        candidates { score node { id reputation power } terms { name value weight } } } }";
    tasks.iter().map(|task| json!({ "query": query, "variables": { "task": task["id"] } })).collect()
}

/// Some open tasks that ask for the nodes' resource type.
async fn open_tasks(url: &Url) -> Result<Vec<Value>, Error> {
    let query =
        "{ tasks(where: { status: { _eq: OPEN }, resourceType: { _eq: GPU } }, first: 200) { nodes { id buyer } } }";
    let answer = ask(&Client::new(), url, &json!({ "query": query })).await?;
    let answer: Value = serde_json::from_str(&answer)?;
    let tasks = answer["data"]["tasks"]["nodes"].as_array().cloned().unwrap_or_default();
    if tasks.is_empty() { Err("no task is open".into()) } else { Ok(tasks) }
}

async fn measure(url: &Url, questions: Vec<Value>) -> Result<Answer, Error> {
    // The first time each is read from disk.
    clients(url, &questions, 1, questions.len()).await?;
    let mut alone = clients(url, &questions, 1, ALONE).await?;
    let mut together = clients(url, &questions, CLIENTS, EACH).await?;
    Ok(Answer { p50_ms: alone.percentile(50), p99_ms: alone.percentile(99), p99_ms_32: together.percentile(99) })
}

async fn clients(url: &Url, questions: &[Value], count: usize, each: usize) -> Result<Latencies, Error> {
    let mut clients = JoinSet::new();
    for first in 0..count {
        let (url, questions) = (url.clone(), questions.to_vec());
        clients.spawn(async move {
            let (client, mut latencies) = (Client::new(), Latencies::default());
            for index in 0..each {
                let question = &questions[(first * each + index) % questions.len()];
                let started = Instant::now();
                ask(&client, &url, question).await?;
                latencies.add(started.elapsed());
            }
            Ok::<_, Error>(latencies)
        });
    }
    let mut all = Latencies::default();
    while let Some(latencies) = clients.join_next().await {
        all.extend(latencies??);
    }
    Ok(all)
}

async fn ask(client: &Client, url: &Url, question: &Value) -> Result<String, Error> {
    let answer = client.post(url.clone()).json(question).send().await?.text().await?;
    if answer.contains("\"errors\"") { Err(answer.into()) } else { Ok(answer) }
}
