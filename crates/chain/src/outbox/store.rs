//! The outbox' rows.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aiigo_protocol::DecodedRevert;
use alloy::{
    primitives::{Address, Bytes, TxHash, U256},
    rpc::types::TransactionReceipt,
};
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};

use super::{Intent, OutboxError, Outcome};

/// How long to wait for another process that is about to leave.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Where an intent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// No live attempt.
    Queued,
    /// An attempt may land.
    Sent,
    /// On the chain, not final.
    Landed,
}

impl State {
    const fn text(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Landed => "landed",
        }
    }
}

/// An intent with its row's id.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) id: i64,
    pub(super) intent: Intent,
    /// Set when landed.
    pub(super) tx_hash: Option<TxHash>,
    pub(super) block: Option<u64>,
}

/// A signed transaction, written down before it was broadcast.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) nonce: u64,
    pub(super) tx_hash: TxHash,
    pub(super) raw: Bytes,
    pub(super) gas_limit: u64,
    pub(super) max_fee: u128,
    pub(super) priority_fee: u128,
    pub(super) cancels: bool,
    /// Unix seconds.
    pub(super) created_at: u64,
}

/// The database, and the lock that makes this process its only user.
#[derive(Debug)]
pub(super) struct Store {
    pool: SqlitePool,
    _lock: File,
}

impl Store {
    pub(super) async fn open(path: &Path, address: Address, chain_id: u64) -> Result<Self, OutboxError> {
        let lock = lock(path).await?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A row must be on the disk before its transaction is in the world.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        sqlx::migrate!("../../migrations/outbox/sqlite").run(&pool).await?;
        let store = Self { pool, _lock: lock };
        store.claim(path, address, chain_id).await?;
        Ok(store)
    }

    async fn claim(&self, path: &Path, address: Address, chain_id: u64) -> Result<(), OutboxError> {
        sqlx::query("INSERT OR IGNORE INTO signer (only, address, chain_id) VALUES (1, ?, ?)")
            .bind(address.to_string())
            .bind(chain_id.cast_signed())
            .execute(&self.pool)
            .await?;
        let row = sqlx::query("SELECT address, chain_id FROM signer").fetch_one(&self.pool).await?;
        let (owner, chain): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        if owner == address.to_string() && chain == chain_id.cast_signed() {
            return Ok(());
        }
        Err(OutboxError::OtherSigner { path: path.to_owned(), owner, chain, address, found: chain_id })
    }

