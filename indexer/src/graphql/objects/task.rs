//! Tasks and their assignments.

use aiigo_protocol as protocol;
use alloy::primitives::{Address, B256, U256};
use async_graphql::{Context, Result};

use super::{
    DisputeCase, DisputeCaseFilter, DisputeCaseOrder, Escrow, Node, Replica, ReplicaFilter, ReplicaOrder, ReplicaRound,
    TimelineEntry, few, few_of, one,
};
use crate::{
    graphql::{
        enums::{AssignmentOutcome, ResourceType, TaskStatus},
        failure,
        filter::filter,
        loaders::{TimelineKey, loaders},
        object::object,
        scalars::{BigInt, Bytes},
    },
    store::{Column, Condition, key, rows},
};

object! {
    /// A task of the marketplace. Amounts are in the smallest unit of its payment token.
    Task over rows::Task {
        fields {
            /// keccak256(abi.encode(chainid, marketplace, buyer, buyer's nonce, specHash)).
            id: Bytes,
            /// Who pays.
            buyer: Bytes,
            /// Where it stands.
            status: TaskStatus,
            /// The resource asked for.
            resource_type: ResourceType,
            /// The least trust level asked for.
            min_trust_level: i32,
            /// The least power asked for, milli-TFLOPS.
            min_power: BigInt,
            /// Seconds of execution at most.
            duration: i32,
            /// Seconds from creation, and from each reopening, to find a provider.
            accept_window: i32,
            /// Seconds from the result for the buyer to approve.
            review_window: i32,
            /// The price of an hour.
            price_per_hour: BigInt,
            /// The token; zero is ETH.
            payment_token: Bytes,
            /// keccak-256 of the canonical task spec.
            spec_hash: Bytes,
            /// `ipfs://<cid>` of the task spec.
            spec_uri: String,
            /// How many nodes do the same work; more than one: a replicated task.
            seats: i32,
            /// Price x duration x seats, without the timeout tips.
            escrow: BigInt,
            /// Deposited for tips to who enforces timeouts; returned if there are none.
            tip_deposit: BigInt,
            /// The protocol's share in basis points, fixed at creation.
            fee_bps: i32,
            /// The last second of the present acceptance window.
            accept_by: BigInt,
            /// Assignments that ended without a result, or rounds of a replicated task without a majority.
            attempts: i32,
            /// The node that has it or delivered it.
            node_id: Option<BigInt>,
            /// The operator that accepted it.
            operator: Option<Bytes>,
            /// When it was accepted, Unix seconds.
            assigned_at: Option<BigInt>,
            /// Until when the result is due, without the grace; of a replicated task: sealed results, with the grace.
            due_by: Option<BigInt>,
            /// When the result came; of a replicated task: when it was counted.
            submitted_at: Option<BigInt>,
            /// The last second for the buyer to approve.
            review_until: Option<BigInt>,
            /// keccak-256 of the canonical list of outputs and the exit code; of a replicated task: the majority's.
            result_hash: Option<Bytes>,
            /// `ipfs://<cid>` of the result manifest.
            result_uri: Option<String>,
            /// Who approved it: the buyer, or whoever finalized it after the review window.
            approver: Option<Bytes>,
            /// What was due for the execution: the provider's amount and the fee.
            due: Option<BigInt>,
            /// What the provider was credited.
            provider_amount: Option<BigInt>,
            /// What the protocol was credited.
            fee_amount: Option<BigInt>,
            /// The unused escrow that went back to the buyer; unspent tips went with it (`escrowDetails` has the sum).
            refund_amount: Option<BigInt>,
            /// The court's case about its dispute.
            case_id: Option<BigInt>,
            /// The provider's share by the ruling, basis points; 5000 if no jury ruled.
            ruling: Option<i32>,
            /// What the jurors were credited.
            juror_amount: Option<BigInt>,
            /// Unix seconds.
            created_at: BigInt,
            /// The block of its creation.
            created_block: BigInt,
            /// The transaction of its creation.
            created_tx: Bytes,
            /// When it last changed.
            updated_at: BigInt,
            /// When it reached its final state.
            closed_at: Option<BigInt>,
        }
        lists {
            /// The nodes that tried it, first to last.
            assignments: Assignment(rows::Assignment, AssignmentFilter, AssignmentOrder) where "task_id" is id,
            /// The nodes that applied for a seat, of all rounds, first to last; none unless it is replicated.
            replicas: Replica(rows::Replica, ReplicaFilter, ReplicaOrder) where "task_id" is id,
            /// Cases about it, newest first: its dispute, or the appeals of outvoted nodes.
            cases: DisputeCase(rows::Case, DisputeCaseFilter, DisputeCaseOrder) where "task_id" is id,
        }
        collections {
            /// Everything that happened to it, oldest first.
            timeline: TimelineEntry = |this, ctx| {
                let events = loaders(ctx)?.load(TimelineKey(this.0.id)).await.map_err(failure)?;
                Ok(events.unwrap_or_default().into_iter().map(TimelineEntry::from).collect())
            },
            /// Nodes that will never get it again.
            excluded: BigInt = |this, ctx| {
                let tries = few::<rows::Assignment, Assignment>(ctx, "task_id", this.0.id.value(), "attempt").await?;
                let failed = tries.iter().filter(|one| one.0.outcome.is_failure()).map(|one| one.0.node_id);
                let late = Condition::equals("status", protocol::ReplicaStatus::TimedOut.value());
                let late = few_of::<rows::Replica, Replica>(ctx, late, "task_id", this.0.id.value(), "round").await?;
                let late = late.iter().map(|one| one.0.node_id);
                Ok(failed.chain(late).map(|node| BigInt(U256::from(node))).collect())
            },
            /// The rounds of a replicated task, first to last.
            replica_rounds: ReplicaRound = |this, ctx| {
                few::<rows::ReplicaRound, _>(ctx, "task_id", this.0.id.value(), "round").await
            },
        }
        more {
            /// The node that has it or delivered it.
            async fn node(&self, ctx: &Context<'_>) -> Result<Option<Node>> {
                match self.0.node_id {
                    Some(id) => one::<rows::Node, _>(ctx, key![id]).await,
                    None => Ok(None),
                }
            }

            /// Its dispute before the court.
            async fn case(&self, ctx: &Context<'_>) -> Result<Option<DisputeCase>> {
                match self.0.case_id {
                    Some(id) => one::<rows::Case, _>(ctx, key![id]).await,
                    None => Ok(None),
                }
            }

            /// Its money in the escrow manager.
            async fn escrow_details(&self, ctx: &Context<'_>) -> Result<Option<Escrow>> {
                one::<rows::Escrow, _>(ctx, key![self.0.id]).await
            }
        }
    }
}

