//! The story that the demo tells, step by step.

use std::{collections::HashSet, path::PathBuf, time::Duration};

use aiigo_devnet::{Account as Keys, Market, Program};
use aiigo_protocol::units::format_power;
use serde_json::{Value, json};

use super::{
    DemoArgs,
    account::Account,
    graphql::GraphQl,
    money::{aiigo, eth, wei},
    summary::Summary,
};
use crate::project::{Error, state_dir};

/// Two, so that there is a choice and somebody to take over.
const PROVIDERS: usize = 2;
/// Generous: the machine may be busy.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

const NODE: &str = "query($id: BigInt!) { node(id: $id) {
    id status power
    challenges(first: 1, where: { status: { _eq: PASSED } }, orderBy: [{ id: DESC }]) { nodes { hashRate issuedTx passedTx } }
} }";
const TASKS_OF: &str = "query($buyer: Bytes!) { tasks(where: { buyer: { _eq: $buyer } }, first: 1) {
    nodes { id status timeline { kind txHash nodeId } }
} }";
const MATCH: &str = "query($task: Bytes!) { match(taskId: $task) {
    candidates { score node { id reputation power } terms { name value } }
} }";
pub(super) const TASK: &str = "query($id: Bytes!) { task(id: $id) {
    id status escrow due providerAmount feeAmount refundAmount ruling jurorAmount resultHash
    node { id reputation payout }
    timeline { kind block timestamp txHash nodeId }
} }";
const REWARDS: &str =
    "query($node: BigInt!) { rewards(where: { nodeId: { _eq: $node } }, first: 1) { nodes { epoch weight } } }";

/// The market and the account of what happens in it.
pub(super) struct Play<'a> {
    pub(super) market: &'a mut Market,
    pub(super) account: &'a Account,
}

