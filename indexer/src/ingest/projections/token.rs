//! AIIGO: balances, supply, votes.

use aiigo_protocol::AIIGOToken::AIIGOTokenEvents as Token;
use alloy::primitives::{Address, U256};

use super::protocol;
use crate::store::{Changes, StoreError, rows::Account};

pub(super) async fn apply(event: &Token, db: &mut Changes) -> Result<(), StoreError> {
    match event {
        Token::Transfer(e) => {
            match e.from {
                Address::ZERO => {
                    protocol::total(db, |totals| totals.minted = totals.minted.saturating_add(e.value)).await?
                }
                from => account(db, from, |a| a.token_balance = a.token_balance.saturating_sub(e.value)).await?,
            }
            match e.to {
                Address::ZERO => {
                    protocol::total(db, |totals| totals.burned = totals.burned.saturating_add(e.value)).await
                }
                to => account(db, to, |a| a.token_balance = a.token_balance.saturating_add(e.value)).await,
            }
        }
        Token::DelegateChanged(e) => {
            account(db, e.delegator, |a| a.delegate = Some(e.toDelegate).filter(|to| !to.is_zero())).await
        }
        Token::DelegateVotesChanged(e) => account(db, e.delegate, |a| a.votes = e.newVotes).await,
        _ => Ok(()),
    }
}

/// Changes an account.
pub(super) async fn account(
    db: &mut Changes,
    address: Address,
    change: impl FnOnce(&mut Account),
) -> Result<(), StoreError> {
    let none = Account {
        address,
        token_balance: U256::ZERO,
        staked: U256::ZERO,
        delegate: None,
        votes: U256::ZERO,
        tasks_created: 0,
        nodes_owned: 0,
        court_fees: U256::ZERO,
    };
    db.upsert(none, change).await.map(drop)
}
