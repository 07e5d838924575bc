//! The suite as the deploy script left it, in an EVM in this process.

mod encode;
mod machine;
mod prepare;
mod state;
mod tree;
mod watch;

use std::sync::Arc;

use aiigo_protocol::{DisputeCourt, TaskStatus, decode_revert};
use alloy::{
    primitives::{Address, B256, U256},
    sol_types::{SolCall, SolValue},
};

pub use self::prepare::Prepared;
use self::{
    machine::{Done, Machine},
    prepare::Suite,
    watch::Watches,
};
use crate::{
    books::{Books, NodeBook, PositionBook, TaskBook},
    call::Call,
    cast::{Holder, Token},
};

/// Why a chain can't be prepared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The suite does not deploy.
    #[error(transparent)]
    Devnet(#[from] aiigo_devnet::DevnetError),
    /// The record of the deployment can't be used.
    #[error(transparent)]
    Deployment(#[from] aiigo_protocol::DeploymentError),
    /// A file can't be read.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// A file is not what it should be.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A key is no key.
    #[error(transparent)]
    Key(#[from] alloy::signers::k256::ecdsa::Error),
    /// No device searches for a proof of power.
    #[error(transparent)]
    Power(#[from] aiigo_pow::PowError),
    /// The device that searches failed.
    #[error(transparent)]
    Device(#[from] aiigo_pow::DeviceError),
    /// An answer is not of its ABI.
    #[error(transparent)]
    Abi(#[from] alloy::sol_types::Error),
    /// The epochs can't be made longer.
    #[error("the length of the epochs was not found in the storage that its view reads")]
    NoEpochLength,
    /// A step of the preparation reverted.
    #[error("{call} reverted: {reason}")]
    Refused {
        /// Its signature.
        call: &'static str,
        /// The named error.
        reason: String,
    },
}

/// A deployed suite that calls are made on, and everybody's balances on it.
pub struct Chain {
    suite: Arc<Suite>,
    machine: Machine,
    watches: Watches,
    books: Books,
    ids: Ids,
}

/// What the chain named.
#[derive(Default)]
struct Ids {
    tasks: Vec<B256>,
    cases: Vec<CaseId>,
    positions: Vec<U256>,
    /// With what they say that each node has earned.
    roots: Vec<(U256, Vec<u128>)>,
    /// The last that was opened.
    round: u64,
}

/// A case, and what a draw and a sealed vote have to name.
struct CaseId {
    id: U256,
    round: u8,
    draw_block: u64,
}

impl Chain {
    /// Continues from a prepared state.
    pub fn new(prepared: &Prepared) -> Self {
        Self {
            suite: prepared.suite.clone(),
            machine: prepared.machine(),
            watches: prepared.watches.clone(),
            books: prepared.books().clone(),
            ids: Ids { positions: prepared.positions.clone(), ..Ids::default() },
        }
    }

    /// Everybody's balances.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// Moves on to a later block, or stays in this one.
    pub(crate) fn advance(&mut self, seconds: u64) {
        if seconds > 0 {
            self.machine.advance(seconds);
        }
    }

    /// Makes the call as `caller`; if it reverts, says with what.
    pub(crate) fn apply(&mut self, caller: Holder, call: &Call) -> Result<(), String> {
        match call {
            Call::Mine { blocks } => {
                self.machine.mine(*blocks);
                return Ok(());
            }
            Call::OpenRound {} => self.machine.expect_round(),
            Call::DrawJury { case } => {
                let case = self.ids.cases.get(*case);
                case.iter().for_each(|case| self.machine.remember(case.draw_block));
            }
            _ => {}
        }
        let from = self.suite.address(caller);
        let (to, value, data) = encode::encode(&self.suite, &self.ids, caller, call);
        let Done { output, touched } = self.machine.run(from, to, value, data.into());
        let output = output.map_err(|data| decode_revert(&data).detail)?;
        self.watches.mark(&self.suite, &touched, &mut self.books);
        self.machine.keep(touched);
        self.remember(call, &output).map_err(|error| format!("its answer can't be read: {error}"))?;
        self.watches.refresh(&mut self.machine, &mut self.books);
        Ok(())
    }

    /// Keeps the ids that a call made, and watches what they name.
    fn remember(&mut self, call: &Call, output: &[u8]) -> Result<(), alloy::sol_types::Error> {
        match call {
            Call::CreateTask { .. } => self.watch_task(B256::abi_decode(output)?),
            Call::CreateTasks { .. } => {
                for id in Vec::<B256>::abi_decode(output)? {
                    self.watch_task(id);
                }
            }
            Call::DisputeTask { .. } => {
                let id = U256::abi_decode(output)?;
                self.ids.cases.push(CaseId { id, round: 0, draw_block: 0 });
                self.look_at_case(self.ids.cases.len() - 1)?;
            }
            Call::DrawJury { case } | Call::AdvanceCase { case } | Call::Appeal { case } => self.look_at_case(*case)?,
            Call::OpenRound {} => self.ids.round += 1,
            Call::PostRoot { amounts, .. } => self.ids.roots.push((U256::abi_decode(output)?, amounts.clone())),
            Call::RegisterNode { .. } => {
                self.books.nodes.push(NodeBook::default());
                self.watches.node(&self.suite, self.books.nodes.len() - 1);
            }
            Call::OpenPosition { .. } => {
                let id = U256::abi_decode(output)?;
                self.ids.positions.push(id);
                self.books.positions.push(PositionBook::default());
                self.watches.position(&self.suite, self.books.positions.len() - 1, id);
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads the round and the block that draws.
    fn look_at_case(&mut self, case: usize) -> Result<(), alloy::sol_types::Error> {
        let Some(found) = self.ids.cases.get_mut(case) else { return Ok(()) };
        let call = DisputeCourt::caseOfCall { caseId: found.id };
        let court = self.suite.address(Holder::Court);
        let answer = self.machine.run(Address::ZERO, court, 0, call.abi_encode().into()).output.unwrap_or_default();
        let case = DisputeCourt::caseOfCall::abi_decode_returns(&answer)?;
        (found.round, found.draw_block) = (case.round, case.draw.blockNumber);
        Ok(())
    }

    fn watch_task(&mut self, id: B256) {
        self.ids.tasks.push(id);
        self.books.tasks.push(TaskBook { status: TaskStatus::None, escrow: 0 });
        self.watches.task(&self.suite, self.books.tasks.len() - 1, id);
    }
}

/// Where a token's contract is; ether has none.
fn token_address(suite: &Suite, token: Token) -> Address {
    suite.tokens[token.index()]
}
