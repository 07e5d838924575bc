//! `aiigo stake`: positions in the staking pool.

use aiigo_chain::search_back;
use aiigo_protocol::{
    ContractName, Event,
    StakingPool::{self, StakingPoolEvents},
    units::parse_amount,
};
use alloy::{
    primitives::{Address, TxHash, U256},
    rpc::types::Filter,
    sol_types::{SolCall, SolEvent},
};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::{
    Chain, CliError, allowance,
    args::{AccountArgs, ChainArgs, WalletArgs},
    cli::Session,
    confirm::ConfirmArgs,
    format,
    output::table,
    wallet::Landed,
};

const DAY: u64 = 24 * 3600;
/// Per cent of a position that are burned if it is closed early: `StakingPool.EARLY_EXIT_BPS` (rule of `docs/protocol.md`).
const EARLY_PENALTY: u64 = 5;

/// `aiigo stake`.
#[derive(Subcommand, Debug)]
pub(crate) enum StakeCommand {
    Add(AddCommand),
    List(ListCommand),
    Claim(ClaimCommand),
    Remove(RemoveCommand),
}

impl StakeCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::Add(command) => command.run(session).await,
            Self::List(command) => command.run(session).await,
            Self::Claim(command) => command.run(session).await,
            Self::Remove(command) => command.run(session).await,
        }
    }
}

/// Lock AIIGO: the longer, the more it earns, twice as much at a year.
#[derive(Args, Debug)]
pub(crate) struct AddCommand {
    /// How much AIIGO
    #[arg(value_parser = |text: &str| parse_amount(text).map_err(|error| error.to_string()))]
    amount: U256,
    /// For how many days
    #[arg(long, value_name = "DAYS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=365))]
    lock: u64,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl AddCommand {
    async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let allow = allowance::call(&wallet, ContractName::StakingPool, self.amount).await?;
        let data = StakingPool::stakeCall { amount: self.amount, lock: U256::from(self.lock * DAY) }.abi_encode();
        let call = wallet.call(format!("staking {}", format::aiigo(self.amount)), ContractName::StakingPool, data);
        let line = match self.lock {
            0 => format!("lock {} in the staking pool, to be had back at any time", format::aiigo(self.amount)),
            days => format!("lock {} in the staking pool for {days} days", format::aiigo(self.amount)),
        };
        let calls: Vec<_> = allow.iter().chain([&call]).collect();
        self.confirm.agree(&wallet, &[line], &calls, session).await?;
        if let Some(allow) = allow {
            wallet.send_once(allowance::ACTION, allow, &session.stop).await?;
        }
        let landed = wallet.send_once("stake", call, &session.stop).await?;
        let staked = events(wallet.chain(), &landed).find_map(|event| match event {
            StakingPoolEvents::Staked(staked) => Some(staked),
            _ => None,
        });
        let staked = staked.ok_or_else(|| landed.lacks_its_event())?;
        let document = serde_json::json!({
            "positionId": staked.positionId.to_string(),
            "amountWei": staked.amount.to_string(),
            "weight": staked.weight.to_string(),
            "unlocksAt": staked.unlocksAt.to::<u64>(),
            "txHash": landed.tx_hash,
        });
        session.output.result(&document, || {
            let until = format::date(staked.unlocksAt.to());
            format!(
                "Staked {} as position {}, unlocked {until}\ntx {}",
                format::aiigo(staked.amount),
                staked.positionId,
                landed.tx_hash
            )
        })
    }
}

