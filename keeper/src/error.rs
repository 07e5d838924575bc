//! Why the keeper can't start or go on.

use std::error::Error;

use crate::code::Code;

/// An error that ends the keeper, with its stable code.
#[derive(Debug, thiserror::Error)]
#[error("{code} {what}")]
pub struct KeeperError {
    /// The code to search for.
    pub code: Code,
    what: String,
    source: Box<dyn Error + Send + Sync>,
}

impl KeeperError {
    /// For `map_err`: what failed, because of what.
    pub(crate) fn because<E>(code: Code, what: impl Into<String>) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let what = what.into();
        move |source| Self { code, what, source: source.into() }
    }
}
