//! The doors of a buyer's gateway, which a test may shut.

use std::sync::Arc;

use aiigo_storage::{DirStore, GatewayUrl, PushAuthorizer, PushDenied, PushGrant, gateway_router};
use alloy::primitives::Address;
use async_trait::async_trait;
use axum::{extract::Request, http::StatusCode, middleware, response::IntoResponse};
use tokio::sync::watch;

/// What a gateway does with those who come.
#[derive(Clone, Debug)]
pub(crate) struct Doors {
    deliveries: watch::Sender<bool>,
    everything: watch::Sender<bool>,
}

impl Default for Doors {
    fn default() -> Self {
        Self { deliveries: watch::Sender::new(true), everything: watch::Sender::new(true) }
    }
}

impl Doors {
    /// Lets deliveries in, or lets them wait outside.
    pub(crate) fn let_deliveries_in(&self, open: bool) {
        self.deliveries.send_replace(open);
    }

    /// Answers, or is out of order.
    pub(crate) fn answer(&self, open: bool) {
        self.everything.send_replace(open);
    }

    /// Serves a store behind these doors.
    pub(crate) async fn serve(&self, store: DirStore, authorizer: impl PushAuthorizer + 'static) -> GatewayUrl {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = socket.local_addr().expect("an address");
        let doorman = Doorman { doors: self.clone(), authorizer };
        let everything = self.everything.clone();
        let layer = middleware::from_fn(move |request: Request, next: middleware::Next| {
            let open = *everything.borrow();
            async move {
                match open {
                    true => next.run(request).await,
                    false => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                }
            }
        });
        let router = gateway_router(store, Arc::new(doorman)).layer(layer);
        tokio::spawn(async move { axum::serve(socket, router).await });
        format!("http://{address}").parse().expect("an address")
    }
}

/// Asks who comes once the door is open.
struct Doorman<A> {
    doors: Doors,
    authorizer: A,
}

#[async_trait]
impl<A: PushAuthorizer> PushAuthorizer for Doorman<A> {
    async fn authorize(&self, grant: &PushGrant, signer: Address) -> Result<u64, PushDenied> {
        let mut deliveries = self.doors.deliveries.subscribe();
        // The doors stand as long as the gateway.
        let _ = deliveries.wait_for(|open| *open).await;
        self.authorizer.authorize(grant, signer).await
    }
}
