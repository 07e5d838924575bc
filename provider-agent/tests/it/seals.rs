//! Several tasks at a time: their seals stand beside each other, and none is made for nothing.

use std::collections::BTreeSet;

use aiigo_devnet::eventually;
use aiigo_protocol::{ContractName, TaskMarketplace, TaskStatus};
use alloy::{
    primitives::Bytes,
    providers::{DynProvider, Provider, ext::AnvilApi},
    rpc::types::Filter,
    sol_types::{SolCall, SolEvent},
};
use serde_json::Value;

use crate::support::{LIMIT, Stage, copy_program};

/// The places of the commitments that wait for a block, in the node's order.
async fn waiting(provider: &DynProvider) -> Option<Vec<u8>> {
    let pool: Value = provider.raw_request("txpool_content".into(), ()).await.ok()?;
    let transactions = pool["pending"].as_object()?.values().filter_map(Value::as_object).flat_map(|of| of.values());
    let inputs = transactions.filter_map(|one| one["input"].as_str()?.parse::<Bytes>().ok());
    let sealed = inputs.filter_map(|input| TaskMarketplace::commitAcceptCall::abi_decode(&input).ok());
    Some(sealed.map(|call| call.digest[19] & 15).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_goes_for_as_many_tasks_in_a_block_as_its_stake_backs() {
    let stage = Stage::start().await;
    // Two slots.
    stage.setup().await;
    stage.policy("machine.tasks = 8");
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    assert!(stage.agent(&stage.operator, &["pause"]).await.success);
    let provider = stage.devnet.provider();
    let spec = stage.spec(copy_program(1000), b"sealed").await;
    let mut tasks = Vec::new();
    for _ in 0..3 {
        tasks.push(stage.create(&spec, "0.36").await);
    }
    let (before, first) = (stage.nonce_of(&stage.operator).await, stage.head().await);
    provider.anvil_set_interval_mining(0).await.expect("a stopped chain");
    assert!(stage.agent(&stage.operator, &["resume"]).await.success);
    // Agents look for work when there is a block.
    stage.devnet.mine(1).await.expect("a block");
    eventually("two commitments", LIMIT, async || (waiting(&provider).await?.len() == 2).then_some(())).await;
    // For a slot, or on a small machine for a processor.
    eventually("a third task that has to wait", LIMIT, async || {
        let report = stage.report().await;
        (report["declined"].as_array()?.len() == 1).then_some(())
    })
    .await;
    let places = waiting(&provider).await.expect("the pool");
    assert_eq!(places.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([0, 1]));

    provider.anvil_set_interval_mining(1).await.expect("more blocks");
    for task in tasks {
        stage.until(task, TaskStatus::Completed).await;
    }
    // Each was sealed, accepted and delivered once.
    assert_eq!(stage.nonce_of(&stage.operator).await - before, 9);
    let seals = Filter::new()
        .address(stage.at(ContractName::TaskMarketplace))
        .event_signature(TaskMarketplace::AcceptCommitted::SIGNATURE_HASH)
        .from_block(first);
    assert_eq!(provider.get_logs(&seals).await.expect("logs").len(), 3);
}
