//! What a chain does to those who use it: blocks, reorganisations, forgotten transactions, dear gas, and others who use the
//! same key.

use std::{fmt, time::Duration};

use aiigo_devnet::{Account, Devnet};
use alloy::{
    network::TransactionBuilder,
    primitives::{Address, U256},
    providers::{Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio_util::sync::CancellationToken;

/// Time between two blocks.
const PAUSE: Duration = Duration::from_millis(40);
/// The deepest reorganisation, blocks. Final is what is 16 deep.
const DEEPEST: u64 = 4;
/// Who gets what strangers send.
pub(crate) const STRANGER: Address = Address::repeat_byte(0x57);
const GWEI: u128 = 1_000_000_000;

/// What happened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    blocks: u64,
    pub(crate) reorgs: u64,
    drops: u64,
    dear: u64,
    pub(crate) strangers: u64,
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { blocks, reorgs, drops, dear, strangers } = self;
        write!(
            f,
            "{blocks} blocks, {reorgs} reorganisations, {drops} forgotten pools, {dear} dear blocks, \
             {strangers} foreign transactions"
        )
    }
}

impl Weather {
    /// Makes blocks, and trouble, until it is told to stop.
    pub(crate) async fn make(devnet: &Devnet, senders: &[Account], seed: u64, stop: CancellationToken) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut weather = Self::default();
        let provider = devnet.provider();
        while !stop.is_cancelled() {
            tokio::time::sleep(PAUSE).await;
            match dice.random_range(0..200) {
                0..4 => {
                    weather.reorgs += 1;
                    devnet.reorg(dice.random_range(1..=DEEPEST)).await.expect("a reorg");
                }
                4..8 => {
                    weather.drops += 1;
                    provider.anvil_drop_all_transactions().await.expect("an empty pool");
                }
                8..11 => {
                    weather.dear += 1;
                    let fee = dice.random_range(10..150) * GWEI;
                    provider.anvil_set_next_block_base_fee_per_gas(fee).await.expect("a dear block");
                }
                11 => {
                    weather.strangers += 1;
                    let sender = &senders[dice.random_range(0..senders.len())];
                    stranger(devnet, sender).await;
                }
                _ => {}
            }
            devnet.mine(1).await.expect("a block");
            weather.blocks += 1;
        }
        weather
    }
}

/// Another program with the same key sends something. The chain may refuse it: the sender's own may be there first.
async fn stranger(devnet: &Devnet, sender: &Account) {
    let nonce = devnet.provider().get_transaction_count(sender.address()).await.expect("a nonce");
    let transaction = TransactionRequest::default()
        .with_to(STRANGER)
        .with_value(U256::from(1))
        .with_nonce(nonce)
        .with_gas_limit(21_000)
        .with_max_fee_per_gas(1_000 * GWEI)
        .with_max_priority_fee_per_gas(100 * GWEI);
    let _ = devnet.provider_as(sender).send_transaction(transaction).await;
}
