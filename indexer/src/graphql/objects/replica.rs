//! Replicated tasks: rounds, and the nodes in them.

use aiigo_protocol as protocol;
use alloy::primitives::{Address, B256};
use async_graphql::{Context, Result};

use super::{DisputeCase, Node, Task, one};
use crate::{
    graphql::{
        enums::ReplicaStatus,
        filter::filter,
        object::object,
        scalars::{BigInt, Bytes},
    },
    store::{key, rows},
};

object! {
    /// A round of a replicated task: nodes apply, some of them are drawn, seal and show their results, and these are counted.
    /// Times in Unix seconds.
    ReplicaRound over rows::ReplicaRound {
        fields {
            /// 1, 2.
            round: i32,
            /// The last second to apply.
            accept_by: BigInt,
            /// Too few had applied, and the window ran once more.
            extended: bool,
            /// Nodes that stand for a seat; once the draw is fixed, that stood.
            candidates: i32,
            /// The block whose randomness draws; null until the candidates are fixed.
            draw_block: Option<BigInt>,
            /// The randomness that drew.
            randomness: Option<Bytes>,
            /// When it drew.
            drawn_at: Option<BigInt>,
            /// The last second to seal a result.
            seal_until: Option<BigInt>,
            /// Sealed results.
            sealed: i32,
            /// The last second to show a sealed result.
            reveal_until: Option<BigInt>,
            /// Results that were shown.
            revealed: i32,
            /// The result of the majority; null of a counted round: there was none.
            result_hash: Option<Bytes>,
            /// Seats that have it.
            agreeing: Option<i32>,
            /// When the results were counted.
            judged_at: Option<BigInt>,
            /// The last second for the minority to appeal; null if there is none.
            settle_after: Option<BigInt>,
        }
    }
}

object! {
    /// A node in a round of a replicated task. Amounts in the smallest unit of the task's token, times in Unix seconds.
    Replica over rows::Replica {
        fields {
            /// The task.
            task_id: Bytes,
            /// 1, 2.
            round: i32,
            /// The node.
            node_id: BigInt,
            /// The key that applied.
            operator: Bytes,
            /// How far it is.
            status: ReplicaStatus,
            /// When it applied.
            applied_at: BigInt,
            /// Its place in the draw: 0, 1, 2, …; null: not drawn.
            seat: Option<i32>,
            /// What it committed to.
            sealed_hash: Option<Bytes>,
            /// When it did.
            sealed_at: Option<BigInt>,
            /// The result that it showed.
            result_hash: Option<Bytes>,
            /// `ipfs://<cid>` of its result manifest.
            result_uri: Option<String>,
            /// When it showed it.
            revealed_at: Option<BigInt>,
            /// What was due for its execution, if it was paid.
            due: Option<BigInt>,
            /// What the provider was credited.
            provider_amount: Option<BigInt>,
            /// What the protocol was credited.
            fee_amount: Option<BigInt>,
            /// The court's case about its appeal.
            case_id: Option<BigInt>,
            /// When it had its last word: released, timed out or settled.
            ended_at: Option<BigInt>,
        }
        more {
            /// The task.
            async fn task(&self, ctx: &Context<'_>) -> Result<Option<Task>> {
                one::<rows::Task, _>(ctx, key![self.0.task_id]).await
            }

            /// The node.
            async fn node(&self, ctx: &Context<'_>) -> Result<Option<Node>> {
                one::<rows::Node, _>(ctx, key![self.0.node_id]).await
            }

            /// Its appeal before the court.
            async fn case(&self, ctx: &Context<'_>) -> Result<Option<DisputeCase>> {
                match self.0.case_id {
                    Some(id) => one::<rows::Case, _>(ctx, key![id]).await,
                    None => Ok(None),
                }
            }
        }
    }
}

filter! {
    "replicas", ReplicaFilter, ReplicaOrder for rows::Replica {
        filters {
            task_id: B256,
            round: u8,
            node_id: u64,
            operator: Address,
            status: protocol::ReplicaStatus,
            seat: u8,
            result_hash: B256,
            case_id: u64,
            applied_at: u64,
        }
        orders { AppliedAt = applied_at }
        default { "applied_at" Asc }
    }
}
