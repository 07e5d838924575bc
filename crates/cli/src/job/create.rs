//! Ordering a job: the spec and its money go to the chain.

use std::path::Path;

use aiigo_protocol::{
    ContractName, Event, TaskId,
    TaskMarketplace::{self, TaskMarketplaceEvents},
};
use alloy::{
    primitives::{Address, B256, U256},
    sol_types::{SolCall, SolValue},
};

use super::{
    prepare::{self, Prepared},
    providers,
};
use crate::{
    Chain, CliError,
    cli::Session,
    confirm::ConfirmArgs,
    format,
    indexer::Indexer,
    progress::Progress,
    runs::Run,
    store::{Published, order_became_task},
    wallet::{Call, Landed, Wallet},
};

/// What a run of an order is called.
const ACTION: &str = "createTask";

/// A job that was ordered.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) task_id: TaskId,
    /// Its record: finished when the job is.
    pub(crate) run: Run,
}

/// Orders a job once: an order that was cut short is taken up again.
pub(crate) async fn order(
    prepared: &Prepared,
    wallet: &Wallet,
    indexer: Option<&Indexer>,
    store: &Path,
    progress: &Progress,
    confirm: ConfirmArgs,
    session: &Session,
) -> Result<Order, CliError> {
    // Before the task is there: its provider must find the door open.
    let chain_id = wallet.chain().deployment().chain_id;
    Published::in_store(store).record(chain_id, wallet.address(), prepared.spec_hash, &prepared.spec_json)?;
    let content = prepared.request.abi_encode();
    // Only what was agreed to is begun: what is under way is not asked about again.
    if !wallet.runs().is_under_way(ACTION, &content) {
        agree(prepared, wallet, indexer, progress, confirm, session).await?;
    }
    let mut run = wallet.runs().begin(ACTION, &content)?;
    if run.resumed {
        progress.note("Taking up the same job again, which was cut short.");
    }
    let task_id = match run.task_id() {
        Some(id) => TaskId(id),
        None => match create(prepared, wallet, &run, progress, session).await {
            Ok(id) => id,
            Err(error) => {
                if error.is_final() {
                    run.finish()?;
                }
                return Err(error);
            }
        },
    };
    run.set_task_id(task_id.0)?;
    order_became_task(store, prepared.spec_hash, chain_id, task_id).await?;
    Ok(Order { task_id, run })
}

/// Asks whether it is wanted, once it is known that the order can go well: better before the money moves.
async fn agree(
    prepared: &Prepared,
    wallet: &Wallet,
    indexer: Option<&Indexer>,
    progress: &Progress,
    confirm: ConfirmArgs,
    session: &Session,
) -> Result<(), CliError> {
    let terms = Terms::of(prepared, wallet).await?;
    terms.affordable(wallet).await?;
    progress.waiting("asking the gateway for the spec, as a provider will");
    prepare::check_gateway(prepared).await?;
    providers::show(indexer, &prepared.request, wallet.address(), progress).await;
    progress.pause();
    confirm.agree(wallet, &terms.lines(prepared), &[&terms.call], session).await
}

/// What an order costs.
#[derive(Debug)]
pub(super) struct Terms {
    /// Wei.
    pub(super) escrow: U256,
    /// Deposit for time-out tips, wei.
    pub(super) tips: U256,
    /// What creates the task.
    pub(super) call: Call,
}

impl Terms {
    /// Asks the marketplace.
    ///
    /// # Errors
    /// If it takes no such task.
    pub(super) async fn of(prepared: &Prepared, wallet: &Wallet) -> Result<Self, CliError> {
        let (escrow, tips) = quote(wallet.chain(), &prepared.request).await?;
        let data = TaskMarketplace::createTaskCall { request: prepared.request.clone() }.abi_encode();
        let what = format!("creating the task of {}", prepared.spec.name);
        let call = Call { value: escrow + tips, ..wallet.call(what, ContractName::TaskMarketplace, data) };
        Ok(Self { escrow, tips, call })
    }

    /// Whether the account can pay it.
    pub(super) async fn affordable(&self, wallet: &Wallet) -> Result<(), CliError> {
        let (buyer, balance) = (wallet.address(), wallet.chain().eth_of(wallet.address()).await?);
        // Equal is too little: gas comes on top.
        match balance > self.escrow + self.tips {
            true => Ok(()),
            false => Err(CliError::Failed(format!(
                "the job needs {} in escrow, {} for possible time-outs, and gas, but {buyer} has {}: send it some, or \
                 lower `price` or `resources.time` in the job file",
                format::eth(self.escrow),
                format::eth(self.tips),
                format::eth(balance)
            ))),
        }
    }

    /// The same for people.
    pub(super) fn lines(&self, prepared: &Prepared) -> [String; 3] {
        let TaskMarketplace::TaskRequest { replicas, duration, .. } = prepared.request;
        let nodes = match replicas {
            1 => "a node".to_owned(),
            seats => format!("each of {seats} nodes"),
        };
        [
            format!("order {}: at most {duration} s of work by {nodes}", prepared.spec.name),
            format!(
                "put {} into escrow for it, and {} for time-outs",
                format::eth(self.escrow),
                format::eth(self.tips)
            ),
            "what is not used of both comes back to your balance".into(),
        ]
    }
}

async fn create(
    prepared: &Prepared,
    wallet: &Wallet,
    run: &Run,
    progress: &Progress,
    session: &Session,
) -> Result<TaskId, CliError> {
    progress.waiting("creating the task");
    let landed = wallet.send(run, Terms::of(prepared, wallet).await?.call, &session.stop).await?;
    created(wallet.chain(), &landed, wallet.address(), prepared.spec_hash)
}

/// Escrow and deposit for time-out tips, wei.
pub(super) async fn quote(chain: &Chain, request: &TaskMarketplace::TaskRequest) -> Result<(U256, U256), CliError> {
    let quote = chain.market().quote(request.clone()).call().await;
    let quote = quote.map_err(|error| CliError::call("asking the marketplace for a quote", error))?;
    Ok((U256::from(quote.escrow), quote.tipDeposit))
}

fn created(chain: &Chain, landed: &Landed, buyer: Address, spec_hash: B256) -> Result<TaskId, CliError> {
    let id = landed.events(chain.deployment()).find_map(|event| match event {
        Event::TaskMarketplace(TaskMarketplaceEvents::TaskCreated(created))
            if created.buyer == buyer && created.specHash == spec_hash =>
        {
            Some(TaskId(created.taskId))
        }
        _ => None,
    });
    id.ok_or_else(|| {
        CliError::Failed(format!(
            "transaction {} created no task: is --deployment the right file for this chain?",
            landed.tx_hash
        ))
    })
}
