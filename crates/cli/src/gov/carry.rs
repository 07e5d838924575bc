//! `aiigo gov queue` and `aiigo gov execute`: an accepted proposal is carried out, by anybody.

use aiigo_protocol::{AIIGOGovernor, ContractName};
use alloy::{primitives::U256, sol_types::SolCall};
use clap::Args;

use super::{
    proposals::{ProposalRef, Proposals},
    standing::{Standing, State},
};
use crate::{
    CliError,
    args::{WalletArgs, parsed},
    cli::Session,
    confirm::ConfirmArgs,
    decoded::DecodedCall,
    format,
    wallet::Call,
};

/// Put an accepted proposal into the timelock.
#[derive(Args, Debug)]
pub(crate) struct QueueCommand {
    #[command(flatten)]
    carry: CarryArgs,
}

/// Carry out a proposal whose time in the timelock is over.
#[derive(Args, Debug)]
pub(crate) struct ExecuteCommand {
    #[command(flatten)]
    carry: CarryArgs,
}

#[derive(Args, Debug)]
struct CarryArgs {
    /// The proposal's id, or how it begins
    #[arg(value_parser = parsed::<ProposalRef>)]
    proposal: ProposalRef,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    wallet: WalletArgs,
}

impl QueueCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        self.carry.run(Step::Queue, session).await
    }
}

impl ExecuteCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        self.carry.run(Step::Execute, session).await
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Queue,
    Execute,
}

impl Step {
    /// Whether it can be taken now.
    fn is_due(self, standing: &Standing) -> bool {
        match self {
            Self::Queue => standing.state == State::Succeeded,
            Self::Execute => standing.state == State::Queued && standing.now >= standing.eta,
        }
    }

    const fn doing(self) -> &'static str {
        match self {
            Self::Queue => "queueing",
            Self::Execute => "executing",
        }
    }
}

impl CarryArgs {
    async fn run(self, step: Step, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let chain = wallet.chain();
        let proposal = Proposals::read(chain).await?.find(&self.proposal)?;
        let standing = Standing::of(chain, &proposal).await?;
        if !step.is_due(&standing) {
            return Err(CliError::Failed(format!(
                "{} proposal {} is not due: it is {}, {}",
                step.doing(),
                proposal.id,
                standing.state,
                standing.next(&proposal)
            )));
        }
        let (targets, values, calldatas) =
            (proposal.targets.clone(), proposal.values.clone(), proposal.calldatas.clone());
        let description_hash = proposal.description_hash();
        // What the calls carry comes out of the treasury, unless it is sent along.
        let data = match step {
            Step::Queue => {
                AIIGOGovernor::queueCall { targets, values, calldatas, descriptionHash: description_hash }.abi_encode()
            }
            Step::Execute => {
                AIIGOGovernor::executeCall { targets, values, calldatas, descriptionHash: description_hash }
                    .abi_encode()
            }
        };
        let what = format!("{} proposal {}", step.doing(), proposal.id);
        let call = Call { value: U256::ZERO, ..wallet.call(what, ContractName::AIIGOGovernor, data) };
        let mut lines = vec![match step {
            Step::Queue => format!("put into the timelock: {}", proposal.title()),
            Step::Execute => format!("carry out: {}", proposal.title()),
        }];
        for line in proposal.decoded(chain).await?.iter().flat_map(DecodedCall::lines) {
            lines.push(format!("  {line}"));
        }
        self.confirm.agree(&wallet, &lines, &[&call], session).await?;
        let landed = wallet.send_once(step.doing(), call, &session.stop).await?;
        let after = Standing::of(chain, &proposal).await?;
        let document = serde_json::json!({
            "proposalId": proposal.id.to_string(),
            "state": after.state,
            "executableAt": after.eta,
            "txHash": landed.tx_hash,
        });
        session.output.result(&document, || {
            let done = match step {
                Step::Queue => format!("Queued: it can be executed {}", format::deadline(after.eta, after.now)),
                Step::Execute => format!("Executed: {}", proposal.title()),
            };
            format!("{done}\ntx {}", landed.tx_hash)
        })
    }
}
