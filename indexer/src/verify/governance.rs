//! Proposals against the governor.

use aiigo_protocol::{AIIGOGovernor, ContractName};
use alloy::primitives::U256;

use super::{Chain, Check, Verifiable, VerifyError};
use crate::store::rows::Proposal;

impl Verifiable for Proposal {
    const KIND: &'static str = "proposal";

    async fn verify(self, chain: &Chain) -> Result<Check, VerifyError> {
        let governor = AIIGOGovernor::new(chain.at(ContractName::AIIGOGovernor), &chain.provider);
        let proposer = governor.proposalProposer(self.id).block(chain.block).call().await.map_err(chain.refused())?;
        let votes = governor.proposalVotes(self.id).block(chain.block).call().await.map_err(chain.refused())?;
        let ends = governor.proposalDeadline(self.id).block(chain.block).call().await.map_err(chain.refused())?;
        Ok(Check::of(Self::KIND, self.id)
            .same("proposer", self.proposer, proposer)
            .same("votesFor", self.votes_for, votes.forVotes)
            .same("votesAgainst", self.votes_against, votes.againstVotes)
            .same("votesAbstain", self.votes_abstain, votes.abstainVotes)
            .same("voteEnd", U256::from(self.vote_end), ends))
    }
}
