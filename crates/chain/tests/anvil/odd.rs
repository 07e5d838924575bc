//! A real endpoint that answers some questions oddly.

use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use alloy::{
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::{
        client::RpcClient,
        json_rpc::{RequestPacket, Response, ResponsePacket, ResponsePayload},
    },
    transports::{
        BoxTransport, IntoBoxTransport, TransportError, TransportErrorKind, TransportFut,
        http::{Client, Http},
    },
};
use tower::Service;
use url::Url;

/// What it does with a question.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Oddity {
    /// Answers with what is no such thing.
    Nonsense,
    /// Breaks off.
    Silence,
}

/// Sets which questions are answered how: those that contain the text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oddities(Arc<Mutex<Option<(String, Oddity)>>>);

impl Oddities {
    pub(crate) fn set(&self, text: impl Into<String>, oddity: Oddity) {
        *self.0.lock().unwrap() = Some((text.into(), oddity));
    }

    pub(crate) fn clear(&self) {
        *self.0.lock().unwrap() = None;
    }

    fn of(&self, question: &str) -> Option<Oddity> {
        self.0.lock().unwrap().as_ref().filter(|(text, _)| question.contains(text)).map(|(_, oddity)| *oddity)
    }
}

pub(crate) fn endpoint(url: &Url) -> (DynProvider, Oddities) {
    let oddities = Oddities::default();
    let endpoint = Http::with_client(Client::new(), url.clone()).into_box_transport();
    let client = RpcClient::new(Odd { endpoint, oddities: oddities.clone() }, true);
    (ProviderBuilder::new().disable_recommended_fillers().connect_client(client).erased(), oddities)
}

#[derive(Clone, Debug)]
struct Odd {
    endpoint: BoxTransport,
    oddities: Oddities,
}

impl Service<RequestPacket> for Odd {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        let RequestPacket::Single(single) = &request else { return self.endpoint.call(request) };
        let question = single.serialized().get();
        let answer = match self.oddities.of(question) {
            None => return self.endpoint.call(request),
            Some(Oddity::Silence) => Err(TransportErrorKind::custom_str("the connection broke off")),
            Some(Oddity::Nonsense) => {
                let nonsense = serde_json::value::to_raw_value("nonsense").unwrap();
                let response = Response { id: single.id().clone(), payload: ResponsePayload::Success(nonsense) };
                Ok(ResponsePacket::Single(response))
            }
        };
        Box::pin(async move { answer })
    }
}
