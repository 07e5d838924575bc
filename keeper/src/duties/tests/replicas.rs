//! The course of a replicated task.

use aiigo_protocol::TaskMarketplace::{
    ReplicaAppealed, ReplicaApplied, ReplicaDrawFixed, ReplicaReleased, ReplicaRevealed, ReplicaSealed, ReplicaSettled,
    ReplicaWindowExtended, ReplicasAllSealed, ReplicasDrawn, ReplicasJudged, ReplicasReopened, TaskCancelled,
    TaskCreated, TaskExpired, TaskRequest, drawReplicasCall, releaseCandidatesCall,
};
use alloy::sol_types::SolCall;

use super::*;

/// A task of three, of which nodes apply until 500.
fn created() -> Event {
    let request = TaskRequest {
        resourceType: 1,
        minTrustLevel: 2,
        replicas: 3,
        minPower: 1,
        duration: 60,
        acceptWindow: 60,
        reviewWindow: 60,
        maxAuditAge: 0,
        pricePerHour: U96::ZERO,
        paymentToken: Address::ZERO,
        watcher: Address::ZERO,
        specHash: B256::ZERO,
        specURI: String::new(),
    };
    market(TaskMarketplaceEvents::TaskCreated(TaskCreated {
        taskId: TASK.0,
        buyer: Address::ZERO,
        request,
        specHash: B256::ZERO,
        escrow: U96::ZERO,
        tipDeposit: U256::ZERO,
        feeBps: 800,
        acceptBy: U40::from(500),
    }))
}

fn applied(node: u64, round: u8) -> Event {
    let operator = Address::ZERO;
    market(TaskMarketplaceEvents::ReplicaApplied(ReplicaApplied { taskId: TASK.0, nodeId: node, operator, round }))
}

fn extended_until(accept_by: u64) -> Event {
    let (candidates, accept_by) = (U256::from(2), U40::from(accept_by));
    let event = ReplicaWindowExtended { taskId: TASK.0, candidates, acceptBy: accept_by };
    market(TaskMarketplaceEvents::ReplicaWindowExtended(event))
}

fn draw_fixed(block: u64) -> Event {
    let (candidates, draw_block) = (U256::from(5), U48::from(block));
    let event = ReplicaDrawFixed { taskId: TASK.0, round: 1, candidates, drawBlock: draw_block };
    market(TaskMarketplaceEvents::ReplicaDrawFixed(event))
}

/// Nodes 1, 2 and 3 work, and seal until 800.
fn drawn() -> Event {
    market(TaskMarketplaceEvents::ReplicasDrawn(ReplicasDrawn {
        taskId: TASK.0,
        round: 1,
        randomness: B256::ZERO,
        nodeIds: vec![1, 2, 3],
        sealUntil: U40::from(800),
    }))
}

fn sealed(node: u64) -> Event {
    let event = ReplicaSealed { taskId: TASK.0, nodeId: node, sealedHash: B256::ZERO };
    market(TaskMarketplaceEvents::ReplicaSealed(event))
}

fn all_sealed(reveal_until: u64) -> Event {
    let event = ReplicasAllSealed { taskId: TASK.0, revealUntil: U40::from(reveal_until) };
    market(TaskMarketplaceEvents::ReplicasAllSealed(event))
}

fn revealed(node: u64) -> Event {
    let (result_hash, uri) = (B256::ZERO, String::new());
    let event = ReplicaRevealed { taskId: TASK.0, nodeId: node, resultHash: result_hash, resultURI: uri };
    market(TaskMarketplaceEvents::ReplicaRevealed(event))
}

fn reopened() -> Event {
    let event = ReplicasReopened { taskId: TASK.0, round: 2, acceptBy: U40::from(5_000) };
    market(TaskMarketplaceEvents::ReplicasReopened(event))
}

fn judged(settle_after: u64) -> Event {
    market(TaskMarketplaceEvents::ReplicasJudged(ReplicasJudged {
        taskId: TASK.0,
        round: 1,
        resultHash: B256::ZERO,
        agreeing: U256::from(2),
        settleAfter: U40::from(settle_after),
    }))
}

fn appealed(node: u64) -> Event {
    market(TaskMarketplaceEvents::ReplicaAppealed(ReplicaAppealed {
        taskId: TASK.0,
        nodeId: node,
        caseId: U256::from(1),
        appealId: B256::ZERO,
        respondent: 1,
        appellant: Address::ZERO,
        evidenceURI: String::new(),
    }))
}

fn settled(node: u64) -> Event {
    market(TaskMarketplaceEvents::ReplicaSettled(ReplicaSettled { taskId: TASK.0, nodeId: node, verdict: 12 }))
}

#[test]
fn a_window_is_closed_when_nobody_can_apply_any_more() {
    assert_due_from(DutyName::DrawReplicas, &[created()], 501, &format!("{TASK}/window until 500"));
    let longer = [created(), extended_until(700)];
    assert_due_from(DutyName::DrawReplicas, &longer, 701, &format!("{TASK}/window until 700"));
    let cancelled = market(TaskMarketplaceEvents::TaskCancelled(TaskCancelled { taskId: TASK.0, refund: U256::ZERO }));
    assert!(due(DutyName::DrawReplicas, &[created(), cancelled], 999).is_empty());
    assert!(due(DutyName::ExpireTasks, &[created()], 999).is_empty(), "it is no task of one node");
}

