//! GraphQL over HTTP, health and metrics.

use crate::support::{api::Server, chain::Chain, database::Database};
use aiigo_indexer::server::Cors;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const NEW: &str = "application/graphql-response+json";
const OLD: &str = "application/json";

async fn server(cors: Cors) -> (Server, Database) {
    let database = Database::of(&Chain::new()).await;
    (Server::start(database.reader().await, cors).await, database)
}

async fn post(server: &Server, accept: Option<&str>, body: &Value) -> (StatusCode, String, Value) {
    let mut request = server.http.post(server.url("/graphql")).json(body);
    if let Some(accept) = accept {
        request = request.header("accept", accept);
    }
    let response = request.send().await.expect("an answer");
    let media_type = response.headers()["content-type"].to_str().expect("text").to_owned();
    (response.status(), media_type, response.json().await.expect("JSON"))
}

#[tokio::test]
async fn a_query_is_answered_by_post_and_by_get() {
    let (server, _database) = server(Cors::SameOrigin).await;
    let body = json!({
        "query": "query Q($id: BigInt!) { node(id: $id) { id } _meta { chainId } }",
        "operationName": "Q",
        "variables": { "id": "1" },
    });
    let expected = json!({ "data": { "node": null, "_meta": { "chainId": "31337" } } });
    assert_eq!(post(&server, None, &body).await, (StatusCode::OK, OLD.to_owned(), expected.clone()));
    assert_eq!(post(&server, Some(NEW), &body).await, (StatusCode::OK, NEW.to_owned(), expected.clone()));
    let got = server
        .http
        .get(server.url("/graphql"))
        .query(&[("query", "query($id:BigInt!){node(id:$id){id} _meta{chainId}}"), ("variables", "{\"id\":1}")])
        .header("accept", NEW)
        .send()
        .await
        .expect("an answer");
    assert_eq!(got.status(), StatusCode::OK);
    assert_eq!(got.json::<Value>().await.expect("JSON"), expected);
}

#[tokio::test]
async fn the_status_of_a_refused_query_depends_on_the_media_type() {
    let (server, _database) = server(Cors::SameOrigin).await;
    for query in ["{ nothing }", "{", "{ tasks { nodes { id } }"] {
        let (status, media_type, answer) = post(&server, Some(NEW), &json!({ "query": query })).await;
        assert_eq!((status, media_type.as_str()), (StatusCode::BAD_REQUEST, NEW), "{query}");
        assert!(answer["errors"][0]["message"].is_string() && answer.get("data").is_none_or(Value::is_null));
        let (status, media_type, answer) = post(&server, Some(OLD), &json!({ "query": query })).await;
        assert_eq!((status, media_type.as_str()), (StatusCode::OK, OLD), "{query}");
        assert!(answer["errors"][0]["message"].is_string());
    }
    // It was executed: that one field failed is part of the answer.
    let (status, _, answer) = post(&server, Some(NEW), &json!({ "query": "{ task(id: \"0x12\") { id } }" })).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["errors"][0]["path"], json!(["task"]));
}

#[tokio::test]
async fn malformed_requests_get_the_status_that_fits() {
    let (server, _database) = server(Cors::SameOrigin).await;
    let url = server.url("/graphql");
    let send = async |request: reqwest::RequestBuilder| {
        let response = request.send().await.expect("an answer");
        let status = response.status();
        let allow = response.headers().get("allow").map(|value| value.to_str().expect("text").to_owned());
        let body: Value = response.json().await.expect("errors are JSON too");
        assert!(body["errors"][0]["message"].is_string(), "{body}");
        (status, allow)
    };
    let json_body = |body: &'static str| server.http.post(&url).header("content-type", OLD).body(body);
    assert_eq!(send(json_body("{")).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(send(json_body("{}")).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(send(json_body("[{\"query\":\"{__typename}\"}]")).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(send(json_body("{\"query\":\"{__typename}\",\"variables\":[]}")).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(send(server.http.get(&url).header("accept", OLD)).await.0, StatusCode::BAD_REQUEST);
    let text = server.http.post(&url).header("content-type", "text/plain").body("{\"query\":\"{__typename}\"}");
    assert_eq!(send(text).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let picture = server.http.post(&url).header("accept", "image/png").json(&json!({ "query": "{__typename}" }));
    assert_eq!(send(picture).await.0, StatusCode::NOT_ACCEPTABLE);
    let (status, allow) = send(server.http.put(&url)).await;
    assert_eq!((status, allow.as_deref()), (StatusCode::METHOD_NOT_ALLOWED, Some("GET, POST")));
}

#[tokio::test]
async fn a_body_without_end_is_refused() {
    let (server, _database) = server(Cors::SameOrigin).await;
    let body = json!({ "query": format!("# {}\n{{ __typename }}", "x".repeat(300 * 1024)) });
    let response = server.http.post(server.url("/graphql")).json(&body).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_browser_gets_a_page_and_a_program_gets_json() {
    let (server, _database) = server(Cors::SameOrigin).await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let page = server.http.get(server.url("/graphql")).header("accept", browser).send().await.expect("an answer");
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.headers()["content-type"].to_str().expect("text").starts_with("text/html"));
    assert!(page.text().await.expect("a page").to_lowercase().contains("graphiql"));
}

#[tokio::test]
async fn other_origins_read_only_what_they_were_allowed() {
    let allowed = async |cors: Cors| {
        let (server, _database) = server(cors).await;
        let preflight = server
            .http
            .request(Method::OPTIONS, server.url("/graphql"))
            .header("origin", "https://dashboard.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type")
            .send()
            .await
            .expect("an answer");
        preflight.headers().get("access-control-allow-origin").map(|value| value.to_str().expect("text").to_owned())
    };
    let origin = |text: &'static str| Cors::Origins(vec![text.parse().expect("an origin")]);
    assert_eq!(allowed(Cors::SameOrigin).await, None);
    assert_eq!(allowed(origin("https://other.example")).await, None);
    assert_eq!(allowed(origin("https://dashboard.example")).await.as_deref(), Some("https://dashboard.example"));
    assert_eq!(allowed(Cors::Any).await.as_deref(), Some("*"));
}

#[tokio::test]
async fn readiness_follows_the_chain() {
    let (server, _database) = server(Cors::SameOrigin).await;
    let status = async |path: &str| server.http.get(server.url(path)).send().await.expect("an answer").status();
    assert_eq!(status("/healthz").await, StatusCode::OK);
    assert_eq!(status("/readyz").await, StatusCode::SERVICE_UNAVAILABLE);
    server.health.set_ready(true);
    assert_eq!(status("/readyz").await, StatusCode::OK);
    assert_eq!(status("/metrics").await, StatusCode::OK);
}

#[tokio::test]
async fn many_clients_at_once_are_all_answered() {
    let (server, _database) = server(Cors::SameOrigin).await;
    let body = json!({ "query": "{ _meta { indexedBlock } nodes { totalCount } }" });
    let asks = (0..100).map(|_| post(&server, None, &body));
    for (status, _, answer) in futures::future::join_all(asks).await {
        assert_eq!(status, StatusCode::OK);
        assert_eq!(answer["data"]["_meta"]["indexedBlock"], "1");
    }
}
