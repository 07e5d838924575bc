//! Challenges and audit rounds, and the power that they prove.

use aiigo_protocol::ProofOfWorkVerifier::ProofOfWorkVerifierEvents as Verifier;
use alloy::primitives::U256;

use super::{Moment, node, parameters};
use crate::store::{
    Changes, StoreError, key,
    rows::{Challenge, ChallengeStatus, Node, Round},
};

/// Of a result: its 95% lower bound, 82%, and half of that before the first audit.
const COUNTED_SHARE: (u64, u64) = (82 * 50, 10_000);

pub(super) async fn apply(event: &Verifier, at: Moment, db: &mut Changes) -> Result<(), StoreError> {
    match event {
        Verifier::ChallengeIssued(e) => {
            db.insert(Challenge {
                id: e.challengeId,
                node_id: e.nodeId,
                status: ChallengeStatus::Open,
                seed: e.challengeSeed,
                opened_at: e.openedAt.to(),
                deadline: e.deadline.to(),
                issued_tx: at.tx,
                closed_at: None,
                passed_tx: None,
                largest_hash: None,
                hash_rate: None,
                power: None,
            });
            Ok(())
        }
        Verifier::ChallengePassed(e) => {
            let hash_rate = U256::from(e.hashRate);
            db.update::<Challenge>(&key![e.challengeId], |challenge| {
                challenge.status = ChallengeStatus::Passed;
                challenge.closed_at = Some(at.time);
                challenge.passed_tx = Some(at.tx);
                challenge.largest_hash = Some(e.largestHash);
                challenge.hash_rate = Some(hash_rate);
                challenge.power = Some(U256::from(e.power));
            })
            .await?;
            node::change(db, e.nodeId, |node| {
                // Answering again never raises a result: the lowest one counts.
                let first = node.challenges_passed == 0;
                node.hash_rate = if first { hash_rate } else { node.hash_rate.min(hash_rate) };
                node.power = U256::from(e.power);
                node.challenges_passed += 1;
            })
            .await
        }
        Verifier::ChallengeMissed(e) => {
            db.update::<Challenge>(&key![e.challengeId], |challenge| {
                challenge.status = ChallengeStatus::Missed;
                challenge.closed_at = Some(at.time);
            })
            .await?;
            node::change(db, e.nodeId, |node| node.challenges_missed += 1).await
        }
        Verifier::RoundOpened(e) => {
            db.put(Round {
                number: e.round,
                opener: e.opener,
                seed: e.seed,
                opened_at: e.openedAt.to(),
                deadline: e.deadline.to(),
                finishes_at: e.finishesAt.to(),
                root: None,
                passed: 0,
                missed: 0,
                excused: 0,
            })
            .await
        }
        Verifier::SolutionRootPosted(e) => {
            db.update::<Round>(&key![e.round], |round| round.root = Some(e.root)).await.map(drop)
        }
        Verifier::AuditPassed(e) => {
            let opened_at = db.update::<Round>(&key![e.round], |round| round.passed += 1).await?.opened_at;
            node::change(db, e.nodeId, |node| {
                node.audits_passed += 1;
                node.last_audit_at = Some(opened_at);
                node.power = U256::from(e.power);
            })
            .await
        }
        Verifier::AuditMissed(e) => {
            db.update::<Round>(&key![e.round], |round| round.missed += 1).await?;
            node::change(db, e.nodeId, |node| {
                node.audits_missed += 1;
                node.power = U256::from(e.power);
            })
            .await
        }
        Verifier::AuditExcused(e) => {
            db.update::<Round>(&key![e.round], |round| round.excused += 1).await?;
            node::change(db, e.nodeId, |node| node.power = U256::from(e.power)).await
        }
        Verifier::VerifierParametersChanged(e) => {
            parameters::set(db, parameters::VERIFIER, &e.parameters, at).await?;
            recalibrate(db).await
        }
        _ => Ok(()),
    }
}

/// Power is the verified hash rate by the calibration of the node's resource type.
async fn recalibrate(db: &mut Changes) -> Result<(), StoreError> {
    let per_tflops = parameters::verifier(db).await?.hashesPerTflops;
    for before in db.all::<Node>().await? {
        let (counted, whole) = COUNTED_SHARE;
        // Both steps round down, as the verifier does; 64 bits times small factors stay far below 256.
        let rate = before.hash_rate * U256::from(counted) / U256::from(whole);
        let calibration = per_tflops[usize::from(u8::from(before.resource_type))];
        let power = (rate * U256::from(1_000)).checked_div(U256::from(calibration)).unwrap_or_default();
        node::change(db, before.id, |node| node.power = power.min(U256::from(u64::MAX))).await?;
    }
    Ok(())
}
