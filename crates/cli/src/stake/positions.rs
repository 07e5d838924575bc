//! `aiigo stake list`, and what an account has in the pool.

use aiigo_chain::search_back;
use aiigo_protocol::{ContractName, StakingPool};
use alloy::{
    primitives::{Address, U256},
    rpc::types::Filter,
    sol_types::SolEvent,
};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::{
    Chain, CliError,
    args::{AccountArgs, ChainArgs},
    cli::Session,
    format,
    output::table,
};

/// List an account's positions, with the rewards that wait.
#[derive(Args, Debug)]
pub(crate) struct ListCommand {
    #[command(flatten)]
    account: AccountArgs,
    #[command(flatten)]
    chain: ChainArgs,
}

/// A position of the pool.
#[derive(Clone, Debug)]
pub(crate) struct Position {
    pub(crate) id: U256,
    /// AIIGO wei; zero if it is closed, and only rewards are left.
    pub(crate) amount: U256,
    weight: U256,
    /// Unix seconds.
    unlocks_at: u64,
    /// What can be claimed, none of it zero.
    pub(super) rewards: Vec<Reward>,
}

/// What a position has earned in a token and not claimed.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reward {
    /// Zero for ETH.
    pub(super) token: Address,
    /// Smallest units.
    pub(super) amount: U256,
}

impl Reward {
    pub(super) fn show(&self, chain: &Chain) -> String {
        format::token(chain.deployment(), self.token, self.amount)
    }
}

impl ListCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let chain = self.chain.connect().await?;
        let owner = self.account.address().await?;
        let positions = positions(&chain, owner).await?;
        let documents: Vec<_> = positions
            .iter()
            .map(|position| {
                let rewards = position.rewards.iter();
                json!({
                    "positionId": position.id.to_string(),
                    "amountWei": position.amount.to_string(),
                    "weight": position.weight.to_string(),
                    "unlocksAt": position.unlocks_at,
                    "claimable": rewards
                        .map(|it| json!({ "token": it.token, "amount": it.amount.to_string() }))
                        .collect::<Vec<_>>(),
                })
            })
            .collect();
        session.output.result(&documents, || {
            if positions.is_empty() {
                return format!("{owner} has no positions: open one with `aiigo stake add AMOUNT --lock DAYS`");
            }
            let mut rows = table(["POSITION", "AMOUNT", "UNLOCKED", "CLAIMABLE"]);
            rows.add_rows(positions.iter().map(|position| {
                let rewards: Vec<_> = position.rewards.iter().map(|reward| reward.show(&chain)).collect();
                let (amount, unlocked) = match position.amount.is_zero() {
                    true => ("closed".to_owned(), String::new()),
                    false => (format::aiigo(position.amount), format::date(position.unlocks_at)),
                };
                [position.id.to_string(), amount, unlocked, rewards.join(", ")]
            }));
            rows.to_string()
        })
    }
}

/// The positions of an account: every one that it ever opened, less those that are closed and have nothing left to claim.
pub(crate) async fn positions(chain: &Chain, owner: Address) -> Result<Vec<Position>, CliError> {
    let filter = Filter::new()
        .address(chain.deployment().address(ContractName::StakingPool))
        .event_signature(StakingPool::Staked::SIGNATURE_HASH)
        .topic2(owner);
    let head = chain.head().await?.number;
    let logs = search_back(chain.provider(), &filter, chain.deployment().block, head, |_| false).await?;
    let tokens = reward_tokens(chain).await?;
    let mut positions = Vec::new();
    for staked in logs.iter().filter_map(|log| StakingPool::Staked::decode_log(&log.inner).ok()) {
        let id = staked.positionId;
        let rewards = rewards_in(chain, id, &tokens).await?;
        match chain.pool().positionOf(id).call().await {
            Ok(open) => positions.push(Position {
                id,
                amount: U256::from(open.amount),
                weight: U256::from(open.weight),
                unlocks_at: open.unlocksAt.to(),
                rewards,
            }),
            Err(error) => match CliError::call(format!("reading position {id}"), error) {
                CliError::Refused { error, .. } if error.name == "UnknownPosition" => {
                    let closed = Position { id, amount: U256::ZERO, weight: U256::ZERO, unlocks_at: 0, rewards };
                    positions.extend((!closed.rewards.is_empty()).then_some(closed));
                }
                error => return Err(error),
            },
        }
    }
    Ok(positions)
}

/// What a position, open or closed, can claim.
pub(super) async fn rewards(chain: &Chain, position: U256) -> Result<Vec<Reward>, CliError> {
    rewards_in(chain, position, &reward_tokens(chain).await?).await
}

async fn reward_tokens(chain: &Chain) -> Result<Vec<Address>, CliError> {
    let tokens = chain.pool().rewardTokens().call().await;
    tokens.map_err(|error| CliError::call("reading the tokens of rewards", error))
}

async fn rewards_in(chain: &Chain, position: U256, tokens: &[Address]) -> Result<Vec<Reward>, CliError> {
    let mut rewards = Vec::new();
    for &token in tokens {
        let amount = chain.pool().claimable(position, token).call().await;
        let amount = amount.map_err(|error| CliError::call(format!("reading position {position}"), error))?;
        rewards.extend((!amount.is_zero()).then_some(Reward { token, amount }));
    }
    Ok(rewards)
}
