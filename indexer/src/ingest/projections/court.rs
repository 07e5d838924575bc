//! Cases before the dispute court: from the opening over juries and votes to the last fee.

use aiigo_protocol::{
    CaseStatus,
    DisputeCourt::{CaseClosed, CaseOpened, DisputeCourtEvents as Court, DrawFixed},
    JuryRound, SeatState,
};
use alloy::primitives::{Address, U256};

use super::{Moment, juror, parameters, token, variant};
use crate::store::{
    Changes, Row as _, StoreError, key,
    rows::{Case, CaseJuror, Evidence, Juror, Node},
};

pub(super) async fn apply(event: &Court, at: Moment, db: &mut Changes) -> Result<(), StoreError> {
    match event {
        Court::CaseOpened(e) => open(db, e, at).await,
        Court::DrawFixed(e) => fix_draw(db, e, at).await,
        Court::JurorDrawn(e) => {
            let round = jury_round(e.round)?;
            let case = change(db, e.caseId, at, |case| {
                case.seats += 1;
                case.seated = case.seated.saturating_add(1);
            })
            .await?;
            db.put(CaseJuror {
                case_id: case.id,
                seat: case.seats - 1,
                juror: e.juror,
                round,
                state: SeatState::Drawn,
                position_id: e.positionId.saturating_to(),
                drawn_at: at.time,
                commitment: None,
                committed_at: None,
                share: None,
                revealed_at: None,
                penalty: U256::ZERO,
                fee: U256::ZERO,
                ended_at: None,
            })
            .await?;
            juror::change(db, e.juror, |juror| {
                juror.seats += 1;
                juror.drawn += 1;
            })
            .await
        }
        Court::DrawAdvanced(e) => {
            change(db, e.caseId, at, |case| case.draw_tries = e.tries.saturating_to()).await.map(drop)
        }
        Court::CommitStarted(e) => period(db, e.caseId, CaseStatus::Committing, e.deadline.to(), at).await,
        Court::VoteCommitted(e) => {
            let case = change(db, e.caseId, at, |case| case.committed = case.committed.saturating_add(1)).await?;
            let mut seat = seat_of(db, &case, e.juror).await?;
            seat.state = SeatState::Committed;
            seat.commitment = Some(e.commitment);
            seat.committed_at = Some(at.time);
            db.put(seat).await
        }
        Court::RevealStarted(e) => period(db, e.caseId, CaseStatus::Revealing, e.deadline.to(), at).await,
        Court::VoteRevealed(e) => {
            let case = change(db, e.caseId, at, |case| case.revealed = case.revealed.saturating_add(1)).await?;
            let mut seat = seat_of(db, &case, e.juror).await?;
            seat.state = SeatState::Revealed;
            seat.share = Some(e.share);
            seat.revealed_at = Some(at.time);
            db.put(seat).await
        }
        Court::JurorsReplaced(e) => {
            change(db, e.caseId, at, |case| case.replacements = case.replacements.saturating_add(1)).await.map(drop)
        }
        Court::JurorPenalised(e) => {
            let reason = variant("a reason for a penalty", e.reason)?;
            let case = change(db, e.caseId, at, |case| {
                if reason == SeatState::Silent {
                    case.seated = case.seated.saturating_sub(1);
                }
            })
            .await?;
            let mut seat = seat_of(db, &case, e.juror).await?;
            seat.penalty = e.amount;
            end(db, seat, reason, at).await?;
            juror::change(db, e.juror, |juror| juror.penalties = juror.penalties.saturating_add(e.amount)).await
        }
        Court::RoundLapsed(e) => {
            let round = jury_round(e.round)?;
            let case = change(db, e.caseId, at, |case| case.lapses = case.lapses.saturating_add(1)).await?;
            let waits = |seat: &CaseJuror| matches!(seat.state, SeatState::Drawn | SeatState::Committed);
            end_all(db, &case, |seat| seat.round == round && waits(seat), SeatState::Released, at).await
        }
        Court::Ruled(e) => change(db, e.caseId, at, |case| {
            case.status = CaseStatus::Ruled;
            case.deadline = e.appealableUntil.to();
            case.share = Some(e.share);
            case.low = Some(e.low);
            case.high = Some(e.high);
            case.votes = Some(e.votes.saturating_to());
            case.ruled_at = Some(at.time);
        })
        .await
        .map(drop),
        Court::Appealed(e) => change(db, e.caseId, at, |case| {
            case.appellant = Some(e.appellant);
            case.appeal_fee = Some(e.fee);
            case.appealed_at = Some(at.time);
            case.appealed_share = case.share;
            case.close_by = e.closeBy.to();
        })
        .await
        .map(drop),
        Court::EvidenceSubmitted(e) => submit(db, e.caseId, e.party, &e.evidenceURI, at).await,
        Court::CaseClosed(e) => close(db, e, at).await,
        Court::FeeCredited(e) => credit(db, e.caseId, e.account, e.amount, at).await,
        Court::FeesWithdrawn(e) => {
            token::account(db, e.account, |account| account.court_fees = account.court_fees.saturating_sub(e.amount))
                .await
        }
        Court::CourtParametersChanged(e) => parameters::set(db, parameters::COURT, &e.parameters, at).await,
        event => juror::apply(event, at, db).await,
    }
}

