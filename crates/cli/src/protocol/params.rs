//! `aiigo protocol params`.

use std::{fmt::Write, time::Duration};

use aiigo_protocol::{ContractName, FeeVault, Guardian, TimelockController};
use aiigo_task::format_duration;
use alloy::primitives::{Address, U256};
use clap::Args;
use serde::Serialize;

use crate::{
    Chain, CliError,
    args::ChainArgs,
    cli::Session,
    decoded::{self, words},
    format,
    output::facts,
};

/// Show what governance has set, as it holds now.
#[derive(Args, Debug)]
pub(crate) struct ParamsCommand {
    #[command(flatten)]
    chain: ChainArgs,
}

/// What one contract goes by.
#[derive(Serialize)]
struct Group {
    contract: ContractName,
    parameters: Vec<Parameter>,
}

#[derive(Serialize)]
struct Parameter {
    name: String,
    /// In words, with its unit.
    value: String,
}

impl Parameter {
    fn new(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value: value.into() }
    }
}

impl ParamsCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let chain = self.chain.connect().await?;
        let mut groups = Vec::new();
        for contract in ContractName::ALL {
            let mut parameters = Vec::new();
            for field in decoded::parameters(&chain, contract).await?.unwrap_or_default() {
                parameters.push(Parameter::new(&field.name, words(chain.deployment(), &field)));
            }
            parameters.extend(others(&chain, contract).await?);
            if !parameters.is_empty() {
                groups.push(Group { contract, parameters });
            }
        }
        session.output.result(&groups, || {
            let mut text = String::new();
            for group in &groups {
                let rows: Vec<_> = group.parameters.iter().map(|p| (p.name.as_str(), p.value.clone())).collect();
                // Writing to memory can't fail.
                let _ = writeln!(text, "{}", group.contract);
                for line in facts(&rows).lines() {
                    let _ = writeln!(text, "  {line}");
                }
            }
            text
        })
    }
}

/// What a contract goes by besides what it calls its parameters.
async fn others(chain: &Chain, contract: ContractName) -> Result<Vec<Parameter>, CliError> {
    match contract {
        ContractName::StakingPool => {
            let until = chain.pool().entryPausedUntil().call().await.map_err(failed(contract))?;
            Ok(vec![pause(chain, until.to()).await?])
        }
        ContractName::NodeRegistry => {
            let until = chain.registry().entryPausedUntil().call().await.map_err(failed(contract))?;
            Ok(vec![pause(chain, until.to()).await?])
        }
        ContractName::TaskMarketplace => {
            let until = chain.market().entryPausedUntil().call().await.map_err(failed(contract))?;
            Ok(vec![pause(chain, until.to()).await?])
        }
        ContractName::RewardDistributor => rewards(chain).await,
        ContractName::FeeVault => fees(chain).await,
        ContractName::AIIGOGovernor => governor(chain).await,
        ContractName::TimelockController => {
            let timelock = TimelockController::new(chain.deployment().address(contract), chain.provider());
            let delay = timelock.getMinDelay().call().await.map_err(failed(contract))?;
            Ok(vec![Parameter::new("delay", seconds(delay))])
        }
        ContractName::Guardian => {
            let guardian = Guardian::new(chain.deployment().address(contract), chain.provider());
            let account = guardian.guardian().call().await.map_err(failed(contract))?;
            let next = guardian.nextPauseAt().call().await.map_err(failed(contract))?;
            let account = if account.is_zero() { "nobody".to_owned() } else { account.to_string() };
            let now = chain.head().await?.timestamp;
            let may_pause = match next.to::<u64>() {
                next if next <= now => "now".to_owned(),
                next => format::deadline(next, now),
            };
            Ok(vec![Parameter::new("guardian", account), Parameter::new("may pause", may_pause)])
        }
        _ => Ok(Vec::new()),
    }
}

async fn pause(chain: &Chain, until: u64) -> Result<Parameter, CliError> {
    let now = chain.head().await?.timestamp;
    let value = if until > now { format!("refused until {}", format::deadline(until, now)) } else { "open".into() };
    Ok(Parameter::new("entry", value))
}

async fn rewards(chain: &Chain) -> Result<Vec<Parameter>, CliError> {
    let (contract, rewards) = (ContractName::RewardDistributor, chain.rewards());
    let length = rewards.epochLength().call().await.map_err(failed(contract))?;
    let share = rewards.stakerShareBps().call().await.map_err(failed(contract))?;
    let veto = rewards.vetoDelay().call().await.map_err(failed(contract))?;
    let now = chain.head().await?.timestamp;
    let mut found = vec![
        Parameter::new("epochLength", seconds(length)),
        Parameter::new("stakerShareBps", format::percent(share.into())),
        Parameter::new("vetoDelay", seconds(U256::from(veto))),
    ];
    for (name, token) in [("rate for ETH", Address::ZERO), ("rate for AIIGO", *chain.token().address())] {
        let rate = rewards.rateOf(token).call().await.map_err(failed(contract))?;
        let value = match rate.rate.is_zero() {
            true => "none".to_owned(),
            false => {
                let lapses = match rate.expiresAt.to::<u64>() {
                    // AIIGO's own never does.
                    never if never == 0 || token != Address::ZERO => String::new(),
                    at => format!(", lapses {}", format::deadline(at, now)),
                };
                format!("{} for each whole unit of fee{lapses}", format::aiigo(rate.rate))
            }
        };
        found.push(Parameter::new(name, value));
    }
    Ok(found)
}

async fn fees(chain: &Chain) -> Result<Vec<Parameter>, CliError> {
    let contract = ContractName::FeeVault;
    let vault = FeeVault::new(chain.deployment().address(contract), chain.provider());
    let mut found = Vec::new();
    for (name, token) in
        [("stakers' share of ETH", Address::ZERO), ("stakers' share of AIIGO", *chain.token().address())]
    {
        let share = vault.stakerShareOf(token).call().await.map_err(failed(contract))?;
        found.push(Parameter::new(name, format::percent(share.into())));
    }
    Ok(found)
}

async fn governor(chain: &Chain) -> Result<Vec<Parameter>, CliError> {
    let (contract, governor) = (ContractName::AIIGOGovernor, chain.governor());
    let now = chain.head().await?.timestamp;
    let quorum = governor.quorum(U256::from(now.saturating_sub(1))).call().await.map_err(failed(contract))?;
    let delay = governor.votingDelay().call().await.map_err(failed(contract))?;
    let period = governor.votingPeriod().call().await.map_err(failed(contract))?;
    let extension = governor.lateQuorumVoteExtension().call().await.map_err(failed(contract))?;
    let threshold = governor.proposalThreshold().call().await.map_err(failed(contract))?;
    Ok(vec![
        Parameter::new("votingDelay", seconds(delay)),
        Parameter::new("votingPeriod", seconds(period)),
        Parameter::new("lateQuorumVoteExtension", seconds(U256::from(extension))),
        Parameter::new("proposalThreshold", format::aiigo(threshold)),
        Parameter::new("quorum now", format::aiigo(quorum)),
    ])
}

fn seconds(seconds: U256) -> String {
    format_duration(Duration::from_secs(seconds.saturating_to()))
}

fn failed(contract: ContractName) -> impl Fn(alloy::contract::Error) -> CliError {
    move |error| CliError::call(format!("reading the parameters of {contract}"), error)
}
