//! Stable codes of what can go wrong, for operators to search for. A code is never reused.

use std::fmt;

use aiigo_chain::{OutboxDatabase, OutboxError};

macro_rules! codes {
    ($($(#[doc = $meaning:literal])+ $variant:ident = $number:literal;)*) => {
        /// What an operator may have to react to. Printed as `[AIIGO-K-003]` in errors and logs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[doc = $meaning])+ $variant),* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its number.
            pub const fn number(self) -> u16 {
                match self { $(Self::$variant => $number),* }
            }

            /// What it means and what to do.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($meaning),+)),* }
            }
        }
    };
}

codes! {
    /// The deployment file can't be used. Give the file of the chain that `--rpc-url` points to.
    Deployment = 1;
    /// The chain is not the deployment's. Check `--rpc-url` against the deployment file.
    Chain = 2;
    /// The signing key can't be loaded. Check `--account`, `--keystore` and the password file.
    Signer = 3;
    /// The data folder or the outbox in it can't be used. Check its permissions, and that no other keeper uses it.
    DataDir = 4;
    /// Following the chain failed for good. Restart; if it comes back, the RPC server serves an inconsistent chain.
    Follow = 5;
    /// The address for health and metrics can't be listened on. Choose another with `--listen`.
    Listen = 6;
    /// The chain refused an action when it was tried without sending: mostly, another keeper was faster.
    Refused = 7;
    /// An action was sent and reverted: mostly, another keeper was faster in the same block. Its gas is lost.
    Reverted = 8;
    /// An action did not get into a block in time. Gas may be dearer than `--max-fee-per-gas` allows.
    Expired = 9;
    /// An action would cost more than `--max-cost`, or its duty's `max-cost`, and waits for cheaper gas.
    TooExpensive = 10;
    /// The budget of the last 24 hours is used up. Raise `--daily-budget`, or see who makes so much work.
    BudgetUsedUp = 11;
    /// The signer's balance does not cover an action. Send it ETH.
    BalanceLow = 12;
    /// A setting or the environment is unusable; the message says which.
    Settings = 13;
    /// The challenger's secrets can't be used. Check the file of `--secrets`; `aiigo-keeper secrets new` makes one.
    Secrets = 14;
    /// The chain does not answer. The keeper tries again by itself; if it lasts, check the node and `--rpc-url`.
    Unreachable = 15;
    /// A part of the keeper broke off: a defect. It begins anew by itself; please report what the log says above.
    Defect = 16;
    /// An action would earn less above its cost than the `min-profit` of its duty, and waits.
    Unprofitable = 17;
    /// No keeper answers. Is it running, and does it listen on the address of `--listen`?
    NotRunning = 18;
    /// A posted root of bonuses differs from the keeper's own. Have others recompute it; if they agree with the keeper, the
    /// guardian has to veto it before it is adopted.
    WrongRoot = 19;
    /// A secret is due so soon after the last one that the endpoint may be lying. It waits for `--min-round-interval`; if rounds
    /// are to be opened that often, lower it, and ask a node of your own.
    RevealTooSoon = 20;
    /// The indexer of `--indexer-url` computes another root of bonuses. One of the two is wrong: nothing is posted until they agree. Bring
    /// both up to date, and compare with a third.
    OtherRoot = 21;
    /// The outbox' database fails, or another process has it. The keeper tries again by itself; if it lasts, check that `--outbox`
    /// can be reached, and that the disk is not full.
    Outbox = 22;
}

impl Code {
    /// Whether what it means can pass without anybody doing anything.
    pub(crate) const fn passes_by_itself(self) -> bool {
        matches!(self, Self::Unreachable | Self::Defect | Self::Outbox)
    }

    /// What is wrong with an outbox.
    pub(crate) const fn of(error: &OutboxError) -> Self {
        match error {
            OutboxError::Chain(_) => Self::Unreachable,
            // A standby waits for the other to leave; a file is locked by mistake.
            OutboxError::Locked { database: OutboxDatabase::Postgres(_) } => Self::Outbox,
            OutboxError::LockLost { .. } | OutboxError::Database(_) => Self::Outbox,
            _ => Self::DataDir,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[AIIGO-K-{:03}]", self.number())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_code_looks_as_operators_know_it() {
        assert_eq!(Code::Signer.to_string(), "[AIIGO-K-003]");
    }

    #[test]
    fn the_manual_explains_each() {
        let manual = include_str!("../../docs/keeper.md");
        for code in Code::ALL {
            let row = format!("| `AIIGO-K-{:03}` | {} |", code.number(), code.meaning().trim());
            assert!(manual.contains(&row), "docs/keeper.md lacks: {row}");
        }
    }

    #[test]
    fn no_number_is_given_twice() {
        let numbers: BTreeSet<u16> = Code::ALL.iter().map(|code| code.number()).collect();
        assert_eq!(numbers.len(), Code::ALL.len());
    }
}
