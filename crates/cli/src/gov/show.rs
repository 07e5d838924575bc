//! `aiigo gov show`.

use alloy::primitives::{Address, TxHash, U256};
use clap::Args;
use serde::Serialize;

use super::{
    proposals::{Proposal, ProposalRef, Proposals},
    standing::{Standing, State},
};
use crate::{
    Chain, CliError,
    args::{ChainArgs, parsed},
    cli::Session,
    decoded::DecodedCall,
    format,
    output::{facts, printable},
};

/// Show a proposal: what it would do, how the vote stands, what comes next.
#[derive(Args, Debug)]
pub(crate) struct ShowCommand {
    /// The proposal's id, or how it begins
    #[arg(value_parser = parsed::<ProposalRef>)]
    proposal: ProposalRef,
    #[command(flatten)]
    chain: ChainArgs,
}

impl ShowCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let chain = self.chain.connect().await?;
        let proposal = Proposals::read(&chain).await?.find(&self.proposal)?;
        let shown = Shown::of(&chain, proposal).await?;
        session.output.result(&shown, || shown.text())
    }
}

/// A proposal with all that is known of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    id: String,
    state: State,
    proposer: Address,
    description: String,
    calls: Vec<DecodedCall>,
    for_wei: String,
    against_wei: String,
    abstain_wei: String,
    quorum_wei: String,
    vote_start: u64,
    vote_end: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    executable_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tx_hash: Option<TxHash>,
    #[serde(skip)]
    proposal: Proposal,
    #[serde(skip)]
    standing: Standing,
}

impl Shown {
    pub(super) async fn of(chain: &Chain, proposal: Proposal) -> Result<Self, CliError> {
        let standing = Standing::of(chain, &proposal).await?;
        Ok(Self {
            id: proposal.id.to_string(),
            state: standing.state,
            proposer: proposal.proposer,
            description: proposal.description.clone(),
            calls: proposal.decoded(chain).await?,
            for_wei: standing.in_favour.to_string(),
            against_wei: standing.against.to_string(),
            abstain_wei: standing.abstaining.to_string(),
            quorum_wei: standing.quorum.to_string(),
            vote_start: proposal.vote_start,
            vote_end: standing.deadline,
            executable_at: (standing.eta > 0).then_some(standing.eta),
            tx_hash: proposal.tx_hash,
            proposal,
            standing,
        })
    }

    pub(super) fn text(&self) -> String {
        let Self { proposal, standing, .. } = self;
        let quorum = match standing.took_part() >= standing.quorum {
            true => "reached".to_owned(),
            false => format!("{} more have to take part", format::aiigo(standing.quorum - standing.took_part())),
        };
        let mut rows = vec![
            ("proposal", proposal.id.to_string()),
            ("state", format!("{}: {}", standing.state, standing.next(proposal))),
            ("proposer", proposal.proposer.to_string()),
            ("for", votes(standing.in_favour, standing)),
            ("against", votes(standing.against, standing)),
            ("abstain", votes(standing.abstaining, standing)),
            ("quorum", format!("{}: {quorum}", format::aiigo(standing.quorum))),
            ("voting begins", format::deadline(proposal.vote_start, standing.now)),
            ("voting ends", format::deadline(standing.deadline, standing.now)),
        ];
        if standing.eta > 0 {
            rows.push(("executable", format::deadline(standing.eta, standing.now)));
        }
        let mut text = facts(&rows);
        text.push_str("\nIt would:\n");
        for line in self.calls.iter().flat_map(DecodedCall::lines) {
            text.push_str(&format!("  {}\n", printable(&line)));
        }
        text.push('\n');
        for line in proposal.description.lines() {
            text.push_str(&format!("  {}\n", printable(line)));
        }
        text
    }
}

/// An amount of votes, and its share of those given.
fn votes(amount: U256, standing: &Standing) -> String {
    let all = standing.took_part().saturating_add(standing.against);
    match all.is_zero() {
        true => format::aiigo(amount),
        false => {
            // Votes are AIIGO in wei, below 2^90.
            let bps = amount.saturating_mul(U256::from(10_000)) / all;
            format!("{} ({})", format::aiigo(amount), format::percent(bps.saturating_to()))
        }
    }
}
