//! `aiigo store pins`, `unpin` and `gc`; and for how long the blobs of a job stay pinned.
//!
//! What a user puts into the store is pinned for the user. What a job needs is pinned for its order, then for the task
//! that comes of it; what its provider delivers is pinned for the task too. A task's pins end when its result has been
//! taken; where nobody takes it, a while after the task is over.

use std::{collections::BTreeMap, path::Path, time::Duration};

use aiigo_protocol::{TaskId, TaskStatus};
use aiigo_storage::{BlobCid, Collected, DirStore, Pin, PinHolder};
use aiigo_task::{format_bytes, parse_duration};
use alloy::primitives::B256;
use clap::Args;
use serde::Serialize;

use super::{contents::Contents, files::Place};
use crate::{
    Chain, CliError,
    args::{ChainArgs, parsed},
    cli::Session,
    error::Context,
    format,
    output::{printable, table},
};

/// How long results that nobody took stay, unless told otherwise.
pub(super) const KEEP: Duration = Duration::from_secs(7 * 24 * 3600);

/// Who holds what a job needs until it is a task.
pub(crate) fn order_holder(spec_hash: B256) -> PinHolder {
    // Hexadecimal digits and `x`: always a holder's name.
    format!("order-{spec_hash}").parse().unwrap_or_else(|_| PinHolder::user())
}

fn is_order(holder: &PinHolder) -> bool {
    holder.as_str().starts_with("order-")
}

/// The order has become a task: its pins are the task's.
pub(crate) async fn order_became_task(
    store: &Path,
    spec_hash: B256,
    chain_id: u64,
    task: TaskId,
) -> Result<(), CliError> {
    let store = open(store)?;
    let (order, task) = (order_holder(spec_hash), PinHolder::task(chain_id, task.0));
    for pin in pins_of(&store, &order).await? {
        // In this order: a blob without a pin could be collected.
        store.pin(&pin.cid, task.clone(), pin.note).await.context(|| format!("pinning {}", pin.cid))?;
        store.unpin(&pin.cid, order.clone()).await.context(|| format!("unpinning {}", pin.cid))?;
    }
    Ok(())
}

/// The task is over and its result, if there is one, was taken.
pub(crate) async fn task_is_over(store: &Path, chain_id: u64, task: TaskId) -> Result<(), CliError> {
    release(&open(store)?, &PinHolder::task(chain_id, task.0)).await.map(|_| ())
}

fn open(store: &Path) -> Result<DirStore, CliError> {
    DirStore::open(store).context(|| format!("opening the store {}", store.display()))
}

async fn pins_of(store: &DirStore, holder: &PinHolder) -> Result<Vec<Pin>, CliError> {
    let pins = store.pins().await.context(|| "reading the store's pins".into())?;
    Ok(pins.into_iter().filter(|pin| pin.holder == *holder).collect())
}

/// Takes all pins of a holder away, and tells how many there were.
async fn release(store: &DirStore, holder: &PinHolder) -> Result<u64, CliError> {
    let mut released = 0;
    for pin in pins_of(store, holder).await? {
        store.unpin(&pin.cid, holder.clone()).await.context(|| format!("unpinning {}", pin.cid))?;
        released += 1;
    }
    Ok(released)
}

/// Takes the pins of tasks away that are over, where the result can't come any more or was not taken for so long; and those
/// of orders of which no task came in that time. Tells how many pins.
pub(super) async fn release_what_is_over(store: &DirStore, chain: &Chain, keep: Duration) -> Result<u64, CliError> {
    // When each holder pinned last.
    let mut holders = BTreeMap::new();
    for pin in store.pins().await.context(|| "reading the store's pins".into())? {
        let last = holders.entry(pin.holder).or_insert(0);
        *last = pin.since.max(*last);
    }
    let mut released = 0;
    for (holder, last) in holders {
        let kept_long_enough = format::now().saturating_sub(last) >= keep.as_secs();
        let over = match holder.as_task() {
            Some((chain_id, id)) if chain_id == chain.deployment().chain_id => match chain.task(TaskId(id)).await {
                Ok((status, _)) => is_over(status, kept_long_enough),
                // The chain does not know it, or not yet.
                Err(CliError::Failed(_)) => false,
                Err(error) => return Err(error),
            },
            Some(_) => false,
            None => is_order(&holder) && kept_long_enough,
        };
        if over {
            released += release(store, &holder).await?;
        }
    }
    Ok(released)
}