/// Changes a case; how it is now.
pub(super) async fn change(
    db: &mut Changes,
    id: U256,
    at: Moment,
    change: impl FnOnce(&mut Case),
) -> Result<Case, StoreError> {
    let id = key![id.saturating_to::<u64>()];
    let case = db.update::<Case>(&id, |case| {
        case.updated_at = at.time;
        change(case);
    });
    case.await.cloned()
}

/// Adds a piece of evidence.
pub(super) async fn submit(
    db: &mut Changes,
    case_id: U256,
    party: Address,
    uri: &str,
    at: Moment,
) -> Result<(), StoreError> {
    let case = change(db, case_id, at, |case| case.evidence += 1).await?;
    db.put(Evidence {
        case_id: case.id,
        number: case.evidence - 1,
        party,
        uri: uri.to_owned(),
        submitted_at: at.time,
        block: at.block,
        tx: at.tx,
    })
    .await
}

async fn open(db: &mut Changes, e: &CaseOpened, at: Moment) -> Result<(), StoreError> {
    let node = db.get::<Node>(&key![e.nodeId]).await?;
    db.put(Case {
        id: e.caseId.saturating_to(),
        task_id: e.taskId,
        node_id: e.nodeId,
        replica_node_id: None,
        appeal_id: None,
        buyer: e.buyer,
        payer: e.payer,
        node_owner: node.owner,
        node_operator: node.operator,
        node_payout: node.payout,
        buyer_fee: e.buyerFee,
        provider_fee: e.providerFee,
        status: CaseStatus::Drawing,
        round: JuryRound::First,
        // The draw, with its deadline and its block, is announced next.
        deadline: at.time,
        close_by: e.closeBy.to(),
        jury_size: 0,
        seated: 0,
        committed: 0,
        revealed: 0,
        replacements: 0,
        lapses: 0,
        draw_block: at.block,
        draw_epoch: 0,
        draw_tries: 0,
        seats: 0,
        evidence: 0,
        share: None,
        low: None,
        high: None,
        votes: None,
        ruled_at: None,
        appellant: None,
        appeal_fee: None,
        appealed_at: None,
        appealed_share: None,
        ruled: None,
        coherent: None,
        pot: None,
        buyer_fee_returned: None,
        provider_fee_returned: None,
        appeal_fee_returned: None,
        opened_at: at.time,
        opened_block: at.block,
        opened_tx: at.tx,
        updated_at: at.time,
        closed_at: None,
    })
    .await
}

/// A jury, or what is missing of it, is to be drawn. The first draw of a round begins it.
async fn fix_draw(db: &mut Changes, e: &DrawFixed, at: Moment) -> Result<(), StoreError> {
    let round = jury_round(e.round)?;
    change(db, e.caseId, at, |case| {
        if case.round != round {
            case.round = round;
            (case.seated, case.committed, case.revealed, case.replacements) = (0, 0, 0, 0);
        }
        case.status = CaseStatus::Drawing;
        case.deadline = e.deadline.to();
        case.jury_size = case.seated.saturating_add(e.seats.saturating_to());
        case.draw_block = e.drawBlock;
        case.draw_epoch = e.epoch.to();
        case.draw_tries = 0;
    })
    .await
    .map(drop)
}

