//! Who can be drawn as a juror.

use aiigo_protocol::DisputeCourt::DisputeCourtEvents as Court;
use alloy::primitives::{Address, U256};

use super::Moment;
use crate::store::{Changes, StoreError, key, rows::Juror};

pub(super) async fn apply(event: &Court, at: Moment, db: &mut Changes) -> Result<(), StoreError> {
    match event {
        Court::JurorJoined(e) => {
            let none = Juror {
                address: e.juror,
                position_id: 0,
                weight: U256::ZERO,
                counts_from: 0,
                active: true,
                held_until: None,
                seats: 0,
                drawn: 0,
                penalties: U256::ZERO,
                fees: U256::ZERO,
                joined_at: at.time,
                left_at: None,
                released_at: None,
            };
            db.upsert(none, |juror| {
                juror.position_id = e.positionId.saturating_to();
                juror.weight = e.weight;
                juror.counts_from = e.fromEpoch.to();
                juror.active = true;
                juror.joined_at = at.time;
                (juror.held_until, juror.left_at, juror.released_at) = (None, None, None);
            })
            .await
            .map(drop)
        }
        Court::JurorReweighed(e) => {
            change(db, e.juror, |juror| (juror.weight, juror.counts_from) = (e.weight, e.fromEpoch.to())).await
        }
        Court::JurorLeft(e) => {
            change(db, e.juror, |juror| {
                juror.active = false;
                (juror.weight, juror.counts_from) = (U256::ZERO, e.fromEpoch.to());
                juror.held_until = Some(e.heldUntil.to());
                juror.left_at = Some(at.time);
            })
            .await
        }
        Court::PositionReleased(e) => change(db, e.juror, |juror| juror.released_at = Some(at.time)).await,
        _ => Ok(()),
    }
}

/// Changes a juror.
pub(super) async fn change(
    db: &mut Changes,
    address: Address,
    change: impl FnOnce(&mut Juror),
) -> Result<(), StoreError> {
    db.update::<Juror>(&key![address], change).await.map(drop)
}
