//! Money: what an account has, and where it goes.

mod balance;
mod transfer;
mod withdraw;

pub(crate) use self::{balance::BalanceCommand, transfer::TransferCommand, withdraw::WithdrawCommand};
