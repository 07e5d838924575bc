//! Each duty is due at the second at which the contracts allow its call, and not before.

use aiigo_protocol::{
    AIIGOGovernor::{
        AIIGOGovernorEvents, ProposalCanceled, ProposalCreated, ProposalExecuted, ProposalExtended, ProposalQueued,
        VoteCast,
    },
    EscrowManager::{EscrowManagerEvents, PaymentSplit, Released},
    Event,
    FeeVault::{FeeVaultEvents, FeesCollected},
    ITaskMarketplace::Parameters,
    NodeId,
    NodeRegistry::{NodeBanned, NodeRegistryEvents},
    ProofOfWorkVerifier::{ChallengeIssued, ChallengePassed, ProofOfWorkVerifierEvents},
    RewardDistributor::{BaseRewardClaimed, EpochClosed, FeeRecorded, RewardDistributorEvents},
    TaskId,
    TaskMarketplace::{MarketParametersChanged, ResultSubmitted, TaskAccepted, TaskMarketplaceEvents, TaskReopened},
};
use alloy::primitives::{
    B256, Bytes, U256,
    aliases::{U40, U48},
};

use super::*;
use crate::view::{Genesis, Schedule};

const TASK: TaskId = TaskId(B256::repeat_byte(1));
const NODE: NodeId = NodeId(7);
const GRACE: u32 = 5;
/// Where fees go.
const VAULT: Address = Address::repeat_byte(8);
const KEEPER: Address = Address::repeat_byte(3);

