//! What keeps nodes, stakes and rewards in order.

use aiigo_protocol::{
    DisputeCourt::{DisputeCourtEvents, JurorJoined, JurorLeft, JurorReweighed, PositionReleased},
    INodeRegistry::Parameters as Rules,
    NodeRegistry::{
        NodeVerified, OnlineChanged, RegistryParametersChanged, ReputationChanged, ReviewEnded, ReviewStarted,
        StakeAdded,
    },
    ProofOfWorkVerifier::ActivityChanged,
    RewardDistributor::{RootFinalized, RootPosted, RootVetoed},
    StakingPool::{StakeSeized, Staked, StakingPoolEvents, Unstaked, WeightReset},
};
use alloy::primitives::I256;

use super::*;

fn registry(event: NodeRegistryEvents) -> Event {
    Event::NodeRegistry(event)
}

/// Under review goes who failed in more than a fifth of at least ten tasks; Active is who has a stake of 100.
fn rules() -> Event {
    let parameters = Rules {
        registrationFee: U96::ZERO,
        minStake: U96::from(100),
        unbondingPeriod: 0,
        timeoutSlashBps: 0,
        disputeSlashBps: 0,
        levelTwoStake: U96::ZERO,
        levelThreeStake: U96::ZERO,
        levelTwoChallenges: 0,
        levelThreeReputation: 0,
        levelThreeTasks: 0,
        levelThreeSuccessBps: 0,
        misuseSlashBps: 0,
        reviewPeriod: 0,
        reviewMinTasks: 10,
        reviewFailureBps: 2_000,
    };
    registry(NodeRegistryEvents::RegistryParametersChanged(RegistryParametersChanged { parameters }))
}

/// What a cause of the registry's did to the node's reputation, so many times.
fn moved(cause: u8, times: usize) -> Vec<Event> {
    let event = ReputationChanged { nodeId: NODE.0, cause, delta: I256::ZERO, reputation: 5_000 };
    vec![registry(NodeRegistryEvents::ReputationChanged(event)); times]
}

fn verified(times: usize) -> Vec<Event> {
    moved(0, times)
}

fn timed_out(times: usize) -> Vec<Event> {
    moved(1, times)
}

fn review_until(until: u64) -> Event {
    registry(NodeRegistryEvents::ReviewStarted(ReviewStarted {
        nodeId: NODE.0,
        by: KEEPER,
        until: U40::from(until),
        failed: U256::from(3),
        counted: U256::from(10),
    }))
}

fn banned() -> Event {
    registry(NodeRegistryEvents::NodeBanned(NodeBanned { nodeId: NODE.0 }))
}

#[test]
fn a_node_goes_under_review_when_more_than_a_fifth_of_ten_tasks_failed() {
    let reviewed =
        |tasks: &[Vec<Event>]| !due(DutyName::ReviewNodes, &[vec![rules()], tasks.concat()].concat(), 500).is_empty();
    assert!(reviewed(&[verified(7), timed_out(3)]));
    assert!(!reviewed(&[verified(8), timed_out(2)]), "a fifth is not more than a fifth");
    assert!(!reviewed(&[verified(6), timed_out(3)]), "too few tasks");
    // An abandoned task and a lost dispute are failures, too; audits are no tasks.
    assert!(reviewed(&[verified(7), moved(2, 1), moved(6, 1), timed_out(1)]));
    assert!(reviewed(&[moved(7, 7), timed_out(3)]), "a dispute that was won is a verified task");
    assert!(!reviewed(&[verified(6), timed_out(3), moved(4, 5), moved(5, 5)]));
    assert!(!reviewed(&[verified(7), timed_out(3), vec![banned()]]));
}

#[test]
fn counting_begins_anew_with_a_review() {
    let first = [vec![rules()], verified(7), timed_out(3), vec![review_until(600)]].concat();
    let duty = DutyName::ReviewNodes;
    assert!(due(duty, &first, 601).is_empty());
    let again = [first.clone(), verified(7), timed_out(3)].concat();
    assert_due_from(duty, &again, 601, "node 7");
    let ended = registry(NodeRegistryEvents::ReviewEnded(ReviewEnded { nodeId: NODE.0 }));
    assert!(due(duty, &[again, vec![ended]].concat(), 999).is_empty());
}

#[test]
fn the_verifier_learns_that_a_review_is_over() {
    let told = |active| {
        let event = ActivityChanged { nodeId: NODE.0, interval: 1, active };
        Event::ProofOfWorkVerifier(ProofOfWorkVerifierEvents::ActivityChanged(event))
    };
    let online = |online| registry(NodeRegistryEvents::OnlineChanged(OnlineChanged { nodeId: NODE.0, online }));
    let node = [
        rules(),
        registry(NodeRegistryEvents::NodeVerified(NodeVerified { nodeId: NODE.0 })),
        registry(NodeRegistryEvents::StakeAdded(StakeAdded {
            nodeId: NODE.0,
            from: KEEPER,
            amount: U256::from(100),
            stake: U256::from(100),
        })),
        online(true),
        told(true),
        review_until(600),
        told(false),
    ];
    let duty = DutyName::NoteActivity;
    assert_due_from(duty, &node, 601, "node 7");
    for reason in [told(true), online(false), banned()] {
        assert!(due(duty, &[node.as_slice(), &[reason]].concat(), 601).is_empty());
    }
    let slashed = registry(NodeRegistryEvents::StakeSlashed(aiigo_protocol::NodeRegistry::StakeSlashed {
        nodeId: NODE.0,
        cause: 1,
        burned: U256::from(5),
        stake: U256::from(95),
        unbonding: U256::ZERO,
    }));
    assert!(due(duty, &[node.as_slice(), &[slashed]].concat(), 601).is_empty());
}

