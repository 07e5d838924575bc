//! Calls and values of the suite's contracts as people read them, decoded by the contracts' ABI.

use std::{collections::HashMap, time::Duration};

use aiigo_protocol::{ContractName, Deployment};
use aiigo_task::format_duration;
use alloy::{
    dyn_abi::{DynSolValue, FunctionExt, JsonAbiExt},
    json_abi::{Function, JsonAbi, Param},
    network::TransactionBuilder,
    primitives::{Address, Bytes, Selector, U256},
    providers::Provider,
    rpc::types::TransactionRequest,
};
use serde::Serialize;

use crate::{Chain, CliError, error::Context, format};

/// A value with its name in the ABI: `feeBps`, `ballot.low`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: DynSolValue,
}

/// A call, decoded as far as its contract is known.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DecodedCall {
    pub(crate) target: Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contract: Option<ContractName>,
    /// ETH wei, decimal.
    pub(crate) value_wei: String,
    pub(crate) data: Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) function: Option<String>,
    /// What it does, in a sentence.
    pub(crate) summary: String,
    /// Its arguments, one a line; of parameters that are set as a whole only those that would change.
    pub(crate) details: Vec<String>,
}

impl DecodedCall {
    /// The call for people: the sentence, and its details below it.
    pub(crate) fn lines(&self) -> Vec<String> {
        let details = self.details.iter().map(|detail| format!("  {detail}"));
        std::iter::once(self.summary.clone()).chain(details).collect()
    }
}

/// A call: to whom, with how much ETH (wei) and which calldata.
pub(crate) type Raw<'a> = (Address, U256, &'a Bytes);

/// Decodes calls that are made one after another. What one would set is compared with what holds then: now, or what a call
/// before it has set.
pub(crate) async fn calls<'a>(
    chain: &Chain,
    list: impl IntoIterator<Item = Raw<'a>>,
) -> Result<Vec<DecodedCall>, CliError> {
    let mut holds = HashMap::new();
    let mut decoded = Vec::new();
    for raw in list {
        decoded.push(call(chain, raw, &mut holds).await?);
    }
    Ok(decoded)
}

async fn call(
    chain: &Chain,
    (target, value, data): Raw<'_>,
    holds: &mut HashMap<ContractName, Vec<Field>>,
) -> Result<DecodedCall, CliError> {
    let deployment = chain.deployment();
    let contract = deployment.contract_at(target);
    let decoded = contract.and_then(|contract| decode(contract, data));
    let mut call = DecodedCall {
        target,
        contract,
        value_wei: value.to_string(),
        data: data.clone(),
        function: None,
        summary: unknown(deployment, target, value, data),
        details: Vec::new(),
    };
    let (Some(contract), Some((function, arguments))) = (contract, decoded) else { return Ok(call) };
    call.summary = sentence(deployment, contract, &function.name, &arguments);
    if !value.is_zero() {
        call.summary.push_str(&format!(", with {}", format::eth(value)));
    }
    call.details = match function.name.as_str() {
        "setParameters" => {
            let before = match holds.remove(&contract) {
                Some(set) => set,
                None => parameters(chain, contract).await?.unwrap_or_default(),
            };
            let details = changes(deployment, &arguments, &before);
            holds.insert(contract, arguments);
            details
        }
        // The sentence says it all.
        "ban" | "addTrustedNode" | "pauseEntry" | "setRate" => Vec::new(),
        _ => arguments.iter().map(|field| format!("{}: {}", field.name, words(deployment, field))).collect(),
    };
    call.function = Some(function.name);
    Ok(call)
}

/// The parameters of a contract as they are; `None` if it has none.
pub(crate) async fn parameters(chain: &Chain, contract: ContractName) -> Result<Option<Vec<Field>>, CliError> {
    let Some(function) = abi(contract).and_then(|abi| abi.function("parameters")?.first().cloned()) else {
        return Ok(None);
    };
    let what = || format!("reading the parameters of {contract}");
    let request = TransactionRequest::default()
        .with_to(chain.deployment().address(contract))
        .with_input(function.selector().to_vec());
    let answer = chain.provider().call(request).await.context(what)?;
    let values = function.abi_decode_output(&answer).context(what)?;
    Ok(Some(fields(&function.outputs, &values)))
}

fn abi(contract: ContractName) -> Option<JsonAbi> {
    serde_json::from_str(contract.abi_json()).ok()
}

