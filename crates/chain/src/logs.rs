//! Searching the chain's logs backwards, as far as needed, in ranges that the endpoint allows.

use alloy::{
    providers::{DynProvider, Provider},
    rpc::types::{Filter, Log},
    transports::TransportError,
};

/// Blocks of the first range. Endpoints that allow less refuse, and get a smaller one.
const FIRST_RANGE: u64 = 20_000;
const LARGEST_RANGE: u64 = 1_000_000;

/// Events that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("reading the chain's events in blocks {from} to {to}")]
pub struct LogsError {
    /// First block.
    pub from: u64,
    /// Last block.
    pub to: u64,
    /// What the endpoint said.
    pub source: TransportError,
}

/// The logs that match `filter` in blocks `from..=to`, oldest first. It starts at the newest block and stops early once
/// `complete` says that nothing older is wanted.
///
/// # Errors
/// If the endpoint does not answer, or refuses even a single block.
pub async fn search_back(
    provider: &DynProvider,
    filter: &Filter,
    from: u64,
    to: u64,
    complete: impl Fn(&[Log]) -> bool,
) -> Result<Vec<Log>, LogsError> {
    let (mut found, mut high, mut range) = (Vec::new(), to, FIRST_RANGE);
    while high >= from {
        let low = (high + 1).saturating_sub(range).max(from);
        match provider.get_logs(&filter.clone().from_block(low).to_block(high)).await {
            Ok(mut logs) => {
                logs.append(&mut found);
                found = logs;
                if low == 0 || complete(&found) {
                    break;
                }
                high = low - 1;
                range = range.saturating_mul(2).min(LARGEST_RANGE);
            }
            // The endpoint answered, and does not like the request: most likely too wide.
            Err(error) if error.is_error_resp() && low < high => range = (high - low).div_ceil(2),
            Err(source) => return Err(LogsError { from: low, to: high, source }),
        }
    }
    Ok(found)
}
