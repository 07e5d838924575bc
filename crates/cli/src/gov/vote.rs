//! `aiigo gov vote`.

use aiigo_protocol::{
    AIIGOGovernor::{self, AIIGOGovernorEvents},
    ContractName, Event,
};
use alloy::{primitives::U256, sol_types::SolCall};
use clap::{Args, ValueEnum};

use super::{
    proposals::{Proposal, ProposalRef, Proposals},
    standing::{Standing, State},
};
use crate::{
    CliError,
    args::{WalletArgs, parsed},
    cli::Session,
    confirm::ConfirmArgs,
    decoded::DecodedCall,
    format,
    wallet::Wallet,
};

/// Vote on a proposal; a vote can't be changed.
#[derive(Args, Debug)]
pub(crate) struct VoteCommand {
    /// The proposal's id, or how it begins
    #[arg(value_parser = parsed::<ProposalRef>)]
    proposal: ProposalRef,
    /// How
    #[arg(value_enum)]
    support: Support,
    /// Why, for everybody to read on the chain
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    wallet: WalletArgs,
}

/// A vote, as OpenZeppelin's `GovernorCountingSimple` counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Support {
    /// Reject it
    Against = 0,
    /// Accept it
    For = 1,
    /// Count for the quorum only
    Abstain = 2,
}

impl Support {
    const fn name(self) -> &'static str {
        match self {
            Self::Against => "against",
            Self::For => "for",
            Self::Abstain => "abstain",
        }
    }
}

impl VoteCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let chain = wallet.chain();
        let proposal = Proposals::read(chain).await?.find(&self.proposal)?;
        let data = AIIGOGovernor::castVoteWithReasonCall {
            proposalId: proposal.id,
            support: self.support as u8,
            reason: self.reason.clone(),
        };
        let call = wallet.call(
            format!("voting {} on proposal {}", self.support.name(), proposal.id),
            ContractName::AIIGOGovernor,
            data.abi_encode(),
        );
        let weight = weight(&wallet, &proposal).await?;
        let mut lines =
            vec![format!("vote {} with {} on: {}", self.support.name(), format::aiigo(weight), proposal.title())];
        for line in proposal.decoded(chain).await?.iter().flat_map(DecodedCall::lines) {
            lines.push(format!("  {line}"));
        }
        self.confirm.agree(&wallet, &lines, &[&call], session).await?;
        let landed = wallet.send_once("gov-vote", call, &session.stop).await?;
        let cast = landed.events(chain.deployment()).find_map(|event| match event {
            Event::AIIGOGovernor(AIIGOGovernorEvents::VoteCast(cast)) => Some(cast.weight),
            _ => None,
        });
        let weight = cast.ok_or_else(|| landed.lacks_its_event())?;
        let standing = Standing::of(chain, &proposal).await?;
        let document = serde_json::json!({
            "proposalId": proposal.id.to_string(),
            "support": self.support.name(),
            "weightWei": weight.to_string(),
            "forWei": standing.in_favour.to_string(),
            "againstWei": standing.against.to_string(),
            "abstainWei": standing.abstaining.to_string(),
            "quorumWei": standing.quorum.to_string(),
            "txHash": landed.tx_hash,
        });
        session.output.result(&document, || {
            format!(
                "Voted {} with {}; now {} for, {} against, {} abstain, quorum {}\n{}\ntx {}",
                self.support.name(),
                format::aiigo(weight),
                format::aiigo(standing.in_favour),
                format::aiigo(standing.against),
                format::aiigo(standing.abstaining),
                format::aiigo(standing.quorum),
                standing.next(&proposal),
                landed.tx_hash
            )
        })
    }
}

/// What the account's vote weighs, AIIGO wei.
///
/// # Errors
/// If it can't vote, or its vote would weigh nothing.
async fn weight(wallet: &Wallet, proposal: &Proposal) -> Result<U256, CliError> {
    let (chain, account) = (wallet.chain(), wallet.address());
    let failed = |error| CliError::call(format!("reading the votes of {account}"), error);
    let standing = Standing::of(chain, proposal).await?;
    if standing.state != State::Active {
        return Err(CliError::Failed(format!(
            "proposal {} is {}, and votes are taken while it is Active: {}",
            proposal.id,
            standing.state,
            standing.next(proposal)
        )));
    }
    if chain.governor().hasVoted(proposal.id, account).call().await.map_err(failed)? {
        return Err(CliError::Failed(format!(
            "{account} has voted on proposal {} already, and a vote stays",
            proposal.id
        )));
    }
    let snapshot = U256::from(proposal.vote_start);
    let weight = chain.governor().getVotes(account, snapshot).call().await.map_err(failed)?;
    match weight.is_zero() {
        true => Err(CliError::Failed(format!(
            "{account} had no votes when voting began ({}): for the next proposal, `aiigo gov delegate self` before",
            format::local(proposal.vote_start)
        ))),
        false => Ok(weight),
    }
}