fn decode(contract: ContractName, data: &[u8]) -> Option<(Function, Vec<Field>)> {
    let (selector, arguments) = data.split_at_checked(4)?;
    let abi = abi(contract)?;
    let function = abi.function_by_selector(Selector::from_slice(selector))?;
    let values = function.abi_decode_input(arguments).ok()?;
    Some((function.clone(), fields(&function.inputs, &values)))
}

/// The values with their names; a structure's members stand for it.
fn fields(params: &[Param], values: &[DynSolValue]) -> Vec<Field> {
    let mut found = Vec::new();
    let only = params.len() == 1;
    for (index, (param, value)) in params.iter().zip(values).enumerate() {
        // The name of what is all there is says nothing.
        let name = match param.name.is_empty() {
            true => format!("#{index}"),
            false => param.name.clone(),
        };
        match members(value) {
            Some(members) if !param.components.is_empty() => {
                let below = fields(&param.components, members);
                let prefix = if only { String::new() } else { format!("{name}.") };
                found.extend(below.into_iter().map(|f| Field { name: format!("{prefix}{}", f.name), value: f.value }));
            }
            _ => found.push(Field { name, value: value.clone() }),
        }
    }
    found
}

fn members(value: &DynSolValue) -> Option<&[DynSolValue]> {
    match value {
        DynSolValue::Tuple(members) | DynSolValue::CustomStruct { tuple: members, .. } => Some(members),
        _ => None,
    }
}

fn changes(deployment: &Deployment, proposed: &[Field], present: &[Field]) -> Vec<String> {
    let was = |field: &Field| present.iter().find(|other| other.name == field.name);
    let changed: Vec<_> = proposed
        .iter()
        .filter(|field| was(field).is_none_or(|was| was.value != field.value))
        .map(|field| match was(field) {
            Some(was) => format!("{}: {} → {}", field.name, words(deployment, was), words(deployment, field)),
            None => format!("{}: {}", field.name, words(deployment, field)),
        })
        .collect();
    match changed.is_empty() {
        true => vec!["all of them to what holds now".into()],
        false => changed,
    }
}

fn sentence(deployment: &Deployment, contract: ContractName, function: &str, arguments: &[Field]) -> String {
    let argument = |name: &str| {
        let found = arguments.iter().find(|field| field.name == name);
        found.map(|field| words(deployment, field)).unwrap_or_default()
    };
    let number = |name: &str| {
        let found = arguments.iter().find(|field| field.name == name);
        found.and_then(|field| field.value.as_uint()).map(|(number, _)| number).unwrap_or_default()
    };
    match function {
        "setParameters" => format!("set parameters of {contract}"),
        "ban" => format!("slash node {} for misuse and ban it", argument("nodeId")),
        "addTrustedNode" => format!("mark node {} as {}", argument("nodeId"), argument("tier")),
        "pauseEntry" if number("until").is_zero() => format!("end the pause of entry to {contract}"),
        "pauseEntry" => format!("refuse entry to {contract} until {}", argument("until")),
        "setRate" => format!(
            "set the reward rate of {} to {} for each whole unit of fee",
            argument("feeToken"),
            format::aiigo(number("rate"))
        ),
        "upgradeToAndCall" => format!("upgrade {contract}"),
        _ => format!("call {contract}.{function}"),
    }
}

fn unknown(deployment: &Deployment, target: Address, value: U256, data: &Bytes) -> String {
    let target = address(deployment, target);
    match data.len() {
        0 => format!("pay {} to {target}", format::eth(value)),
        bytes if value.is_zero() => format!("call {target} with {bytes} bytes that this program does not understand"),
        bytes => {
            format!("call {target} with {} and {bytes} bytes that this program does not understand", format::eth(value))
        }
    }
}

fn address(deployment: &Deployment, address: Address) -> String {
    match deployment.contract_at(address) {
        Some(contract) => format!("{contract} ({address})"),
        None => address.to_string(),
    }
}

/// Fields that are amounts of AIIGO, in wei.
const AIIGO: &[&str] = &[
    "minStake",
    "levelTwoStake",
    "levelThreeStake",
    "minPosition",
    "seatStake",
    "caseFee",
    "appealFee",
    "newProposalThreshold",
];
/// Fields that are amounts of ETH, in wei.
const ETH: &[&str] = &["registrationFee"];
/// How the names of durations end, in seconds.
const SECONDS: &[&str] =
    &["Period", "period", "Window", "window", "Duration", "Delay", "grace", "cooldown", "Interval", "jitter"];
