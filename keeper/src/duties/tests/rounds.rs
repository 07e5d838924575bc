//! When rounds open, and who is reported.

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

/// Each event in a block of its own, of the time of the last round that was opened.
fn due(secrets: Option<Secrets>, events: &[Event], now: u64) -> Vec<Action> {
    let mut view = view(&[]);
    let mut time = 1_000;
    for (block, event) in (2..).zip(events) {
        if let Event::ProofOfWorkVerifier(ProofOfWorkVerifierEvents::RoundOpened(opened)) = event {
            time = opened.openedAt.to();
        }
        view.apply(Moment { block, time }, event);
    }
    DutyName::OpenRounds.duty(&means(secrets)).due(&view, now)
}

fn data(action: &Action) -> Bytes {
    action.payload.known().expect("a call")
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
    assert_eq!(openRoundCall::abi_decode(&data(&action)).expect("a call").preimage, preimage);

    // The next one by the next secret, after the last round's answers.
    let later = [events.as_slice(), &[opened(1, preimage, 1_105)]].concat();
    assert!(due(Some(ours.clone()), &later, 1_204).is_empty());
    let action = due(Some(ours.clone()), &later, 1_215).pop().expect("a round");
    let next = openRoundCall::abi_decode(&data(&action)).expect("a call").preimage;
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
fn a_chain_of_the_same_second_is_younger_in_whatever_block_it_is() {
    let ours = secrets();
    let mut view = view(&[rules(), challenger(KEEPER)]);
    view.apply(Moment { block: 5, time: 1_200 }, &committed(ours.head(0)));
    view.apply(Moment { block: 6, time: 1_200 }, &opened(1, B256::ZERO, 1_200));
    let duty = DutyName::OpenRounds.duty(&means(Some(ours)));
    assert!(duty.due(&view, 1_309).is_empty());
    assert_eq!(duty.due(&view, 1_310).len(), 1);
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
    view.apply(at(9), &opened(1, B256::ZERO, 1_200));
    let duty = DutyName::ReportMissedRounds.duty(&means(None));
    assert_eq!(duty.due(&view, 1_300).len(), 1);
    view.retract(8);
    assert!(duty.due(&view, 1_300).is_empty());
    assert_eq!(view.rounds().next(), 1);
}
