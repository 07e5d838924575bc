//! What gas cost is known, and is what the account lost.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aiigo_chain::{Intent, OutboxConfig, Outcome, Spending};
use aiigo_devnet::eventually;
use aiigo_protocol::AIIGOToken;
use alloy::{
    consensus::Transaction as _,
    eips::BlockNumberOrTag,
    network::TransactionBuilder,
    primitives::U256,
    providers::{Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
};

use crate::world::{FINAL, LIMIT, Running, World, eager, landed, passive};

impl World {
    /// Wei of the sender.
    async fn balance(&self) -> U256 {
        self.provider.get_balance(self.sender.address()).await.unwrap()
    }

    /// Has something of the sender's revert in a block.
    async fn revert_one(&self, running: &Running, key: &str) {
        let patron = self.devnet.account(4).unwrap();
        let token = AIIGOToken::new(self.token(), self.devnet.provider_as(&patron));
        self.devnet.send_aiigo(patron.address(), U256::from(50)).await.unwrap();
        let approve = async |amount: u64| {
            let _ = token.approve(self.sender.address(), U256::from(amount)).send().await.unwrap();
        };
        approve(50).await;
        self.stop_mining().await;
        let take = AIIGOToken::transferFromCall { from: patron.address(), to: self.receiver, value: U256::from(50) };
        running.outbox.submit(self.call(key, take)).await.unwrap();
        self.until_waiting(1).await;
        self.provider.anvil_drop_all_transactions().await.unwrap();
        approve(0).await;
        self.mine(1).await;
        self.until_waiting(1).await;
        self.mine(1).await;
        let outcome = running.wait(key).await;
        assert!(matches!(outcome, Outcome::Reverted { tx_hash: Some(_), .. }), "{outcome:?}");
    }

    /// What the sender's waiting transactions can cost.
    async fn dearest(&self) -> U256 {
        let pool = self.pool().await;
        pool.iter().map(|tx| U256::from(tx.inner.gas_limit()) * U256::from(tx.inner.max_fee_per_gas())).sum()
    }
}

#[tokio::test]
async fn whatever_is_in_a_block_is_paid_once_and_what_waits_for_one_is_committed() {
    let world = World::new().await;
    let rich = world.balance().await;
    let config = OutboxConfig { rebroadcast_after: Duration::from_secs(1), ..passive() };
    let running = world.run(config.clone()).await;
    assert_eq!(running.outbox.spending(0).await.unwrap(), Spending::default());
    let mut lost = Vec::new();

    landed(&running.send(world.transfer("landed", 10)).await);
    lost.push(rich - world.balance().await);
    world.revert_one(&running, "reverted").await;
    lost.push(rich - world.balance().await);
    running.outbox.submit(world.transfer("cancelled", 10)).await.unwrap();
    world.until_waiting(1).await;
    running.outbox.cancel("cancelled").await.unwrap();
    eventually("cancellation in the pool", LIMIT, async || {
        let pool = world.pool().await;
        pool.iter().any(|transaction| transaction.inner.to() == Some(world.sender.address())).then_some(())
    })
    .await;
    world.mine(1).await;
    assert_eq!(running.wait("cancelled").await, Outcome::Expired);
    let paid = rich - world.balance().await;
    lost.push(paid);
    assert!(lost.is_sorted_by(|a, b| a < b), "each costs something: {lost:?}");
    assert_eq!(running.outbox.spending(0).await.unwrap(), Spending { paid, committed: U256::ZERO });

    running.outbox.submit(world.transfer("open", 10)).await.unwrap();
    world.until_waiting(1).await;
    let committed = world.dearest().await;
    let found = Spending { paid, committed };
    assert_eq!(running.outbox.spending(0).await.unwrap(), found);
    running.stop().await;
    let running = world.run(config).await;
    assert_eq!(running.outbox.spending(0).await.unwrap(), found, "after a restart");

    let later = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 3600;
    assert_eq!(running.outbox.spending(later).await.unwrap(), Spending { paid: U256::ZERO, committed });
    world.mine(1).await;
    landed(&running.wait("open").await);
    world.mine(FINAL).await;
    running.until_finished().await;
    let paid = rich - world.balance().await;
    assert_eq!(running.outbox.spending(0).await.unwrap(), Spending { paid, committed: U256::ZERO });
}

#[tokio::test]
async fn what_a_reorganisation_took_back_is_not_paid_until_it_lands_again() {
    let world = World::new().await;
    let rich = world.balance().await;
    let running = world.run(eager()).await;
    landed(&running.send(world.transfer("a", 10)).await);
    world.stop_mining().await;
    world.devnet.reorg(1).await.unwrap();
    assert_eq!(world.balance().await, rich);
    eventually("cost that is open again", LIMIT, async || {
        let Spending { paid, committed } = running.outbox.spending(0).await.unwrap();
        (paid.is_zero() && !committed.is_zero()).then_some(())
    })
    .await;
    world.until_waiting(1).await;
    world.mine(1).await;
    landed(&running.wait("a").await);
    let paid = rich - world.balance().await;
    assert!(!paid.is_zero());
    assert_eq!(running.outbox.spending(0).await.unwrap(), Spending { paid, committed: U256::ZERO });
}

#[tokio::test]
async fn above_its_cost_limit_it_waits_and_below_it_keeps_to_it() {
    let world = World::new().await;
    world.stop_mining().await;
    let transfer = world.transfer("dear", 10);
    let request = TransactionRequest::default().with_from(world.sender.address()).with_to(transfer.to);
    let gas = world.provider.estimate_gas(request.with_input(transfer.data.clone())).await.unwrap();
    // More than what is simulated, since the state may change.
    let limit = U256::from(gas * 13 / 10);
    let asked = async || {
        let block = world.provider.get_block_by_number(BlockNumberOrTag::Latest).await.unwrap().unwrap();
        U256::from(block.header.base_fee_per_gas.unwrap())
    };
    let max_cost = limit * asked().await;
    let running = world.run(passive()).await;
    // A call stays a tenth below its limits.
    running.outbox.submit(Intent { max_cost: Some(max_cost), ..transfer }).await.unwrap();
    running.until_problem("above the limit").await;
    let waiting = Spending { paid: U256::ZERO, committed: max_cost };
    assert_eq!((world.waiting().await, running.outbox.spending(0).await.unwrap()), (0, waiting));

    world.provider.anvil_set_next_block_base_fee_per_gas((asked().await / U256::from(2)).to()).await.unwrap();
    world.mine(1).await;
    world.until_waiting(1).await;
    let call = world.dearest().await;
    assert!(call <= max_cost && call > max_cost / U256::from(2), "{call} of {max_cost}");
    assert_eq!(running.outbox.spending(0).await.unwrap(), waiting, "a replacement may cost as much");
    running.outbox.cancel("dear").await.unwrap();
    eventually("cancellation in the pool", LIMIT, async || {
        let pool = world.pool().await;
        pool.iter().any(|transaction| transaction.inner.to() == Some(world.sender.address())).then_some(())
    })
    .await;
    assert!(world.dearest().await <= max_cost);
    world.mine(1).await;
    assert_eq!(running.wait("dear").await, Outcome::Expired);
    assert!(running.outbox.spending(0).await.unwrap().paid <= max_cost);
}
