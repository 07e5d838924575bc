//! What the work brought in.

use std::collections::BTreeMap;

use alloy::primitives::U256;
use sqlx::Row;

use super::{Store, integer};
use crate::error::{AgentError, Context};

/// Seconds of a day.
pub(crate) const DAY: u64 = 24 * 3600;

/// What some time brought in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Income {
    pub(crate) tasks: u64,
    /// Smallest units of ETH.
    pub(crate) paid: U256,
}

impl Income {
    fn add(&mut self, paid: U256) {
        self.tasks += 1;
        self.paid = self.paid.saturating_add(paid);
    }
}

impl Store {
    /// What was settled from a time on (unix seconds of the chain), by days in UTC: each by its first second.
    pub(crate) async fn income(&self, since: u64) -> Result<BTreeMap<u64, Income>, AgentError> {
        let what = "cannot read the earnings from the agent's database";
        let rows = sqlx::query("SELECT paid, settled_at FROM work WHERE paid IS NOT NULL AND settled_at >= ?")
            .bind(integer(since))
            .fetch_all(&self.pool)
            .await
            .context(what)?;
        let mut days: BTreeMap<u64, Income> = BTreeMap::new();
        for row in rows {
            let paid: String = row.try_get("paid").context(what)?;
            let at: i64 = row.try_get("settled_at").context(what)?;
            let day = at.unsigned_abs() / DAY * DAY;
            days.entry(day).or_default().add(paid.parse().context(what)?);
        }
        Ok(days)
    }
}

/// All of some days together.
pub(crate) fn total<'a>(days: impl IntoIterator<Item = &'a Income>) -> Income {
    days.into_iter().fold(Income::default(), |sum, day| Income {
        tasks: sum.tasks + day.tasks,
        paid: sum.paid.saturating_add(day.paid),
    })
}

#[cfg(test)]
mod tests {
    use aiigo_protocol::TaskId;
    use alloy::primitives::B256;

    use super::*;
    use crate::store::{Stage, Work, work::tests::spec};

    #[tokio::test]
    async fn earnings_are_told_by_day() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(&dir.path().join("agent.db")).await.expect("a database");
        for (number, at, paid) in [(1, DAY, 5_u64), (2, 2 * DAY - 1, 7), (3, 2 * DAY, 11), (4, 9 * DAY, 13)] {
            let mut work = Work::new(TaskId(B256::repeat_byte(number)), spec());
            (work.paid, work.settled_at) = (Some(U256::from(paid)), Some(at));
            store.save(&work.ended(Stage::Settled, "paid")).await.expect("written");
        }
        store.save(&Work::new(TaskId(B256::repeat_byte(9)), spec())).await.expect("written");
        let days = store.income(DAY).await.expect("read");
        let income = |tasks, paid: u64| Income { tasks, paid: U256::from(paid) };
        assert_eq!(days, BTreeMap::from([(DAY, income(2, 12)), (2 * DAY, income(1, 11)), (9 * DAY, income(1, 13))]));
        assert_eq!(total(days.values()), income(4, 36));
        assert_eq!(total(store.income(3 * DAY).await.expect("read").values()), income(1, 13));
    }
}
