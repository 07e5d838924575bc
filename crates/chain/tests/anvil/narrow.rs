//! A real endpoint that refuses logs of more than three blocks at a time, as public ones refuse many.

use std::task::{Context, Poll};

use alloy::{
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::{
        client::RpcClient,
        json_rpc::{ErrorPayload, RequestPacket, Response, ResponsePacket, ResponsePayload, SerializedRequest},
        types::Filter,
    },
    transports::{
        BoxTransport, IntoBoxTransport, TransportError, TransportFut,
        http::{Client, Http},
    },
};
use tower::Service;
use url::Url;

/// The most blocks that it gives logs of.
const WIDEST: u64 = 3;

pub(crate) fn endpoint(url: &Url) -> DynProvider {
    let narrow = Narrow { endpoint: Http::with_client(Client::new(), url.clone()).into_box_transport() };
    let client = RpcClient::new(narrow, true);
    ProviderBuilder::new().disable_recommended_fillers().connect_client(client).erased()
}

#[derive(Clone, Debug)]
struct Narrow {
    endpoint: BoxTransport,
}

fn is_wide(request: &SerializedRequest) -> Option<bool> {
    let (filter,): (Filter,) = serde_json::from_str(request.params()?.get()).ok()?;
    Some(filter.get_to_block()? - filter.get_from_block()? >= WIDEST)
}

fn refuse(request: &SerializedRequest) -> Response {
    let message = "query returned more than 10000 results".into();
    let payload = ResponsePayload::Failure(ErrorPayload { code: -32005, message, data: None });
    Response { id: request.id().clone(), payload }
}

impl Service<RequestPacket> for Narrow {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        let logs = request.requests().iter().find(|request| request.method() == "eth_getLogs");
        if logs.and_then(is_wide) != Some(true) {
            return self.endpoint.call(request);
        }
        let refusal = match &request {
            RequestPacket::Single(single) => ResponsePacket::Single(refuse(single)),
            RequestPacket::Batch(batch) => ResponsePacket::Batch(batch.iter().map(refuse).collect()),
        };
        Box::pin(async move { Ok(refusal) })
    }
}
