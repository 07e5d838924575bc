//! Ends that nobody planned: a cancelled run, a caller that leaves, an agent that dies.

use std::time::Duration;

use aiigo_devnet::eventually;
use aiigo_executor::{Executor, ExecutorError};
use bollard::{
    models::ContainerCreateBody,
    query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions},
};
use tokio_util::sync::CancellationToken;

use crate::support::World;

const LIMIT: Duration = Duration::from_secs(60);

/// Waits until the program of the only run runs.
async fn running(world: &World) -> String {
    eventually("running container", LIMIT, async || {
        let name = world.left().await.into_iter().find(|name| name.ends_with("-task"))?;
        let name = name.trim_start_matches('/').to_owned();
        let state = world.client.inspect_container(&name, None).await.ok()?.state?;
        (state.running == Some(true)).then_some(name)
    })
    .await
}

#[tokio::test]
async fn a_cancelled_run_is_killed_and_removed() {
    let world = World::start().await;
    let (cancel, scratch) = (CancellationToken::new(), world.scratch());
    let run = world.executor.run(world.script("trap '' TERM; while :; do sleep 1; done"), &scratch, cancel.clone());
    let (ended, ()) = tokio::join!(run, async {
        running(&world).await;
        cancel.cancel();
    });
    assert!(matches!(ended, Err(ExecutorError::Cancelled)));
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_run_whose_caller_left_is_killed_and_removed() {
    let world = World::start().await;
    let scratch = world.scratch();
    let run = world.executor.run(world.script("sleep 600"), &scratch, CancellationToken::new());
    tokio::select! {
        _ = run => panic!("it ended"),
        _ = running(&world) => {}
    }
    eventually("end of the run", LIMIT, async || world.left().await.is_empty().then_some(())).await;
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn what_a_killed_agent_left_is_removed_at_the_next_start() {
    let world = World::start().await;
    // A runtime that ends at once is to its executor what SIGKILL is to a process: nothing of it runs any more.
    let agent = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (execution, scratch) = (world.script("sleep 600"), world.scratch());
    let (docker, instance) = (world.docker.clone(), world.instance.clone());
    let image = world.busybox.clone();
    agent.spawn(async move {
        let executor = World::executor(&docker, &instance, &[&image]).await;
        executor.run(execution, &scratch, CancellationToken::new()).await
    });
    running(&world).await;
    agent.shutdown_background();
    assert!(!world.left().await.is_empty(), "nothing is left of the killed agent");
    // Another's container that claims to be ours, as an image can, stays.
    let stranger = format!("stranger-{}", world.instance);
    let options = CreateContainerOptionsBuilder::new().name(&stranger).build();
    let body = ContainerCreateBody {
        image: Some(world.busybox.to_string()),
        cmd: Some(vec!["/bin/sleep".into(), "600".into()]),
        labels: Some([("io.aiigo.instance".to_owned(), world.instance.clone())].into()),
        network_disabled: Some(true),
        ..ContainerCreateBody::default()
    };
    world.client.create_container(Some(options), body).await.unwrap();
    world.client.start_container(&stranger, None::<StartContainerOptions>).await.unwrap();

    let _next = World::executor(&world.docker, &world.instance, &[]).await;
    world.assert_nothing_is_left().await;
    let state = world.client.inspect_container(&stranger, None).await.unwrap().state.unwrap();
    assert_eq!(state.running, Some(true));
    let force = RemoveContainerOptionsBuilder::new().force(true).build();
    world.client.remove_container(&stranger, Some(force)).await.unwrap();
}

#[tokio::test]
async fn runs_beside_each_other_do_not_meet() {
    let world = World::start().await;
    let one = world.scratch();
    let two = one.join("two");
    let run = |word: &str, scratch: &std::path::Path| {
        let (execution, scratch) = (world.script(&format!("echo {word} > out; sleep 1; cat out")), scratch.to_owned());
        let executor = &world.executor;
        async move { executor.run(execution, &scratch, CancellationToken::new()).await.unwrap() }
    };
    let (a, b) = tokio::join!(run("one", &one), run("two", &two));
    assert_eq!((a.stdout, b.stdout), (b"one\n".to_vec(), b"two\n".to_vec()));
    world.assert_nothing_is_left().await;
}
