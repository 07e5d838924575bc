//! Several endpoints as one transport.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use alloy::{
    rpc::json_rpc::{RequestPacket, ResponsePacket},
    transports::{BoxTransport, IntoBoxTransport, TransportError, TransportErrorKind, TransportFut, http::Http},
};
use tower::Service;
use url::Url;

/// An endpoint that takes longer than this counts as silent.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends every request to the endpoint that answered last; one that does not answer is left for the next. An answer that
/// is a JSON-RPC error is an answer: it goes to the caller.
#[derive(Clone, Debug)]
pub(super) struct Failover {
    endpoints: Arc<[Endpoint]>,
    current: Arc<AtomicUsize>,
}

#[derive(Clone, Debug)]
struct Endpoint {
    /// Without path and query, which may hold an API key.
    name: String,
    transport: BoxTransport,
}

impl Failover {
    pub(super) fn new(urls: &[Url]) -> Self {
        let client = reqwest_client();
        let endpoints = urls
            .iter()
            .map(|url| Endpoint {
                name: url.host_str().unwrap_or_default().to_owned(),
                transport: Http::with_client(client.clone(), url.clone()).into_box_transport(),
            })
            .collect();
        Self { endpoints, current: Arc::default() }
    }

    async fn send(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let first = self.current.load(Ordering::Relaxed);
        let count = self.endpoints.len();
        let mut failure = TransportErrorKind::backend_gone();
        for position in (first..first + count).map(|position| position % count) {
            let endpoint = &self.endpoints[position];
            let answer = tokio::time::timeout(TIMEOUT, endpoint.transport.clone().call(request.clone())).await;
            match answer {
                Ok(Ok(answer)) => {
                    if position != first {
                        tracing::warn!(endpoint = endpoint.name, "changed to another RPC endpoint");
                        metrics::counter!("aiigo_rpc_failovers_total").increment(1);
                        self.current.store(position, Ordering::Relaxed);
                    }
                    return Ok(answer);
                }
                Ok(Err(error)) => failure = error,
                Err(_) => {
                    let text = format!("no answer in {} s", TIMEOUT.as_secs());
                    failure = TransportErrorKind::custom_str(&text);
                }
            }
            metrics::counter!("aiigo_rpc_errors_total", "endpoint" => endpoint.name.clone()).increment(1);
            tracing::debug!(endpoint = endpoint.name, error = %failure, "RPC endpoint failed");
        }
        Err(failure)
    }
}

fn reqwest_client() -> alloy::transports::http::Client {
    alloy::transports::http::Client::new()
}

impl Service<RequestPacket> for Failover {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}