async fn period(db: &mut Changes, id: U256, status: CaseStatus, deadline: u64, at: Moment) -> Result<(), StoreError> {
    change(db, id, at, |case| (case.status, case.deadline) = (status, deadline)).await.map(drop)
}

/// What the court owes from now on. An operator can be a juror in its own node's case and appeal as well: then its first
/// credit of just the appeal's fee is that fee.
async fn credit(db: &mut Changes, id: U256, to: Address, amount: U256, at: Moment) -> Result<(), StoreError> {
    token::account(db, to, |account| account.court_fees = account.court_fees.saturating_add(amount)).await?;
    let case = db.get::<Case>(&key![id.saturating_to::<u64>()]).await?;
    let appeal = case.appellant == Some(to) && case.appeal_fee == Some(amount);
    match find_seat(db, &case, to).await? {
        Some(mut seat) if !(appeal && seat.fee.is_zero()) => {
            seat.fee = seat.fee.saturating_add(amount);
            db.put(seat).await?;
            juror::change(db, to, |juror| juror.fees = juror.fees.saturating_add(amount)).await
        }
        // The buyer's part is taken out of it when the case is closed.
        _ => change(db, id, at, |case| {
            let before = case.appeal_fee_returned.unwrap_or_default();
            case.appeal_fee_returned = Some(before.saturating_add(amount));
        })
        .await
        .map(drop),
    }
}

/// By now who voted otherwise than the final ruling was penalised, and everybody's fees are credited.
async fn close(db: &mut Changes, e: &CaseClosed, at: Moment) -> Result<(), StoreError> {
    let case = change(db, e.caseId, at, |case| {
        let returned = case.appeal_fee_returned.unwrap_or_default();
        case.status = CaseStatus::Closed;
        case.ruled = Some(e.ruled);
        case.coherent = Some(e.coherent.saturating_to());
        case.pot = Some(e.pot);
        case.buyer_fee_returned = Some(e.buyerFeeReturned);
        case.provider_fee_returned = Some(e.providerFeeReturned);
        case.appeal_fee_returned = case.appellant.map(|_| returned.saturating_sub(e.buyerFeeReturned));
        case.closed_at = Some(at.time);
    })
    .await?;
    let last = if e.ruled { SeatState::Coherent } else { SeatState::Released };
    end_all(db, &case, |seat| seat.state == SeatState::Revealed, last, at).await
}

/// A juror's seat in a case: one at most, over all rounds.
async fn find_seat(db: &mut Changes, case: &Case, juror: Address) -> Result<Option<CaseJuror>, StoreError> {
    // Mostly asked for the present jury, which sits behind the earlier ones.
    for seat in (0..case.seats).rev() {
        let seat = db.get::<CaseJuror>(&key![case.id, seat]).await?;
        if seat.juror == juror {
            return Ok(Some(seat));
        }
    }
    Ok(None)
}

async fn seat_of(db: &mut Changes, case: &Case, juror: Address) -> Result<CaseJuror, StoreError> {
    let missing = || StoreError::Missing { table: CaseJuror::TABLE.name, key: key![case.id, juror] };
    find_seat(db, case, juror).await?.ok_or_else(missing)
}

async fn end_all(
    db: &mut Changes,
    case: &Case,
    which: impl Fn(&CaseJuror) -> bool,
    state: SeatState,
    at: Moment,
) -> Result<(), StoreError> {
    for seat in 0..case.seats {
        let seat = db.get::<CaseJuror>(&key![case.id, seat]).await?;
        if which(&seat) {
            end(db, seat, state, at).await?;
        }
    }
    Ok(())
}

async fn end(db: &mut Changes, mut seat: CaseJuror, state: SeatState, at: Moment) -> Result<(), StoreError> {
    seat.state = state;
    seat.ended_at = Some(at.time);
    juror::change(db, seat.juror, |juror: &mut Juror| juror.seats = juror.seats.saturating_sub(1)).await?;
    db.put(seat).await
}

fn jury_round(number: u8) -> Result<JuryRound, StoreError> {
    variant("a jury that this program knows", number)
}
