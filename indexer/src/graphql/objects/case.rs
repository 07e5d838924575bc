//! Cases of the dispute court, and who judges them.

use aiigo_protocol as protocol;
use alloy::primitives::{Address, B256, U256};
use async_graphql::{Context, Result};

use super::{Account, Node, Stake, Task, one};
use crate::{
    graphql::{
        enums::{CaseStatus, JuryRound, SeatState},
        filter::filter,
        object::object,
        scalars::{BigInt, Bytes},
    },
    store::{key, rows},
};

object! {
    /// A dispute before a jury: of a buyer with the node that delivered, or of an outvoted node of a replicated task with the
    /// majority. Fees in AIIGO wei, shares in basis points.
    DisputeCase over rows::Case {
        fields {
            /// 1, 2, 3, …
            id: BigInt,
            /// The task.
            task_id: Bytes,
            /// The provider's side: the node that delivered; of an appeal against a count, one of the majority.
            node_id: BigInt,
            /// The outvoted node, if the case is its appeal against the count of a replicated task.
            replica_node_id: Option<BigInt>,
            /// What the court knows such an appeal by, in place of the task's id.
            appeal_id: Option<Bytes>,
            /// The buyer; of an appeal against a count, the owner of the outvoted node.
            buyer: Bytes,
            /// Who paid the buyer's fee: the buyer, its watcher, or the outvoted node's operator.
            payer: Bytes,
            /// The node's owner when the case was opened.
            node_owner: Bytes,
            /// The node's operator when the case was opened.
            node_operator: Bytes,
            /// The node's payout address when the case was opened.
            node_payout: Bytes,
            /// What the buyer's side put in.
            buyer_fee: BigInt,
            /// What the node's stake put in.
            provider_fee: BigInt,
            /// Where it stands.
            status: CaseStatus,
            /// Which jury sits.
            round: JuryRound,
            /// The last second of the present period, Unix seconds: after it anyone can move the case on.
            deadline: BigInt,
            /// After that nobody is replaced and no jury is drawn again.
            close_by: BigInt,
            /// Seats of the present jury.
            jury_size: i32,
            /// Those that are filled, silent jurors left out.
            seated: i32,
            /// Sealed votes of the present jury.
            committed: i32,
            /// Opened votes of the present jury.
            revealed: i32,
            /// Times that silent jurors of the present jury were replaced.
            replacements: i32,
            /// Juries that did not rule.
            lapses: i32,
            /// The block whose randomness draws the jury.
            draw_block: BigInt,
            /// The court's epoch whose weights count in the draw.
            draw_epoch: BigInt,
            /// Points drawn from that block so far.
            draw_tries: BigInt,
            /// The ruling: the provider's share, the median of the votes. Final once the case is closed.
            share: Option<i32>,
            /// The lower of the two middle votes.
            low: Option<i32>,
            /// The higher one.
            high: Option<i32>,
            /// The votes that made the ruling.
            votes: Option<i32>,
            /// When it was made.
            ruled_at: Option<BigInt>,
            /// Who appealed against the first ruling.
            appellant: Option<Bytes>,
            /// What the appellant put in.
            appeal_fee: Option<BigInt>,
            /// When.
            appealed_at: Option<BigInt>,
            /// The ruling that was appealed against.
            appealed_share: Option<i32>,
            /// Whether it was closed by a ruling; null until it is closed.
            ruled: Option<bool>,
            /// Jurors who voted as the final ruling.
            coherent: Option<i32>,
            /// What these shared; without a ruling, what was burned.
            pot: Option<BigInt>,
            /// What went back to who paid the buyer's fee.
            buyer_fee_returned: Option<BigInt>,
            /// What went back to the node's stake.
            provider_fee_returned: Option<BigInt>,
            /// What went back to the appellant.
            appeal_fee_returned: Option<BigInt>,
            /// Unix seconds.
            opened_at: BigInt,
            /// The block of its opening.
            opened_block: BigInt,
            /// The transaction of its opening.
            opened_tx: Bytes,
            /// When it last changed.
            updated_at: BigInt,
            /// When it was closed.
            closed_at: Option<BigInt>,
        }
        lists {
            /// The jurors of all rounds with their votes, in the order in which they were drawn.
            jurors: CaseJuror(rows::CaseJuror, CaseJurorFilter, CaseJurorOrder) where "case_id" is id,
            /// What the parties show, in the order in which it came.
            evidence: Evidence(rows::Evidence, EvidenceFilter, EvidenceOrder) where "case_id" is id,
        }
        more {
            /// The task.
            async fn task(&self, ctx: &Context<'_>) -> Result<Option<Task>> {
                one::<rows::Task, _>(ctx, key![self.0.task_id]).await
            }

            /// The node on the provider's side.
            async fn node(&self, ctx: &Context<'_>) -> Result<Option<Node>> {
                one::<rows::Node, _>(ctx, key![self.0.node_id]).await
            }

            /// The outvoted node that appeals.
            async fn replica_node(&self, ctx: &Context<'_>) -> Result<Option<Node>> {
                match self.0.replica_node_id {
                    Some(id) => one::<rows::Node, _>(ctx, key![id]).await,
                    None => Ok(None),
                }
            }
        }
    }
}

