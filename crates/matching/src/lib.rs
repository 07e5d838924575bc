//! Scoring and ranking of providers: pure functions.
