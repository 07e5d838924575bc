//! What one request may ask for.

use std::sync::Arc;

use async_graphql::{
    ErrorExtensionValues, Positioned, ServerError, ServerResult, ValidationResult, Variables,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextParseQuery, NextValidation},
    parser::types::{ExecutableDocument, OperationType, Selection},
};

/// Fields within fields. The introspection of tools is 15 deep.
pub const MAX_DEPTH: usize = 18;

/// Fields in the answer at most, where a page counts as many times as it may have rows. A page of 200 rows of 40 fields
/// with two nested objects fits.
pub const MAX_COST: usize = 25_000;

/// Selection sets and fragments within one another, before anything is resolved.
pub(super) const MAX_NESTING: usize = 32;

/// Directives on one field.
pub(super) const MAX_DIRECTIVES: usize = 10;

/// Brackets within brackets in the text of a query: the parser recurses on lists and objects in arguments.
const MAX_BRACKETS: usize = 64;

/// Refuses what is too deep or too costly, and says by how much.
pub(super) struct Limits;

impl ExtensionFactory for Limits {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for Limits {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(ctx, query, variables).await?;
        let subscriptions = document.operations.iter().filter(|(_, one)| one.node.ty == OperationType::Subscription);
        for (_, subscription) in subscriptions {
            // A fragment could hide more of them.
            let [Positioned { node: Selection::Field(_), .. }] = subscription.node.selection_set.node.items.as_slice()
            else {
                let message = "a subscription asks for exactly one field, and not by a fragment".to_owned();
                return Err(refusal(message, "BAD_INPUT"));
            };
        }
        Ok(document)
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await?;
        if result.depth > MAX_DEPTH {
            let message = format!(
                "the query is {} fields deep; at most {MAX_DEPTH} are allowed: ask for what lies deeper by its id in a \
                 second query",
                result.depth
            );
            return Err(vec![refusal(message, "TOO_DEEP")]);
        }
        if result.complexity > MAX_COST {
            let message = format!(
                "the query asks for up to {} fields; at most {MAX_COST} are allowed: ask for smaller pages (`first`), \
                 above all of lists inside lists, or for fewer fields",
                result.complexity
            );
            return Err(vec![refusal(message, "TOO_COSTLY")]);
        }
        Ok(result)
    }
}

fn refusal(message: String, code: &str) -> ServerError {
    let mut error = ServerError::new(message, None);
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code);
    error
}

/// Refuses a text that would drive the parser too deep, before it is parsed.
pub(super) fn check_brackets(query: &str) -> ServerResult<()> {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    for byte in query.bytes() {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    if deepest > MAX_BRACKETS {
        let message = format!("the query has brackets {deepest} deep; at most {MAX_BRACKETS} are allowed");
        return Err(refusal(message, "TOO_DEEP"));
    }
    Ok(())
}
