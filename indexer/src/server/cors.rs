//! Which web pages may read the answers.

use axum::http::{HeaderMap, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Which web pages of other origins may read the answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cors {
    /// None.
    #[default]
    SameOrigin,
    /// Those of these origins.
    Origins(Vec<HeaderValue>),
    /// All.
    Any,
}

impl Cors {
    pub(super) fn layer(&self) -> CorsLayer {
        let origins = match self {
            Self::SameOrigin => AllowOrigin::list([]),
            Self::Origins(origins) => AllowOrigin::list(origins.iter().cloned()),
            Self::Any => AllowOrigin::any(),
        };
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST])
            .allow_headers([header::CONTENT_TYPE, header::ACCEPT])
    }

    /// Whether a WebSocket may be opened: browsers leave that to the server. Programs name no origin.
    pub(super) fn allows(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let own = || {
            let host = headers.get(header::HOST)?.to_str().ok()?;
            let origin = origin.to_str().ok()?.split_once("://")?.1;
            Some(origin.eq_ignore_ascii_case(host))
        };
        match self {
            Self::Any => true,
            Self::Origins(origins) if origins.contains(origin) => true,
            Self::SameOrigin | Self::Origins(_) => own().unwrap_or(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_another_origin_opens_no_websocket_unless_it_may() {
        let headers = |origin: &'static str| {
            let pairs = [(header::HOST, "localhost:4350"), (header::ORIGIN, origin)];
            pairs.map(|(name, value)| (name, HeaderValue::from_static(value))).into_iter().collect::<HeaderMap>()
        };
        let dashboard = Cors::Origins(vec![HeaderValue::from_static("https://dashboard.example")]);
        assert!(Cors::SameOrigin.allows(&HeaderMap::new()));
        assert!(Cors::SameOrigin.allows(&headers("http://localhost:4350")));
        assert!(!Cors::SameOrigin.allows(&headers("https://dashboard.example")));
        assert!(!Cors::SameOrigin.allows(&headers("null")));
        assert!(dashboard.allows(&headers("https://dashboard.example")));
        assert!(dashboard.allows(&headers("http://localhost:4350")));
        assert!(!dashboard.allows(&headers("https://other.example")));
        assert!(Cors::Any.allows(&headers("https://other.example")));
    }
}
