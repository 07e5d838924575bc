//! Several endpoints as one transport.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use alloy::{
    primitives::{Bytes, keccak256},
    rpc::json_rpc::{RequestPacket, Response, ResponsePacket, ResponsePayload, SerializedRequest},
    transports::{TransportError, TransportErrorKind, TransportFut},
};
use futures::{StreamExt, stream::FuturesUnordered};
use tower::Service;

use super::{
    endpoint::{Endpoint, EndpointError},
    known::is_already_known,
};

/// Sends a request to the first endpoint, in the order given, that has not failed lately; one that does not answer or
/// limits the rate is left for the next. Any other answer goes to the caller, also if it is a JSON-RPC error: the
/// endpoints are not asked to agree. A signed transaction goes to all of them.
#[derive(Clone, Debug)]
pub(super) struct Failover {
    endpoints: Arc<[Arc<Endpoint>]>,
    /// The one that answered last.
    current: Arc<AtomicUsize>,
}

impl Failover {
    pub(super) fn new(endpoints: impl IntoIterator<Item = Endpoint>) -> Self {
        Self { endpoints: endpoints.into_iter().map(Arc::new).collect(), current: Arc::default() }
    }

    pub(super) fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.endpoints
    }

    async fn send(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        match &request {
            RequestPacket::Single(single) if single.method() == "eth_sendRawTransaction" => {
                self.broadcast(single.clone()).await
            }
            _ => self.ask(request).await,
        }
    }

    async fn ask(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let (rested, resting): (Vec<_>, Vec<_>) =
            self.endpoints.iter().enumerate().partition(|(_, endpoint)| !endpoint.is_resting());
        let mut failure = Err(TransportErrorKind::custom_str("there is no RPC endpoint"));
        for (position, endpoint) in rested.into_iter().chain(resting) {
            match endpoint.send(request.clone()).await {
                // Asking less often is not the caller's business while another endpoint is idle.
                Ok(answer) if is_rate_limit(&answer) => failure = Ok(answer),
                Ok(answer) => {
                    if self.current.swap(position, Ordering::Relaxed) != position {
                        tracing::warn!(endpoint = endpoint.name(), "changed to another RPC endpoint");
                    }
                    return Ok(answer);
                }
                Err(error) => failure = Err(give_up(error)),
            }
            endpoint.rest();
        }
        failure
    }

    /// Hands a signed transaction to every endpoint: one that answers well may still keep it to itself. That it is
    /// known already is a success.
    async fn broadcast(self, request: SerializedRequest) -> Result<ResponsePacket, TransportError> {
        let mut answers: FuturesUnordered<_> = self
            .endpoints
            .iter()
            .cloned()
            .map(|endpoint| {
                let request = RequestPacket::Single(request.clone());
                // A task of its own: the first success does not take the transaction from the others.
                tokio::spawn(async move {
                    let answer = endpoint.broadcast(request).await;
                    if answer.is_err() {
                        endpoint.rest();
                    }
                    answer
                })
            })
            .collect();
        let mut failure = Err(TransportErrorKind::custom_str("there is no RPC endpoint"));
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(Ok(answer)) => match answer.first_error_message() {
                    None => return Ok(answer),
                    Some(message) if is_already_known(message) => return Ok(accepted(&request).unwrap_or(answer)),
                    // A refusal says more than silence.
                    Some(_) => failure = Ok(answer),
                },
                Ok(Err(error)) if failure.is_err() => failure = Err(give_up(error)),
                Ok(Err(_)) => {}
                Err(error) => tracing::error!(%error, "a broadcast was cut off"),
            }
        }
        failure
    }
}

fn give_up(error: EndpointError) -> TransportError {
    tracing::debug!(%error, "RPC endpoint failed");
    error.into()
}

fn is_rate_limit(answer: &ResponsePacket) -> bool {
    answer
        .iter_errors()
        .any(|error| error.code != -32005 && error.is_retry_err() && error.message != "header not found")
}

/// The answer to a transaction that was accepted before: its hash.
fn accepted(request: &SerializedRequest) -> Option<ResponsePacket> {
    let params: Vec<Cow<'_, str>> = serde_json::from_str(request.params()?.get()).ok()?;
    let raw: Bytes = params.first()?.parse().ok()?;
    let hash = serde_json::value::to_raw_value(&keccak256(raw)).ok()?;
    let response = Response { id: request.id().clone(), payload: ResponsePayload::Success(hash) };
    Some(ResponsePacket::Single(response))
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
