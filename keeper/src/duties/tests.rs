//! Each duty is due at the second at which the contracts allow its call, and not before.

use aiigo_protocol::{
    Event,
    ITaskMarketplace::Parameters,
    NodeId,
    NodeRegistry::{NodeBanned, NodeRegistryEvents},
    ProofOfWorkVerifier::{ChallengeIssued, ChallengePassed, ProofOfWorkVerifierEvents},
    RewardDistributor::{BaseRewardClaimed, EpochClosed, FeeRecorded, RewardDistributorEvents},
    TaskId,
    TaskMarketplace::{MarketParametersChanged, ResultSubmitted, TaskAccepted, TaskMarketplaceEvents, TaskReopened},
};
use alloy::primitives::{B256, U256, aliases::U40};

use super::*;
use crate::view::Schedule;

const TASK: TaskId = TaskId(B256::repeat_byte(1));
const NODE: NodeId = NodeId(7);
const GRACE: u32 = 5;

fn deployment() -> Deployment {
    serde_json::from_str(r#"{"chainId":1,"block":0,"contracts":{}}"#).expect("a deployment")
}

fn view(events: &[Event]) -> View {
    let mut view = View::new(Schedule { start: 1_000, length: 60 });
    let parameters = Parameters {
        feeBps: 800,
        grace: GRACE,
        minDuration: 0,
        maxDuration: 0,
        maxAcceptWindow: 0,
        minReviewWindow: 0,
        maxReviewWindow: 0,
        minAbandonWindow: 0,
    };
    view.apply(1, &market(TaskMarketplaceEvents::MarketParametersChanged(MarketParametersChanged { parameters })));
    for event in events {
        view.apply(2, event);
    }
    view
}

fn market(event: TaskMarketplaceEvents) -> Event {
    Event::TaskMarketplace(event)
}

fn open_until(accept_by: u64) -> Event {
    let accept_by = U40::from(accept_by);
    market(TaskMarketplaceEvents::TaskReopened(TaskReopened { taskId: TASK.0, attempts: 1, acceptBy: accept_by }))
}

fn running_until(deadline: u64) -> Event {
    market(TaskMarketplaceEvents::TaskAccepted(TaskAccepted {
        taskId: TASK.0,
        nodeId: NODE.0,
        operator: Address::ZERO,
        deadline: U40::from(deadline),
    }))
}

fn reviewed_until(until: u64) -> Event {
    market(TaskMarketplaceEvents::ResultSubmitted(ResultSubmitted {
        taskId: TASK.0,
        nodeId: NODE.0,
        resultHash: B256::ZERO,
        resultURI: String::new(),
        reviewUntil: U40::from(until),
    }))
}

fn challenged_until(deadline: u64) -> Event {
    Event::ProofOfWorkVerifier(ProofOfWorkVerifierEvents::ChallengeIssued(ChallengeIssued {
        nodeId: NODE.0,
        challengeId: 3,
        challengeSeed: B256::ZERO,
        openedAt: U40::ZERO,
        deadline: U40::from(deadline),
    }))
}

fn rewards(event: RewardDistributorEvents) -> Event {
    Event::RewardDistributor(event)
}

fn fee(epoch: u64, weight: u64) -> Event {
    rewards(RewardDistributorEvents::FeeRecorded(FeeRecorded {
        epoch: U256::from(epoch),
        nodeId: NODE.0,
        token: Address::ZERO,
        fee: U256::from(1),
        weight: U256::from(weight),
    }))
}

fn closed(epoch: u64) -> Event {
    rewards(RewardDistributorEvents::EpochClosed(EpochClosed {
        epoch: U256::from(epoch),
        budget: U256::ZERO,
        providerBudget: U256::ZERO,
        stakerReward: U256::ZERO,
        totalWeight: U256::ZERO,
    }))
}

/// The subjects of what a duty has to do at a time.
fn due(duty: DutyName, events: &[Event], now: u64) -> Vec<String> {
    let actions = duty.duty(&deployment()).due(&view(events), now);
    actions.into_iter().map(|action| action.subject).collect()
}

/// Due from `first` on, and only this.
fn assert_due_from(duty: DutyName, events: &[Event], first: u64, subject: &str) {
    assert!(due(duty, events, first - 1).is_empty(), "{duty} is too early");
    assert_eq!(due(duty, events, first), [subject], "{duty} is late");
}

#[test]
fn names_parse_what_they_print_and_a_wrong_one_points_to_the_list() {
    for duty in DutyName::ALL {
        assert_eq!(duty.to_string().parse::<DutyName>().expect("round trip"), *duty);
    }
    let error = "mine-bitcoin".parse::<DutyName>().expect_err("no duty").to_string();
    assert!(error.contains("`mine-bitcoin`") && error.contains("aiigo-keeper duties"), "{error}");
}

#[test]
fn nobody_pays_for_other_nodes_rewards_unasked() {
    assert!(!DutyName::defaults().contains(&DutyName::ClaimRewards));
}

#[test]
fn a_task_is_late_when_its_deadline_and_the_grace_are_over() {
    let first = 500 + u64::from(GRACE) + 1;
    assert_due_from(DutyName::TimeOutTasks, &[running_until(500)], first, &format!("{TASK}/0"));
    assert!(due(DutyName::TimeOutTasks, &[running_until(500), reviewed_until(900)], first).is_empty());
}

#[test]
fn each_delay_of_a_task_is_an_action_of_its_own() {
    let again = [running_until(500), open_until(600), running_until(700)];
    assert_eq!(due(DutyName::TimeOutTasks, &again, 1_000), [format!("{TASK}/1")]);
}

#[test]
fn a_banned_node_is_not_waited_for() {
    let banned = Event::NodeRegistry(NodeRegistryEvents::NodeBanned(NodeBanned { nodeId: NODE.0 }));
    assert_eq!(due(DutyName::TimeOutTasks, &[running_until(500), banned], 100).len(), 1);
}

#[test]
fn a_silent_buyer_has_the_whole_review_window() {
    assert_due_from(DutyName::FinalizeReviews, &[reviewed_until(500)], 501, &TASK.to_string());
}

#[test]
fn an_open_task_has_the_whole_acceptance_window() {
    assert_due_from(DutyName::ExpireTasks, &[open_until(500)], 501, &TASK.to_string());
    assert!(due(DutyName::ExpireTasks, &[open_until(500), running_until(900)], 501).is_empty());
}

#[test]
fn a_challenge_can_be_answered_until_its_deadline() {
    assert_due_from(DutyName::ReportMissed, &[challenged_until(500)], 501, "node 7/challenge 3");
    let passed = Event::ProofOfWorkVerifier(ProofOfWorkVerifierEvents::ChallengePassed(ChallengePassed {
        nodeId: NODE.0,
        challengeId: 3,
        largestHash: B256::ZERO,
        hashRate: 1,
        power: 1,
    }));
    assert!(due(DutyName::ReportMissed, &[challenged_until(500), passed], 501).is_empty());
}

#[test]
fn epochs_are_closed_in_order_as_they_end() {
    assert_due_from(DutyName::CloseEpochs, &[], 1_060, "epoch 0");
    assert_due_from(DutyName::CloseEpochs, &[closed(0)], 1_120, "epoch 1");
    assert_eq!(due(DutyName::CloseEpochs, &[], 9_999), ["epoch 0"], "the others after it");
}

#[test]
fn rewards_are_claimed_once_and_only_of_closed_epochs() {
    assert!(due(DutyName::ClaimRewards, &[fee(0, 5)], 9_999).is_empty());
    assert_eq!(due(DutyName::ClaimRewards, &[fee(0, 5), closed(0)], 9_999), ["epoch 0/node 7"]);
    assert!(due(DutyName::ClaimRewards, &[fee(0, 0), closed(0)], 9_999).is_empty(), "there is nothing to claim");
    let claimed = rewards(RewardDistributorEvents::BaseRewardClaimed(BaseRewardClaimed {
        epoch: U256::ZERO,
        nodeId: NODE.0,
        payout: Address::ZERO,
        amount: U256::from(5),
    }));
    assert!(due(DutyName::ClaimRewards, &[fee(0, 5), closed(0), claimed], 9_999).is_empty());
}
