//! `aiigo job dispute`: a result goes to court.

use aiigo_protocol::{
    ContractName, Event, TaskId,
    TaskMarketplace::{self, TaskMarketplaceEvents},
    TaskStatus,
    units::BPS,
};
use alloy::{primitives::U256, sol_types::SolCall};
use clap::Args;

use crate::{
    Chain, CliError, allowance,
    args::{WalletArgs, parsed},
    cli::Session,
    confirm::ConfirmArgs,
    format,
    wallet::{Call, Wallet},
};

/// What a dispute is backed with, basis points of what is due (rule 6.1 of `docs/protocol.md`).
const BOND: u64 = 200;
/// What is due is a multiple of so many units.
const UNITS: u64 = 10_000;

/// Take a task's result to court, within its review window.
#[derive(Args, Debug)]
pub(crate) struct DisputeCommand {
    /// The task's id
    #[arg(value_parser = parsed::<TaskId>)]
    task: TaskId,
    /// Where the jurors find your evidence: ipfs://… (`aiigo store put FILE` gives the CID)
    #[arg(long, value_name = "URI")]
    evidence: String,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    wallet: WalletArgs,
}

impl DisputeCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let (chain, id) = (wallet.chain(), self.task);
        let (status, task) = chain.task(id).await?;
        check(id, status, &task, &wallet)?;
        let bond = due(chain, &task).await? * U256::from(BOND) / U256::from(BPS);
        let terms = chain.court().parameters().call().await;
        let terms = terms.map_err(|error| CliError::call("reading the court's parameters", error))?;
        let fee = U256::from(terms.caseFee);
        let balance = chain.token().balanceOf(wallet.address()).call().await;
        let balance = balance.map_err(|error| CliError::call("reading your AIIGO", error))?;
        if balance < fee {
            return Err(CliError::Failed(format!(
                "a dispute takes a case fee of {}, and {} has {}",
                format::aiigo(fee),
                wallet.address(),
                format::aiigo(balance)
            )));
        }
        let allow = allowance::call(&wallet, ContractName::DisputeCourt, fee).await?;
        let data = TaskMarketplace::disputeTaskCall { taskId: id.0, evidenceURI: self.evidence.clone() }.abi_encode();
        let call =
            Call { value: bond, ..wallet.call(format!("disputing task {id}"), ContractName::TaskMarketplace, data) };
        let lines = [
            format!("take the result of node {} for task {id} to court", task.nodeId),
            format!("put down a bond of {} and a case fee of {}", format::eth(bond), format::aiigo(fee)),
            "the bond goes to the provider as far as the ruling is for it; the loser's fee pays the jury".into(),
        ];
        let calls: Vec<&Call> = allow.iter().chain([&call]).collect();
        self.confirm.agree(&wallet, &lines, &calls, session).await?;
        if let Some(allow) = allow {
            wallet.send_once(allowance::ACTION, allow, &session.stop).await?;
        }
        let landed = wallet.send_once("dispute", call, &session.stop).await?;
        let disputed = landed.events(chain.deployment()).find_map(|event| match event {
            Event::TaskMarketplace(TaskMarketplaceEvents::TaskDisputed(disputed)) => Some(disputed),
            _ => None,
        });
        let disputed = disputed.ok_or_else(|| landed.lacks_its_event())?;
        let document = serde_json::json!({
            "taskId": id,
            "caseId": disputed.caseId.to_string(),
            "dueWei": disputed.due.to_string(),
            "bondWei": disputed.bond.to_string(),
            "caseFeeWei": fee.to_string(),
            "txHash": landed.tx_hash,
        });
        session.output.result(&document, || {
            format!("Before the court as case {0}: aiigo court show {0}\ntx {1}", disputed.caseId, landed.tx_hash)
        })
    }
}

/// Whether the account can dispute the task now.
fn check(id: TaskId, status: TaskStatus, task: &TaskMarketplace::Task, wallet: &Wallet) -> Result<(), CliError> {
    if status != TaskStatus::Completed {
        return Err(CliError::Failed(format!(
            "task {id} is {status}: a result can be disputed after it came and before it is paid or settled"
        )));
    }
    if ![task.buyer, task.watcher].contains(&wallet.address()) {
        return Err(CliError::Failed(format!(
            "only the buyer of task {id}, {}, or its watcher can dispute it",
            task.buyer
        )));
    }
    match task.paymentToken.is_zero() {
        true => Ok(()),
        false => Err(CliError::Failed(format!(
            "task {id} is paid in the token {}: this program disputes tasks that are paid in ETH",
            task.paymentToken
        ))),
    }
}

/// What the provider would get if the result were approved, smallest units.
async fn due(chain: &Chain, task: &TaskMarketplace::Task) -> Result<U256, CliError> {
    let price = U256::from(task.agreedPrice);
    if !price.is_zero() {
        return Ok(price - price % U256::from(UNITS));
    }
    let elapsed = U256::from(task.submittedAt).saturating_sub(U256::from(task.assignedAt));
    let due = chain.market().dueFor(task.escrow, task.duration, elapsed).call().await;
    due.map_err(|error| CliError::call("reading what is due", error))
}
