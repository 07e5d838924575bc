//! The page that a browser gets.

use async_graphql::http::GraphiQLSource;

/// GraphiQL; the page loads its scripts from unpkg.com.
pub(super) fn page() -> String {
    GraphiQLSource::build().endpoint("/graphql").subscription_endpoint("/graphql").title("AIIGO indexer").finish()
}
