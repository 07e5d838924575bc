//! The proposals there are, from the governor's own events.

use std::{fmt, str::FromStr};

use aiigo_chain::search_back;
use aiigo_protocol::{AIIGOGovernor, ContractName};
use alloy::{
    primitives::{Address, B256, Bytes, TxHash, U256, keccak256},
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};

use crate::{Chain, CliError, decoded, decoded::DecodedCall};

/// Digits of an id that are shown at least.
const SHORTEST: usize = 6;

/// A proposal as it was made.
#[derive(Clone, Debug)]
pub(super) struct Proposal {
    pub(super) id: U256,
    pub(super) proposer: Address,
    pub(super) targets: Vec<Address>,
    pub(super) values: Vec<U256>,
    pub(super) calldatas: Vec<Bytes>,
    pub(super) description: String,
    /// Votes count as of this second; from the next one on they can be given. Unix.
    pub(super) vote_start: u64,
    pub(super) tx_hash: Option<TxHash>,
}

impl Proposal {
    fn of(log: &Log) -> Option<Self> {
        let created = AIIGOGovernor::ProposalCreated::decode_log(&log.inner).ok()?.data;
        Some(Self {
            id: created.proposalId,
            proposer: created.proposer,
            targets: created.targets,
            values: created.values,
            calldatas: created.calldatas,
            description: created.description,
            vote_start: created.voteStart.saturating_to(),
            tx_hash: log.transaction_hash,
        })
    }

    pub(super) fn description_hash(&self) -> B256 {
        keccak256(&self.description)
    }

    /// The description's first line.
    pub(super) fn title(&self) -> &str {
        self.description.lines().next().unwrap_or_default()
    }

    /// Its calls in words.
    pub(super) async fn decoded(&self, chain: &Chain) -> Result<Vec<DecodedCall>, CliError> {
        let calls = self.targets.iter().zip(&self.values).zip(&self.calldatas);
        decoded::calls(chain, calls.map(|((target, value), data)| (*target, *value, data))).await
    }
}

/// All proposals ever made, the newest first.
#[derive(Debug)]
pub(super) struct Proposals(Vec<Proposal>);

impl Proposals {
    pub(super) async fn read(chain: &Chain) -> Result<Self, CliError> {
        let filter = Filter::new()
            .address(chain.deployment().address(ContractName::AIIGOGovernor))
            .event_signature(AIIGOGovernor::ProposalCreated::SIGNATURE_HASH);
        let head = chain.head().await?.number;
        let logs = search_back(chain.provider(), &filter, chain.deployment().block, head, |_| false).await?;
        Ok(Self(logs.iter().rev().filter_map(Proposal::of).collect()))
    }

    pub(super) fn newest(&self) -> &[Proposal] {
        &self.0
    }

    /// The shortest beginning of an id that no other proposal shares.
    pub(super) fn short(&self, id: U256) -> String {
        let id = id.to_string();
        let shared = |length: usize| {
            let of = |other: &&Proposal| other.id.to_string().starts_with(&id[..length]);
            self.0.iter().filter(of).count() > 1
        };
        let length = (SHORTEST..id.len()).find(|length| !shared(*length)).unwrap_or(id.len());
        id[..length].to_owned()
    }

    /// The proposal that is meant.
    pub(super) fn find(self, sought: &ProposalRef) -> Result<Proposal, CliError> {
        if let Some(exact) = self.0.iter().find(|proposal| sought.is(proposal.id)) {
            return Ok(exact.clone());
        }
        let matching: Vec<&Proposal> = self.0.iter().filter(|proposal| sought.begins(proposal.id)).collect();
        match matching.as_slice() {
            [only] => Ok((*only).clone()),
            [] => {
                Err(CliError::Failed(format!("there is no proposal {sought}: `aiigo gov list` shows those there are")))
            }
            several => {
                let ids: Vec<String> = several.iter().map(|proposal| self.short(proposal.id)).collect();
                Err(CliError::Failed(format!("{sought} may be any of {}: give more digits", ids.join(", "))))
            }
        }
    }
}

/// A proposal's id, decimal or 0x and hexadecimal, or how it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProposalRef(String);

impl ProposalRef {
    fn is(&self, id: U256) -> bool {
        self.0 == id.to_string() || self.0 == format!("{id:#066x}") || self.0 == format!("{id:#x}")
    }

    fn begins(&self, id: U256) -> bool {
        let text = if self.0.starts_with("0x") { format!("{id:#066x}") } else { id.to_string() };
        text.starts_with(&self.0)
    }
}

impl fmt::Display for ProposalRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ProposalRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().to_ascii_lowercase();
        let valid = match text.strip_prefix("0x") {
            Some(digits) => !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
            None => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()),
        };
        match valid {
            true => Ok(Self(text)),
            false => Err(format!("`{text}` is no id of a proposal: expected its digits, or how they begin")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposals(ids: &[u64]) -> Proposals {
        let proposal = |id: &u64| Proposal {
            id: U256::from(*id),
            proposer: Address::ZERO,
            targets: Vec::new(),
            values: Vec::new(),
            calldatas: Vec::new(),
            description: "Set the fee\nbecause".into(),
            vote_start: 0,
            tx_hash: None,
        };
        Proposals(ids.iter().map(proposal).collect())
    }

    fn found(ids: &[u64], text: &str) -> Result<u64, String> {
        let found = proposals(ids).find(&text.parse().expect("an id"));
        found.map(|proposal| proposal.id.to()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_beginning_that_only_one_has_is_enough() {
        assert_eq!(found(&[123_456, 124_000], "1234"), Ok(123_456));
        assert_eq!(found(&[123_456, 124_000], "124000"), Ok(124_000));
        assert_eq!(found(&[12, 123], "12"), Ok(12), "the id itself, though another begins like it");
        assert_eq!(found(&[123_456], "0x1e240"), Ok(123_456));
        assert!(found(&[123_456, 124_000], "12").expect_err("two").contains("more digits"));
        assert!(found(&[123_456], "9").expect_err("none").contains("aiigo gov list"));
    }

    #[test]
    fn an_id_is_shown_as_short_as_it_can_be_told_apart() {
        let proposals = proposals(&[12_345_678_901, 12_345_678_999, 99]);
        assert_eq!(proposals.short(U256::from(12_345_678_901_u64)), "1234567890");
        assert_eq!(proposals.short(U256::from(99)), "99");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "0x", "12a", "-1", "0xzz"] {
            assert!(text.parse::<ProposalRef>().is_err(), "{text}");
        }
    }
}