#[test]
fn nodes_are_drawn_after_their_block_with_its_header() {
    let duty = DutyName::DrawReplicas.duty(&means(None));
    let mut view = view(&[created(), draw_fixed(70)]);
    view.reach(at(70));
    assert!(duty.due(&view, 999).is_empty());
    view.reach(at(71));
    let action = duty.due(&view, 999).pop().expect("a draw");
    assert_eq!(action.subject, format!("{TASK}/block 70"));
    assert_eq!(action.payload, Payload::Draw { draw: Draw::Replicas(TASK), block: 70 });
    // Closing the window needs no header.
    let close = duty.due(&super::view(&[created()]), 999).pop().expect("a window to close");
    let Payload::Call(data) = close.payload else { panic!("{close:?}") };
    assert!(drawReplicasCall::abi_decode(&data).expect("a call").header.is_empty());

    // The chain forgot the block: another one is fixed.
    view.apply(at(400), &draw_fixed(497));
    assert!(duty.due(&view, 999).is_empty());
}

#[test]
fn results_are_counted_as_soon_as_nothing_is_left_to_wait_for() {
    let duty = DutyName::JudgeReplicas;
    let subject = format!("{TASK}/round 1");
    let working = [created(), draw_fixed(70), drawn()];
    let with = |more: &[Event]| [working.as_slice(), more].concat();
    // Nobody sealed anything.
    assert_due_from(duty, &with(&[]), 801, &subject);
    // One of two has revealed; the other has an hour from the last second for sealing.
    let one_silent = with(&[sealed(1), sealed(2), revealed(1)]);
    assert_due_from(duty, &one_silent, 800 + 3_600 + 1, &subject);
    assert_due_from(duty, &[one_silent.as_slice(), &[revealed(2)]].concat(), 801, &subject);
    // All have sealed: the hour begins then, and ends with the last one.
    let all = with(&[sealed(1), sealed(2), sealed(3), all_sealed(4_300), revealed(1), revealed(2)]);
    assert_due_from(duty, &all, 4_301, &subject);
    assert_eq!(due(duty, &[all.as_slice(), &[revealed(3)]].concat(), 700), [subject]);
    assert!(due(duty, &with(&[reopened()]), 4_999).is_empty());
}

#[test]
fn a_count_is_settled_after_the_day_for_appeals_and_the_last_appeal() {
    let duty = DutyName::SettleReplicas;
    let counted = [created(), draw_fixed(70), drawn(), judged(9_000)];
    let with = |more: &[Event]| [counted.as_slice(), more].concat();
    assert_due_from(duty, &counted, 9_001, &TASK.to_string());
    assert!(due(duty, &with(&[appealed(2), appealed(3)]), 9_999).is_empty());
    assert!(due(duty, &with(&[appealed(2), appealed(3), settled(3)]), 9_999).is_empty());
    assert_eq!(due(duty, &with(&[appealed(2), appealed(3), settled(3), settled(2)]), 9_999).len(), 1);
    assert!(due(duty, &with(&[settled(1), settled(2), settled(3)]), 9_999).is_empty(), "it is settled");
    // Unanimous: settled at once.
    assert!(due(duty, &[created(), drawn(), judged(0), settled(1)], 9_999).is_empty());
}

#[test]
fn whoever_was_not_drawn_gets_the_slot_back() {
    let duty = DutyName::ReleaseCandidates;
    let candidates = [created(), applied(1, 1), applied(2, 1), applied(3, 1), applied(4, 1), applied(5, 1)];
    assert!(due(duty, &candidates, 999).is_empty(), "they may still be drawn");
    let after = |events: &[Event]| {
        let view = view(&[candidates.as_slice(), events].concat());
        let actions = duty.duty(&means(None)).due(&view, 999);
        let data = |action: &Action| action.payload.known().expect("a call");
        let nodes =
            actions.iter().flat_map(|action| releaseCandidatesCall::abi_decode(&data(action)).expect("a call").nodeIds);
        nodes.collect::<Vec<_>>()
    };
    assert_eq!(after(&[draw_fixed(70), drawn()]), [4, 5]);
    let released =
        |node| market(TaskMarketplaceEvents::ReplicaReleased(ReplicaReleased { taskId: TASK.0, nodeId: node }));
    assert_eq!(after(&[draw_fixed(70), drawn(), released(5)]), [4]);
    // In the second round the first one's are free, unless they apply again.
    assert_eq!(after(&[draw_fixed(70), drawn(), reopened(), released(4), applied(4, 2)]), [5]);
    let expired = market(TaskMarketplaceEvents::TaskExpired(TaskExpired { taskId: TASK.0, refund: U256::ZERO }));
    assert_eq!(after(&[expired]), [1, 2, 3, 4, 5], "the task is over");
}

#[test]
fn a_crowd_of_candidates_is_released_in_several_transactions() {
    let crowd = (1..=45).map(|node| applied(node, 1));
    let events: Vec<Event> = [created()].into_iter().chain(crowd).chain([draw_fixed(70), drawn()]).collect();
    assert_eq!(due(DutyName::ReleaseCandidates, &events, 999).len(), 3);
}
