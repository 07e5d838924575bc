//! Searches the chain's logs backwards, as far as needed.

use alloy::{
    providers::{DynProvider, Provider},
    rpc::types::{Filter, Log},
};

use crate::error::{CliError, Context};

/// Blocks of the first range. Endpoints that allow less refuse, and get a smaller one.
const FIRST_RANGE: u64 = 20_000;
const LARGEST_RANGE: u64 = 1_000_000;

/// The logs that match `filter` in blocks `from..=to`, oldest first. It starts at the newest block and stops early once
/// `complete` says that nothing older is wanted.
pub(crate) async fn search_back(
    provider: &DynProvider,
    filter: &Filter,
    from: u64,
    to: u64,
    complete: impl Fn(&[Log]) -> bool,
) -> Result<Vec<Log>, CliError> {
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
            Err(error) => {
                return Err(error).context(|| format!("reading the chain's events in blocks {low} to {high}"));
            }
        }
    }
    Ok(found)
}
