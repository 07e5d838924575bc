//! A bad line to a chain: an HTTP server that hands JSON-RPC requests on, and fails in chosen ways.

mod fault;
mod http;
mod lie;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use alloy::primitives::{Bytes, keccak256};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use url::Url;

use self::{
    fault::Dice,
    http::{Connection, Reply},
};
pub use self::{
    fault::{Fault, Faults},
    lie::Lie,
};

/// The method that sends a signed transaction.
const SEND: &str = "eth_sendRawTransaction";
/// What nodes say of a transaction that they do not take.
pub const REFUSALS: [&str; 7] = [
    "already known",
    "nonce too low",
    "replacement transaction underpriced",
    "transaction underpriced",
    "insufficient funds for gas * price + value",
    "txpool is full",
    "internal error",
];
/// How far an endpoint lags at most.
const LAG: Duration = Duration::from_millis(200);
/// The latest that a late answer comes, milliseconds.
const LONGEST_DELAY: u64 = 100;
/// By how many requests one is overtaken at most.
const OVERTAKEN_BY: u64 = 30;

/// A bad line to a chain. Dropping it closes it.
#[derive(Debug)]
pub struct Line {
    url: Url,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    chain: Url,
    client: reqwest::Client,
    seed: u64,
    faults: Mutex<Faults>,
    lie: Mutex<Option<Lie>>,
    /// How many requests came.
    requests: watch::Sender<u64>,
    counts: Mutex<BTreeMap<Fault, u64>>,
    /// The answers of a moment ago.
    recent: Mutex<HashMap<String, (Instant, Value)>>,
    /// Requests that are held back until so many have come.
    held: Mutex<Vec<(u64, Value)>>,
}

impl Line {
    /// Opens a line without faults on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn open(chain: &Url, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?).parse().map_err(io::Error::other)?;
        let client = reqwest::Client::builder().no_proxy().build().map_err(io::Error::other)?;
        let shared = Arc::new(Shared {
            chain: chain.clone(),
            client,
            seed,
            faults: Mutex::default(),
            lie: Mutex::default(),
            requests: watch::Sender::new(0),
            counts: Mutex::default(),
            recent: Mutex::default(),
            held: Mutex::default(),
        });
        let server = tokio::spawn(serve(listener, shared.clone()));
        Ok(Self { url, shared, server })
    }

    /// Where it is reached.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Sets how it fails from now on.
    pub fn fail(&self, faults: Faults) {
        *lock(&self.shared.faults) = faults;
    }

    /// Sets what it says against the truth from now on, if anything.
    pub fn lie(&self, lie: impl Into<Option<Lie>>) {
        *lock(&self.shared.lie) = lie.into();
    }

    /// How many requests came so far; changes with each, before it is handed on.
    pub fn requests(&self) -> watch::Receiver<u64> {
        self.shared.requests.subscribe()
    }

    /// How often it failed in which way.
    pub fn counts(&self) -> BTreeMap<Fault, u64> {
        lock(&self.shared.counts).clone()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, and all connections with it.
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => connections.spawn(converse(stream, shared.clone())),
            Err(error) => return tracing::error!(%error, "a line is down"),
        };
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let mut connection = Connection::new(stream);
    // A client that broke the connection off has no more to ask.
    while let Ok(Some(body)) = connection.request().await {
        let Ok(request) = serde_json::from_slice(&body) else { return };
        if !matches!(connection.reply(shared.answer(request).await).await, Ok(true)) {
            return;
        }
    }
}

impl Shared {
    async fn answer(&self, request: Value) -> Reply {
        let mut number = 0;
        self.requests.send_modify(|requests| {
            *requests += 1;
            number = *requests;
        });
        let dice = Dice { seed: self.seed, number };
        let method = request["method"].as_str().unwrap_or_default();
        let fault = lock(&self.faults).draw(method, dice);
        if let Some(fault) = fault {
            tracing::debug!(number, method, ?fault, "a fault");
            *lock(&self.counts).entry(fault).or_default() += 1;
        }
        let reply = match fault {
            None => self.pass(&request).await,
            Some(fault) => self.fail(fault, &request, dice).await,
        };
        self.release(number).await;
        reply
    }

