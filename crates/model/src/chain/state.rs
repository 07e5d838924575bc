//! anvil's dump of a chain as a database of the EVM.

use std::{collections::BTreeMap, fs::File, io::BufReader, path::Path};

use alloy::primitives::{Address, Bytes, U256};
use revm::{
    bytecode::Bytecode,
    database::{CacheDB, EmptyDB},
    state::AccountInfo,
};
use serde::Deserialize;

use super::Error;

/// A whole chain in memory.
pub(super) type State = CacheDB<EmptyDB>;

#[derive(Deserialize)]
struct Dump {
    block: Head,
    accounts: BTreeMap<Address, Account>,
}

/// The last block.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Head {
    number: U256,
    timestamp: U256,
}

impl Head {
    pub(super) fn number(&self) -> u64 {
        self.number.saturating_to()
    }

    pub(super) fn timestamp(&self) -> u64 {
        self.timestamp.saturating_to()
    }
}

#[derive(Deserialize)]
struct Account {
    nonce: u64,
    balance: U256,
    code: Bytes,
    storage: BTreeMap<U256, U256>,
}

/// Reads a dump.
pub(super) fn load(path: &Path) -> Result<(State, Head), Error> {
    let dump: Dump = serde_json::from_reader(BufReader::new(File::open(path)?))?;
    let mut state = State::default();
    for (address, account) in dump.accounts {
        let code = Bytecode::new_raw(account.code);
        let info = AccountInfo {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: code.hash_slow(),
            code: Some(code),
            ..AccountInfo::default()
        };
        state.insert_account_info(address, info);
        for (slot, value) in account.storage {
            match state.insert_account_storage(address, slot, value) {
                Ok(()) => {}
                Err(never) => match never {},
            }
        }
    }
    Ok((state, dump.block))
}
