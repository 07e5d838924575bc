//! What the chain says in the end, and whether the outbox says the same.

use std::{collections::HashMap, fmt};

use aiigo_chain::{Outbox, OutboxDatabase, Outcome, Spending};
use aiigo_devnet::{Account, Devnet};
use aiigo_protocol::{AIIGOToken, ContractName};
use alloy::{
    consensus::Transaction as _,
    primitives::{TxHash, U256},
    providers::Provider,
    rpc::types::{Transaction, TransactionReceipt},
};
use sqlx::Row;

use crate::{
    action::{Action, CAP},
    actor,
    weather::STRANGER,
};

/// What a sender had and had done before it began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    block: u64,
    nonce: u64,
    eth: U256,
    aiigo: U256,
}

/// What a sender's transactions came to.
#[derive(Debug, Default)]
pub(crate) struct Books {
    landed: HashMap<u64, TxHash>,
    cancellations: u64,
    strangers: u64,
    attempts: u64,
    /// Gas that its own transactions paid, wei.
    gas: U256,
}

impl fmt::Display for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (landed, Self { cancellations, strangers, attempts, .. }) = (self.landed.len(), self);
        write!(f, "{landed} landed, {cancellations} nonces used up, {strangers} strangers', {attempts} attempts")
    }
}

impl Before {
    pub(crate) async fn look(devnet: &Devnet, sender: &Account) -> Self {
        let provider = devnet.provider();
        let address = sender.address();
        Self {
            block: provider.get_block_number().await.unwrap(),
            nonce: provider.get_transaction_count(address).await.unwrap(),
            eth: provider.get_balance(address).await.unwrap(),
            aiigo: aiigo(devnet, address).await,
        }
    }
}

impl Books {
    /// Goes through everything that is on the chain.
    pub(crate) async fn check(devnet: &Devnet, sender: &Account, before: Before, actions: u64, outbox: &str) -> Self {
        let mut books = Self::default();
        let address = sender.address();
        let token = devnet.deployment().address(ContractName::AIIGOToken);
        let calls: HashMap<_, _> = (0..actions).map(|n| (Action { number: n }.call(address, token), n)).collect();
        let (mut nonce, mut eth, mut sent_aiigo) = (before.nonce, before.eth, U256::ZERO);
        for (transaction, receipt) in transactions_of(devnet, sender, before.block).await {
            let hash = *transaction.inner.tx_hash();
            assert_eq!(transaction.nonce(), nonce, "{address} has a gap before {hash}");
            nonce += 1;
            let gas = U256::from(receipt.gas_used) * U256::from(receipt.effective_gas_price);
            eth -= transaction.value() + gas;
            let to = transaction.to().expect("nothing is deployed");
            assert!(receipt.status(), "{hash} reverted");
            if to == STRANGER {
                books.strangers += 1;
                continue;
            }
            books.gas += gas;
            if to == address {
                assert!(transaction.value().is_zero() && transaction.max_fee_per_gas() <= CAP, "{transaction:?}");
                books.cancellations += 1;
                continue;
            }
            let call = (to, transaction.input().clone(), transaction.value());
            let number = *calls.get(&call).unwrap_or_else(|| panic!("{address} did something else: {transaction:?}"));
            let action = Action { number };
            assert!(transaction.max_fee_per_gas() <= action.cap(), "action {number} is above its limit: {hash}");
            assert!(action.max_cost().is_none_or(|most| gas <= most), "action {number} cost more than it may: {hash}");
            assert_eq!(books.landed.insert(number, hash), None, "action {number} landed twice");
            if action.is_token() {
                sent_aiigo += action.amount();
            }
        }
        let provider = devnet.provider();
        assert_eq!(provider.get_transaction_count(address).await.unwrap(), nonce);
        assert_eq!(provider.get_balance(address).await.unwrap(), eth, "the ETH of {address}");
        assert_eq!(aiigo(devnet, address).await, before.aiigo - sent_aiigo, "the AIIGO of {address}");
        books.compare(devnet, sender, actions, outbox).await;
        books.attempts = attempts(outbox).await;
        books
    }