filter! {
    "tasks", TaskFilter, TaskOrder for rows::Task {
        filters {
            id: B256,
            buyer: Address,
            status: protocol::TaskStatus,
            resource_type: protocol::ResourceType,
            min_trust_level: u8,
            min_power: u64,
            seats: u8,
            duration: u32,
            price_per_hour: U256,
            payment_token: Address,
            spec_hash: B256,
            escrow: U256,
            accept_by: u64,
            attempts: u8,
            node_id: u64,
            operator: Address,
            due_by: u64,
            review_until: u64,
            result_hash: B256,
            created_at: u64,
            created_block: u64,
            updated_at: u64,
            closed_at: u64,
        }
        orders {
            CreatedAt = created_at,
            UpdatedAt = updated_at,
            PricePerHour = price_per_hour,
            Escrow = escrow,
            AcceptBy = accept_by,
        }
        default { "created_at" Desc }
    }
}

object! {
    /// A node's try at a task.
    Assignment over rows::Assignment {
        fields {
            /// The task.
            task_id: Bytes,
            /// 0 for the first node, 1 for the next, …
            attempt: i32,
            /// The node.
            node_id: BigInt,
            /// The key that accepted.
            operator: Bytes,
            /// How it goes.
            outcome: AssignmentOutcome,
            /// Unix seconds.
            accepted_at: BigInt,
            /// When the result is due, without the grace.
            due_by: BigInt,
            /// When it was delivered, given back or timed out.
            ended_at: Option<BigInt>,
        }
        more {
            /// The node.
            async fn node(&self, ctx: &Context<'_>) -> Result<Option<Node>> {
                one::<rows::Node, _>(ctx, key![self.0.node_id]).await
            }

            /// The task.
            async fn task(&self, ctx: &Context<'_>) -> Result<Option<Task>> {
                one::<rows::Task, _>(ctx, key![self.0.task_id]).await
            }
        }
    }
}

filter! {
    "assignments", AssignmentFilter, AssignmentOrder for rows::Assignment {
        filters { task_id: B256, node_id: u64, operator: Address, accepted_at: u64 }
        orders { Attempt = attempt, AcceptedAt = accepted_at }
        default { "attempt" Asc }
    }
}
