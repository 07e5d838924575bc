//! `aiigo node stake`, `unstake` and `withdraw`.

use aiigo_protocol::{ContractName, NodeRegistry, units::parse_aiigo};
use aiigo_task::format_duration;
use alloy::{primitives::U256, sol_types::SolCall};
use clap::Args;

use super::{OwnNode, tell};
use crate::{CliError, allowance, cli::Session, format, provider};

/// Put AIIGO behind a node: the more, the more tasks and the higher its trust level may be.
#[derive(Args, Debug)]
pub(crate) struct StakeCommand {
    #[command(flatten)]
    own: OwnNode,
    /// How much AIIGO, on top of what it has
    #[arg(value_parser = parse_aiigo)]
    amount: U256,
}

impl StakeCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let node = self.own.node;
        let wallet = self.own.wallet.open().await?;
        let has = provider::stakes(wallet.chain(), node).await?;
        let allow = allowance::call(&wallet, ContractName::NodeRegistry, self.amount).await?;
        let data = NodeRegistry::stakeForNodeCall { nodeId: node.0, amount: self.amount }.abi_encode();
        let call = wallet.call(format!("staking for node {node}"), ContractName::NodeRegistry, data);
        let line = format!(
            "put {} behind node {node}, which has {}: slashed if it does not deliver what it accepts",
            format::aiigo(self.amount),
            format::aiigo(has.stake)
        );
        let calls: Vec<_> = allow.iter().chain([&call]).collect();
        self.own.confirm.agree(&wallet, &[line], &calls, session).await?;
        if let Some(allow) = allow {
            wallet.send_once(allowance::ACTION, allow, &session.stop).await?;
        }
        let landed = wallet.send_once("node-stake", call, &session.stop).await?;
        let now = provider::stakes(wallet.chain(), node).await?.stake;
        tell(node, &landed, &format!("Node {node} has {} at stake", format::aiigo(now)), session)
    }
}

/// Begin to take stake back; it can be withdrawn when the unbonding period is over, and slashed until then.
#[derive(Args, Debug)]
pub(crate) struct UnstakeCommand {
    #[command(flatten)]
    own: OwnNode,
    /// How much AIIGO [default: all of it]
    #[arg(value_parser = parse_aiigo)]
    amount: Option<U256>,
}

impl UnstakeCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let node = self.own.node;
        let wallet = self.own.wallet.open().await?;
        let chain = wallet.chain();
        let has = provider::stakes(chain, node).await?;
        let amount = self.amount.unwrap_or(has.stake);
        let parameters = chain.registry().parameters().call().await;
        let parameters = parameters.map_err(|error| CliError::call("reading the registry's parameters", error))?;
        let period = format_duration(std::time::Duration::from_secs(parameters.unbondingPeriod.into()));
        let mut line =
            format!("take {} out of node {node}'s stake, to be withdrawn in {period}", format::aiigo(amount));
        if has.stake.saturating_sub(amount) < U256::from(parameters.minStake) {
            line.push_str("; what stays is too little to take tasks with");
        }
        if !has.unbonding.is_zero() {
            let earlier = format::aiigo(has.unbonding);
            line.push_str(&format!("; the time of the {earlier} that leave already begins anew"));
        }
        let call = NodeRegistry::unstakeCall { nodeId: node.0, amount };
        let done = format!("To have it when the time is over: aiigo node withdraw {node}");
        self.own.call(&wallet, &line, call, &done, session).await
    }
}

/// Withdraw the stake whose unbonding period is over, to the owner.
#[derive(Args, Debug)]
pub(crate) struct WithdrawCommand {
    #[command(flatten)]
    own: OwnNode,
}

impl WithdrawCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let node = self.own.node;
        let wallet = self.own.wallet.open().await?;
        let leaving = format::aiigo(provider::stakes(wallet.chain(), node).await?.unbonding);
        let line = format!("withdraw {leaving} that left node {node}'s stake, to {}", wallet.address());
        let call = NodeRegistry::withdrawStakeCall { nodeId: node.0 };
        self.own.call(&wallet, &line, call, &format!("Withdrew {leaving}"), session).await
    }
}