impl Play<'_> {
    /// Indexer, keeper and the buyer's store.
    pub(super) async fn programs(&mut self) -> Result<(), Error> {
        self.account.chapter("The programs around it");
        self.account.waiting("starting the indexer");
        self.market.start_indexer().await?;
        self.account.step(&format!("indexer: {}", self.market.graphql()?), None);
        self.account.waiting("starting the keeper");
        let keeper = self.market.start_keeper().await?.url().clone();
        self.account.step(&format!("keeper: {keeper}"), None);
        self.account.waiting("starting the buyer's store");
        let store = self.market.start_store().await?.url().clone();
        self.account.step(&format!("the buyer's store, a trustless gateway: {store}"), None);
        Ok(())
    }

    /// Two machines register, stake and prove their power.
    pub(super) async fn providers(&mut self) -> Result<(), Error> {
        self.account.chapter("Providers join");
        for index in 0..PROVIDERS {
            self.market.add_agent()?;
            self.market.fund_agent(index).await?;
            self.account.waiting(format!("provider {} registers and stakes", index + 1));
            let done = self.market.set_up_agent(index).await?.json()?;
            let node = self.market.agents()[index].node()?;
            for transaction in done["transactions"].as_array().into_iter().flatten() {
                let what = transaction["label"].as_str().unwrap_or("transaction");
                self.account.step(&format!("node {node}: {what}"), transaction["txHash"].as_str());
            }
        }
        for index in 0..PROVIDERS {
            self.market.start_agent(index).await?;
        }
        let graphql = self.graphql()?;
        for index in 0..PROVIDERS {
            let node = self.market.agents()[index].node()?;
            self.account.waiting(format!("node {node} searches for its 64 smallest hashes"));
            let seen = graphql
                .until(
                    &format!("node {node} to become active"),
                    PATIENCE,
                    NODE,
                    json!({ "id": node.to_string() }),
                    |data| (data["node"]["status"] == "ACTIVE").then(|| data["node"].clone()),
                )
                .await?;
            let challenge = &seen["challenges"]["nodes"][0];
            self.account.step(&format!("node {node} received a challenge"), challenge["issuedTx"].as_str());
            let rate = wei(&challenge["hashRate"]).saturating_to::<u64>();
            let power = format_power(wei(&seen["power"]).saturating_to());
            self.account.step(
                &format!(
                    "node {node} solved it: {:.2} MH/s measured, {power} verified: it is active",
                    rate as f64 / 1e6
                ),
                challenge["passedTx"].as_str(),
            );
        }
        for index in 0..PROVIDERS {
            self.market.agent(index)?.ready().await?;
        }
        Ok(())
    }

    /// One job, from the buyer's file to the provider's withdrawal.
    pub(super) async fn job(&mut self, args: &DemoArgs) -> Result<Summary, Error> {
        self.account.chapter("A buyer's job");
        let buyer = self.market.buyer()?;
        // The results outlive the demo: `market` is a folder of this demo alone.
        let results = state_dir().join("results").join(std::process::id().to_string());
        match std::fs::remove_dir_all(&results) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut command: Vec<std::ffi::OsString> = vec![
            "job".into(),
            "run".into(),
            args.job.clone().into(),
            "--follow".into(),
            "--yes".into(),
            "--json".into(),
        ];
        command.extend(["--approve".into(), "auto".into(), "--results".into(), results.into()]);
        if let Some(input) = &args.input {
            command.extend(["--input".into(), std::path::absolute(input)?.into()]);
        }
        let graphql = self.graphql()?;
        let (done, ()) = tokio::try_join!(
            async { Ok::<_, Error>(self.market.aiigo(&buyer, command).await?.json()?) },
            self.tell(&graphql, &buyer),
        )?;
        let task = graphql
            .until("the indexer to see the payment", PATIENCE, TASK, json!({ "id": done["taskId"] }), |data| {
                (data["task"]["status"] == "VERIFIED").then(|| data["task"].clone())
            })
            .await?;
        self.account.chapter("Money and merit");
        let withdrawn = self.after(&graphql, &done, &task).await?;
        let dir = PathBuf::from(done["resultDir"].as_str().ok_or("`aiigo job run` named no resultDir")?);
        let seconds = self.account.seconds();
        Ok(Summary { done, task, dir, withdrawn, ruling: None, graphql: graphql.url().clone(), seconds })
    }

    /// Tells the task's timeline as the indexer sees it, until the task is final.
    async fn tell(&self, graphql: &GraphQl, buyer: &Keys) -> Result<(), Error> {
        let mut told = HashSet::new();
        let variables = json!({ "buyer": buyer.address().to_string().to_lowercase() });
        self.account.waiting("the buyer's client uploads module and input, escrows the payment");
        loop {
            let task = graphql
                .until("the buyer's task", PATIENCE, TASKS_OF, variables.clone(), |data| {
                    let task = &data["tasks"]["nodes"][0];
                    let news = task["timeline"].as_array().map_or(0, Vec::len) > told.len();
                    news.then(|| task.clone())
                })
                .await?;
            for (index, entry) in task["timeline"].as_array().into_iter().flatten().enumerate() {
                if told.insert(index) {
                    if let Some(said) = said(entry) {
                        self.account.step(&said, entry["txHash"].as_str());
                    }
                    if entry["kind"] == "CREATED" {
                        self.ranking(graphql, &task["id"]).await?;
                    }
                    self.account.waiting(next(entry));
                }
            }
            if matches!(task["status"].as_str(), Some("VERIFIED" | "CANCELLED" | "EXPIRED")) {
                return Ok(());
            }
        }
    }

    async fn ranking(&self, graphql: &GraphQl, task: &Value) -> Result<(), Error> {
        let data = graphql.ask(MATCH, json!({ "task": task })).await?;
        for (rank, candidate) in data["match"]["candidates"].as_array().into_iter().flatten().enumerate() {
            let node = &candidate["node"];
            self.account.line(&format!(
                "           eligible #{}: node {}, score {:.3}, {}, reputation {}",
                rank + 1,
                node["id"].as_str().unwrap_or("?"),
                candidate["score"].as_f64().unwrap_or_default(),
                format_power(wei(&node["power"]).saturating_to()),
                node["reputation"],
            ));
        }
        Ok(())
    }

    /// Reputation, reward, and the provider's withdrawal. Returns what it withdrew.
    async fn after(&mut self, graphql: &GraphQl, done: &Value, task: &Value) -> Result<Value, Error> {
        let node = &task["node"];
        let id = node["id"].as_str().unwrap_or_default();
        self.account.step(&format!("{} credited to the provider, 92%", eth(wei(&task["providerAmount"]))), None);
        self.account.step(&format!("{} credited to the treasury, 8%", eth(wei(&task["feeAmount"]))), None);
        let (refund, tips) = (eth(wei(&task["refundAmount"])), eth(wei(&done["tipsReturnedWei"])));
        self.account.step(&format!("{refund} unused escrow back to the buyer, and {tips} unspent tips"), None);
        self.account.step(&format!("node {id}: reputation {}", node["reputation"]), None);
        let rewards = graphql.ask(REWARDS, json!({ "node": id })).await?;
        let reward = &rewards["rewards"]["nodes"][0];
        self.account.step(
            &format!(
                "node {id}: up to {} of base reward accrued in epoch {}",
                aiigo(wei(&reward["weight"])),
                wei(&reward["epoch"])
            ),
            None,
        );
        let index = (0..PROVIDERS)
            .find(|index| self.market.agents()[*index].node().is_ok_and(|node| node.to_string() == id))
            .ok_or("the task was done by a node that is not ours")?;
        let agent = &self.market.agents()[index];
        let arguments = ["withdraw".into(), "--json".into(), "--data-dir".into(), agent.dir.clone().into_os_string()];
        let withdrawn = self.market.desk().run(Program::Agent, Some(&agent.owner), arguments).await?.json()?;
        self.account
            .step(&format!("the provider withdrew {}", eth(wei(&withdrawn["amount"]))), withdrawn["txHash"].as_str());
        Ok(withdrawn)
    }

    pub(super) fn graphql(&self) -> Result<GraphQl, Error> {
        Ok(GraphQl::new(self.market.graphql()?))
    }
}

/// A timeline entry as a sentence; `None` for what goes without saying: the escrow's side of another entry.
fn said(entry: &Value) -> Option<String> {
    let node = entry["nodeId"].as_str().map_or_else(|| "a node".into(), |id| format!("node {id}"));
    Some(match entry["kind"].as_str().unwrap_or_default() {
        "CREATED" => "task created, payment in escrow".into(),
        "ACCEPTED" => format!("{node} opened its sealed commitment and took the task"),
        "RESULT_SUBMITTED" => format!("{node} ran it in the sandbox and submitted the result hash"),
        "VERIFIED" => "the buyer's client checked every byte and approved: paid".into(),
        "TIMED_OUT" => format!("{node} was late and is slashed"),
        "ABANDONED" => format!("{node} gave the task back"),
        "REOPENED" => "the task waits for another provider".into(),
        "CANCELLED" => "the buyer took the task back".into(),
        "EXPIRED" => "nobody took the task".into(),
        _ => return None,
    })
}

/// What comes after a timeline entry.
fn next(entry: &Value) -> &'static str {
    match entry["kind"].as_str().unwrap_or_default() {
        "CREATED" => "providers look at the task; one commits, then accepts",
        "ACCEPTED" => "the provider fetches module and input by CID, runs them, pushes the outputs",
        "RESULT_SUBMITTED" => "the buyer's client downloads and checks the outputs",
        _ => "",
    }
}
