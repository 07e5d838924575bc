//! Which task and which node an event is about.

use aiigo_protocol::{
    DisputeCourt::DisputeCourtEvents as Court, EscrowManager::EscrowManagerEvents as Escrow, Event,
    NodeRegistry::NodeRegistryEvents as Registry, ProofOfWorkVerifier::ProofOfWorkVerifierEvents as Verifier,
    RewardDistributor::RewardDistributorEvents as Rewards, TaskMarketplace::TaskMarketplaceEvents as Market,
};
use alloy::primitives::B256;

/// What an event is about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Subject {
    pub(super) task: Option<B256>,
    pub(super) node: Option<u64>,
}

/// The subject of an event.
pub(super) fn of(event: &Event) -> Subject {
    let (task, node) = match event {
        Event::TaskMarketplace(event) => market(event),
        Event::EscrowManager(event) => (escrow(event), None),
        Event::NodeRegistry(event) => (None, registry(event)),
        Event::ProofOfWorkVerifier(event) => (None, verifier(event)),
        Event::RewardDistributor(event) => (None, rewards(event)),
        Event::DisputeCourt(event) => court(event),
        _ => (None, None),
    };
    Subject { task, node }
}

fn market(event: &Market) -> (Option<B256>, Option<u64>) {
    match event {
        Market::TaskCreated(e) => (Some(e.taskId), None),
        Market::AcceptCommitted(e) => (None, Some(e.nodeId)),
        Market::TaskAccepted(e) => (Some(e.taskId), Some(e.nodeId)),
        Market::ResultSubmitted(e) => (Some(e.taskId), Some(e.nodeId)),
        Market::TaskVerified(e) => (Some(e.taskId), Some(e.nodeId)),
        Market::TaskTimedOut(e) => (Some(e.taskId), Some(e.nodeId)),
        Market::TaskAbandoned(e) => (Some(e.taskId), Some(e.nodeId)),
        Market::TaskReopened(e) => (Some(e.taskId), None),
        Market::TaskCancelled(e) => (Some(e.taskId), None),
        Market::TaskExpired(e) => (Some(e.taskId), None),
        Market::TaskDisputed(e) => (Some(e.taskId), Some(e.nodeId)),
        Market::TaskResolved(e) => (Some(e.taskId), Some(e.nodeId)),
        Market::ReplicaApplied(e) => (Some(e.taskId), Some(e.nodeId)),
        Market::ReplicaReleased(e) => (Some(e.taskId), Some(e.nodeId)),
        Market::ReplicaWindowExtended(e) => (Some(e.taskId), None),
        Market::ReplicaDrawFixed(e) => (Some(e.taskId), None),
        Market::ReplicasDrawn(e) => (Some(e.taskId), None),
        Market::ReplicaSealed(e) => (Some(e.taskId), Some(e.nodeId)),
        Market::ReplicasAllSealed(e) => (Some(e.taskId), None),
        Market::ReplicaRevealed(e) => (Some(e.taskId), Some(e.nodeId)),
        Market::ReplicaTimedOut(e) => (Some(e.taskId), Some(e.nodeId)),
        Market::ReplicasJudged(e) => (Some(e.taskId), None),
        Market::ReplicasDisagreed(e) => (Some(e.taskId), None),
        Market::ReplicasReopened(e) => (Some(e.taskId), None),
        Market::ReplicaPaid(e) => (Some(e.taskId), Some(e.nodeId)),
        Market::ReplicasVerified(e) => (Some(e.taskId), None),
        Market::ReplicaOutvoted(e) => (Some(e.taskId), Some(e.nodeId)),
        Market::ReplicaAppealed(e) => (Some(e.taskId), Some(e.nodeId)),
        Market::ReplicaSettled(e) => (Some(e.taskId), Some(e.nodeId)),
        _ => (None, None),
    }
}

const fn escrow(event: &Escrow) -> Option<B256> {
    match event {
        Escrow::Deposited(e) => Some(e.taskId),
        Escrow::Released(e) => Some(e.taskId),
        Escrow::Refunded(e) => Some(e.taskId),
        Escrow::TipPaid(e) => Some(e.taskId),
        Escrow::ToppedUp(e) => Some(e.taskId),
        Escrow::PaymentSplit(e) => Some(e.taskId),
        _ => None,
    }
}

const fn registry(event: &Registry) -> Option<u64> {
    match event {
        Registry::NodeRegistered(e) => Some(e.nodeId),
        Registry::OperatorChanged(e) => Some(e.nodeId),
        Registry::PayoutChanged(e) => Some(e.nodeId),
        Registry::MetadataChanged(e) => Some(e.nodeId),
        Registry::OnlineChanged(e) => Some(e.nodeId),
        Registry::NodeVerified(e) => Some(e.nodeId),
        Registry::NodeBanned(e) => Some(e.nodeId),
        Registry::StakeAdded(e) => Some(e.nodeId),
        Registry::UnbondingStarted(e) => Some(e.nodeId),
        Registry::StakeWithdrawn(e) => Some(e.nodeId),
        Registry::StakeSlashed(e) => Some(e.nodeId),
        Registry::ReputationChanged(e) => Some(e.nodeId),
        Registry::ReviewStarted(e) => Some(e.nodeId),
        Registry::ReviewEnded(e) => Some(e.nodeId),
        Registry::NodeTierChanged(e) => Some(e.nodeId),
        Registry::PartnerRecorded(e) => Some(e.nodeId),
        Registry::CaseFeeTaken(e) => Some(e.nodeId),
        Registry::CaseFeeReturned(e) => Some(e.nodeId),
        _ => None,
    }
}

const fn verifier(event: &Verifier) -> Option<u64> {
    match event {
        Verifier::ChallengeIssued(e) => Some(e.nodeId),
        Verifier::ChallengePassed(e) => Some(e.nodeId),
        Verifier::ChallengeMissed(e) => Some(e.nodeId),
        Verifier::AuditPassed(e) => Some(e.nodeId),
        Verifier::AuditMissed(e) => Some(e.nodeId),
        Verifier::AuditExcused(e) => Some(e.nodeId),
        _ => None,
    }
}

const fn court(event: &Court) -> (Option<B256>, Option<u64>) {
    match event {
        Court::CaseOpened(e) => (Some(e.taskId), Some(e.nodeId)),
        Court::CaseClosed(e) => (Some(e.taskId), None),
        _ => (None, None),
    }
}

const fn rewards(event: &Rewards) -> Option<u64> {
    match event {
        Rewards::FeeRecorded(e) => Some(e.nodeId),
        Rewards::BaseRewardClaimed(e) => Some(e.nodeId),
        _ => None,
    }
}
