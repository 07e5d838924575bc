//! Escrows and the balances that they pay into.

use aiigo_protocol::EscrowManager::EscrowManagerEvents as Escrows;
use alloy::primitives::{Address, U256};

use super::{Moment, protocol::token_total};
use crate::store::{
    Changes, PrimaryKey, StoreError, key,
    rows::{Balance, Escrow, EscrowStatus},
};

pub(super) async fn apply(event: &Escrows, treasury: Address, at: Moment, db: &mut Changes) -> Result<(), StoreError> {
    match event {
        Escrows::Deposited(e) => {
            db.insert(Escrow {
                task_id: e.taskId,
                payer: e.payer,
                token: e.token,
                status: EscrowStatus::Open,
                deposited: e.amount,
                held: e.amount,
                tips_paid: U256::ZERO,
                provider: None,
                provider_amount: U256::ZERO,
                fee_amount: U256::ZERO,
                refund_amount: U256::ZERO,
                split_amount: U256::ZERO,
                opened_at: at.time,
                closed_at: None,
            });
            token_total(db, at, e.token, |totals| {
                totals.deposited = totals.deposited.saturating_add(e.amount);
                totals.escrowed = totals.escrowed.saturating_add(e.amount);
            })
            .await
        }
        Escrows::TipPaid(e) => {
            db.update::<Escrow>(&key![e.taskId], |escrow| {
                escrow.held = escrow.held.saturating_sub(e.amount);
                escrow.tips_paid = escrow.tips_paid.saturating_add(e.amount);
            })
            .await?;
            token_total(db, at, e.token, |totals| {
                totals.escrowed = totals.escrowed.saturating_sub(e.amount);
                totals.tips = totals.tips.saturating_add(e.amount);
            })
            .await?;
            credit(db, e.to, e.token, e.amount).await
        }
        Escrows::Released(e) => {
            let held = close(db, &key![e.taskId], at, |escrow| {
                escrow.status = EscrowStatus::Released;
                escrow.provider = Some(e.provider);
                escrow.provider_amount = e.providerAmount;
                escrow.fee_amount = e.feeAmount;
                escrow.refund_amount = e.refundAmount;
            })
            .await?;
            token_total(db, at, e.token, |totals| {
                totals.escrowed = totals.escrowed.saturating_sub(held);
                totals.paid = totals.paid.saturating_add(e.providerAmount);
                totals.fees = totals.fees.saturating_add(e.feeAmount);
                totals.refunded = totals.refunded.saturating_add(e.refundAmount);
            })
            .await?;
            credit(db, e.provider, e.token, e.providerAmount).await?;
            credit(db, treasury, e.token, e.feeAmount).await?;
            credit(db, e.buyer, e.token, e.refundAmount).await
        }
        Escrows::Refunded(e) => {
            let held = close(db, &key![e.taskId], at, |escrow| {
                escrow.status = EscrowStatus::Refunded;
                escrow.refund_amount = e.amount;
            })
            .await?;
            token_total(db, at, e.token, |totals| {
                totals.escrowed = totals.escrowed.saturating_sub(held);
                totals.refunded = totals.refunded.saturating_add(e.amount);
            })
            .await?;
            credit(db, e.buyer, e.token, e.amount).await
        }
        Escrows::ToppedUp(e) => {
            db.update::<Escrow>(&key![e.taskId], |escrow| {
                escrow.held = e.total;
                escrow.deposited = escrow.deposited.saturating_add(e.amount);
            })
            .await?;
            token_total(db, at, e.token, |totals| {
                totals.deposited = totals.deposited.saturating_add(e.amount);
                totals.escrowed = totals.escrowed.saturating_add(e.amount);
            })
            .await
        }
        Escrows::PaymentSplit(e) => {
            let shares = || e.accounts.iter().copied().zip(e.amounts.iter().copied());
            let fee: U256 = shares().filter(|(account, _)| *account == treasury).map(|(_, amount)| amount).sum();
            let held = close(db, &key![e.taskId], at, |escrow| {
                escrow.status = EscrowStatus::Split;
                escrow.fee_amount = fee;
                escrow.split_amount = escrow.held.saturating_sub(fee);
            })
            .await?;
            token_total(db, at, e.token, |totals| {
                totals.escrowed = totals.escrowed.saturating_sub(held);
                totals.fees = totals.fees.saturating_add(fee);
                totals.split = totals.split.saturating_add(held.saturating_sub(fee));
            })
            .await?;
            for (account, amount) in shares() {
                credit(db, account, e.token, amount).await?;
            }
            Ok(())
        }
        Escrows::Withdrawn(e) => {
            balance(db, e.account, e.token, |balance| {
                balance.amount = balance.amount.saturating_sub(e.amount);
                balance.withdrawn = balance.withdrawn.saturating_add(e.amount);
            })
            .await?;
            token_total(db, at, e.token, |totals| totals.withdrawn = totals.withdrawn.saturating_add(e.amount)).await
        }
        #[allow(unreachable_patterns)] // a later version of the contract may announce more
        _ => Ok(()),
    }
}

/// Empties an escrow; what it held.
async fn close(
    db: &mut Changes,
    key: &PrimaryKey,
    at: Moment,
    change: impl FnOnce(&mut Escrow),
) -> Result<U256, StoreError> {
    let held = db.get::<Escrow>(key).await?.held;
    db.update::<Escrow>(key, |escrow| {
        change(escrow);
        escrow.held = U256::ZERO;
        escrow.closed_at = Some(at.time);
    })
    .await?;
    Ok(held)
}

async fn credit(db: &mut Changes, account: Address, token: Address, amount: U256) -> Result<(), StoreError> {
    if amount.is_zero() {
        return Ok(());
    }
    balance(db, account, token, |balance| {
        balance.amount = balance.amount.saturating_add(amount);
        balance.credited = balance.credited.saturating_add(amount);
    })
    .await
}

async fn balance(
    db: &mut Changes,
    account: Address,
    token: Address,
    change: impl FnOnce(&mut Balance),
) -> Result<(), StoreError> {
    let none = Balance { account, token, amount: U256::ZERO, credited: U256::ZERO, withdrawn: U256::ZERO };
    db.upsert(none, change).await.map(drop)
}
