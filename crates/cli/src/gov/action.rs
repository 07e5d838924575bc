//! What is proposed: the calls that the timelock is to make, and what they are called.
//!
//! A contract's parameters are set as a whole, so those that a proposal does not name are what they are when it is made.
//! Two proposals for the parameters of one contract undo each other.

use std::{fs, path::Path, str::FromStr};

use aiigo_protocol::{ContractName, Deployment, NodeId, NodeRegistry, RewardDistributor, StakingPool, TaskMarketplace};
use alloy::{
    primitives::{
        Address, Bytes, U256,
        aliases::{U40, U96},
    },
    providers::Provider,
    sol_types::SolCall,
};
use clap::ValueEnum;
use serde::Deserialize;

use crate::{Chain, CliError, error::Context, format, share::Share};

/// Contracts whose entry can be paused.
const PAUSABLE: [ContractName; 3] =
    [ContractName::StakingPool, ContractName::NodeRegistry, ContractName::TaskMarketplace];

/// What is proposed, as `AIIGOGovernor.propose` takes it.
#[derive(Clone, Debug, Default)]
pub(super) struct Action {
    pub(super) targets: Vec<Address>,
    pub(super) values: Vec<U256>,
    pub(super) calldatas: Vec<Bytes>,
    /// What it comes to, as the description's beginning. Empty: the description alone says it.
    pub(super) title: String,
}

impl Action {
    fn one(target: Address, data: Vec<u8>, title: String) -> Self {
        Self { targets: vec![target], values: vec![U256::ZERO], calldatas: vec![data.into()], title }
    }

    /// The proposal's text: what is proposed, and why.
    pub(super) fn description(&self, why: &str) -> String {
        match self.title.is_empty() {
            true => why.to_owned(),
            false => format!("{}: {why}", self.title),
        }
    }
}

/// The market's fee.
pub(super) async fn set_fee(chain: &Chain, fee: Share) -> Result<Action, CliError> {
    let parameters = chain.market().parameters().call().await;
    let mut parameters = parameters.map_err(|error| CliError::call("reading the market's parameters", error))?;
    parameters.feeBps = fee.bps;
    let data = TaskMarketplace::setParametersCall { parameters_: parameters }.abi_encode();
    Ok(Action::one(*chain.market().address(), data, format!("Set the market's fee to {} bps", fee.bps)))
}

/// The least stake of a node, AIIGO wei.
pub(super) async fn set_min_stake(chain: &Chain, stake: U256) -> Result<Action, CliError> {
    let parameters = chain.registry().parameters().call().await;
    let mut parameters = parameters.map_err(|error| CliError::call("reading the registry's parameters", error))?;
    let small = u128::try_from(stake).ok().and_then(|stake| U96::try_from(stake).ok());
    parameters.minStake =
        small.ok_or_else(|| CliError::Usage(format!("{} is more than ever exists", format::aiigo(stake))))?;
    let data = NodeRegistry::setParametersCall { parameters_: parameters }.abi_encode();
    Ok(Action::one(*chain.registry().address(), data, format!("Set the least stake of a node to {stake} AIIGO wei")))
}

/// Who runs a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tier {
    /// Somebody of the community
    Community = 0,
    /// A cloud provider
    Cloud = 1,
    /// The platform itself
    Platform = 2,
}

pub(super) fn add_trusted_node(chain: &Chain, node: NodeId, tier: Tier) -> Action {
    let name = ["community", "cloud", "platform"][tier as usize];
    let data = NodeRegistry::addTrustedNodeCall { nodeId: node.0, tier: tier as u8 }.abi_encode();
    Action::one(*chain.registry().address(), data, format!("Mark node {node} as {name}"))
}

/// For misuse: half of the stake, and a ban.
pub(super) fn slash(chain: &Chain, node: NodeId) -> Action {
    let data = NodeRegistry::banCall { nodeId: node.0 }.abi_encode();
    Action::one(*chain.registry().address(), data, format!("Slash and ban node {node}"))
}

/// AIIGO wei of base reward for each 1e18 smallest units of fee.
pub(super) fn set_reward_rate(chain: &Chain, token: FeeToken, rate: U256) -> Action {
    let token = match token {
        FeeToken::Eth => Address::ZERO,
        FeeToken::Aiigo => *chain.token().address(),
        FeeToken::Other(address) => address,
    };
    let data = RewardDistributor::setRateCall { feeToken: token, rate }.abi_encode();
    let title = format!("Set the reward rate of {token:#x} to {rate} AIIGO wei per 1e18 of fee");
    Action::one(*chain.rewards().address(), data, title)
}

