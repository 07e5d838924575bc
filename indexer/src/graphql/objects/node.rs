//! Nodes and their challenges.

use aiigo_protocol as protocol;
use alloy::primitives::{Address, U256};
use async_graphql::{Context, Result};

use super::{
    DisputeCase, DisputeCaseFilter, DisputeCaseOrder, EpochFee, EpochFeeFilter, EpochFeeOrder, Event, EventFilter,
    EventOrder, Replica, ReplicaFilter, ReplicaOrder, Reward, RewardFilter, RewardOrder, Task, TaskFilter, TaskOrder,
    few, one,
};
use crate::{
    graphql::{
        enums::{ChallengeStatus, NodeStatus, ResourceType},
        filter::filter,
        object::object,
        scalars::{BigInt, Bytes},
    },
    store::{Column, key, rows},
};

object! {
    /// A node of the registry: a machine with an owner, an operator and a payout address.
    Node over rows::Node {
        fields {
            /// 1, 2, 3, … in the order of registration.
            id: BigInt,
            /// The cold key: stake, keys, exit.
            owner: Bytes,
            /// The hot key: accepts, solves, submits.
            operator: Bytes,
            /// Where earnings go.
            payout: Bytes,
            /// What it offers.
            resource_type: ResourceType,
            /// Its description.
            metadata_uri: String,
            /// Unix seconds.
            registered_at: BigInt,
            /// Derived as the registry derives it.
            status: NodeStatus,
            /// Passed a challenge at least once.
            verified: bool,
            /// Takes work.
            online: bool,
            /// Banned by governance.
            banned: bool,
            /// 0 to 4, derived as the registry derives it.
            trust_level: i32,
            /// 0 to 10000.
            reputation: i32,
            /// AIIGO wei.
            stake: BigInt,
            /// AIIGO wei that are leaving, still slashable.
            unbonding: BigInt,
            /// When they can be withdrawn, Unix seconds.
            unbonding_ready_at: Option<BigInt>,
            /// AIIGO wei burned so far.
            slashed: BigInt,
            /// The lowest estimate of its solutions, hashes/s.
            hash_rate: BigInt,
            /// Verified power, milli-TFLOPS.
            power: BigInt,
            /// Tasks being executed, and applications for a seat in replicated ones: each holds a slot.
            running: i32,
            /// Results waiting for their buyers, or for the settlement of their count.
            reviewing: i32,
            /// Milli-TFLOPS promised to running tasks.
            running_power: BigInt,
            /// Tasks it took.
            tasks_accepted: i32,
            /// Tasks it was paid for.
            tasks_paid: i32,
            /// Paid tasks that counted for its reputation.
            tasks_verified: i32,
            /// Tasks it gave back or did not deliver in time.
            tasks_failed: i32,
            /// Challenges it passed.
            challenges_passed: i32,
            /// Challenges it missed.
            challenges_missed: i32,
            /// The last second of its review, Unix seconds: until then it takes no tasks, whatever its status. Null: never
            /// reviewed, or ended by governance.
            review_until: Option<BigInt>,
            /// When the last audit round that it passed was opened, Unix seconds.
            last_audit_at: Option<BigInt>,
            /// Audit rounds it passed.
            audits_passed: i32,
            /// Audit rounds it missed.
            audits_missed: i32,
            /// AIIGO wei that a partner stakes on top of level 3's; null: no partner.
            partner_bond: Option<BigInt>,
            /// The node that brought it.
            referrer: Option<BigInt>,
        }
        lists {
            /// Its challenges, newest first.
            challenges: Challenge(rows::Challenge, ChallengeFilter, ChallengeOrder) where "node_id" is id,
            /// Tasks that it has or delivered, newest first.
            tasks: Task(rows::Task, TaskFilter, TaskOrder) where "node_id" is id,
            /// Its parts in replicated tasks, first to last.
            replicas: Replica(rows::Replica, ReplicaFilter, ReplicaOrder) where "node_id" is id,
            /// Cases with it on the provider's side, newest first.
            cases: DisputeCase(rows::Case, DisputeCaseFilter, DisputeCaseOrder) where "node_id" is id,
            /// Its part in each epoch, newest first.
            rewards: Reward(rows::Reward, RewardFilter, RewardOrder) where "node_id" is id,
            /// The fees of its tasks by epoch and token, newest first.
            fees: EpochFee(rows::EpochFee, EpochFeeFilter, EpochFeeOrder) where "node_id" is id,
            /// Every event about it, newest first.
            events: Event(rows::Event, EventFilter, EventOrder) where "node_id" is id,
        }
        collections {
            /// What its tasks were paid, by token.
            earnings: Earning = |this, ctx| few::<rows::Earning, _>(ctx, "node_id", this.0.id.value(), "token").await,
        }
        more {
            /// The part of its audit rounds that it passed, without those that it was excused from, basis points; null before
            /// the first.
            async fn uptime_bps(&self) -> Option<i32> {
                self.0.uptime_bps().map(i32::from)
            }
        }
    }
}