    async fn fail(&self, fault: Fault, request: &Value, dice: Dice) -> Reply {
        let sends = request["method"] == SEND;
        match fault {
            Fault::LostRequest => Reply::Closed,
            Fault::LostAnswer => {
                self.pass(request).await;
                Reply::Closed
            }
            Fault::TornAnswer => match self.pass(request).await {
                Reply::Answer { body, .. } => Reply::Torn { body },
                other => other,
            },
            Fault::HalfClosed => {
                self.pass(request).await;
                Reply::HalfClosed
            }
            Fault::Silence => Reply::Silence,
            Fault::Delay => {
                let reply = self.pass(request).await;
                tokio::time::sleep(Duration::from_millis(dice.below("delay", LONGEST_DELAY))).await;
                reply
            }
            Fault::Duplicate => {
                self.pass(request).await;
                self.pass(request).await
            }
            Fault::FalseFailure => {
                self.pass(request).await;
                let message = if sends { lock(&self.faults).refusal(dice) } else { "internal error" };
                let error = json!({ "code": -32000, "message": message });
                answer(&json!({ "jsonrpc": "2.0", "id": request["id"], "error": error }))
            }
            Fault::FalseSuccess => match request["params"][0].as_str().and_then(|raw| raw.parse::<Bytes>().ok()) {
                Some(raw) if sends => {
                    answer(&json!({ "jsonrpc": "2.0", "id": request["id"], "result": keccak256(raw) }))
                }
                _ => Reply::Closed,
            },
            Fault::Overtaken => {
                let until = dice.number + 1 + dice.below("overtaken", OVERTAKEN_BY);
                lock(&self.held).push((until, request.clone()));
                status(504)
            }
            Fault::Stale if sends => Reply::Closed,
            Fault::Stale => {
                let recent = lock(&self.recent).get(&question(request)).cloned();
                match recent.filter(|(at, _)| at.elapsed() < LAG) {
                    Some((_, mut old)) => {
                        old["id"] = request["id"].clone();
                        answer(&old)
                    }
                    None => self.pass(request).await,
                }
            }
            Fault::RateLimit => status(429),
            Fault::ServerError => status([500, 502, 503][dice.index("status", 3)]),
        }
    }

    /// Hands a request on.
    async fn pass(&self, request: &Value) -> Reply {
        let lie = *lock(&self.lie);
        let answered = match (lie, request.as_array()) {
            (None, _) => self.ask(request).await,
            (Some(lie), None) => self.deny(lie, request).await,
            (Some(lie), Some(batch)) => self.deny_all(lie, batch).await,
        };
        match answered {
            Ok(value) => {
                if request["method"] != SEND {
                    let mut recent = lock(&self.recent);
                    recent.retain(|_, (at, _)| at.elapsed() < LAG);
                    recent.insert(question(request), (Instant::now(), value.clone()));
                }
                answer(&value)
            }
            Err(error) => {
                tracing::warn!(%error, "the chain behind a line does not answer");
                status(502)
            }
        }
    }

    /// Asks the chain.
    async fn ask(&self, request: &Value) -> reqwest::Result<Value> {
        self.client.post(self.chain.clone()).json(request).send().await?.json().await
    }

    /// Answers against the truth.
    async fn deny(&self, lie: Lie, request: &Value) -> reqwest::Result<Value> {
        let truth = match lie.question(request) {
            Some(question) => self.ask(&question).await?,
            None => Value::Null,
        };
        let latest =
            json!({ "jsonrpc": "2.0", "id": 0, "method": "eth_getBlockByNumber", "params": ["latest", false] });
        let head = match request["method"] == "eth_getTransactionReceipt" {
            true => self.ask(&latest).await?["result"].take(),
            false => Value::Null,
        };
        Ok(lie.answer(request, truth, &head))
    }

    async fn deny_all(&self, lie: Lie, batch: &[Value]) -> reqwest::Result<Value> {
        let mut answers = Vec::with_capacity(batch.len());
        for request in batch {
            answers.push(self.deny(lie, request).await?);
        }
        Ok(Value::Array(answers))
    }

    /// Hands on what was held back for long enough.
    async fn release(&self, number: u64) {
        let due: Vec<Value> = {
            let mut held = lock(&self.held);
            held.extract_if(.., |(until, _)| *until <= number).map(|(_, request)| request).collect()
        };
        for request in due {
            self.pass(&request).await;
        }
    }
}

/// A request without its number.
fn question(request: &Value) -> String {
    format!("{} {}", request["method"], request["params"])
}

fn answer(value: &Value) -> Reply {
    Reply::Answer { status: 200, body: value.to_string().into_bytes() }
}

const fn status(status: u16) -> Reply {
    Reply::Answer { status, body: Vec::new() }
}

