//! The EVM: calls on a state that many machines share and none changes.

use std::sync::Arc;

use alloy::{
    primitives::{Address, B256, Bytes, TxKind, U256, address, keccak256},
    sol_types::SolCall,
};
use revm::{
    DatabaseCommit, ExecuteEvm, MainBuilder, MainnetEvm,
    context::{BlockEnv, TxEnv, result::ExecutionResult},
    database::CacheDB,
    handler::MainnetContext,
    primitives::hardfork::SpecId,
    state::{AccountInfo, EvmState},
};

use super::{Error, state::State};
use crate::blocks;

/// Of a call: more than any of the suite's needs.
const GAS: u64 = 16_000_000;

/// Of EIP-2935: the hashes of past blocks.
const HISTORY: Address = address!("0000F90827F1C53a10cb7A02335B175320002935");

/// What a machine wrote, over what it shares.
type Overlay = CacheDB<Arc<State>>;

/// An EVM with its own copy on write of a state.
pub(super) struct Machine {
    evm: MainnetEvm<MainnetContext<Overlay>>,
    block: BlockEnv,
}

/// What a call did.
pub(super) struct Done {
    /// What it returned, or the data of its revert.
    pub(super) output: Result<Bytes, Bytes>,
    /// Every account and slot that it touched.
    pub(super) touched: EvmState,
}

impl Machine {
    pub(super) fn new(state: Arc<State>, chain_id: u64, number: u64, timestamp: u64) -> Self {
        let block = BlockEnv {
            number: U256::from(number),
            timestamp: U256::from(timestamp),
            // A beacon value: large, and the same in each run.
            prevrandao: Some(B256::repeat_byte(0xa5)),
            ..BlockEnv::default()
        };
        let evm = MainnetContext::new(Overlay::new(state), SpecId::PRAGUE)
            .with_block(block.clone())
            .modify_cfg_chained(|cfg| {
                cfg.chain_id = chain_id;
                cfg.tx_chain_id_check = false;
                cfg.disable_nonce_check = true;
                // Governance acts through the timelock, which is a contract.
                cfg.disable_eip3607 = true;
            })
            .build_mainnet();
        Self { evm, block }
    }

    /// The state with everything that was written.
    pub(super) fn into_state(self) -> State {
        let CacheDB { cache, db } = self.evm.ctx.journaled_state.database;
        let mut state = Arc::unwrap_or_clone(db);
        for (address, account) in cache.accounts {
            let entry = state.cache.accounts.entry(address).or_default();
            entry.info = account.info;
            entry.account_state = account.account_state;
            entry.storage.extend(account.storage);
        }
        state.cache.contracts.extend(cache.contracts);
        state
    }

    /// The next block, so many seconds later.
    pub(super) fn advance(&mut self, seconds: u64) {
        self.block.number += U256::ONE;
        self.block.timestamp += U256::from(seconds);
        self.evm.set_block(self.block.clone());
    }

    /// As many blocks more, without any time.
    pub(super) fn mine(&mut self, blocks: u64) {
        self.block.number += U256::from(blocks);
        self.evm.set_block(self.block.clone());
    }

    /// Has the chain know the hash of a block, unless it is too long ago: as an opcode, then as EIP-2935 has it.
    pub(super) fn remember(&mut self, number: u64) {
        if number >= self.number() || self.number() - number > blocks::REMEMBERED {
            return;
        }
        let hash = keccak256(blocks::header(number));
        self.database().cache.block_hashes.insert(U256::from(number), hash);
        self.store(HISTORY, U256::from(number % blocks::REMEMBERED), hash.into());
    }

    /// Has the last block say what the seeds of rounds were searched for.
    pub(super) fn expect_round(&mut self) {
        let last = U256::from(self.number() - 1);
        self.database().cache.block_hashes.insert(last, B256::repeat_byte(0xb7));
    }

    pub(super) fn now(&self) -> u64 {
        self.block.timestamp.saturating_to()
    }

    pub(super) fn number(&self) -> u64 {
        self.block.number.saturating_to()
    }

    pub(super) fn database(&mut self) -> &mut Overlay {
        &mut self.evm.ctx.journaled_state.database
    }

    pub(super) fn store(&mut self, address: Address, slot: U256, value: U256) {
        match self.database().insert_account_storage(address, slot, value) {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    pub(super) fn account(&mut self, address: Address) -> AccountInfo {
        match self.database().load_account(address) {
            Ok(account) => account.info.clone(),
            Err(never) => match never {},
        }
    }

    /// Runs a call and writes nothing.
    pub(super) fn run(&mut self, from: Address, to: Address, value: u128, data: Bytes) -> Done {
        let tx = TxEnv {
            caller: from,
            kind: TxKind::Call(to),
            value: U256::from(value),
            data,
            gas_limit: GAS,
            ..TxEnv::default()
        };
        match self.evm.transact(tx) {
            Ok(done) => {
                let output = match done.result {
                    ExecutionResult::Success { output, .. } => Ok(output.into_data()),
                    ExecutionResult::Revert { output, .. } => Err(output),
                    ExecutionResult::Halt { reason, .. } => Err(format!("halted: {reason:?}").into_bytes().into()),
                };
                Done { output, touched: done.state }
            }
            // Without the ether that it sends a transaction doesn't even begin.
            Err(error) => Done { output: Err(error.to_string().into_bytes().into()), touched: EvmState::default() },
        }
    }

    /// Runs a call and keeps what it wrote, unless it reverted.
    pub(super) fn execute(&mut self, from: Address, to: Address, value: u128, data: Bytes) -> Done {
        let done = self.run(from, to, value, data);
        if done.output.is_ok() {
            self.keep(done.touched.clone());
        }
        done
    }

    pub(super) fn keep(&mut self, touched: EvmState) {
        self.database().commit(touched);
    }

    /// A call that must succeed, with its decoded answer: for the preparation.
    pub(super) fn must<C: SolCall>(
        &mut self,
        from: Address,
        to: Address,
        value: u128,
        call: &C,
    ) -> Result<C::Return, Error> {
        let done = self.execute(from, to, value, call.abi_encode().into());
        let output = done.output.map_err(|data| Error::Refused {
            call: C::SIGNATURE,
            reason: aiigo_protocol::decode_revert(&data).detail,
        })?;
        Ok(C::abi_decode_returns(&output)?)
    }
}