filter! {
    "cases", DisputeCaseFilter, DisputeCaseOrder for rows::Case {
        filters {
            id: u64,
            task_id: B256,
            node_id: u64,
            replica_node_id: u64,
            buyer: Address,
            payer: Address,
            appellant: Address,
            status: protocol::CaseStatus,
            round: protocol::JuryRound,
            deadline: u64,
            share: u16,
            ruled: bool,
            opened_at: u64,
            updated_at: u64,
            closed_at: u64,
        }
        orders { Id = id, Deadline = deadline, UpdatedAt = updated_at }
        default { "id" Desc }
    }
}

object! {
    /// A juror's seat in a case, and its vote.
    CaseJuror over rows::CaseJuror {
        fields {
            /// The case.
            case_id: BigInt,
            /// 0, 1, 2, … over all rounds.
            seat: i32,
            /// Who sits.
            juror: Bytes,
            /// In which jury.
            round: JuryRound,
            /// How the seat stands.
            state: SeatState,
            /// The position that was drawn, and answers for it.
            position_id: BigInt,
            /// Unix seconds.
            drawn_at: BigInt,
            /// The sealed vote.
            commitment: Option<Bytes>,
            /// When it was sealed.
            committed_at: Option<BigInt>,
            /// The vote: the provider's share in basis points; null until it is opened.
            share: Option<i32>,
            /// When it was opened.
            revealed_at: Option<BigInt>,
            /// AIIGO wei burned for silence or incoherence.
            penalty: BigInt,
            /// AIIGO wei that the court credited for the vote.
            fee: BigInt,
            /// When the seat ended.
            ended_at: Option<BigInt>,
        }
        more {
            /// The case.
            async fn case(&self, ctx: &Context<'_>) -> Result<Option<DisputeCase>> {
                one::<rows::Case, _>(ctx, key![self.0.case_id]).await
            }

            /// The juror's membership as it is now.
            async fn membership(&self, ctx: &Context<'_>) -> Result<Option<Juror>> {
                one::<rows::Juror, _>(ctx, key![self.0.juror]).await
            }
        }
    }
}

filter! {
    "seats", CaseJurorFilter, CaseJurorOrder for rows::CaseJuror {
        filters {
            case_id: u64,
            juror: Address,
            round: protocol::JuryRound,
            state: protocol::SeatState,
            share: u16,
            drawn_at: u64,
        }
        orders { DrawnAt = drawn_at }
        default { "drawn_at" Asc }
    }
}

object! {
    /// What a party shows the jury.
    Evidence over rows::Evidence {
        fields {
            /// The case.
            case_id: BigInt,
            /// 0, 1, 2, …; the first came with the dispute.
            number: i32,
            /// Who submitted it.
            party: Bytes,
            /// Where it is.
            uri: String,
            /// Unix seconds.
            submitted_at: BigInt,
            /// The block.
            block: BigInt,
            /// The transaction.
            tx: Bytes,
        }
    }
}

filter! {
    "evidence", EvidenceFilter, EvidenceOrder for rows::Evidence {
        filters { party: Address, submitted_at: u64 }
        orders { Number = number }
        default { "number" Asc }
    }
}

object! {
    /// Who can be drawn as a juror, or could be. Amounts in AIIGO wei.
    Juror over rows::Juror {
        fields {
            /// The juror.
            address: Bytes,
            /// The position that it joined with last.
            position_id: BigInt,
            /// What it is drawn by from `countsFrom` on; 0: it left.
            weight: BigInt,
            /// The first epoch of the court in which the weight counts.
            counts_from: BigInt,
            /// Opted in, and did not leave.
            active: bool,
            /// From then on the position of one who left can be released, once its last seat is over.
            held_until: Option<BigInt>,
            /// Seats that it holds in open cases.
            seats: i32,
            /// Seats that it ever had.
            drawn: i32,
            /// Burned for silence and incoherence.
            penalties: BigInt,
            /// Credited for votes.
            fees: BigInt,
            /// When it joined last, Unix seconds.
            joined_at: BigInt,
            /// When it left.
            left_at: Option<BigInt>,
            /// When its position was released.
            released_at: Option<BigInt>,
        }
        lists {
            /// Its seats in cases, first to last.
            cases: CaseJuror(rows::CaseJuror, CaseJurorFilter, CaseJurorOrder) where "juror" is address,
        }
        more {
            /// The position that answers for its seats.
            async fn position(&self, ctx: &Context<'_>) -> Result<Option<Stake>> {
                one::<rows::Position, _>(ctx, key![self.0.position_id]).await
            }

            /// The juror's account.
            async fn account(&self, ctx: &Context<'_>) -> Result<Option<Account>> {
                one::<rows::Account, _>(ctx, key![self.0.address]).await
            }
        }
    }
}

filter! {
    "jurors", JurorFilter, JurorOrder for rows::Juror {
        filters {
            address: Address,
            position_id: u64,
            weight: U256,
            active: bool,
            held_until: u64,
            seats: u32,
            joined_at: u64,
        }
        orders { Weight = weight, Address = address }
        default { "weight" Desc }
    }
}
