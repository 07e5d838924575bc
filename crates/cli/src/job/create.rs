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
    format,
    indexer::Indexer,
    progress::Progress,
    runs::Run,
    store::{Published, order_became_task},
    wallet::{Call, Landed, Wallet},
};

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
    session: &Session,
) -> Result<Order, CliError> {
    // Before the task is there: its provider must find the door open.
    let chain_id = wallet.chain().deployment().chain_id;
    Published::in_store(store).record(chain_id, wallet.address(), prepared.spec_hash, &prepared.spec_json)?;
    let mut run = wallet.runs().begin("createTask", &prepared.request.abi_encode())?;
    if run.resumed {
        progress.note("Taking up the same job again, which was cut short.");
    } else if let Err(error) = ready(prepared, wallet, indexer, progress).await {
        run.finish()?;
        return Err(error);
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

/// Whether the order can go well: better known before the money moves.
async fn ready(
    prepared: &Prepared,
    wallet: &Wallet,
    indexer: Option<&Indexer>,
    progress: &Progress,
) -> Result<(), CliError> {
    let (escrow, tips) = quote(wallet.chain(), &prepared.request).await?;
    progress.step(&format!(
        "quote: {} in escrow for at most {} s of work, {} for possible time-outs; what is not used comes back",
        format::eth(escrow),
        prepared.request.duration,
        format::eth(tips)
    ));
    affordable(wallet.chain(), wallet.address(), escrow, tips).await?;
    progress.waiting("asking the gateway for the spec, as a provider will");
    prepare::check_gateway(prepared).await?;
    providers::show(indexer, &prepared.request, wallet.address(), progress).await;
    Ok(())
}

async fn create(
    prepared: &Prepared,
    wallet: &Wallet,
    run: &Run,
    progress: &Progress,
    session: &Session,
) -> Result<TaskId, CliError> {
    let chain = wallet.chain();
    let (escrow, tips) = quote(chain, &prepared.request).await?;
    progress.waiting("creating the task");
    let data = TaskMarketplace::createTaskCall { request: prepared.request.clone() }.abi_encode();
    let call = wallet.call(format!("creating the task of {}", prepared.spec.name), ContractName::TaskMarketplace, data);
    let landed = wallet.send(run, Call { value: escrow + tips, ..call }, &session.stop).await?;
    created(chain, &landed, wallet.address(), prepared.spec_hash)
}

/// Escrow and deposit for time-out tips, wei.
pub(super) async fn quote(chain: &Chain, request: &TaskMarketplace::TaskRequest) -> Result<(U256, U256), CliError> {
    let quote = chain.market().quote(request.clone()).call().await;
    let quote = quote.map_err(|error| CliError::call("asking the marketplace for a quote", error))?;
    Ok((U256::from(quote.escrow), quote.tipDeposit))
}

async fn affordable(chain: &Chain, buyer: Address, escrow: U256, tips: U256) -> Result<(), CliError> {
    let balance = chain.eth_of(buyer).await?;
    // Equal is too little: gas comes on top.
    match balance > escrow + tips {
        true => Ok(()),
        false => Err(CliError::Failed(format!(
            "the job needs {} in escrow, {} for possible time-outs, and gas, but {buyer} has {}: send it some, or lower \
             `price` or `resources.time` in the job file",
            format::eth(escrow),
            format::eth(tips),
            format::eth(balance)
        ))),
    }
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