/// List an account's positions.
#[derive(Args, Debug)]
pub(crate) struct ListCommand {
    #[command(flatten)]
    account: AccountArgs,
    #[command(flatten)]
    chain: ChainArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Position {
    position_id: String,
    amount_wei: String,
    weight: String,
    unlocks_at: u64,
    claimable_wei: String,
    #[serde(skip)]
    pub(crate) id: U256,
    /// AIIGO wei.
    #[serde(skip)]
    pub(crate) amount: U256,
    #[serde(skip)]
    claimable: U256,
}

impl ListCommand {
    async fn run(self, session: &Session) -> Result<(), CliError> {
        let chain = self.chain.connect().await?;
        let owner = self.account.address().await?;
        let positions = positions(&chain, owner).await?;
        session.output.result(&positions, || {
            if positions.is_empty() {
                return format!("{owner} has no positions: open one with `aiigo stake add AMOUNT --lock DAYS`");
            }
            let mut rows = table(["POSITION", "AMOUNT", "UNLOCKED", "CLAIMABLE"]);
            rows.add_rows(positions.iter().map(|position| {
                [
                    position.position_id.clone(),
                    format::aiigo(position.amount),
                    format::date(position.unlocks_at),
                    format::aiigo(position.claimable),
                ]
            }));
            rows.to_string()
        })
    }
}

/// The open positions of an account: every one that it ever opened, less those that are closed.
pub(crate) async fn positions(chain: &Chain, owner: Address) -> Result<Vec<Position>, CliError> {
    let filter = Filter::new()
        .address(chain.deployment().address(ContractName::StakingPool))
        .event_signature(StakingPool::Staked::SIGNATURE_HASH)
        .topic2(owner);
    let aiigo = chain.deployment().address(ContractName::AIIGOToken);
    let head = chain.head().await?.number;
    let logs = search_back(chain.provider(), &filter, chain.deployment().block, head, |_| false).await?;
    let mut positions = Vec::new();
    for staked in logs.iter().filter_map(|log| StakingPool::Staked::decode_log(&log.inner).ok()) {
        let what = || format!("reading position {}", staked.positionId);
        let position = chain.pool().positionOf(staked.positionId).call().await;
        let position = match position {
            Ok(position) if position.owner == owner => position,
            Ok(_) => continue,
            Err(error) => match CliError::call(what(), error) {
                CliError::Refused { error, .. } if error.name == "UnknownPosition" => continue,
                error => return Err(error),
            },
        };
        let claimable = chain.pool().claimable(staked.positionId, aiigo).call().await;
        let claimable = claimable.map_err(|error| CliError::call(what(), error))?;
        positions.push(Position {
            position_id: staked.positionId.to_string(),
            amount_wei: position.amount.to_string(),
            weight: position.weight.to_string(),
            unlocks_at: position.unlocksAt.to(),
            claimable_wei: claimable.to_string(),
            id: staked.positionId,
            amount: U256::from(position.amount),
            claimable,
        });
    }
    Ok(positions)
}

/// Take a position's rewards in one token.
#[derive(Args, Debug)]
pub(crate) struct ClaimCommand {
    /// The position's id, from `aiigo stake list`
    position: U256,
    /// The token, by address; the zero address is ETH [default: AIIGO]
    #[arg(long, value_name = "ADDRESS")]
    token: Option<Address>,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl ClaimCommand {
    async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let aiigo = wallet.chain().deployment().address(ContractName::AIIGOToken);
        let token = self.token.unwrap_or(aiigo);
        let data = StakingPool::claimCall { positionId: self.position, rewardToken: token }.abi_encode();
        let what = format!("claiming the rewards of position {}", self.position);
        let call = wallet.call(what, ContractName::StakingPool, data);
        let line = format!("take the rewards of position {} to {}", self.position, wallet.address());
        self.confirm.agree(&wallet, &[line], &[&call], session).await?;
        let landed = wallet.send_once("claim", call, &session.stop).await?;
        let claimed = rewards(wallet.chain(), &landed, token);
        session.output.result(&receipt(self.position, "rewardWei", claimed, landed.tx_hash), || {
            let amount = match token {
                _ if token == aiigo => format::aiigo(claimed),
                Address::ZERO => format::eth(claimed),
                _ => format!("{claimed} units of {token}"),
            };
            format!("Claimed {amount}\ntx {}", landed.tx_hash)
        })
    }
}

/// Close a position; before its lock is over, 5% of it is burned. What is lost is shown first.
#[derive(Args, Debug)]
pub(crate) struct RemoveCommand {
    /// The position's id, from `aiigo stake list`
    position: U256,
    /// With --yes, close it even if its lock is not over, and lose 5%
    #[arg(long)]
    early: bool,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl RemoveCommand {
    async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let chain = wallet.chain();
        let position = chain.pool().positionOf(self.position).call().await;
        let position =
            position.map_err(|error| CliError::call(format!("reading position {}", self.position), error))?;
        let (amount, unlocks_at) = (U256::from(position.amount), position.unlocksAt.to());
        let penalty = match unlocks_at > chain.head().await?.timestamp {
            true => amount * U256::from(EARLY_PENALTY) / U256::from(100),
            false => U256::ZERO,
        };
        let mut lines =
            vec![format!("close position {} and return {}", self.position, format::aiigo(amount - penalty))];
        if !penalty.is_zero() {
            let until = format::date(unlocks_at);
            let loss = format!("burn {}, {EARLY_PENALTY}% of it: it is locked until {until}", format::aiigo(penalty));
            if self.confirm.yes && !self.early {
                return Err(CliError::Failed(format!("this would {loss}; if you want that, add --early")));
            }
            lines.push(loss);
        }
        let data = StakingPool::unstakeCall { positionId: self.position }.abi_encode();
        let call = wallet.call(format!("closing position {}", self.position), ContractName::StakingPool, data);
        self.confirm.agree(&wallet, &lines, &[&call], session).await?;
        let landed = wallet.send_once("unstake", call, &session.stop).await?;
        let burned = events(chain, &landed).find_map(|event| match event {
            StakingPoolEvents::Unstaked(closed) => Some(closed.penaltyBurned),
            _ => None,
        });
        let burned = burned.ok_or_else(|| landed.lacks_its_event())?;
        let back = amount.saturating_sub(burned);
        session.output.result(&receipt(self.position, "returnedWei", back, landed.tx_hash), || {
            let aiigo = chain.deployment().address(ContractName::AIIGOToken);
            let rewards = format::aiigo(rewards(chain, &landed, aiigo));
            format!("Returned {}, rewards {rewards}\ntx {}", format::aiigo(back), landed.tx_hash)
        })
    }
}

fn receipt(position: U256, amount_name: &str, amount: U256, tx_hash: TxHash) -> serde_json::Value {
    serde_json::json!({ "positionId": position.to_string(), amount_name: amount.to_string(), "txHash": tx_hash })
}

/// What the pool said in a transaction.
fn events(chain: &Chain, landed: &Landed) -> impl Iterator<Item = StakingPoolEvents> {
    landed.events(chain.deployment()).filter_map(|event| match event {
        Event::StakingPool(event) => Some(event),
        _ => None,
    })
}

/// What a transaction paid out in a token.
fn rewards(chain: &Chain, landed: &Landed, token: Address) -> U256 {
    let claimed = events(chain, landed).filter_map(|event| match event {
        StakingPoolEvents::RewardClaimed(claimed) if claimed.token == token => Some(claimed.amount),
        _ => None,
    });
    claimed.sum()
}
