//! Queries and subscriptions over WebSocket, by the protocol graphql-transport-ws
//! (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>).

use std::{pin::Pin, time::Duration};

use async_graphql::{Response as Answer, ServerError};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_stream::StreamMap;

use super::{Server, before_execution, limits::Client, request::Parameters, subscribers::Subscriber};

/// The subprotocol.
pub(super) const PROTOCOL: &str = "graphql-transport-ws";

/// How long a client may take to begin.
const INIT_TIME: Duration = Duration::from_secs(3);

/// A client is asked so often whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(12);

/// Operations of one connection at the same time.
const MAX_OPERATIONS: usize = 64;

/// What clients send.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ClientMessage {
    ConnectionInit {
        #[serde(default, rename = "payload")]
        _payload: Option<Map<String, Value>>,
    },
    Ping {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    Pong {
        #[serde(default, rename = "payload")]
        _payload: Option<Map<String, Value>>,
    },
    Subscribe {
        id: String,
        payload: Parameters,
    },
    Complete {
        id: String,
    },
}

/// A step of an operation.
enum Step {
    Answer(Box<Answer>),
    Done,
}

/// Why a connection ends.
enum End {
    /// The client said that it leaves.
    Left,
    /// The client is gone, or does not read.
    Gone,
    /// The protocol's code and words for it.
    Close(u16, String),
}

impl End {
    fn close(code: u16, reason: &str) -> Self {
        // A close frame holds 123 bytes.
        Self::Close(code, reason.chars().take(100).collect())
    }
}

/// One client.
struct Connection {
    socket: WebSocket,
    server: Server,
    client: Client,
    subscriber: Subscriber,
    operations: StreamMap<String, Pin<Box<dyn Stream<Item = Step> + Send>>>,
    acknowledged: bool,
    /// Whether anything came since the client was last asked.
    alive: bool,
    keep_alive: Interval,
}

/// Serves a client until one of the two ends it.
pub(super) async fn serve(socket: WebSocket, server: Server, client: Client) {
    let mut keep_alive = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    // After a message that took long to send the client has its whole time again.
    keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let accepted = socket.protocol().is_some_and(|protocol| protocol == PROTOCOL);
    let mut connection = Connection {
        subscriber: server.subscriber("websocket"),
        socket,
        server,
        client,
        operations: StreamMap::new(),
        acknowledged: false,
        alive: true,
        keep_alive,
    };
    let end = match accepted {
        true => connection.talk().await,
        false => End::close(4406, "Subprotocol not acceptable"),
    };
    let Connection { mut socket, subscriber, .. } = connection;
    let said = match end {
        End::Gone => return,
        End::Left => Some(()),
        End::Close(code, reason) => {
            let frame = CloseFrame { code, reason: reason.into() };
            subscriber.in_time(socket.send(Message::Close(Some(frame)))).await
        }
    };
    if said.is_some() {
        // The closing handshake: each side answers the other's frame.
        let rest = async { while let Some(Ok(_)) = socket.recv().await {} };
        let _ = tokio::time::timeout(INIT_TIME, rest).await;
    }
}

impl Connection {
    async fn talk(&mut self) -> End {
        let started = Instant::now();
        let closing = self.server.closing.clone();
        loop {
            // In this order: what the client sent is read before it is taken for dead, however much it is told.
            let next = tokio::select! {
                biased;
                () = closing.cancelled() => Err(End::close(1001, "the indexer is stopping")),
                () = tokio::time::sleep_until(started + INIT_TIME), if !self.acknowledged => {
                    Err(End::close(4408, "Connection initialisation timeout"))
                }
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => {
                        self.alive = true;
                        self.receive(message).await
                    }
                    Some(Err(_)) | None => Err(End::Gone),
                },
                _ = self.keep_alive.tick() => match std::mem::replace(&mut self.alive, false) {
                    true => self.send(Message::Ping(Vec::new().into())).await,
                    false => Err(End::Gone),
                },
                Some((id, step)) = self.operations.next() => self.advance(id, step).await,
            };
            if let Err(end) = next {
                return end;
            }
        }
    }

    async fn receive(&mut self, message: Message) -> Result<(), End> {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => return Err(End::close(4400, "Invalid message: not a text")),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(End::Left),
        };
        let message = serde_json::from_str(&text);
        match message.map_err(|error| End::close(4400, &format!("Invalid message: {error}")))? {
            ClientMessage::ConnectionInit { .. } => {
                if std::mem::replace(&mut self.acknowledged, true) {
                    return Err(End::close(4429, "Too many initialisation requests"));
                }
                self.tell(&json!({ "type": "connection_ack" })).await
            }
            ClientMessage::Ping { payload } => {
                let mut pong = json!({ "type": "pong" });
                if let Some(payload) = payload {
                    pong["payload"] = Value::Object(payload);
                }
                self.tell(&pong).await
            }
            ClientMessage::Pong { .. } => Ok(()),
            ClientMessage::Subscribe { .. } if !self.acknowledged => Err(End::close(4401, "Unauthorized")),
            ClientMessage::Subscribe { id, .. } if self.operations.contains_key(&id) => {
                Err(End::close(4409, &format!("Subscriber for {id} already exists")))
            }
            ClientMessage::Subscribe { id, payload } => self.subscribe(id, payload).await,
            ClientMessage::Complete { id } => {
                self.operations.remove(&id);
                Ok(())
            }
        }
    }

    async fn subscribe(&mut self, id: String, payload: Parameters) -> Result<(), End> {
        let request = match payload.request() {
            Ok(request) => request,
            Err(message) => return Err(End::close(4400, &format!("Invalid message: {message}"))),
        };
        if self.operations.len() >= MAX_OPERATIONS {
            let message = format!("at most {MAX_OPERATIONS} operations run at the same time on one connection");
            return self.refuse(&id, &[ServerError::new(message, None)]).await;
        }
        if let Err(wait) = self.server.limits.admit(self.client) {
            let message = format!("too many requests: the next one in {} s", wait.as_secs() + 1);
            return self.refuse(&id, &[ServerError::new(message, None)]).await;
        }
        let answers = self.server.api.stream(request).map(|answer| Step::Answer(Box::new(answer)));
        self.operations.insert(id, Box::pin(answers.chain(stream::iter([Step::Done]))));
        Ok(())
    }

    async fn advance(&mut self, id: String, step: Step) -> Result<(), End> {
        match step {
            Step::Answer(answer) if before_execution(&answer) => {
                self.operations.remove(&id);
                self.refuse(&id, &answer.errors).await
            }
            Step::Answer(answer) => self.tell(&json!({ "id": id, "type": "next", "payload": answer })).await,
            Step::Done => {
                self.operations.remove(&id);
                self.tell(&json!({ "id": id, "type": "complete" })).await
            }
        }
    }

    async fn refuse(&mut self, id: &str, errors: &[ServerError]) -> Result<(), End> {
        self.tell(&json!({ "id": id, "type": "error", "payload": errors })).await
    }

    async fn tell(&mut self, message: &Value) -> Result<(), End> {
        self.send(Message::Text(message.to_string().into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        self.subscriber.in_time(self.socket.send(message)).await.ok_or(End::Gone)
    }
}