    /// What the outbox tells is what happened.
    async fn compare(&self, devnet: &Devnet, sender: &Account, actions: u64, outbox: &str) {
        let database: OutboxDatabase = outbox.parse().unwrap();
        let outbox = Outbox::open(database, devnet.provider(), sender.signer().clone(), actor::config()).await.unwrap();
        assert!(outbox.unfinished().await.unwrap().is_empty());
        let spending = Spending { paid: self.gas, committed: U256::ZERO };
        assert_eq!(outbox.spending(0).await.unwrap(), spending, "the gas of {}", sender.address());
        for action in (0..actions).map(|number| Action { number }) {
            let number = action.number;
            match (outbox.outcome(&action.key()).await.unwrap().expect("an end"), self.landed.get(&number)) {
                (Outcome::Landed { tx_hash, .. }, Some(landed)) => assert_eq!(tx_hash, *landed, "action {number}"),
                (Outcome::Expired, None) => assert!(action.is_cancelled(), "action {number} never landed"),
                (outcome, landed) => {
                    panic!("action {number}: {landed:?} is on the chain, but the outbox tells {outcome:?}")
                }
            }
        }
    }
}

async fn aiigo(devnet: &Devnet, address: alloy::primitives::Address) -> U256 {
    let token = AIIGOToken::new(devnet.deployment().address(ContractName::AIIGOToken), devnet.provider());
    token.balanceOf(address).call().await.unwrap()
}

/// A sender's transactions after a block, in order.
async fn transactions_of(devnet: &Devnet, sender: &Account, after: u64) -> Vec<(Transaction, TransactionReceipt)> {
    let provider = devnet.provider();
    let mut found = Vec::new();
    for number in after + 1..=provider.get_block_number().await.unwrap() {
        let block = provider.get_block_by_number(number.into()).full().await.unwrap().expect("a block");
        for transaction in block.transactions.into_transactions() {
            if transaction.inner.signer() == sender.address() {
                let receipt = provider.get_transaction_receipt(*transaction.inner.tx_hash()).await.unwrap();
                found.push((transaction, receipt.expect("a receipt")));
            }
        }
    }
    found
}

/// Everything that was ever signed kept to its limit, and each replacement offered a tenth more of both.
async fn attempts(outbox: &str) -> u64 {
    sqlx::any::install_default_drivers();
    let url = if outbox.starts_with("postgres") { outbox.to_owned() } else { format!("sqlite:{outbox}") };
    let database = sqlx::AnyPool::connect(&url).await.unwrap();
    let rows = sqlx::query(
        "SELECT intent, a.nonce AS nonce, max_fee, priority_fee, gas_limit, max_fee_per_gas, max_cost
         FROM attempts a JOIN intents i ON i.id = a.intent ORDER BY a.id",
    )
    .fetch_all(&database)
    .await
    .unwrap();
    database.close().await;
    let mut latest = HashMap::new();
    for row in &rows {
        let fee = |column: &str| row.get::<Option<String>, _>(column).map(|fee| fee.parse::<u128>().unwrap());
        let (max, priority) = (fee("max_fee").unwrap(), fee("priority_fee").unwrap());
        assert!(max <= fee("max_fee_per_gas").unwrap_or(CAP), "a transaction above its limit was signed");
        let most = row.get::<Option<String>, _>("max_cost").map(|cost| cost.parse::<U256>().unwrap());
        let cost = U256::from(max) * U256::from(row.get::<i64, _>("gas_limit"));
        assert!(most.is_none_or(|most| cost <= most), "a transaction that may cost more than its intent was signed");
        let place: (i64, i64) = (row.get("intent"), row.get("nonce"));
        if let Some((old_max, old_priority)) = latest.insert(place, (max, priority)) {
            assert!(max * 10 >= old_max * 11 && priority * 10 >= old_priority * 11, "a replacement of too little");
        }
    }
    rows.len() as u64
}
