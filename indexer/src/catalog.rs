//! Names and arguments of raw events, by the contracts' ABI. The database keeps topics and data only; what they say is
//! worked out when somebody asks.

use std::{collections::HashMap, sync::LazyLock};

use aiigo_protocol::ContractName;
use alloy::{
    dyn_abi::{DynSolValue, EventExt},
    json_abi::{Event, EventParam, JsonAbi},
    primitives::{B256, hex},
};
use foldhash::fast::RandomState;
use serde_json::{Map, Value};

static EVENTS: LazyLock<HashMap<(ContractName, B256), Event, RandomState>> = LazyLock::new(|| {
    let mut events = HashMap::default();
    for contract in ContractName::ALL {
        // A test parses them all.
        let abi: JsonAbi = serde_json::from_str(contract.abi_json()).unwrap_or_default();
        events.extend(abi.into_items().filter_map(|item| match item {
            alloy::json_abi::AbiItem::Event(event) => {
                let event = event.into_owned();
                Some(((contract, event.selector()), event))
            }
            _ => None,
        }));
    }
    events
});

/// The name of the event that a contract announces by its first topic.
pub(crate) fn event_name(contract: ContractName, selector: &B256) -> Option<&'static str> {
    EVENTS.get(&(contract, *selector)).map(|event| event.name.as_str())
}

/// The arguments of an event, by name: addresses and bytes as 0x texts, numbers as decimal texts, structs as objects.
pub(crate) fn event_arguments(contract: ContractName, topics: &[B256], data: &[u8]) -> Option<Value> {
    let event = EVENTS.get(&(contract, *topics.first()?))?;
    let decoded = event.decode_log_parts(topics.iter().copied(), data).ok()?;
    let (mut indexed, mut body) = (decoded.indexed.iter(), decoded.body.iter());
    let mut arguments = Map::new();
    for input in &event.inputs {
        let value = if input.indexed { indexed.next() } else { body.next() }?;
        arguments.insert(input.name.clone(), json(value, &components(input)));
    }
    Some(Value::Object(arguments))
}

/// The names of a struct's fields, as far down as structs go.
struct Fields(Vec<(String, Fields)>);

fn components(input: &EventParam) -> Fields {
    fn fields(params: &[alloy::json_abi::Param]) -> Fields {
        Fields(params.iter().map(|param| (param.name.clone(), fields(&param.components))).collect())
    }
    fields(&input.components)
}

fn json(value: &DynSolValue, fields: &Fields) -> Value {
    match value {
        DynSolValue::Bool(flag) => Value::Bool(*flag),
        DynSolValue::Int(number, _) => Value::String(number.to_string()),
        DynSolValue::Uint(number, _) => Value::String(number.to_string()),
        DynSolValue::FixedBytes(word, size) => Value::String(hex::encode_prefixed(&word[..*size])),
        DynSolValue::Address(address) => Value::String(format!("{address:#x}")),
        DynSolValue::Function(function) => Value::String(hex::encode_prefixed(function.0)),
        DynSolValue::Bytes(bytes) => Value::String(hex::encode_prefixed(bytes)),
        DynSolValue::String(text) => Value::String(text.clone()),
        DynSolValue::Array(items) | DynSolValue::FixedArray(items) => {
            Value::Array(items.iter().map(|item| json(item, fields)).collect())
        }
        DynSolValue::Tuple(items) | DynSolValue::CustomStruct { tuple: items, .. } => {
            let named = items.iter().zip(&fields.0).map(|(item, (name, fields))| (name.clone(), json(item, fields)));
            Value::Object(named.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aiigo_protocol::{NodeRegistry, TaskMarketplace};
    use alloy::{primitives::Address, sol_types::SolEvent};

    #[test]
    fn every_abi_is_read() {
        for contract in ContractName::ALL {
            assert!(EVENTS.keys().any(|(name, _)| *name == contract), "{contract} has no events");
        }
    }

    #[test]
    fn arguments_are_named_and_numbers_are_decimal() {
        let event = TaskMarketplace::TaskCreated {
            taskId: B256::repeat_byte(1),
            buyer: Address::repeat_byte(0xAB),
            specHash: B256::repeat_byte(3),
            request: Default::default(),
            escrow: Default::default(),
            tipDeposit: Default::default(),
            feeBps: 800,
            acceptBy: Default::default(),
        };
        let log = event.encode_log_data();
        let arguments =
            event_arguments(ContractName::TaskMarketplace, log.topics(), &log.data).expect("an event of the market");
        assert_eq!(arguments["buyer"], format!("0x{}", "ab".repeat(20)));
        assert_eq!(arguments["feeBps"], "800");
        assert_eq!(arguments["request"]["minPower"], "0");
    }

    #[test]
    fn an_event_of_a_newer_contract_has_no_name() {
        assert_eq!(event_name(ContractName::NodeRegistry, &B256::ZERO), None);
        let selector = NodeRegistry::NodeBanned::SIGNATURE_HASH;
        assert_eq!(event_name(ContractName::NodeRegistry, &selector), Some("NodeBanned"));
    }
}