/// Another implementation behind a proxy; `call` is run on it at once.
pub(super) async fn upgrade(
    chain: &Chain,
    contract: ContractName,
    implementation: Address,
    call: Bytes,
) -> Result<Action, CliError> {
    let is_proxy = chain.deployment().contracts.get(contract.name()).is_some_and(|it| it.implementation.is_some());
    if !is_proxy {
        return Err(CliError::Usage(format!("{contract} is not upgradeable")));
    }
    let code = chain.provider().get_code_at(implementation).await;
    if code.context(|| format!("reading the code of {implementation}"))?.is_empty() {
        return Err(CliError::Failed(format!("{implementation} has no code: deploy the implementation first")));
    }
    let proxy = chain.deployment().address(contract);
    // The same function of every proxy.
    let data = StakingPool::upgradeToAndCallCall { newImplementation: implementation, data: call }.abi_encode();
    Ok(Action::one(proxy, data, format!("Upgrade {proxy:#x} to {implementation:#x}")))
}

/// Refuses entry everywhere before `until`, unix seconds; zero lifts every pause.
pub(super) fn pause(deployment: &Deployment, until: u64) -> Action {
    let data: Bytes = StakingPool::pauseEntryCall { until: U40::saturating_from(until) }.abi_encode().into();
    Action {
        targets: PAUSABLE.iter().map(|contract| deployment.address(*contract)).collect(),
        values: vec![U256::ZERO; PAUSABLE.len()],
        calldatas: vec![data; PAUSABLE.len()],
        title: match until {
            0 => "End the pause of entry".into(),
            until => format!("Pause entry until {until}"),
        },
    }
}

/// A call in a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCall {
    /// An address, or the name of a contract of the suite.
    target: String,
    /// ETH wei, decimal.
    #[serde(default)]
    value: Option<String>,
    /// 0x and hexadecimal; none: a payment.
    #[serde(default)]
    data: Bytes,
}

/// The calls of a JSON file: `[{"target": "TaskMarketplace", "value": "0", "data": "0x…"}, …]`.
pub(super) fn raw(deployment: &Deployment, file: &Path) -> Result<Action, CliError> {
    let what = || format!("reading the calls in {}", file.display());
    let text = fs::read_to_string(file).context(what)?;
    let calls: Vec<RawCall> = serde_json::from_str(&text).context(what)?;
    if calls.is_empty() {
        return Err(CliError::Failed(format!("{} has no calls: nothing to propose", file.display())));
    }
    let mut action = Action::default();
    for (index, RawCall { target, value, data }) in calls.into_iter().enumerate() {
        let wrong = |why: String| CliError::Failed(format!("{}: call {index}: {why}", file.display()));
        let known = ContractName::ALL.into_iter().find(|name| name.name().eq_ignore_ascii_case(&target));
        let target = match known {
            Some(contract) => deployment.address(contract),
            None => target
                .parse()
                .map_err(|_| wrong(format!("target: `{target}` is neither an address nor a contract of the suite")))?,
        };
        let value = value.unwrap_or_else(|| "0".into());
        let value = U256::from_str_radix(&value, 10)
            .map_err(|_| wrong(format!("value: `{value}` is no decimal number of wei")))?;
        action.targets.push(target);
        action.values.push(value);
        action.calldatas.push(data);
    }
    Ok(action)
}

/// What fees are paid in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeeToken {
    Eth,
    Aiigo,
    Other(Address),
}

impl FromStr for FeeToken {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "eth" => Ok(Self::Eth),
            "aiigo" => Ok(Self::Aiigo),
            _ => text.parse().map(Self::Other).map_err(|_| format!("`{text}` is neither eth, aiigo nor an address")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Action, String> {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("calls.json");
        fs::write(&file, json).expect("a file");
        let address = "0x00000000000000000000000000000000000000aa";
        let deployment =
            format!(r#"{{"chainId":1,"block":0,"contracts":{{"TaskMarketplace":{{"address":"{address}"}}}}}}"#);
        let deployment = serde_json::from_str(&deployment).expect("a deployment");
        raw(&deployment, &file).map_err(|error| std::iter::once(error.to_string()).chain(error.causes()).collect())
    }

    #[test]
    fn calls_are_read_from_a_file() {
        let action = read(
            r#"[{"target":"TaskMarketplace","data":"0x01020304"},
                {"target":"0x00000000000000000000000000000000000000bb","value":"7"}]"#,
        )
        .expect("two calls");
        assert_eq!(action.targets[0], Address::with_last_byte(0xaa));
        assert_eq!(action.targets[1], Address::with_last_byte(0xbb));
        assert_eq!(action.values, [U256::ZERO, U256::from(7)]);
        assert_eq!(action.calldatas[0].as_ref(), [1, 2, 3, 4]);
        assert!(action.calldatas[1].is_empty());
        assert_eq!(action.description("because"), "because");
    }

    #[test]
    fn a_wrong_call_is_named() {
        for (json, hint) in [
            ("[]", "no calls"),
            (r#"[{"target":"Nobody"}]"#, "call 0: target: `Nobody`"),
            (r#"[{"target":"TaskMarketplace","value":"1 ETH"}]"#, "call 0: value: `1 ETH`"),
            (r#"[{"target":"TaskMarketplace","dta":"0x"}]"#, "dta"),
            ("calls", "calls.json"),
        ] {
            let error = read(json).expect_err("wrong");
            assert!(error.contains(hint), "{error}");
        }
    }
}