fn pool(event: StakingPoolEvents) -> Event {
    Event::StakingPool(event)
}

fn court(event: DisputeCourtEvents) -> Event {
    Event::DisputeCourt(event)
}

const POSITION: U256 = U256::from_limbs([4, 0, 0, 0]);

fn seized(left: u64) -> Event {
    pool(StakingPoolEvents::StakeSeized(StakeSeized {
        positionId: POSITION,
        to: Address::ZERO,
        amount: U256::from(10),
        left: U256::from(left),
        weight: U256::from(left),
    }))
}

#[test]
fn a_lock_that_is_over_weighs_no_more() {
    let staked = |weight| {
        pool(StakingPoolEvents::Staked(Staked {
            positionId: POSITION,
            owner: KEEPER,
            amount: U256::from(100),
            weight: U256::from(weight),
            unlocksAt: U40::from(500),
        }))
    };
    let duty = DutyName::ResetWeights;
    assert_due_from(duty, &[staked(150)], 500, "position 4");
    assert!(due(duty, &[staked(100)], 500).is_empty(), "it was never locked");
    assert_eq!(due(duty, &[staked(150), seized(90)], 500).len(), 1);
    let unstaked = StakingPoolEvents::Unstaked(Unstaked {
        positionId: POSITION,
        owner: KEEPER,
        amount: U256::from(100),
        penaltyBurned: U256::ZERO,
    });
    let reset = StakingPoolEvents::WeightReset(WeightReset { positionId: POSITION, weight: U256::from(100) });
    for over in [pool(unstaked), pool(reset), seized(0)] {
        assert!(due(duty, &[staked(150), over], 500).is_empty());
    }
}

fn joined() -> Event {
    court(DisputeCourtEvents::JurorJoined(JurorJoined {
        juror: KEEPER,
        positionId: POSITION,
        weight: U256::from(100),
        fromEpoch: U48::ZERO,
    }))
}

fn left_until(held_until: u64) -> Event {
    court(DisputeCourtEvents::JurorLeft(JurorLeft {
        juror: KEEPER,
        positionId: POSITION,
        fromEpoch: U48::ZERO,
        heldUntil: U40::from(held_until),
    }))
}

#[test]
fn a_juror_who_left_gets_the_position_back_after_the_hold() {
    let duty = DutyName::ReleaseJurors;
    assert!(due(duty, &[joined()], 999).is_empty());
    assert_due_from(duty, &[joined(), left_until(500)], 500, &format!("{KEEPER}/held until 500"));
    let released =
        court(DisputeCourtEvents::PositionReleased(PositionReleased { juror: KEEPER, positionId: POSITION }));
    assert!(due(duty, &[joined(), left_until(500), released], 500).is_empty());
}

#[test]
fn a_penalised_juror_is_weighed_again() {
    let duty = DutyName::ReweighJurors;
    let reweighed = court(DisputeCourtEvents::JurorReweighed(JurorReweighed {
        juror: KEEPER,
        positionId: POSITION,
        weight: U256::from(90),
        fromEpoch: U48::ZERO,
    }));
    assert!(due(duty, &[joined()], 0).is_empty());
    assert_eq!(due(duty, &[joined(), seized(90)], 0), [format!("{KEEPER}/90 wei")]);
    assert!(due(duty, &[joined(), seized(90), reweighed], 0).is_empty());
    assert!(due(duty, &[joined(), seized(90), left_until(500)], 0).is_empty(), "who left weighs nothing");
}

#[test]
fn a_root_that_nobody_vetoed_is_adopted() {
    let root = U256::from(3);
    let posted = rewards(RewardDistributorEvents::RootPosted(RootPosted {
        rootId: root,
        epoch: U256::ZERO,
        poster: KEEPER,
        root: B256::ZERO,
        finalAt: U40::from(500),
    }));
    assert_due_from(DutyName::FinalizeRoots, std::slice::from_ref(&posted), 500, "root 3");
    let finalized = RootFinalized { rootId: root, epoch: U256::ZERO, poster: KEEPER, root: B256::ZERO };
    let vetoed = RootVetoed { rootId: root, epoch: U256::ZERO, poster: KEEPER, bondBurned: U256::ZERO };
    for over in [RewardDistributorEvents::RootFinalized(finalized), RewardDistributorEvents::RootVetoed(vetoed)] {
        assert!(due(DutyName::FinalizeRoots, &[posted.clone(), rewards(over)], 500).is_empty());
    }
}

#[test]
fn what_serves_only_its_owner_is_paid_for_by_nobody_else_unasked() {
    for duty in [DutyName::ResetWeights, DutyName::ReleaseJurors, DutyName::ReweighJurors] {
        assert!(!DutyName::defaults().contains(&duty));
    }
}