fn means(secrets: Option<Secrets>) -> Means {
    let deployment = serde_json::from_str(r#"{"chainId":1,"block":0,"contracts":{}}"#).expect("a deployment");
    Means { deployment: Arc::new(deployment), account: KEEPER, secrets }
}

fn view(events: &[Event]) -> View {
    let mut view = View::new(VAULT, Schedule { start: 1_000, length: 60 }, Genesis { opened_at: 1_000 });
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
    let actions = duty.duty(&means(None)).due(&view(events), now);
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

#[test]
fn fees_are_collected_once_an_epoch_is_closed_after_they_came() {
    let released = |fee: u64| {
        Event::EscrowManager(EscrowManagerEvents::Released(Released {
            taskId: TASK.0,
            provider: Address::ZERO,
            token: KEEPER,
            providerAmount: U256::from(92),
            feeAmount: U256::from(fee),
            buyer: Address::ZERO,
            refundAmount: U256::ZERO,
        }))
    };
    let collected = Event::FeeVault(FeeVaultEvents::FeesCollected(FeesCollected {
        token: KEEPER,
        caller: Address::ZERO,
        toStakers: U256::ZERO,
        toTreasury: U256::from(8),
    }));
    let split = |to: Address| {
        let (accounts, amounts) = (vec![to], vec![U256::from(8)]);
        Event::EscrowManager(EscrowManagerEvents::PaymentSplit(PaymentSplit {
            taskId: TASK.0,
            token: KEEPER,
            accounts,
            amounts,
        }))
    };
    let due = |events: &[Event]| due(DutyName::CollectFees, events, 9_999);
    assert_eq!(due(&[split(VAULT), closed(0)]).len(), 1, "a ruling pays fees, too");
    assert!(due(&[split(KEEPER), closed(0)]).is_empty());
    assert!(due(&[released(8)]).is_empty());
    assert!(due(&[released(0), closed(0)]).is_empty());
    assert!(due(&[closed(0), released(8)]).is_empty());
    assert_eq!(due(&[released(8), closed(0), closed(1)]), [format!("{KEEPER}/epoch 0")]);
    assert!(due(&[released(8), closed(0), collected.clone(), closed(1)]).is_empty());
    assert_eq!(due(&[released(8), closed(0), collected, released(8), closed(1)]), [format!("{KEEPER}/epoch 1")]);
}

#[test]
fn a_proposal_is_queued_after_its_vote_and_executed_after_its_delay() {
    let id = U256::from(77);
    let governor = |event: AIIGOGovernorEvents| Event::AIIGOGovernor(event);
    let created = governor(AIIGOGovernorEvents::ProposalCreated(ProposalCreated {
        proposalId: id,
        proposer: Address::ZERO,
        targets: vec![KEEPER],
        values: vec![U256::ZERO],
        signatures: vec![String::new()],
        calldatas: vec![Bytes::from_static(&[1])],
        voteStart: U256::from(400),
        voteEnd: U256::from(500),
        description: "raise the fee".to_owned(),
    }));
    let vote = |support: u8, weight: u64| {
        governor(AIIGOGovernorEvents::VoteCast(VoteCast {
            voter: Address::ZERO,
            proposalId: id,
            support,
            weight: U256::from(weight),
            reason: String::new(),
        }))
    };
    let duty = DutyName::ExecuteProposals;
    let ahead = [created.clone(), vote(1, 5), vote(0, 4), vote(2, 9)];
    assert_due_from(duty, &ahead, 501, "queue 77");
    assert!(due(duty, &[created.clone(), vote(1, 5), vote(0, 5)], 501).is_empty(), "a tie is defeat");
    assert!(due(duty, &ahead, 501 + 8 * 86_400).is_empty(), "nobody could queue it");
    let extended =
        governor(AIIGOGovernorEvents::ProposalExtended(ProposalExtended { proposalId: id, extendedDeadline: 600 }));
    assert_due_from(duty, &[ahead.as_slice(), &[extended]].concat(), 601, "queue 77");

    let queued =
        governor(AIIGOGovernorEvents::ProposalQueued(ProposalQueued { proposalId: id, etaSeconds: U256::from(900) }));
    let in_timelock = [ahead.as_slice(), &[queued]].concat();
    assert_due_from(duty, &in_timelock, 900, "execute 77");
    for over in [
        AIIGOGovernorEvents::ProposalExecuted(ProposalExecuted { proposalId: id }),
        AIIGOGovernorEvents::ProposalCanceled(ProposalCanceled { proposalId: id }),
    ] {
        assert!(due(duty, &[in_timelock.as_slice(), &[governor(over)]].concat(), 999).is_empty());
    }
}

#[test]
fn a_case_is_drawn_after_its_block_and_moved_on_after_each_period() {
    use aiigo_protocol::DisputeCourt::{
        CaseClosed, CommitStarted, DisputeCourtEvents, DrawAdvanced, DrawFixed, RevealStarted, Ruled,
    };

    let court = |event: DisputeCourtEvents| Event::DisputeCourt(event);
    let case = U256::from(4);
    let (duty, number) = (DutyName::AdvanceDisputes.duty(&means(None)), U256::from);
    let mut view = view(&[court(DisputeCourtEvents::DrawFixed(DrawFixed {
        caseId: case,
        round: 0,
        seats: number(3),
        drawBlock: 70,
        epoch: U48::ZERO,
        deadline: U40::from(500),
    }))]);
    view.reach(70);
    assert!(duty.due(&view, 400).is_empty(), "its randomness is not there yet");
    view.reach(71);
    let draw = duty.due(&view, 400).pop().expect("a draw");
    assert_eq!((draw.subject.as_str(), &draw.payload), ("case 4/block 70", &Payload::Draw { case, block: 70 }));
    view.apply(
        72,
        &court(DisputeCourtEvents::DrawAdvanced(DrawAdvanced { caseId: case, tries: number(24), seated: number(2) })),
    );
    assert_eq!(duty.due(&view, 400)[0].subject, "case 4/block 70", "another call draws on");
    let exhausted = DrawAdvanced { caseId: case, tries: number(24 * 16), seated: number(2) };
    view.apply(72, &court(DisputeCourtEvents::DrawAdvanced(exhausted)));
    assert!(duty.due(&view, 400).is_empty(), "nobody seems to be left");
    assert_eq!(duty.due(&view, 501)[0].subject, "case 4/until 500", "nobody more to draw");

    let periods = [
        DisputeCourtEvents::CommitStarted(CommitStarted {
            caseId: case,
            round: 0,
            seated: number(3),
            deadline: U40::from(600),
        }),
        DisputeCourtEvents::RevealStarted(RevealStarted {
            caseId: case,
            round: 0,
            committed: number(3),
            deadline: U40::from(700),
        }),
        DisputeCourtEvents::Ruled(Ruled {
            caseId: case,
            round: 0,
            share: 5_000,
            low: 5_000,
            high: 5_000,
            votes: number(3),
            appealableUntil: U40::from(800),
        }),
    ];
    for (period, until) in periods.into_iter().zip([600, 700, 800]) {
        view.apply(73, &court(period));
        assert!(duty.due(&view, until).is_empty());
        assert_eq!(duty.due(&view, until + 1)[0].subject, format!("case 4/until {until}"));
    }
    view.apply(
        74,
        &court(DisputeCourtEvents::CaseClosed(CaseClosed {
            caseId: case,
            taskId: TASK.0,
            ruled: true,
            share: 5_000,
            coherent: number(3),
            pot: U256::ZERO,
            buyerFeeReturned: U256::ZERO,
            providerFeeReturned: U256::ZERO,
        })),
    );
    assert!(duty.due(&view, 9_999).is_empty());
}

mod rounds {
    use aiigo_protocol::{
        IProofOfWorkVerifier::Parameters as Rules,
        ProofOfWorkVerifier::{
            ActivityChanged, AuditMissed, AuditPassed, ChainCommitted, ChallengerChanged, RoundOpened,
            VerifierParametersChanged, openRoundCall,
        },
    };
    use alloy::sol_types::SolCall;

    use super::*;

    /// Round zero is at 1000: the first is due between 1100 and 1110, and open to anyone from 1131 on.
    fn rules() -> Event {
        let parameters = Rules {
            window: 10,
            cooldown: 0,
            auditInterval: 100,
            jitter: 10,
            revealWindow: 20,
            lateWindow: 5,
            hashesPerTflops: [1; 5],
        };
        verifier(ProofOfWorkVerifierEvents::VerifierParametersChanged(VerifierParametersChanged { parameters }))
    }

    fn verifier(event: ProofOfWorkVerifierEvents) -> Event {
        Event::ProofOfWorkVerifier(event)
    }

    fn challenger(challenger: Address) -> Event {
        verifier(ProofOfWorkVerifierEvents::ChallengerChanged(ChallengerChanged { challenger }))
    }

    fn committed(head: B256) -> Event {
        verifier(ProofOfWorkVerifierEvents::ChainCommitted(ChainCommitted { challenger: KEEPER, head }))
    }

    fn opened(round: u64, preimage: B256, at: u64) -> Event {
        verifier(ProofOfWorkVerifierEvents::RoundOpened(RoundOpened {
            round,
            opener: KEEPER,
            preimage,
            seed: B256::repeat_byte(5),
            openedAt: U40::from(at),
            deadline: U40::from(at + 10),
            finishesAt: U40::from(at + 15),
        }))
    }

    fn active(node: u64, interval: u64, active: bool) -> Event {
        verifier(ProofOfWorkVerifierEvents::ActivityChanged(ActivityChanged { nodeId: node, interval, active }))
    }

    fn passed(node: u64, round: u64) -> Event {
        verifier(ProofOfWorkVerifierEvents::AuditPassed(AuditPassed {
            nodeId: node,
            round,
            largestHash: B256::ZERO,
            hashRate: 1,
            power: 1,
            validUntil: U40::ZERO,
        }))
    }

    fn missed(node: u64, round: u64, in_row: u8) -> Event {
        verifier(ProofOfWorkVerifierEvents::AuditMissed(AuditMissed {
            nodeId: node,
            round,
            hashRate: 0,
            power: 1,
            missesInRow: in_row,
        }))
    }

    fn secrets() -> Secrets {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("secrets");
        Secrets::create(&path).expect("a seed");
        Secrets::read(&path, 1, Address::ZERO).expect("a seed")
    }

    /// Each event in a block of its own.
    fn due(secrets: Option<Secrets>, events: &[Event], now: u64) -> Vec<Action> {
        let mut view = view(&[]);
        for (block, event) in (2..).zip(events) {
            view.apply(block, event);
        }
        DutyName::OpenRounds.duty(&means(secrets)).due(&view, now)
    }

    fn data(action: &Action) -> &[u8] {
        match &action.payload {
            Payload::Call(data) => data,
            draw @ Payload::Draw { .. } => panic!("{draw:?}"),
        }
    }

    fn subjects(actions: &[Action]) -> Vec<&str> {
        actions.iter().map(|action| action.subject.as_str()).collect()
    }

    #[test]
    fn only_the_challenger_commits_and_only_when_nothing_of_its_own_is_left() {
        let ours = secrets();
        let commits = |events: &[Event]| !due(Some(ours.clone()), events, 1_000).is_empty();
        assert!(commits(&[rules(), challenger(KEEPER)]));
        assert!(!commits(&[rules(), challenger(Address::ZERO)]));
        assert!(!commits(&[rules(), challenger(KEEPER), committed(ours.head(0))]));
        // Somebody's it can't open, and its own when used up.
        assert!(commits(&[rules(), challenger(KEEPER), committed(B256::repeat_byte(1))]));
        let mut last = ours.head(0);
        while let Some(before) = ours.preimage(last, 1) {
            last = before;
        }
        let used_up = [rules(), challenger(KEEPER), committed(ours.head(0)), opened(1, last, 1_100)];
        assert_eq!(subjects(&due(Some(ours), &used_up, 1_110)), ["chain 1"]);
    }

    #[test]
    fn a_secret_is_given_out_when_its_round_is_due_and_not_a_second_before() {
        let ours = secrets();
        let preimage = ours.preimage(ours.head(0), 1).expect("the first secret");
        let events = [rules(), challenger(KEEPER), committed(ours.head(0))];
        // No chain is older than round zero.
        assert!(due(Some(ours.clone()), &events, 1_109).is_empty());
        let action = due(Some(ours.clone()), &events, 1_110).pop().expect("a round");
        assert_eq!(action.subject, "round 1");
        assert_eq!(openRoundCall::abi_decode(data(&action)).expect("a call").preimage, preimage);

        // The next one by the next secret, after the last round's answers.
        let later = [events.as_slice(), &[opened(1, preimage, 1_105)]].concat();
        assert!(due(Some(ours.clone()), &later, 1_204).is_empty());
        let action = due(Some(ours.clone()), &later, 1_215).pop().expect("a round");
        let next = openRoundCall::abi_decode(data(&action)).expect("a call").preimage;
        assert_eq!(alloy::primitives::keccak256(next), preimage);
    }

    #[test]
    fn a_chain_younger_than_the_last_round_has_to_wait_out_the_jitter() {
        let ours = secrets();
        let events = [rules(), challenger(KEEPER), opened(1, B256::ZERO, 1_200), committed(ours.head(0))];
        assert!(due(Some(ours.clone()), &events, 1_309).is_empty());
        assert_eq!(subjects(&due(Some(ours), &events, 1_310)), ["round 2"]);
    }

    #[test]
    fn anyone_opens_a_round_whose_secret_is_not_revealed() {
        let events = [rules(), challenger(Address::ZERO), committed(B256::repeat_byte(1))];
        assert!(due(None, &events, 1_130).is_empty());
        assert_eq!(subjects(&due(None, &events, 1_131)), ["round 1"]);
    }

    #[test]
    fn whoever_was_active_and_has_not_answered_is_reported_when_the_round_has_finished() {
        let mut events = vec![
            rules(),
            active(1, 1, true),
            active(2, 1, true),
            // Away before the round, but active in its interval; and not at all.
            active(103, 1, true),
            active(103, 1, false),
            active(4, 1, true),
            opened(1, B256::ZERO, 1_200),
            passed(1, 1),
        ];
        let report = |events: &[Event], now| super::due(DutyName::ReportMissedRounds, events, now);
        assert!(report(&events, 1_215).is_empty(), "it has not finished");
        assert_eq!(report(&events, 1_216), ["round 1/nodes 0..19", "round 1/nodes 100..119"]);
        events.extend([missed(2, 1, 1), missed(4, 1, 1), missed(103, 1, 1)]);
        assert!(report(&events, 1_216).is_empty());

        // In the second round 103 was away all the time; 2 has missed enough to be left alone.
        events.extend([opened(2, B256::ZERO, 1_400), passed(1, 2), passed(4, 2), missed(2, 1, 3)]);
        assert!(report(&events, 1_416).is_empty());
    }

    #[test]
    fn a_round_that_a_reorganisation_takes_back_is_owed_no_answer() {
        let mut view = view(&[rules(), active(1, 1, true)]);
        view.apply(9, &opened(1, B256::ZERO, 1_200));
        let duty = DutyName::ReportMissedRounds.duty(&means(None));
        assert_eq!(duty.due(&view, 1_300).len(), 1);
        view.retract(8);
        assert!(duty.due(&view, 1_300).is_empty());
        assert_eq!(view.rounds().next(), 1);
    }
}
