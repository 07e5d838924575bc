//! A real endpoint behind a line that fails in chosen ways.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use alloy::{
    primitives::keccak256,
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::{
        client::RpcClient,
        json_rpc::{ErrorPayload, RequestPacket, Response, ResponsePacket, ResponsePayload},
    },
    transports::{
        BoxTransport, IntoBoxTransport, TransportError, TransportErrorKind, TransportFut,
        http::{Client, Http},
    },
};
use tower::Service;
use url::Url;

/// What goes wrong on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fault {
    /// Transactions never reach the chain, and nobody answers to them.
    SendsAreLost = 1,
    /// Transactions reach the chain, but the answer is lost.
    AnswersToSendsAreLost,
    /// Every eighth request fails, on average, in no pattern that a caller could fall in step with.
    ManyFail,
    /// Logs are refused for more than three blocks at a time.
    WideRangesAreRefused,
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    fault: Arc<AtomicU8>,
    requests: Arc<AtomicU64>,
    endpoint: BoxTransport,
}

impl Line {
    pub(crate) fn to(url: &Url) -> Self {
        let endpoint = Http::with_client(Client::new(), url.clone()).into_box_transport();
        Self { fault: Arc::default(), requests: Arc::default(), endpoint }
    }

    pub(crate) fn break_by(self, fault: Fault) -> Self {
        self.fault.store(fault as u8, Ordering::SeqCst);
        self
    }

    pub(crate) fn provider(&self) -> DynProvider {
        let client = RpcClient::new(self.clone(), true);
        ProviderBuilder::new().disable_recommended_fillers().connect_client(client).erased()
    }

    async fn send(mut self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let fault = self.fault.load(Ordering::SeqCst);
        let is = |wanted: Fault| fault == wanted as u8;
        let sends = request.method_names().any(|method| method == "eth_sendRawTransaction");
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        if sends && is(Fault::SendsAreLost) {
            return std::future::pending().await;
        }
        if is(Fault::ManyFail) && keccak256(number.to_be_bytes())[0].is_multiple_of(8) {
            return Err(TransportErrorKind::custom_str("the line is down"));
        }
        if is(Fault::WideRangesAreRefused)
            && let Some(refusal) = refuse_wide_range(&request)
        {
            return Ok(refusal);
        }
        let answer = self.endpoint.call(request).await;
        if sends && is(Fault::AnswersToSendsAreLost) {
            return std::future::pending().await;
        }
        answer
    }
}

fn refuse_wide_range(request: &RequestPacket) -> Option<ResponsePacket> {
    let wide = |request: &alloy::rpc::json_rpc::SerializedRequest| {
        let (filter,): (alloy::rpc::types::Filter,) = serde_json::from_str(request.params()?.get()).ok()?;
        Some(filter.get_to_block()? - filter.get_from_block()? >= 3)
    };
    let logs = request.requests().iter().find(|request| request.method() == "eth_getLogs")?;
    if wide(logs) != Some(true) {
        return None;
    }
    let refuse = |request: &alloy::rpc::json_rpc::SerializedRequest| Response {
        id: request.id().clone(),
        payload: ResponsePayload::Failure(ErrorPayload {
            code: -32005,
            message: "query returned more than 10000 results".into(),
            data: None,
        }),
    };
    Some(match request {
        RequestPacket::Single(single) => ResponsePacket::Single(refuse(single)),
        RequestPacket::Batch(batch) => ResponsePacket::Batch(batch.iter().map(refuse).collect()),
    })
}

impl Service<RequestPacket> for Line {
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
