//! Subscriptions as server-sent events: one request, one stream, as "distinct connections mode" of
//! <https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>.

use std::{convert::Infallible, time::Duration};

use async_graphql::Request;
use axum::response::{
    IntoResponse, Response, Sse,
    sse::{Event, KeepAlive},
};
use futures::{StreamExt, stream};
use tokio::sync::mpsc;

use super::Server;

/// The media type.
pub(super) const EVENT_STREAM: &str = "text/event-stream";

/// A comment is sent so often, so that a connection without events is not taken for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Events that wait for the connection.
const WAITING: usize = 16;

/// Answers with every event of a subscription, or with the one of a query.
pub(super) fn respond(server: &Server, request: Request) -> Response {
    let subscriber = server.subscriber("sse");
    let (sender, receiver) = mpsc::channel(WAITING);
    let answers = server.api.stream(request).map(|answer| Event::default().event("next").json_data(answer));
    let complete = stream::iter([Ok(Event::default().event("complete").data(""))]);
    let events = answers.chain(complete).take_until(server.closing.clone().cancelled_owned());
    tokio::spawn(async move {
        let mut events = std::pin::pin!(events);
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = sender.closed() => None,
            };
            let Some(Ok(event)) = event else { return };
            if subscriber.in_time(sender.send(event)).await.is_none() {
                return;
            }
        }
    });
    let received = stream::unfold(receiver, |mut receiver| async {
        let event = receiver.recv().await?;
        Some((Ok::<_, Infallible>(event), receiver))
    });
    Sse::new(received).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}