    pub(super) async fn add(&self, intent: &Intent) -> Result<(), OutboxError> {
        sqlx::query(
            "INSERT INTO intent (key, label, recipient, data, value, deadline, max_fee_per_gas, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
        )
        .bind(&intent.key)
        .bind(&intent.label)
        .bind(intent.to.to_string())
        .bind(intent.data.as_ref())
        .bind(intent.value.to_string())
        .bind(intent.deadline.map(u64::cast_signed))
        .bind(intent.max_fee_per_gas.map(|fee| fee.to_string()))
        .bind(now().cast_signed())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Intents in a state, oldest first.
    pub(super) async fn in_state(&self, state: State) -> Result<Vec<Stored>, OutboxError> {
        let rows = sqlx::query("SELECT * FROM intent WHERE state = ? ORDER BY id")
            .bind(state.text())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(stored).collect()
    }

    /// The live attempts of an intent, newest first.
    pub(super) async fn attempts(&self, intent: i64) -> Result<Vec<Attempt>, OutboxError> {
        let rows = sqlx::query("SELECT * FROM attempt WHERE intent_id = ? AND dead = 0 ORDER BY id DESC")
            .bind(intent)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(attempt).collect()
    }

    /// The highest nonce that a live attempt of an unlanded intent holds.
    pub(super) async fn highest_nonce(&self) -> Result<Option<u64>, OutboxError> {
        let highest: Option<i64> = sqlx::query_scalar(
            "SELECT max(nonce) FROM attempt JOIN intent ON intent.id = intent_id
             WHERE dead = 0 AND state IN ('sent', 'landed')",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(highest.map(i64::cast_unsigned))
    }

    /// Writes an attempt down; the intent counts as sent from here on.
    pub(super) async fn sent(&self, intent: i64, attempt: &Attempt) -> Result<(), OutboxError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(
            "INSERT INTO attempt (intent_id, nonce, tx_hash, raw, gas_limit, max_fee, priority_fee, cancels, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(intent)
        .bind(attempt.nonce.cast_signed())
        .bind(attempt.tx_hash.to_string())
        .bind(attempt.raw.as_ref())
        .bind(attempt.gas_limit.cast_signed())
        .bind(attempt.max_fee.to_string())
        .bind(attempt.priority_fee.to_string())
        .bind(attempt.cancels)
        .bind(attempt.created_at.cast_signed())
        .execute(&mut *transaction)
        .await?;
        sqlx::query("UPDATE intent SET state = 'sent' WHERE id = ?").bind(intent).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// A foreign transaction took the nonce: the intent starts again.
    pub(super) async fn requeue(&self, intent: i64) -> Result<(), OutboxError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("UPDATE attempt SET dead = 1 WHERE intent_id = ?").bind(intent).execute(&mut *transaction).await?;
        sqlx::query("UPDATE intent SET state = 'queued' WHERE id = ?").bind(intent).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// An attempt is on the chain.
    pub(super) async fn landed(&self, intent: i64, outcome: &Outcome) -> Result<(), OutboxError> {
        self.end(intent, "landed", outcome).await
    }

    /// Nothing can change any more.
    pub(super) async fn done(&self, intent: i64, outcome: &Outcome) -> Result<(), OutboxError> {
        self.end(intent, "done", outcome).await
    }

    async fn end(&self, intent: i64, state: &'static str, outcome: &Outcome) -> Result<(), OutboxError> {
        let (name, tx_hash, block, receipt, error) = match outcome {
            Outcome::Landed { tx_hash, block, receipt, .. } => {
                let receipt = serde_json::to_string(receipt).map_err(|e| OutboxError::Damaged(e.to_string()))?;
                ("landed", Some(tx_hash), Some(block.cast_signed()), Some(receipt), None)
            }
            Outcome::Reverted { tx_hash, error } => ("reverted", tx_hash.as_ref(), None, None, Some(error)),
            Outcome::Expired => ("expired", None, None, None, None),
        };
        sqlx::query(
            "UPDATE intent SET state = ?, outcome = ?, tx_hash = ?, block_number = ?, receipt = ?, error_name = ?,
             error_detail = ? WHERE id = ?",
        )
        .bind(state)
        .bind(name)
        .bind(tx_hash.map(ToString::to_string))
        .bind(block)
        .bind(receipt)
        .bind(error.map(|error| error.name.clone()))
        .bind(error.map(|error| error.detail.clone()))
        .bind(intent)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// A landed intent is final.
    pub(super) async fn finalize(&self, intent: i64) -> Result<(), OutboxError> {
        sqlx::query("UPDATE intent SET state = 'done' WHERE id = ?").bind(intent).execute(&self.pool).await?;
        Ok(())
    }

    /// A landed intent is no longer on the chain.
    pub(super) async fn unland(&self, intent: i64) -> Result<(), OutboxError> {
        sqlx::query(
            "UPDATE intent SET state = 'sent', outcome = NULL, tx_hash = NULL, block_number = NULL, receipt = NULL
             WHERE id = ?",
        )
        .bind(intent)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    pub(super) async fn outcome(&self, key: &str) -> Result<Option<Outcome>, OutboxError> {
        let row = sqlx::query("SELECT outcome, tx_hash, receipt, error_name, error_detail FROM intent WHERE key = ?")
            .bind(key)
            .fetch_optional(&self.pool)
            .await?
            .ok_or_else(|| OutboxError::UnknownKey(key.to_owned()))?;
        let Some(outcome) = row.try_get::<Option<String>, _>("outcome")? else { return Ok(None) };
        let tx_hash = row.try_get::<Option<String>, _>("tx_hash")?.map(|text| parse(&text)).transpose()?;
        Ok(Some(match outcome.as_str() {
            "landed" => {
                let receipt: TransactionReceipt = serde_json::from_str(&row.try_get::<String, _>("receipt")?)
                    .map_err(|error| OutboxError::Damaged(error.to_string()))?;
                landed(receipt)
            }
            "reverted" => {
                let error = DecodedRevert { name: row.try_get("error_name")?, detail: row.try_get("error_detail")? };
                Outcome::Reverted { tx_hash, error }
            }
            _ => Outcome::Expired,
        }))
    }
}

/// The outcome that a successful receipt proves.
pub(super) fn landed(receipt: TransactionReceipt) -> Outcome {
    Outcome::Landed {
        tx_hash: receipt.transaction_hash,
        block: receipt.block_number.unwrap_or_default(),
        gas_used: receipt.gas_used,
        receipt: Box::new(receipt),
    }
}

/// Unix seconds.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

async fn lock(path: &Path) -> Result<File, OutboxError> {
    let failed = |source| OutboxError::File { path: path.to_owned(), source };
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(failed)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = File::options().create(true).truncate(false).write(true).open(name).map_err(failed)?;
    let deadline = tokio::time::Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
            Err(TryLockError::WouldBlock) if tokio::time::Instant::now() >= deadline => {
                return Err(OutboxError::InUse { path: path.to_owned() });
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn stored(row: &SqliteRow) -> Result<Stored, OutboxError> {
    Ok(Stored {
        id: row.try_get("id")?,
        intent: Intent {
            key: row.try_get("key")?,
            label: row.try_get("label")?,
            to: parse(row.try_get("recipient")?)?,
            data: row.try_get::<Vec<u8>, _>("data")?.into(),
            value: parse::<U256>(row.try_get("value")?)?,
            deadline: row.try_get::<Option<i64>, _>("deadline")?.map(i64::cast_unsigned),
            max_fee_per_gas: row.try_get::<Option<&str>, _>("max_fee_per_gas")?.map(parse).transpose()?,
        },
        tx_hash: row.try_get::<Option<&str>, _>("tx_hash")?.map(parse).transpose()?,
        block: row.try_get::<Option<i64>, _>("block_number")?.map(i64::cast_unsigned),
    })
}

fn attempt(row: &SqliteRow) -> Result<Attempt, OutboxError> {
    Ok(Attempt {
        nonce: row.try_get::<i64, _>("nonce")?.cast_unsigned(),
        tx_hash: parse(row.try_get("tx_hash")?)?,
        raw: row.try_get::<Vec<u8>, _>("raw")?.into(),
        gas_limit: row.try_get::<i64, _>("gas_limit")?.cast_unsigned(),
        max_fee: parse(row.try_get("max_fee")?)?,
        priority_fee: parse(row.try_get("priority_fee")?)?,
        cancels: row.try_get("cancels")?,
        created_at: row.try_get::<i64, _>("created_at")?.cast_unsigned(),
    })
}

fn parse<T: FromStr>(text: &str) -> Result<T, OutboxError> {
    text.parse().map_err(|_| OutboxError::Damaged(format!("`{text}` is no {}", std::any::type_name::<T>())))
}
