//! One RPC endpoint: connected when it is first needed, and checked to serve the right chain before it is believed.

use std::{
    error::Error,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use alloy::{
    primitives::{ChainId, U64},
    pubsub::PubSubConnect,
    rpc::json_rpc::{Id, Request, RequestPacket, ResponsePacket, RpcError as JsonRpcError},
    transports::{
        BoxTransport, IntoBoxTransport, TransportError, TransportErrorKind,
        http::{Client, Http},
        ws::WsConnect,
    },
};
use tokio::sync::Semaphore;
use tower::Service;
use url::Url;

/// How long an endpoint that failed is left alone while others answer.
const REST: Duration = Duration::from_secs(15);

/// Transactions that an endpoint may owe an answer at a time.
const BROADCASTS: usize = 16;

/// Why an endpoint gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum EndpointError {
    /// It said nothing, or nothing that is JSON-RPC.
    #[error("{endpoint}: {reason}")]
    Silent { endpoint: String, reason: String },
    /// It serves another chain.
    #[error("{endpoint} serves chain {found} instead of {expected}")]
    WrongChain { endpoint: String, found: ChainId, expected: ChainId },
}

impl From<EndpointError> for TransportError {
    fn from(error: EndpointError) -> Self {
        TransportErrorKind::custom(error)
    }
}

/// What is known of an endpoint.
#[derive(Debug, Default)]
struct Link {
    transport: Option<BoxTransport>,
    /// Whether it has shown that it serves the expected chain.
    checked: bool,
}

#[derive(Debug)]
pub(super) struct Endpoint {
    url: Url,
    /// The URL without user, path and query, which may hold a key.
    name: String,
    /// The chain that it must serve, if that is known.
    chain: Option<ChainId>,
    /// If it takes longer than this it counts as silent.
    patience: Duration,
    link: tokio::sync::Mutex<Link>,
    resting_until: Mutex<Option<Instant>>,
    /// Places for transactions that wait for its answer.
    broadcasts: Semaphore,
}

impl Endpoint {
    pub(super) fn new(url: &Url, chain: Option<ChainId>, patience: Duration) -> Self {
        Self {
            url: url.clone(),
            name: public_name(url),
            chain,
            patience,
            link: tokio::sync::Mutex::default(),
            resting_until: Mutex::default(),
            broadcasts: Semaphore::new(BROADCASTS),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it failed a short while ago.
    pub(super) fn is_resting(&self) -> bool {
        self.resting_until.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| Instant::now() < until)
    }

    /// Leaves it alone for a while.
    pub(super) fn rest(&self) {
        *self.resting_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
        metrics::counter!("aiigo_rpc_errors_total", "endpoint" => self.name.clone()).increment(1);
    }

    /// Sends a request, after connecting and checking if that is still to be done.
    pub(super) async fn send(&self, request: RequestPacket) -> Result<ResponsePacket, EndpointError> {
        let mut transport = self.connected().await?;
        let answer = tokio::time::timeout(self.patience, transport.call(request)).await;
        let failed = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => self.silent(&error),
            Err(_) => self.late(),
        };
        if self.is_websocket() {
            // A broken socket does not mend: the next request opens another.
            self.link.lock().await.transport = None;
        }
        Err(failed)
    }

    /// Hands it a transaction. As nobody may wait for the answer, there is a limit to their number and their time.
    pub(super) async fn broadcast(&self, request: RequestPacket) -> Result<ResponsePacket, EndpointError> {
        let Ok(_place) = self.broadcasts.try_acquire() else {
            let reason = format!("no answer to {BROADCASTS} transactions yet");
            return Err(EndpointError::Silent { endpoint: self.name.clone(), reason });
        };
        tokio::time::timeout(self.patience * 2, self.send(request)).await.unwrap_or_else(|_| Err(self.late()))
    }

    /// Connects and checks.
    pub(super) async fn connected(&self) -> Result<BoxTransport, EndpointError> {
        let mut link = self.link.lock().await;
        let mut transport = match &link.transport {
            Some(transport) => transport.clone(),
            None => {
                let opening = tokio::time::timeout(self.patience, self.open()).await.map_err(|_| self.late())?;
                opening.map_err(|error| self.silent(&error))?
            }
        };
        if let (Some(expected), false) = (self.chain, link.checked) {
            let asking =
                tokio::time::timeout(self.patience, chain_id(&mut transport)).await.map_err(|_| self.late())?;
            let found = asking.map_err(|error| self.silent(&error))?;
            if found != expected {
                return Err(EndpointError::WrongChain { endpoint: self.name.clone(), found, expected });
            }
            link.checked = true;
        }
        link.transport = Some(transport.clone());
        Ok(transport)
    }

    async fn open(&self) -> Result<BoxTransport, TransportError> {
        if self.is_websocket() {
            // Reconnecting is done here, so that another endpoint can take over meanwhile.
            let socket = WsConnect::new(self.url.clone()).with_max_retries(0);
            return Ok(socket.into_service().await?.into_box_transport());
        }
        let client =
            Client::builder().connect_timeout(self.patience / 4).build().map_err(TransportErrorKind::custom)?;
        Ok(Http::with_client(client, self.url.clone()).into_box_transport())
    }

    fn is_websocket(&self) -> bool {
        matches!(self.url.scheme(), "ws" | "wss")
    }

    fn late(&self) -> EndpointError {
        let reason = format!("no answer in {} s", self.patience.as_secs_f64());
        EndpointError::Silent { endpoint: self.name.clone(), reason }
    }

    /// With all causes, and without the URL's secrets.
    fn silent(&self, error: &TransportError) -> EndpointError {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !reason.contains(&text) {
                reason = format!("{reason}: {text}");
            }
            cause = error.source();
        }
        EndpointError::Silent { endpoint: self.name.clone(), reason: hide(&self.url, &reason) }
    }
}

/// Takes what may be a key out of a text: user, path and query of the URL, however much of it the text quotes.
fn hide(url: &Url, text: &str) -> String {
    let mut bare = url.clone();
    // Fails for URLs without a host, which have neither.
    let _ = (bare.set_username(""), bare.set_password(None));
    let name = public_name(url);
    let mut text = text.replace(url.as_str(), &name).replace(bare.as_str(), &name);
    let parts = [url.path().trim_matches('/'), url.query().unwrap_or_default(), url.password().unwrap_or_default()];
    for part in parts.into_iter().filter(|part| part.len() > 3) {
        text = text.replace(part, "…");
    }
    text
}

async fn chain_id(transport: &mut BoxTransport) -> Result<ChainId, TransportError> {
    let request = Request::new("eth_chainId", Id::Number(0), ()).serialize().map_err(JsonRpcError::SerError)?;
    let answer = transport.call(RequestPacket::Single(request)).await?;
    let answer = answer.first_payload().and_then(|payload| payload.try_success_as::<U64>());
    match answer {
        Some(Ok(id)) => Ok(id.to()),
        _ => Err(TransportErrorKind::custom_str("it does not say which chain it serves: is it an RPC endpoint?")),
    }
}

/// `https://host:port`.
pub(crate) fn public_name(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_error_does_not_tell_the_key_in_the_url() {
        let url: Url = "http://user:word@127.0.0.1:1/v2/secret?key=secret".parse().expect("a URL");
        let error = Endpoint::new(&url, Some(1), Duration::from_secs(20))
            .connected()
            .await
            .expect_err("nobody listens there")
            .to_string();
        assert!(error.starts_with("http://127.0.0.1:1: "), "{error}");
        assert!(!error.contains("secret") && !error.contains("word"), "{error}");
    }
}
