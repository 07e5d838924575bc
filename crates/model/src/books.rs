//! Everybody's money at one moment, as the model and as the chain have it.

use std::fmt::{self, Write as _};

use aiigo_protocol::TaskStatus;

use crate::cast::{Holder, Token};

/// An amount of each token.
pub(crate) type Purse = [u128; Token::COUNT];

/// A node's money and what decides over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeBook {
    /// AIIGO that backs its tasks.
    pub stake: u128,
    /// AIIGO on its way out.
    pub unbonding: u128,
    /// Escrow of the tasks that it answers for, by token.
    pub open: Purse,
    /// Tasks being executed.
    pub running: u128,
    /// Results under review or in dispute.
    pub reviewing: u128,
    /// Tasks that counted.
    pub verified: u128,
    /// Failures.
    pub failed: u128,
    /// 0 to 10000.
    pub reputation: u128,
    /// Base rewards that it was paid.
    pub base_claimed: u128,
    /// Bonuses that it was paid.
    pub bonus_claimed: u128,
}

/// What RewardDistributor gave away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RewardBook {
    /// The first epoch that is not closed.
    pub next_epoch: u64,
    /// By closed epochs, claimed or not.
    pub committed: u128,
    /// So far.
    pub minted: u128,
}

/// A task's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskBook {
    /// Where it stands.
    pub status: TaskStatus,
    /// What EscrowManager holds for it.
    pub escrow: u128,
}

/// A staking position's money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PositionBook {
    /// AIIGO.
    pub amount: u128,
    /// What it earns by.
    pub weight: u128,
    /// Part of the amount that answers for a juror's seats.
    pub frozen: u128,
}

/// All balances there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// What holders have of each token.
    pub wallets: [Purse; Holder::COUNT],
    /// What EscrowManager owes holders.
    pub credits: [Purse; Holder::COUNT],
    /// What KeeperTips owes holders, ether.
    pub tips: [u128; Holder::COUNT],
    /// What the court owes holders, AIIGO.
    pub fees: [u128; Holder::COUNT],
    /// How much there is of each token but ether.
    pub supply: Purse,
    /// The schedule's.
    pub rewards: RewardBook,
    /// Node 1, 2, …
    pub nodes: Vec<NodeBook>,
    /// In the order of creation.
    pub tasks: Vec<TaskBook>,
    /// In the order of staking.
    pub positions: Vec<PositionBook>,
}

impl Books {
    /// Each line with its name.
    fn lines(&self) -> Vec<(String, u128)> {
        let mut lines = Vec::new();
        for (holder, token) in Holder::ALL.iter().flat_map(|holder| Token::ALL.map(|token| (*holder, token))) {
            lines.push((format!("{token:?} of {holder}"), self.wallets[holder.index()][token.index()]));
            lines.push((format!("{token:?} credit of {holder}"), self.credits[holder.index()][token.index()]));
        }
        for holder in Holder::ALL {
            lines.push((format!("tips of {holder}"), self.tips[holder.index()]));
            lines.push((format!("court's fees of {holder}"), self.fees[holder.index()]));
        }
        for token in Token::ALL {
            lines.push((format!("supply of {token:?}"), self.supply[token.index()]));
        }
        lines.push(("next epoch to close".to_owned(), self.rewards.next_epoch.into()));
        lines.push(("rewards committed".to_owned(), self.rewards.committed));
        lines.push(("rewards minted".to_owned(), self.rewards.minted));
        for (index, node) in self.nodes.iter().enumerate() {
            let mut line = |what: &str, value| lines.push((format!("node {}: {what}", index + 1), value));
            line("stake", node.stake);
            line("unbonding", node.unbonding);
            line("running", node.running);
            line("reviewing", node.reviewing);
            line("tasks verified", node.verified);
            line("tasks failed", node.failed);
            line("reputation", node.reputation);
            line("base rewards claimed", node.base_claimed);
            line("bonuses claimed", node.bonus_claimed);
            for token in Token::ALL {
                line(&format!("open {token:?}"), node.open[token.index()]);
            }
        }
        for (index, task) in self.tasks.iter().enumerate() {
            lines.push((format!("task {index}: status"), u8::from(task.status).into()));
            lines.push((format!("task {index}: escrow"), task.escrow));
        }
        for (index, position) in self.positions.iter().enumerate() {
            lines.push((format!("position {index}: amount"), position.amount));
            lines.push((format!("position {index}: weight"), position.weight));
            lines.push((format!("position {index}: frozen"), position.frozen));
        }
        lines
    }

    /// The lines that differ, as a table: the model's number, the chain's, what the chain has more.
    pub(crate) fn table(model: &Self, chain: &Self) -> String {
        let mut table = format!("{:<32} {:>32} {:>32} {:>32}", "", "model", "chain", "chain - model");
        for ((name, expected), (_, found)) in model.lines().into_iter().zip(chain.lines()) {
            if expected != found {
                let sign = if found >= expected { '+' } else { '-' };
                let difference = format!("{sign}{}", found.abs_diff(expected));
                // Writing to a string can't fail.
                let _ = write!(table, "\n{name:<32} {expected:>32} {found:>32} {difference:>32}");
            }
        }
        table
    }
}

impl fmt::Display for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines()
            .into_iter()
            .filter(|(_, value)| *value > 0)
            .try_for_each(|(name, value)| writeln!(f, "{name:<32} {value}"))
    }
}
