//! Follows the chain into a database and answers questions about it over GraphQL.
fn main() {}
