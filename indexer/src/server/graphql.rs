//! GraphQL over HTTP (<https://graphql.github.io/graphql-over-http/draft/>): which requests are understood, and which
//! status and media type an answer has.

use std::time::Instant;

use async_graphql::Response as Answer;
use axum::{
    body::Bytes,
    extract::{
        RawQuery, State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{Extensions, HeaderMap, Method, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use super::{
    MAX_BODY, Server, before_execution, graphiql,
    request::Parameters,
    sse::{self, EVENT_STREAM},
    websocket,
};

/// The media type with statuses that mean something.
const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

/// The older media type, whose well-formed requests are always answered with 200.
const JSON: &str = "application/json";

/// Answers whatever comes to `/graphql`.
pub(super) async fn serve(
    State(server): State<Server>,
    method: Method,
    headers: HeaderMap,
    extensions: Extensions,
    RawQuery(raw_query): RawQuery,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    body: Bytes,
) -> Response {
    let client = server.limits.client(&headers, &extensions);
    if let Err(wait) = server.limits.admit(client) {
        let seconds = wait.as_secs() + 1;
        let message = format!("too many requests: the next one in {seconds} s");
        let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, JSON, message);
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        return response;
    }
    if let Ok(upgrade) = upgrade {
        if !server.cors.allows(&headers) {
            return refuse(StatusCode::FORBIDDEN, JSON, "pages of this origin may not connect".to_owned());
        }
        let upgrade = upgrade.protocols([websocket::PROTOCOL]).max_message_size(MAX_BODY).max_frame_size(MAX_BODY);
        return upgrade.on_upgrade(move |socket| websocket::serve(socket, server, client));
    }
    let raw_query = raw_query.unwrap_or_default();
    let Some(media_type) = negotiate(&headers) else {
        return if method == Method::GET && accepts_html(&headers) {
            Html(graphiql::page()).into_response()
        } else {
            let message = format!("this endpoint answers in {GRAPHQL_RESPONSE}, {JSON} or {EVENT_STREAM}");
            refuse(StatusCode::NOT_ACCEPTABLE, JSON, message)
        };
    };
    let parameters = match method {
        Method::GET if raw_query.is_empty() && accepts_html(&headers) => {
            return Html(graphiql::page()).into_response();
        }
        Method::GET => Parameters::from_query(&raw_query),
        Method::POST if has_json_body(&headers) => {
            serde_json::from_slice(&body).map_err(|error| format!("the body is not a GraphQL request in JSON: {error}"))
        }
        Method::POST => {
            let message = "send the request as content-type: application/json".to_owned();
            return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, media_type, message);
        }
        _ => {
            let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, media_type, "use GET or POST".to_owned());
            response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, POST"));
            return response;
        }
    };
    let request = match parameters.and_then(Parameters::request) {
        Ok(request) => request,
        Err(message) => return refuse(StatusCode::BAD_REQUEST, media_type, message),
    };
    if media_type == EVENT_STREAM {
        return sse::respond(&server, request);
    }
    let started = Instant::now();
    let answer = server.api.execute(request).await;
    let outcome = if answer.errors.is_empty() { "ok" } else { "error" };
    metrics::histogram!("aiigo_indexer_query_seconds", "outcome" => outcome).record(started.elapsed().as_secs_f64());
    respond(&answer, media_type)
}

fn respond(answer: &Answer, media_type: &'static str) -> Response {
    // A request that was never executed has no data, not even null: it was refused as a whole.
    let refused = before_execution(answer);
    let status = if refused && media_type == GRAPHQL_RESPONSE { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let body = match refused {
        true => serde_json::to_vec(&serde_json::json!({ "errors": answer.errors })),
        false => serde_json::to_vec(answer),
    };
    match body {
        Ok(body) => (status, [(header::CONTENT_TYPE, media_type)], body).into_response(),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, media_type, error.to_string()),
    }
}

fn refuse(status: StatusCode, media_type: &'static str, message: String) -> Response {
    let media_type = if media_type == EVENT_STREAM { JSON } else { media_type };
    let body = serde_json::json!({ "errors": [{ "message": message }] }).to_string();
    (status, [(header::CONTENT_TYPE, media_type)], body).into_response()
}

/// The media type to answer in, or none if the client takes neither.
fn negotiate(headers: &HeaderMap) -> Option<&'static str> {
    let accepted = accepted(headers);
    if accepted.is_empty() {
        return Some(JSON);
    }
    // In the client's order. Who takes anything gets what the most clients understand.
    accepted.iter().find_map(|media_type| match media_type.as_str() {
        JSON | "*/*" | "application/*" => Some(JSON),
        GRAPHQL_RESPONSE => Some(GRAPHQL_RESPONSE),
        EVENT_STREAM => Some(EVENT_STREAM),
        _ => None,
    })
}

fn accepts_html(headers: &HeaderMap) -> bool {
    accepted(headers).iter().any(|media_type| media_type == "text/html")
}

fn accepted(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(essence).filter(|media_type| !media_type.is_empty()).collect()
}

fn has_json_body(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|content_type| essence(content_type) == JSON)
}

/// A media type without its parameters.
fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