object! {
    /// What a node's tasks were paid in one token.
    Earning over rows::Earning {
        fields {
            /// The token; zero is ETH.
            token: Bytes,
            /// Tasks and replicas that it was paid for.
            tasks: BigInt,
            /// The sum in the token's smallest unit, without fees.
            amount: BigInt,
        }
    }
}

filter! {
    "nodes", NodeFilter, NodeOrder for rows::Node {
        filters {
            id: u64,
            owner: Address,
            operator: Address,
            payout: Address,
            resource_type: protocol::ResourceType,
            status: protocol::NodeStatus,
            online: bool,
            trust_level: u8,
            reputation: u16,
            stake: U256,
            power: U256,
            registered_at: u64,
        }
        orders { Id = id, Power = power, Reputation = reputation, Stake = stake }
        default { "id" Asc }
    }
}

object! {
    /// A proof-of-work challenge to a node.
    Challenge over rows::Challenge {
        fields {
            /// 1, 2, 3, … over all nodes.
            id: BigInt,
            /// Who was challenged.
            node_id: BigInt,
            /// Where it stands.
            status: ChallengeStatus,
            /// The seed, before it is bound to chain, verifier and node.
            seed: Bytes,
            /// Unix seconds.
            opened_at: BigInt,
            /// The last second for a solution.
            deadline: BigInt,
            /// The transaction that issued it.
            issued_tx: Bytes,
            /// When it was passed or reported missed.
            closed_at: Option<BigInt>,
            /// The transaction that answered it.
            passed_tx: Option<Bytes>,
            /// The largest of the 64 smallest hashes.
            largest_hash: Option<Bytes>,
            /// The estimate, hashes/s.
            hash_rate: Option<BigInt>,
            /// The node's verified power after it, milli-TFLOPS.
            power: Option<BigInt>,
        }
        more {
            /// The node.
            async fn node(&self, ctx: &Context<'_>) -> Result<Option<Node>> {
                one::<rows::Node, _>(ctx, key![self.0.node_id]).await
            }
        }
    }
}

filter! {
    "challenges", ChallengeFilter, ChallengeOrder for rows::Challenge {
        filters { id: u64, node_id: u64, status: rows::ChallengeStatus, opened_at: u64, deadline: u64 }
        orders { Id = id, Deadline = deadline }
        default { "id" Desc }
    }
}

object! {
    /// An audit round: the same puzzle for every active node, at a time that nobody knows before.
    Round over rows::Round {
        fields {
            /// 1, 2, 3, …
            number: BigInt,
            /// Who opened it.
            opener: Bytes,
            /// The seed, before it is bound to chain, verifier and node.
            seed: Bytes,
            /// Unix seconds.
            opened_at: BigInt,
            /// The last second for a solution.
            deadline: BigInt,
            /// The last second to report misses.
            finishes_at: BigInt,
            /// The Merkle root of its solutions, as posted last.
            root: Option<Bytes>,
            /// Nodes that passed it.
            passed: i32,
            /// Nodes that were reported to have missed it.
            missed: i32,
            /// Nodes that were excused.
            excused: i32,
        }
    }
}

filter! {
    "rounds", RoundFilter, RoundOrder for rows::Round {
        filters { number: u64 }
        orders { Number = number }
        default { "number" Desc }
    }
}
