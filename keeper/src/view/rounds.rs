//! Audit rounds: when the next is due, and who has not answered the last.

use aiigo_protocol::{IProofOfWorkVerifier::Parameters, NodeId, ProofOfWorkVerifier::ProofOfWorkVerifierEvents};
use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::SolValue,
};

use super::{
    Moment,
    journal::{Journaled, undo_by_parts},
};

/// So many misses in a row take a node offline; the rounds after them are not held against it. `MISSES_TO_OFFLINE` of the
/// verifier.
const MISSES_TO_OFFLINE: u8 = 3;

/// Where the rounds begin: a constant of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// When round zero, which challenged nobody, opened, unix seconds.
    pub opened_at: u64,
}

/// The last round that was opened.
#[derive(Clone, Copy, Debug)]
struct Round {
    number: u64,
    seed: B256,
    opened_at: u64,
    finishes_at: u64,
}

/// The challenger's hash chain.
#[derive(Clone, Copy, Debug, Default)]
struct Chain {
    challenger: Address,
    /// Zero: nothing is committed.
    head: B256,
    /// Unix seconds.
    committed_at: u64,
    /// Chains that were committed since the deployment.
    commitments: u32,
}

/// Whether a node was Active.
#[derive(Clone, Copy, Debug)]
struct Activity {
    is_active: bool,
    /// The interval, numbered as the round that ends it, in which that last changed.
    since: u64,
}

/// What the keeper knows of audit rounds.
#[derive(Debug)]
pub struct Rounds {
    genesis: Genesis,
    rules: Journaled<(), Parameters>,
    latest: Journaled<(), Round>,
    chain: Journaled<(), Chain>,
    activity: Journaled<NodeId, Activity>,
    /// The last round in which a node was due and that is not accounted.
    unanswered: Journaled<NodeId, u64>,
}

impl Rounds {
    pub(super) fn new(genesis: Genesis) -> Self {
        Self {
            genesis,
            rules: Journaled::default(),
            latest: Journaled::default(),
            chain: Journaled::default(),
            activity: Journaled::default(),
            unanswered: Journaled::default(),
        }
    }

    fn latest(&self) -> Round {
        let genesis = Round { number: 0, seed: B256::ZERO, opened_at: self.genesis.opened_at, finishes_at: 0 };
        self.latest.get(&()).copied().unwrap_or(genesis)
    }

    fn chain(&self) -> Chain {
        self.chain.get(&()).copied().unwrap_or_default()
    }

    /// The number of the next round.
    pub fn next(&self) -> u64 {
        self.latest().number + 1
    }

    /// Who commits to the secrets; zero: nobody.
    pub fn challenger(&self) -> Address {
        self.chain().challenger
    }

    /// The hash whose preimage opens the next round; zero: none is committed.
    pub fn head(&self) -> B256 {
        self.chain().head
    }

    /// Chains that were committed since the deployment.
    pub fn commitments(&self) -> u32 {
        self.chain().commitments
    }

    /// When a preimage opens the next round, unix seconds: `roundDueAt` of the verifier, without asking anyone who could tell
    /// others. `None` before the verifier's rules are known.
    pub fn due_at(&self, preimage: B256) -> Option<u64> {
        let (rules, latest) = (self.rules.get(&())?, self.latest());
        // A chain that is not older than the last round gets the whole jitter.
        let added = match self.chain().committed_at < latest.opened_at {
            true => {
                let random = U256::from_be_bytes(keccak256((preimage, latest.seed).abi_encode()).0);
                (random % (U256::from(rules.jitter) + U256::from(1))).to::<u64>()
            }
            false => rules.jitter.into(),
        };
        Some((latest.opened_at + u64::from(rules.auditInterval) + added).max(latest.finishes_at + 1))
    }

    /// From when on anyone may open the next round without a preimage, unix seconds.
    pub fn open_to_anyone_at(&self) -> Option<u64> {
        let (rules, latest) = (self.rules.get(&())?, self.latest());
        let longest = u64::from(rules.auditInterval) + u64::from(rules.jitter) + u64::from(rules.revealWindow);
        Some((latest.opened_at + longest + 1).max(latest.finishes_at + 1))
    }

    /// Once the last round has finished: its number, and the nodes that owe it, or an earlier one, an answer.
    pub fn missed(&self, now: u64) -> Option<(u64, impl Iterator<Item = NodeId>)> {
        let latest = self.latest();
        let is_over = latest.number > 0 && now > latest.finishes_at;
        is_over.then(|| (latest.number, self.unanswered.iter().map(|(node, _)| *node)))
    }

    /// Whether the registry has told the verifier that a node is Active.
    pub(super) fn counts_as_active(&self, node: NodeId) -> bool {
        self.activity.get(&node).is_some_and(|activity| activity.is_active)
    }

    pub(super) fn apply(&mut self, Moment { block, time }: Moment, event: &ProofOfWorkVerifierEvents) {
        use ProofOfWorkVerifierEvents as E;
        match event {
            E::VerifierParametersChanged(e) => self.rules.insert(block, (), e.parameters.clone()),
            E::ChallengerChanged(e) => {
                let chain = Chain { challenger: e.challenger, head: B256::ZERO, ..self.chain() };
                self.chain.insert(block, (), chain);
            }
            E::ChainCommitted(e) => {
                let chain = self.chain();
                let commitments = chain.commitments.saturating_add(1);
                self.chain.insert(block, (), Chain { head: e.head, committed_at: time, commitments, ..chain });
            }
            E::RoundOpened(e) => {
                let round =
                    Round { number: e.round, seed: e.seed, opened_at: e.openedAt.to(), finishes_at: e.finishesAt.to() };
                self.latest.insert(block, (), round);
                if e.preimage != B256::ZERO {
                    self.chain.insert(block, (), Chain { head: e.preimage, ..self.chain() });
                }
                self.challenge_all(block, e.round);
            }
            E::ActivityChanged(e) => {
                let activity = Activity { is_active: e.active, since: e.interval };
                self.activity.insert(block, NodeId(e.nodeId), activity);
            }
            E::AuditPassed(e) => self.account(block, NodeId(e.nodeId), e.round),
            E::AuditExcused(e) => self.account(block, NodeId(e.nodeId), e.round),
            E::AuditMissed(e) if e.missesInRow >= MISSES_TO_OFFLINE => self.account(block, NodeId(e.nodeId), u64::MAX),
            E::AuditMissed(e) => self.account(block, NodeId(e.nodeId), e.round),
            _ => {}
        }
    }

    /// Due is who was Active at any time of the interval that a round ends.
    fn challenge_all(&mut self, block: u64, round: u64) {
        let was_active = |activity: &Activity| activity.is_active || activity.since == round;
        let due: Vec<NodeId> =
            self.activity.iter().filter(|(_, activity)| was_active(activity)).map(|(node, _)| *node).collect();
        for node in due {
            self.unanswered.insert(block, node, round);
        }
    }

    fn account(&mut self, block: u64, node: NodeId, round: u64) {
        if self.unanswered.get(&node).is_some_and(|last| *last <= round) {
            self.unanswered.remove(block, &node);
        }
    }
}

undo_by_parts!(Rounds: rules, latest, chain, activity, unanswered);
