//! What a node lacks for the next trust level, by the registry's rules (protocol 2.19).

use aiigo_protocol::{
    NodeRegistry::{NodeInfo, Partner},
    units,
};
use alloy::primitives::U256;
use serde::Serialize;

/// The highest level.
const TOP: u8 = 4;

/// What levels ask for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// AIIGO wei, of levels 1, 2, and 3 and 4.
    pub(super) stakes: [U256; 3],
    pub(super) challenges: u32,
    /// 0 to 10000.
    pub(super) reputation: u16,
    pub(super) tasks: u32,
    /// Of all tasks that counted, basis points.
    pub(super) success_bps: u16,
}

/// The next level and what is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct NextLevel {
    pub(super) level: u8,
    pub(super) missing: Vec<String>,
}

/// What `node` lacks for the level above its own; `None` at the top.
pub(super) fn next(node: &NodeInfo, partner: &Partner, rules: &Rules) -> Option<NextLevel> {
    let level = node.trustLevel.checked_add(1).filter(|level| *level <= TOP)?;
    let mut missing = Vec::new();
    let stake = U256::from(node.stake);
    let bond = if level == TOP { U256::from(partner.bond) } else { U256::ZERO };
    let wanted = rules.stakes[usize::from(level.clamp(1, 3)) - 1].saturating_add(bond);
    if stake < wanted {
        missing.push(format!("{} AIIGO more at stake", units::format_amount(wanted - stake)));
    }
    if level == 1 {
        return Some(NextLevel { level, missing });
    }
    if node.lastAuditAt.is_zero() {
        missing.push("a passed audit round".into());
    }
    if level < TOP && node.challengesPassed < rules.challenges {
        missing.push(format!("{} more challenges passed", rules.challenges - node.challengesPassed));
    }
    if level >= 3 && node.reputation < rules.reputation {
        missing.push(format!("{} more reputation", rules.reputation - node.reputation));
    }
    if level == 3 {
        if node.tasksVerified < rules.tasks {
            missing.push(format!("{} more paid tasks that count", rules.tasks - node.tasksVerified));
        }
        let counted = u64::from(node.tasksVerified) + u64::from(node.tasksFailed);
        if u64::from(node.tasksVerified) * units::BPS < u64::from(rules.success_bps) * counted {
            missing.push(format!("{}% of its tasks done well", f64::from(rules.success_bps) / 100.0));
        }
    }
    if level == TOP && partner.slaHash.is_zero() {
        missing.push("an agreement as a partner, recorded by governance".into());
    }
    Some(NextLevel { level, missing })
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{B256, aliases::U40};

    use super::*;

    const RULES: Rules = Rules {
        stakes: [
            U256::from_limbs([100, 0, 0, 0]),
            U256::from_limbs([1000, 0, 0, 0]),
            U256::from_limbs([10_000, 0, 0, 0]),
        ],
        challenges: 10,
        reputation: 9500,
        tasks: 100,
        success_bps: 9500,
    };

    fn missing(node: NodeInfo) -> Vec<String> {
        next(&node, &Partner::default(), &RULES).expect("a level").missing
    }

    #[test]
    fn a_beginner_lacks_stake_audits_and_challenges() {
        let node = NodeInfo { trustLevel: 1, stake: 400, challengesPassed: 4, ..NodeInfo::default() };
        let missing = missing(node);
        assert!(missing[0].ends_with("AIIGO more at stake"), "{missing:?}");
        assert_eq!(missing[1..], ["a passed audit round", "6 more challenges passed"]);
    }

    #[test]
    fn the_third_level_asks_for_tasks_done_well() {
        let node = NodeInfo {
            trustLevel: 2,
            stake: 10_000,
            challengesPassed: 12,
            lastAuditAt: U40::from(1),
            reputation: 9400,
            tasksVerified: 94,
            tasksFailed: 6,
            ..NodeInfo::default()
        };
        assert_eq!(
            missing(node.clone()),
            ["100 more reputation", "6 more paid tasks that count", "95% of its tasks done well"]
        );
        let good = NodeInfo { reputation: 9500, tasksVerified: 114, tasksFailed: 6, ..node };
        assert_eq!(missing(good), [""; 0]);
    }

    #[test]
    fn the_top_is_for_partners_and_has_nothing_above() {
        let node = NodeInfo {
            trustLevel: 3,
            stake: 10_500,
            lastAuditAt: U40::from(1),
            reputation: 10_000,
            ..NodeInfo::default()
        };
        assert_eq!(missing(node.clone()), ["an agreement as a partner, recorded by governance"]);
        let partner = Partner { slaHash: B256::repeat_byte(1), bond: 600 };
        let next_one = next(&node, &partner, &RULES).expect("a level");
        assert_eq!((next_one.level, next_one.missing.len()), (4, 1), "{next_one:?}");
        assert_eq!(next(&NodeInfo { trustLevel: 4, ..node }, &partner, &RULES), None);
    }
}
