//! The outbox's records. What is written is on the disk when the call returns.

use std::{collections::HashMap, time::Duration};

use alloy::primitives::{Address, B256, ChainId, U256};
use sqlx::{Any, AnyConnection, AnyPool, Row, Transaction, any::AnyRow};

use super::{
    Intent, OutboxDatabase, OutboxError, Outcome, Priority, Spending,
    fees::Fees,
    lock::Lock,
    now,
    state::{Attempt, Entry, Kind, State},
};

/// Whose records these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) chain_id: ChainId,
    /// Hash of the chain's first block; development chains share their ids.
    pub(super) genesis: B256,
    pub(super) address: Address,
}

#[derive(Debug)]
pub(super) struct Store {
    pool: AnyPool,
    lock: Lock,
    /// Which of the processes that had the outbox this is. `None`: a file, whose lock nobody can lose.
    term: Option<i64>,
}

impl Store {
    /// Opens the records of an account, and tells whose they are: the given one's, if they are new.
    pub(super) async fn open(
        database: &OutboxDatabase,
        account: Account,
        patience: Duration,
    ) -> Result<(Self, Account), OutboxError> {
        let lock = Lock::take(database, patience).await?;
        let pool = database.connect().await?;
        sqlx::query(
            "INSERT INTO account (id, chain_id, genesis, address) VALUES (0, $1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(integer(account.chain_id))
        .bind(account.genesis.as_slice())
        .bind(account.address.as_slice())
        .execute(&pool)
        .await?;
        let row = sqlx::query("SELECT chain_id, genesis, address FROM account").fetch_one(&pool).await?;
        let (genesis, address): (Vec<u8>, Vec<u8>) = (row.try_get("genesis")?, row.try_get("address")?);
        let found = Account {
            chain_id: natural(row.try_get("chain_id")?),
            genesis: B256::try_from(genesis.as_slice()).map_err(|_| damaged("account", "its chain"))?,
            address: Address::try_from(address.as_slice()).map_err(|_| damaged("account", "its address"))?,
        };
        let term = match &lock {
            Lock::File { .. } => None,
            // Waits for whatever the one before is still writing; after that it can't any more.
            Lock::Session(_) => {
                let row = sqlx::query("UPDATE account SET term = term + 1 RETURNING term").fetch_one(&pool).await?;
                Some(row.try_get("term")?)
            }
        };
        Ok((Self { pool, lock, term }, found))
    }

    /// Fails once another process can have the outbox.
    pub(super) async fn check(&self) -> Result<(), OutboxError> {
        self.lock.check().await
    }

    /// Begins to write. Whoever lost the lock fails here; should that happen a moment later, the next process waits at the
    /// row that is locked here.
    async fn begin(&self) -> Result<Transaction<'static, Any>, OutboxError> {
        self.check().await?;
        let mut transaction = self.pool.begin().await?;
        if let Some(term) = self.term {
            let row = sqlx::query("SELECT term FROM account FOR SHARE").fetch_one(&mut *transaction).await?;
            if row.try_get::<i64, _>("term")? != term {
                return Err(OutboxError::LockLost { reason: "another process has it".into() });
            }
        }
        Ok(transaction)
    }

