//! `aiigo-keeper status`: what the running keeper says of itself.

use std::{fmt::Write, time::Duration};

use reqwest::Client;
use serde_json::Value;

use super::run::PORT;
use crate::{cli::StatusArgs, code::Code, error::KeeperError};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(5);

/// What `/readyz` says.
pub(crate) async fn status(args: &StatusArgs) -> Result<Value, KeeperError> {
    let address = args.listen.address(PORT).map_err(KeeperError::because(Code::NotRunning, "no keeper runs here"))?;
    let url = format!("http://{address}/readyz");
    let failed = || KeeperError::because(Code::NotRunning, format!("no keeper answers at {address}"));
    let client = Client::builder().timeout(LIMIT).build().map_err(failed())?;
    let answer = client.get(url).send().await.map_err(failed())?;
    answer.json().await.map_err(failed())
}

/// For people.
pub(crate) fn table(status: &Value) -> String {
    let ready = if status["ready"] == true { "watching" } else { "not ready" };
    let mut text = format!("{ready}, block {}, due {}", status["block"], status["due"]);
    if let Some(spent) = status["spentEth"].as_str() {
        let _ = write!(text, ", spent {spent} ETH in 24 hours"); // a String takes everything
    }
    if let Some(wrong) = status["wrongRoots"].as_u64().filter(|wrong| *wrong > 0) {
        let _ = write!(text, ", {} wrong roots of bonuses: {wrong}", Code::WrongRoot);
    }
    text.push_str("\n\nduty                   due  sent  landed  reverted  refused  cost (ETH)  latency (s)\n");
    let duties = status["duties"].as_object().into_iter().flatten();
    for (name, sums) in duties {
        let count = |field: &str| sums[field].as_u64().unwrap_or_default();
        let latency = sums["meanLatencySeconds"].as_f64().map_or_else(|| "-".to_owned(), |mean| format!("{mean:.1}"));
        let cost = sums["costEth"].as_str().and_then(|cost| cost.parse::<f64>().ok()).unwrap_or_default();
        let (due, sent, landed) = (count("due"), count("sent"), count("landed"));
        let (reverted, refused) = (count("reverted"), count("refused"));
        let _ =
            writeln!(text, "{name:20} {due:5} {sent:5} {landed:7} {reverted:9} {refused:8} {cost:11.6} {latency:>12}");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_root_stands_in_the_first_line() {
        let text = |wrong: u64| table(&json!({"ready": true, "block": 7, "due": 0, "wrongRoots": wrong}));
        assert!(
            text(2).starts_with("watching, block 7, due 0, [AIIGO-K-019] wrong roots of bonuses: 2\n"),
            "{}",
            text(2)
        );
        assert!(!text(0).contains("wrong"));
    }

    #[test]
    fn a_status_is_a_line_for_each_duty() {
        let sums = json!({
            "due": 1, "sent": 3, "landed": 2, "reverted": 1, "refused": 4, "costEth": "0.001", "meanLatencySeconds": 2.25,
        });
        let status =
            json!({"ready": true, "block": 7, "due": 1, "spentEth": "0.001", "duties": {"expire-tasks": sums}});
        let text = table(&status);
        assert!(text.starts_with("watching, block 7, due 1, spent 0.001 ETH in 24 hours\n"), "{text}");
        let line = text.lines().last().expect("a line");
        assert_eq!(
            line.split_whitespace().collect::<Vec<_>>(),
            ["expire-tasks", "1", "3", "2", "1", "4", "0.001000", "2.2"]
        );
    }
}
