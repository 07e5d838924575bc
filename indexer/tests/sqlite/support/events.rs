//! Events as the chain would log them.

use std::collections::BTreeMap;

use aiigo_chain::{BlockRef, LocatedEvent};
use aiigo_protocol::{ContractName, Deployed, Deployment, Event};
use alloy::{
    primitives::{Address, B256, LogData, U256, keccak256},
    sol_types::SolEvent,
};

/// Who gets the fees.
pub fn treasury() -> Address {
    deployment().address(ContractName::FeeVault)
}

/// A deployment that exists nowhere.
pub fn deployment() -> Deployment {
    let contracts: BTreeMap<String, Deployed> = ContractName::ALL
        .into_iter()
        .zip(1_u8..)
        .map(|(name, byte)| {
            let address = Address::repeat_byte(0xC0 + byte);
            (name.name().to_owned(), Deployed { address, implementation: None })
        })
        .collect();
    Deployment { chain_id: 31_337, block: 1, contracts, parameters: serde_json::Value::Null }
}

/// A log before it is in a block.
#[derive(Clone, Debug)]
pub struct Log {
    pub contract: ContractName,
    pub data: LogData,
}

/// An event of a contract.
pub fn log(contract: ContractName, event: &impl SolEvent) -> Log {
    Log { contract, data: event.encode_log_data() }
}

/// The logs of a block, decoded as the follower does it. Each transaction has up to three.
pub fn locate(block: BlockRef, logs: &[Log]) -> Vec<LocatedEvent> {
    let deployment = deployment();
    logs.iter()
        .zip(0_u64..)
        .map(|(log, index)| LocatedEvent {
            block,
            tx_hash: hash(&[block.hash.as_slice(), &(index / 3).to_be_bytes()]),
            tx_index: index / 3,
            log_index: index,
            address: deployment.address(log.contract),
            event: Event::decode(log.contract, &log.data),
            raw: log.data.clone(),
        })
        .collect()
}

/// A hash of parts.
pub fn hash(parts: &[&[u8]]) -> B256 {
    keccak256(parts.concat())
}

/// Somebody.
pub fn account(index: u64) -> Address {
    Address::from_word(hash(&[b"account", &index.to_be_bytes()]))
}

/// So many whole tokens.
pub fn whole(amount: u64) -> U256 {
    U256::from(amount) * U256::from(10).pow(U256::from(18))
}