    /// Records an intent; `false` if there is one of that key.
    pub(super) async fn insert(&self, intent: &Intent, now: u64) -> Result<bool, OutboxError> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query(
            "INSERT INTO intents
                (key, label, to_address, data, value, deadline, max_fee_per_gas, max_cost, priority, created_at, stage)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'queued') ON CONFLICT (key) DO NOTHING",
        )
        .bind(&intent.key)
        .bind(&intent.label)
        .bind(intent.to.as_slice())
        .bind(intent.data.as_ref())
        .bind(intent.value.to_string())
        .bind(intent.deadline.map(integer))
        .bind(intent.max_fee_per_gas.map(|fee| fee.to_string()))
        .bind(intent.max_cost.map(|cost| cost.to_string()))
        .bind(i64::from(intent.priority == Priority::Urgent))
        .bind(integer(now))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends the time of an intent that is not done; `false` if there is none of that key.
    pub(super) async fn expire(&self, key: &str) -> Result<bool, OutboxError> {
        let mut transaction = self.begin().await?;
        let done =
            sqlx::query("UPDATE intents SET deadline = 0 WHERE key = $1").bind(key).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// The lowest nonce above all that were ever signed: what a transaction had may be used, whatever an endpoint says.
    pub(super) async fn free_nonce(&self) -> Result<u64, OutboxError> {
        let row = sqlx::query("SELECT free_nonce, (SELECT MAX(nonce) FROM attempts) AS last FROM account")
            .fetch_one(&self.pool)
            .await?;
        let next = row.try_get::<Option<i64>, _>("last")?.map_or(0, |last| natural(last) + 1);
        Ok(next.max(natural(row.try_get("free_nonce")?)))
    }

    /// The keys that begin with `base#`, and whether their intents are in no block yet.
    pub(super) async fn numbered(&self, base: &str) -> Result<Vec<(String, bool)>, OutboxError> {
        // The character after `#`.
        let rows = sqlx::query("SELECT key, stage FROM intents WHERE key > $1 AND key < $2")
            .bind(format!("{base}#"))
            .bind(format!("{base}$"))
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                let stage: String = row.try_get("stage")?;
                Ok((row.try_get("key")?, !["included", "done"].contains(&stage.as_str())))
            })
            .collect()
    }

    /// Forgets what was over before a time, but not what it cost, nor which nonces it had.
    pub(super) async fn forget(&self, before: u64) -> Result<u64, OutboxError> {
        let free_nonce = self.free_nonce().await?;
        let mut transaction = self.begin().await?;
        sqlx::query("UPDATE account SET free_nonce = $1").bind(integer(free_nonce)).execute(&mut *transaction).await?;
        sqlx::query("DELETE FROM attempts WHERE intent IN (SELECT id FROM intents WHERE ended_at < $1)")
            .bind(integer(before))
            .execute(&mut *transaction)
            .await?;
        let done = sqlx::query("DELETE FROM intents WHERE ended_at < $1")
            .bind(integer(before))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected())
    }

    /// The intent of a key.
    pub(super) async fn find(&self, key: &str) -> Result<Option<Entry>, OutboxError> {
        let row = sqlx::query("SELECT * FROM intents WHERE key = $1").bind(key).fetch_optional(&self.pool).await?;
        row.as_ref().map(entry).transpose()
    }

    /// Everything that is not done: what has a nonce by nonce, then the others by priority and age.
    pub(super) async fn active(&self) -> Result<Vec<Entry>, OutboxError> {
        let rows =
            sqlx::query("SELECT * FROM intents WHERE stage <> 'done' ORDER BY nonce IS NULL, nonce, priority DESC, id")
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(entry).collect()
    }

    /// The transactions that were signed for an intent at a nonce, oldest first.
    pub(super) async fn attempts(&self, entry: &Entry, nonce: u64) -> Result<Vec<Attempt>, OutboxError> {
        let rows = sqlx::query("SELECT * FROM attempts WHERE intent = $1 AND nonce = $2 ORDER BY id")
            .bind(entry.id)
            .bind(integer(nonce))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| attempt(row, &entry.intent.key)).collect()
    }

    /// What the gas of each intent that is signed and in no block can cost, wei, and the nonce that it has.
    pub(super) async fn open_costs(&self) -> Result<HashMap<i64, (u64, U256)>, OutboxError> {
        let rows = sqlx::query(
            "SELECT i.id, i.nonce, a.max_fee, a.gas_limit FROM intents i
             JOIN attempts a ON a.intent = i.id AND a.nonce = i.nonce
             WHERE i.stage <> 'done' AND i.stage IN ('pending', 'cancelling')",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut open = HashMap::new();
        for row in &rows {
            let fee: U256 = row.try_get::<String, _>("max_fee")?.parse().map_err(|_| damaged("attempts", "a fee"))?;
            let cost = fee.saturating_mul(U256::from(natural(row.try_get("gas_limit")?)));
            let (_, dearest) = open.entry(row.try_get("id")?).or_insert((natural(row.try_get("nonce")?), U256::ZERO));
            *dearest = cost.max(*dearest);
        }
        Ok(open)
    }

    /// Records a signed transaction, and that its intent now waits for it. To be called before it is sent.
    pub(super) async fn record(&self, entry: &Entry, attempt: &Attempt) -> Result<(), OutboxError> {
        let (kind, stage) = match attempt.kind {
            Kind::Call => ("call", "pending"),
            Kind::Cancel => ("cancel", "cancelling"),
        };
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO attempts (intent, kind, nonce, tx_hash, raw, max_fee, priority_fee, gas_limit, signed_at, signed_block)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(entry.id)
        .bind(kind)
        .bind(integer(attempt.nonce))
        .bind(attempt.tx_hash.as_slice())
        .bind(attempt.raw.as_ref())
        .bind(attempt.fees.max.to_string())
        .bind(attempt.fees.priority.to_string())
        .bind(integer(attempt.gas_limit))
        .bind(integer(attempt.signed_at))
        .bind(integer(attempt.signed_block))
        .execute(&mut *transaction)
        .await?;
        sqlx::query("UPDATE intents SET stage = $1, nonce = $2, problem = NULL WHERE id = $3")
            .bind(stage)
            .bind(integer(attempt.nonce))
            .bind(entry.id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Moves an intent to another state, and takes its problem from it. What is in no block any more cost nothing.
    pub(super) async fn set(&self, entry: &Entry, state: &State) -> Result<(), OutboxError> {
        let mut transaction = self.begin().await?;
        if let Some(nonce) = state.open_nonce() {
            sqlx::query("DELETE FROM spending WHERE nonce = $1")
                .bind(integer(nonce))
                .execute(&mut *transaction)
                .await?;
        }
        Self::update(&mut transaction, entry, state).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Notes that a transaction of an intent is in a block, and what its gas cost.
    pub(super) async fn include(
        &self,
        entry: &Entry,
        state: &State,
        nonce: u64,
        cost: U256,
        now: u64,
    ) -> Result<(), OutboxError> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO spending (nonce, cost, seen_at) VALUES ($1, $2, $3)
             ON CONFLICT (nonce) DO UPDATE SET cost = excluded.cost, seen_at = excluded.seen_at",
        )
        .bind(integer(nonce))
        .bind(cost.to_string())
        .bind(integer(now))
        .execute(&mut *transaction)
        .await?;
        Self::update(&mut transaction, entry, state).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn update(connection: &mut AnyConnection, entry: &Entry, state: &State) -> Result<(), OutboxError> {
        let (stage, included, outcome) = match state {
            State::Queued => ("queued", None, None),
            State::Pending { .. } => ("pending", None, None),
            State::Cancelling { .. } => ("cancelling", None, None),
            State::Included { block, block_hash, outcome, .. } => {
                ("included", Some((*block, *block_hash)), Some(outcome))
            }
            State::Done { outcome } => ("done", None, Some(outcome)),
        };
        let ended_at = matches!(state, State::Done { .. }).then(now);
        let outcome = outcome.map(serde_json::to_string).transpose();
        let outcome = outcome.map_err(|error| damaged(&entry.intent.key, &error.to_string()))?;
        sqlx::query(
            "UPDATE intents SET stage = $1, nonce = $2, block = $3, block_hash = $4, outcome = $5, ended_at = $6, problem = NULL
             WHERE id = $7",
        )
        .bind(stage)
        .bind(state.nonce().map(integer))
        .bind(included.map(|(block, _)| integer(block)))
        .bind(included.map(|(_, hash)| hash.to_vec()))
        .bind(outcome)
        .bind(ended_at.map(integer))
        .bind(entry.id)
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Notes why an intent does not move on, if something is wrong.
    pub(super) async fn set_problem(&self, entry: &Entry, problem: Option<&str>) -> Result<(), OutboxError> {
        let mut transaction = self.begin().await?;
        sqlx::query("UPDATE intents SET problem = $1 WHERE id = $2")
            .bind(problem)
            .bind(entry.id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// What gas costs. One question, so that nothing moves from one sum to the other meanwhile.
    pub(super) async fn spending(&self, since: u64) -> Result<Spending, OutboxError> {
        let rows = sqlx::query(
            "SELECT NULL AS intent, cost AS price, 1 AS number FROM spending WHERE seen_at >= $1
             UNION ALL
             SELECT a.intent, a.max_fee, a.gas_limit FROM intents i
             JOIN attempts a ON a.intent = i.id AND a.nonce = i.nonce
             WHERE i.stage <> 'done' AND i.stage IN ('pending', 'cancelling')
             UNION ALL
             SELECT id, max_cost, 1 FROM intents
             WHERE stage <> 'done' AND stage <> 'included' AND max_cost IS NOT NULL",
        )
        .bind(integer(since))
        .fetch_all(&self.pool)
        .await?;
        let rows = rows.iter().map(|row| {
            let price: String = row.try_get("price")?;
            let price = price.parse().map_err(|_| damaged("spending", "a price"))?;
            Ok((row.try_get("intent")?, price, natural(row.try_get("number")?)))
        });
        Ok(Spending::sum(rows.collect::<Result<Vec<_>, OutboxError>>()?))
    }
}

fn entry(row: &AnyRow) -> Result<Entry, OutboxError> {
    let key: String = row.try_get("key")?;
    let bad = |what: &str| damaged(&key, what);
    let nonce = || -> Result<u64, OutboxError> {
        row.try_get::<Option<i64>, _>("nonce")?.map(natural).ok_or_else(|| bad("its nonce"))
    };
    let outcome = || -> Result<Outcome, OutboxError> {
        let json: Option<String> = row.try_get("outcome")?;
        serde_json::from_str(&json.unwrap_or_default()).map_err(|error| bad(&format!("its outcome: {error}")))
    };
    let state = match row.try_get::<String, _>("stage")?.as_str() {
        "queued" => State::Queued,
        "pending" => State::Pending { nonce: nonce()? },
        "cancelling" => State::Cancelling { nonce: nonce()? },
        "included" => {
            let hash: Vec<u8> = row.try_get("block_hash")?;
            State::Included {
                nonce: nonce()?,
                block: natural(row.try_get("block")?),
                block_hash: B256::try_from(hash.as_slice()).map_err(|_| bad("its block"))?,
                outcome: outcome()?,
            }
        }
        "done" => State::Done { outcome: outcome()? },
        other => return Err(bad(&format!("its stage `{other}`"))),
    };
    let to: Vec<u8> = row.try_get("to_address")?;
    let value: String = row.try_get("value")?;
    let fee: Option<String> = row.try_get("max_fee_per_gas")?;
    let cost: Option<String> = row.try_get("max_cost")?;
    let intent = Intent {
        label: row.try_get("label")?,
        to: Address::try_from(to.as_slice()).map_err(|_| bad("its receiver"))?,
        data: row.try_get::<Vec<u8>, _>("data")?.into(),
        value: value.parse().map_err(|_| bad("its value"))?,
        deadline: row.try_get::<Option<i64>, _>("deadline")?.map(natural),
        max_fee_per_gas: fee.map(|fee| fee.parse()).transpose().map_err(|_| bad("its fee limit"))?,
        max_cost: cost.map(|cost| cost.parse()).transpose().map_err(|_| bad("its cost limit"))?,
        priority: if row.try_get::<i64, _>("priority")? > 0 { Priority::Urgent } else { Priority::Normal },
        key: key.clone(),
    };
    let created_at = natural(row.try_get("created_at")?);
    Ok(Entry { id: row.try_get("id")?, intent, state, created_at, problem: row.try_get("problem")? })
}

fn attempt(row: &AnyRow, key: &str) -> Result<Attempt, OutboxError> {
    let bad = |what: &str| damaged(key, what);
    let hash: Vec<u8> = row.try_get("tx_hash")?;
    let fee = |column: &str| -> Result<u128, OutboxError> {
        row.try_get::<String, _>(column)?.parse().map_err(|_| bad("a fee"))
    };
    Ok(Attempt {
        kind: if row.try_get::<String, _>("kind")? == "call" { Kind::Call } else { Kind::Cancel },
        nonce: natural(row.try_get("nonce")?),
        tx_hash: B256::try_from(hash.as_slice()).map_err(|_| bad("a transaction hash"))?,
        raw: row.try_get::<Vec<u8>, _>("raw")?.into(),
        fees: Fees { max: fee("max_fee")?, priority: fee("priority_fee")? },
        gas_limit: natural(row.try_get("gas_limit")?),
        signed_at: natural(row.try_get("signed_at")?),
        signed_block: natural(row.try_get("signed_block")?),
    })
}

fn damaged(key: &str, reason: &str) -> OutboxError {
    OutboxError::Damaged { key: key.to_owned(), reason: reason.to_owned() }
}

/// SQLite's integers end at 2^63; no nonce, block or time gets there.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn natural(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
