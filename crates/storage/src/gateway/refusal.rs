//! Answers that say no, in plain text.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::StoreError;

/// A status and what the client should know.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl ToString) -> Self {
        Self { status, message: message.to_string() }
    }

    pub(super) fn bad_request(message: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let status = match &error {
            StoreError::Missing(_) => StatusCode::NOT_FOUND,
            StoreError::Layout(_) | StoreError::Folder { .. } => StatusCode::BAD_REQUEST,
            StoreError::Full { .. } => {
                tracing::warn!(%error, "a push was refused");
                return Self::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "the gateway's store is full; its buyer has to make room",
                );
            }
            StoreError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            // The machine's own troubles, with its paths, are for its log.
            other => {
                tracing::error!(error = %other, "the store failed");
                return Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the gateway's store failed; its log says why");
            }
        };
        Self::new(status, error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, format!("{}\n", self.message)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::CONFLICT) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}
