//! GraphQL over HTTP (<https://graphql.github.io/graphql-over-http/draft/>): which requests are understood, and which
//! status and media type an answer has.

use std::time::Instant;

use async_graphql::{Request, Response as Answer, Variables};
use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde::Deserialize;

use super::graphiql;
use crate::graphql::Api;

/// The media type with statuses that mean something.
const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

/// The older media type, whose well-formed requests are always answered with 200.
const JSON: &str = "application/json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<serde_json::Value>,
    // Told apart from unknown members, and ignored as the specification allows.
    #[serde(rename = "extensions")]
    _extensions: Option<serde_json::Value>,
}

/// Answers whatever comes to `/graphql`.
pub(super) async fn serve(
    State(api): State<Api>,
    method: Method,
    headers: HeaderMap,
    RawQuery(raw_query): RawQuery,
    body: Bytes,
) -> Response {
    let raw_query = raw_query.unwrap_or_default();
    let Some(media_type) = negotiate(&headers) else {
        return if method == Method::GET && accepts_html(&headers) {
            Html(graphiql::page()).into_response()
        } else {
            let message = format!("this endpoint answers in {GRAPHQL_RESPONSE} or {JSON}");
            refuse(StatusCode::NOT_ACCEPTABLE, JSON, message)
        };
    };
    let parameters = match method {
        Method::GET if raw_query.is_empty() && accepts_html(&headers) => {
            return Html(graphiql::page()).into_response();
        }
        Method::GET => from_query(&raw_query),
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
    let request = match parameters.and_then(request) {
        Ok(request) => request,
        Err(message) => return refuse(StatusCode::BAD_REQUEST, media_type, message),
    };
    let started = Instant::now();
    let answer = api.execute(request).await;
    let outcome = if answer.errors.is_empty() { "ok" } else { "error" };
    metrics::histogram!("aiigo_indexer_query_seconds", "outcome" => outcome).record(started.elapsed().as_secs_f64());
    respond(&answer, media_type)
}

fn request(parameters: Parameters) -> Result<Request, String> {
    let query = parameters.query.ok_or("the request has no `query`")?;
    let mut request = Request::new(query);
    request.operation_name = parameters.operation_name;
    request.variables = match parameters.variables {
        None | Some(serde_json::Value::Null) => Variables::default(),
        Some(variables @ serde_json::Value::Object(_)) => Variables::from_json(variables),
        Some(_) => return Err("`variables` is not an object".to_owned()),
    };
    Ok(request)
}

fn from_query(raw: &str) -> Result<Parameters, String> {
    let mut parameters = Parameters { query: None, operation_name: None, variables: None, _extensions: None };
    for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
        match &*name {
            "query" => parameters.query = Some(value.into_owned()),
            "operationName" if !value.is_empty() => parameters.operation_name = Some(value.into_owned()),
            "variables" if !value.is_empty() => {
                let parsed = serde_json::from_str(&value);
                parameters.variables = Some(parsed.map_err(|error| format!("`variables` is not JSON: {error}"))?);
            }
            _ => {}
        }
    }
    Ok(parameters)
}

fn respond(answer: &Answer, media_type: &'static str) -> Response {
    // A request that was never executed has no data: it was refused as a whole.
    let refused = !answer.errors.is_empty() && answer.data == async_graphql::Value::Null && before_execution(answer);
    let status = if refused && media_type == GRAPHQL_RESPONSE { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    match serde_json::to_vec(answer) {
        Ok(body) => (status, [(header::CONTENT_TYPE, media_type)], body).into_response(),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, media_type, error.to_string()),
    }
}

/// Errors of execution name the field that failed.
fn before_execution(answer: &Answer) -> bool {
    answer.errors.iter().all(|error| error.path.is_empty())
}

fn refuse(status: StatusCode, media_type: &'static str, message: String) -> Response {
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