/// Blocks, though the name ends like that of a duration.
const BLOCKS: &[&str] = &["drawDelay"];

/// A value by what its name says that it is.
pub(crate) fn words(deployment: &Deployment, field: &Field) -> String {
    let name = field.name.rsplit('.').next().unwrap_or_default();
    match &field.value {
        DynSolValue::Uint(number, _) => number_words(name, *number),
        DynSolValue::Address(Address::ZERO) if name.to_lowercase().contains("token") => "ETH".into(),
        DynSolValue::Address(found) => address(deployment, *found),
        DynSolValue::String(text) => format!("`{text}`"),
        DynSolValue::Bool(yes) => yes.to_string(),
        DynSolValue::Bytes(bytes) if bytes.is_empty() => "nothing".into(),
        DynSolValue::Bytes(bytes) => Bytes::from(bytes.clone()).to_string(),
        DynSolValue::FixedBytes(word, size) => Bytes::copy_from_slice(&word[..(*size).min(32)]).to_string(),
        DynSolValue::Array(items) | DynSolValue::FixedArray(items) | DynSolValue::Tuple(items) => {
            let item = |value: &DynSolValue| words(deployment, &Field { name: name.into(), value: value.clone() });
            format!("[{}]", items.iter().map(item).collect::<Vec<_>>().join(", "))
        }
        DynSolValue::Int(number, _) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn number_words(name: &str, number: U256) -> String {
    let small = number.saturating_to::<u64>();
    match name {
        _ if AIIGO.contains(&name) => format::aiigo(number),
        _ if ETH.contains(&name) => format::eth(number),
        _ if BLOCKS.contains(&name) => format!("{number} block{}", if small == 1 { "" } else { "s" }),
        "tier" => ["community", "cloud", "platform"]
            .get(number.saturating_to::<usize>())
            .map_or_else(|| number.to_string(), |tier| (*tier).to_owned()),
        "until" => format::local(small),
        _ if name.ends_with("Bps") => format::percent(small),
        _ if SECONDS.iter().any(|end| name.ends_with(end)) => format_duration(Duration::from_secs(small)),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use aiigo_protocol::{NodeRegistry, TaskMarketplace};
    use alloy::sol_types::SolCall;

    use super::*;

    fn field(name: &str, number: u64) -> Field {
        Field { name: name.into(), value: DynSolValue::Uint(U256::from(number), 256) }
    }

    fn deployment() -> Deployment {
        serde_json::from_str(r#"{"chainId":1,"block":0,"contracts":{}}"#).expect("a deployment")
    }

    #[test]
    fn numbers_are_told_by_what_they_are() {
        let told = |name, number| words(&deployment(), &field(name, number));
        assert_eq!(told("feeBps", 700), "7%");
        assert_eq!(told("reviewPeriod", 1_209_600), "14d");
        assert_eq!(told("registrationFee", 100_000_000_000_000_000), "0.1 ETH");
        assert_eq!(told("drawDelay", 97), "97 blocks");
        assert_eq!(told("jurySize", 3), "3");
        assert_eq!(told("tier", 2), "platform");
    }

    #[test]
    fn a_call_is_decoded_with_the_names_of_its_arguments() {
        let data = NodeRegistry::addTrustedNodeCall { nodeId: 7, tier: 1 }.abi_encode();
        let (function, arguments) = decode(ContractName::NodeRegistry, &data).expect("known");
        assert_eq!(function.name, "addTrustedNode");
        let sentence = sentence(&deployment(), ContractName::NodeRegistry, &function.name, &arguments);
        assert_eq!(sentence, "mark node 7 as cloud");
        assert!(decode(ContractName::NodeRegistry, &[1, 2, 3]).is_none());
        assert!(decode(ContractName::NodeRegistry, &[0; 36]).is_none());
    }

    #[test]
    fn of_parameters_only_what_changes_is_told() {
        let data = TaskMarketplace::setParametersCall { parameters_: Default::default() }.abi_encode();
        let (_, present) = decode(ContractName::TaskMarketplace, &data).expect("known");
        let mut proposed = present.clone();
        assert_eq!(changes(&deployment(), &proposed, &present), ["all of them to what holds now"]);
        proposed[0] = Field { value: DynSolValue::Uint(U256::from(700), 16), ..proposed[0].clone() };
        assert_eq!(changes(&deployment(), &proposed, &present), ["feeBps: 0% → 7%"]);
    }
}