/// Nothing that holds these locks can panic in between.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A chain that counts what it is asked.
    async fn chain() -> (Url, Arc<AtomicU64>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address")).parse().expect("a URL");
        let asked = Arc::new(AtomicU64::new(0));
        let count = asked.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let count = count.clone();
                tokio::spawn(async move {
                    let mut connection = Connection::new(stream);
                    while let Ok(Some(body)) = connection.request().await {
                        let request: Value = serde_json::from_slice(&body).expect("JSON");
                        let result = count.fetch_add(1, Ordering::SeqCst) + 1;
                        let reply = answer(&json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }));
                        connection.reply(reply).await.expect("a client");
                    }
                });
            }
        });
        (url, asked)
    }

    async fn ask(line: &Line, method: &str) -> Result<(u16, Value), reqwest::Error> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_millis(500)).build()?;
        let request = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": ["0x00"] });
        let response = client.post(line.url().clone()).json(&request).send().await?;
        let status = response.status().as_u16();
        let body = response.bytes().await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    #[tokio::test]
    async fn every_fault_is_what_it_says() {
        let (url, asked) = chain().await;
        // Whether a transaction gets an answer, and how often it reaches the chain.
        let expected = [
            (Fault::LostRequest, false, 0),
            (Fault::LostAnswer, false, 1),
            (Fault::TornAnswer, false, 1),
            (Fault::HalfClosed, false, 1),
            (Fault::Silence, false, 0),
            (Fault::Delay, true, 1),
            (Fault::Duplicate, true, 2),
            (Fault::FalseFailure, true, 1),
            (Fault::FalseSuccess, true, 0),
            (Fault::Overtaken, true, 0),
            (Fault::Stale, false, 0),
            (Fault::RateLimit, true, 0),
            (Fault::ServerError, true, 0),
        ];
        assert_eq!(expected.map(|(fault, ..)| fault), Fault::ALL);
        for (fault, answers, reaches) in expected {
            let line = Line::open(&url, 1).await.expect("a line");
            line.fail(Faults::always(fault));
            let before = asked.load(Ordering::SeqCst);
            let answer = ask(&line, SEND).await;
            assert_eq!(answer.is_ok(), answers, "{fault:?}: {answer:?}");
            assert_eq!(asked.load(Ordering::SeqCst) - before, reaches, "{fault:?}");
            assert_eq!(line.counts(), BTreeMap::from([(fault, 1)]));
            if let Ok((status, body)) = answer {
                let failed = status != 200 || body.get("error").is_some();
                assert_eq!(
                    failed,
                    !matches!(fault, Fault::Delay | Fault::Duplicate | Fault::FalseSuccess),
                    "{fault:?}"
                );
            }
        }
    }

    #[tokio::test]
    async fn what_is_overtaken_arrives_after_later_requests() {
        let (url, asked) = chain().await;
        let line = Line::open(&url, 1).await.expect("a line");
        line.fail(Faults::always(Fault::Overtaken));
        assert_eq!(ask(&line, SEND).await.expect("an answer").0, 504);
        line.fail(Faults::none());
        for _ in 0..OVERTAKEN_BY {
            ask(&line, "eth_call").await.expect("an answer");
        }
        assert_eq!(asked.load(Ordering::SeqCst), OVERTAKEN_BY + 1);
    }

    #[tokio::test]
    async fn a_liar_says_so_of_each_question_of_a_batch() {
        let (url, asked) = chain().await;
        let line = Line::open(&url, 1).await.expect("a line");
        line.lie(Lie::Chain(7));
        assert_eq!(ask(&line, "eth_chainId").await.expect("an answer").1["result"], "0x7");
        line.lie(Lie::NoLogs);
        assert_eq!(ask(&line, "eth_getLogs").await.expect("an answer").1["result"], json!([]));
        line.lie(Lie::Receipts);
        let before = asked.load(Ordering::SeqCst);
        let hash = json!(keccak256([0]));
        assert_eq!(ask(&line, SEND).await.expect("an answer").1["result"], hash);
        assert_eq!(asked.load(Ordering::SeqCst), before, "it is not handed on");
        line.lie(Lie::OldHead(3));
        let batch = json!([
            { "jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": [] },
            { "jsonrpc": "2.0", "id": 2, "method": "eth_blockNumber", "params": [] },
        ]);
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answers = client.post(line.url().clone()).json(&batch).send().await.expect("sent");
        let answers: Value = answers.json().await.expect("JSON");
        assert_eq!((&answers[0]["result"], &answers[1]["result"]), (&json!("0x3"), &json!("0x3")));
        line.lie(None);
        assert_ne!(ask(&line, "eth_chainId").await.expect("an answer").1["result"], "0x7");
    }

    #[tokio::test]
    async fn an_endpoint_that_lags_says_what_it_said_before() {
        let (url, _) = chain().await;
        let line = Line::open(&url, 1).await.expect("a line");
        let first = ask(&line, "eth_blockNumber").await.expect("an answer").1;
        line.fail(Faults::always(Fault::Stale));
        assert_eq!(ask(&line, "eth_blockNumber").await.expect("an answer").1, first);
        assert_ne!(ask(&line, "eth_gasPrice").await.expect("an answer").1["result"], first["result"]);
    }
}
