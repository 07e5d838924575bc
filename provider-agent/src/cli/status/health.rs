//! Whether all is well with a node and the agent that works for it.

use aiigo_protocol::{NodeRegistry::NodeInfo, NodeStatus, units};
use aiigo_telemetry::Check;
use alloy::primitives::U256;

use crate::{
    cli::{Agent, ENOUGH_ETH, doctor::disk},
    error::AgentError,
    market::{Head, status_of},
    store::Subject,
};

/// A day and a half: rounds are at most that far apart.
const AUDIT_EXPECTED: u64 = 36 * 3600;

/// The checks of the third pane.
pub(super) async fn look(agent: &Agent, node: &NodeInfo, gas: U256, head: Head) -> Result<Vec<Check>, AgentError> {
    let mut checks = Vec::new();
    let folder = agent.data.path();
    let running = agent.data.is_locked()?;
    checks.push(match running {
        true => Check::good("agent", "works"),
        false => Check::bad("agent", "does not run", "start `aiigo-agent run`"),
    });
    let status = status_of(node)?;
    checks.push(match status {
        NodeStatus::Active => Check::good("node", "Active"),
        other => Check::bad("node", other.name(), "see `aiigo-agent doctor`"),
    });
    if running {
        checks.push(match agent.store.remark(Subject::Closed).await? {
            None => Check::good("tasks", "taken"),
            Some(reason) => Check::bad("tasks", format!("none taken: {reason}"), "nothing, if you want it so"),
        });
    }
    checks.push(match agent.store.remark(Subject::Policy).await? {
        None => Check::good("policy", "in force"),
        Some(mistake) => Check::bad("policy", mistake, format!("mend {}", agent.data.policy().display())),
    });
    let found = format!("{} ETH", units::format_amount(gas));
    checks.push(match gas >= U256::from(ENOUGH_ETH) {
        true => Check::good("gas", found),
        false => Check::bad("gas", found, format!("send {} some ETH", node.operator)),
    });
    checks.push(disk(folder));
    let audited: u64 = node.lastAuditAt.to();
    let since = head.timestamp.saturating_sub(audited);
    checks.push(match audited {
        0 => Check::good("audit", "none yet"),
        _ if since <= AUDIT_EXPECTED => Check::good("audit", format!("passed {} h ago", since / 3600)),
        _ => {
            Check::bad("audit", format!("last passed {} h ago", since / 3600), "see that the agent runs day and night")
        }
    });
    Ok(checks)
}
