//! Cases of the dispute court: parties, seats, evidence, and who can be drawn.

use aiigo_protocol::{CaseStatus, JuryRound, SeatState};
use alloy::primitives::{Address, B256, U256};

use crate::store::{table::row, value::enum_columns};

enum_columns!(CaseStatus, JuryRound, SeatState);

row! {
    /// A dispute before a jury. Fees in AIIGO wei.
    Case in "cases", key 1 {
        /// 1, 2, 3, …
        id: u64,
        /// The task.
        task_id: B256,
        /// The provider's side: the node that delivered, or of an appeal against a count one of the majority.
        node_id: u64,
        /// The outvoted node that appeals against the count of a replicated task.
        replica_node_id: Option<u64>,
        /// What the court knows such an appeal by, in place of the task.
        appeal_id: Option<B256>,
        /// The buyer, or the owner of the outvoted node.
        buyer: Address,
        /// Who paid the buyer's fee: the buyer, its watcher, or the outvoted node's operator.
        payer: Address,
        /// The node's owner when the case was opened.
        node_owner: Address,
        /// The node's operator when the case was opened.
        node_operator: Address,
        /// The node's payout address when the case was opened.
        node_payout: Address,
        /// What the buyer's side put in.
        buyer_fee: U256,
        /// What the node's stake put in.
        provider_fee: U256,
        /// Where it stands.
        status: CaseStatus,
        /// Which jury sits.
        round: JuryRound,
        /// The last second of the present period.
        deadline: u64,
        /// After that nobody is replaced and no jury is drawn again.
        close_by: u64,
        /// Seats of the present jury.
        jury_size: u8,
        /// Those that are filled with jurors who were not silent.
        seated: u8,
        /// Sealed votes of the present jury.
        committed: u8,
        /// Opened votes of the present jury.
        revealed: u8,
        /// Times that silent jurors of the present jury were replaced.
        replacements: u8,
        /// Juries that did not rule.
        lapses: u8,
        /// The block whose randomness draws the jury.
        draw_block: u64,
        /// The court's epoch whose weights count.
        draw_epoch: u64,
        /// Points drawn from that block so far.
        draw_tries: u64,
        /// Seats ever filled, in all rounds.
        seats: u32,
        /// Pieces of evidence.
        evidence: u32,
        /// The ruling: the provider's share, basis points.
        share: Option<u16>,
        /// The lower of the two middle votes.
        low: Option<u16>,
        /// The higher one.
        high: Option<u16>,
        /// The votes that made the ruling.
        votes: Option<u8>,
        /// When it was made.
        ruled_at: Option<u64>,
        /// Who appealed.
        appellant: Option<Address>,
        /// What the appellant put in.
        appeal_fee: Option<U256>,
        /// When it was appealed.
        appealed_at: Option<u64>,
        /// The ruling that was appealed against.
        appealed_share: Option<u16>,
        /// Whether it was closed by a ruling.
        ruled: Option<bool>,
        /// Jurors who voted as the final ruling.
        coherent: Option<u32>,
        /// What they shared; without a ruling, what was burned.
        pot: Option<U256>,
        /// What went back to who paid the buyer's fee.
        buyer_fee_returned: Option<U256>,
        /// What went back to the node's stake.
        provider_fee_returned: Option<U256>,
        /// What went back to the appellant.
        appeal_fee_returned: Option<U256>,
        /// When it was opened.
        opened_at: u64,
        /// In which block.
        opened_block: u64,
        /// By which transaction.
        opened_tx: B256,
        /// When it last changed.
        updated_at: u64,
        /// When it was closed.
        closed_at: Option<u64>,
    }
}

row! {
    /// A juror's seat in a case.
    CaseJuror in "case_jurors", key 2 {
        /// The case.
        case_id: u64,
        /// 0, 1, 2, … over all rounds.
        seat: u32,
        /// Who sits.
        juror: Address,
        /// In which jury.
        round: JuryRound,
        /// How the seat stands.
        state: SeatState,
        /// The position that was drawn, and answers for it.
        position_id: u64,
        /// When it was drawn.
        drawn_at: u64,
        /// The sealed vote.
        commitment: Option<B256>,
        /// When it was sealed.
        committed_at: Option<u64>,
        /// The vote: the provider's share, basis points.
        share: Option<u16>,
        /// When it was opened.
        revealed_at: Option<u64>,
        /// AIIGO wei burned for silence or incoherence.
        penalty: U256,
        /// AIIGO wei that the court credited for the vote.
        fee: U256,
        /// When the seat ended.
        ended_at: Option<u64>,
    }
}

row! {
    /// What a party shows the jury.
    Evidence in "evidence", key 2 {
        /// The case.
        case_id: u64,
        /// 0, 1, 2, …
        number: u32,
        /// Who submitted it.
        party: Address,
        /// Where it is.
        uri: String,
        /// When.
        submitted_at: u64,
        /// In which block.
        block: u64,
        /// By which transaction.
        tx: B256,
    }
}

row! {
    /// Who can be drawn as a juror, or could be.
    Juror in "jurors", key 1 {
        /// The juror.
        address: Address,
        /// The position that it joined with last.
        position_id: u64,
        /// What it is drawn by from `counts_from` on, AIIGO wei.
        weight: U256,
        /// The first epoch of the court in which that counts.
        counts_from: u64,
        /// Opted in, and did not leave.
        active: bool,
        /// From then on the position of one who left can be released.
        held_until: Option<u64>,
        /// Seats that it holds in open cases.
        seats: u32,
        /// Seats that it ever had.
        drawn: u32,
        /// AIIGO wei burned for silence and incoherence.
        penalties: U256,
        /// AIIGO wei credited for votes.
        fees: U256,
        /// When it joined last.
        joined_at: u64,
        /// When it left.
        left_at: Option<u64>,
        /// When its position was released.
        released_at: Option<u64>,
    }
}