fn is_over(status: TaskStatus, kept_long_enough: bool) -> bool {
    match status {
        TaskStatus::Cancelled | TaskStatus::Expired => true,
        status => status.is_final() && kept_long_enough,
    }
}

/// Collect garbage: remove what is not pinned.
///
/// Pinned is what you put there (`aiigo store put`), and what tasks need. What was stored within the last hour stays as well.
#[derive(Args, Debug)]
pub(crate) struct GcCommand {
    /// Only tell what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Don't ask the chain which tasks are over: keep what is pinned for any
    #[arg(long)]
    offline: bool,
    /// How long results that you did not take stay once their task is over
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "7d")]
    keep: Duration,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    place: Place,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Swept {
    dry_run: bool,
    /// Pins of tasks that are over.
    released_pins: u64,
    #[serde(flatten)]
    collected: Collected,
    /// What is left.
    stored_bytes: u64,
}

impl GcCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let store = self.place.open()?;
        let released_pins = if self.dry_run || self.offline { 0 } else { self.release(&store).await? };
        let collected = if self.dry_run { store.collectable().await } else { store.collect().await };
        let collected = collected.context(|| "collecting garbage".into())?;
        if !self.dry_run {
            Contents::of(&self.place.dir()).forget_missing(&store).await?;
        }
        let stored_bytes = store.usage().await.context(|| "counting what is stored".into())?.bytes;
        let swept = Swept { dry_run: self.dry_run, released_pins, collected, stored_bytes };
        session.output.result(&swept, || {
            let verb = if self.dry_run { "Would remove" } else { "Removed" };
            let Collected { blobs, blocks, bytes } = collected;
            let freed = format!("{verb} {blobs} file(s) or folder(s), {} in {blocks} block(s)", format_bytes(bytes));
            format!("{freed}; the store holds {}.", format_bytes(stored_bytes))
        })
    }

    /// Needs the chain only if something is pinned for a task.
    async fn release(&self, store: &DirStore) -> Result<u64, CliError> {
        let pins = store.pins().await.context(|| "reading the store's pins".into())?;
        if !pins.iter().any(|pin| pin.holder.as_task().is_some() || is_order(&pin.holder)) {
            return Ok(0);
        }
        let released = async { release_what_is_over(store, &self.chain.connect().await?, self.keep).await };
        released.await.context(|| "asking the chain which tasks are over (--offline keeps them all)".into())
    }
}

/// List what is pinned, and for whom.
#[derive(Args, Debug)]
pub(crate) struct PinsCommand {
    #[command(flatten)]
    place: Place,
}

impl PinsCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let pins = self.place.open()?.pins().await.context(|| "reading the store's pins".into())?;
        session.output.result(&pins, || {
            let mut rows = table(["SINCE", "WHAT", "FOR", "CID"]);
            rows.add_rows(pins.iter().map(|pin| {
                [format::date(pin.since), printable(&pin.note), pin.holder.to_string(), pin.cid.to_string()]
            }));
            rows.to_string()
        })
    }
}

/// Take a pin away; `aiigo store gc` then removes what nobody else needs.
#[derive(Args, Debug)]
pub(crate) struct UnpinCommand {
    /// The file's or folder's CID
    #[arg(value_parser = parsed::<BlobCid>)]
    cid: BlobCid,
    /// Whose pin [default: user]; `aiigo store pins` lists them
    #[arg(long = "for", value_name = "HOLDER", value_parser = parsed::<PinHolder>)]
    holder: Option<PinHolder>,
    #[command(flatten)]
    place: Place,
}

impl UnpinCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let (store, cid) = (self.place.open()?, self.cid);
        let holder = self.holder.unwrap_or_else(PinHolder::user);
        let there = store.unpin(&cid, holder.clone()).await.context(|| format!("unpinning {cid}"))?;
        let pins = store.pins().await.context(|| "reading the store's pins".into())?;
        let others: Vec<PinHolder> = pins.into_iter().filter(|pin| pin.cid == cid).map(|pin| pin.holder).collect();
        let names = others.iter().map(PinHolder::as_str).collect::<Vec<_>>().join(", ");
        if !there {
            let hint = if others.is_empty() { String::new() } else { format!("; it is for: {names} (--for HOLDER)") };
            return Err(CliError::Failed(format!("{cid} is not pinned for {holder}{hint}")));
        }
        let document = serde_json::json!({ "cid": cid, "holder": holder, "stillPinnedFor": others });
        session.output.result(&document, || match others.is_empty() {
            true => format!("{cid} is not pinned any more: aiigo store gc removes it"),
            false => format!("{cid} is still pinned for: {names}"),
        })
    }
}
