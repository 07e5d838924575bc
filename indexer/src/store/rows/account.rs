//! Money: escrows, balances in the escrow manager, staking positions, accounts.

use alloy::primitives::{Address, B256, U256};

use super::stored_enum;
use crate::store::table::row;

stored_enum! {
    /// Where an escrow stands.
    EscrowStatus {
        /// Holds money.
        Open = 0,
        /// Paid the provider.
        Released = 1,
        /// Went back to the buyer.
        Refunded = 2,
        /// Split by a ruling.
        Split = 3,
    }
}

row! {
    /// The money of a task.
    Escrow in "escrows", key 1 {
        /// The task.
        task_id: B256,
        /// Who paid it in.
        payer: Address,
        /// The payment token.
        token: Address,
        /// Where it stands.
        status: EscrowStatus,
        /// What was paid in.
        deposited: U256,
        /// What it still holds.
        held: U256,
        /// What went to enforcers of timeouts.
        tips_paid: U256,
        /// Who was credited for the work.
        provider: Option<Address>,
        /// What the provider was credited.
        provider_amount: U256,
        /// What the treasury was credited.
        fee_amount: U256,
        /// What the buyer was credited back.
        refund_amount: U256,
        /// When it was opened.
        opened_at: u64,
        /// When it was emptied.
        closed_at: Option<u64>,
        /// What a ruling split among the parties, the jurors and the protocol.
        split_amount: U256,
    }
}

row! {
    /// An account's balance in the escrow manager in one token.
    Balance in "balances", key 2 {
        /// Whose it is.
        account: Address,
        /// The token.
        token: Address,
        /// What can be withdrawn.
        amount: U256,
        /// Everything ever credited.
        credited: U256,
        /// Everything ever withdrawn.
        withdrawn: U256,
    }
}

row! {
    /// A position in the staking pool.
    Position in "positions", key 1 {
        /// 1, 2, 3, …
        id: u64,
        /// Whose it is.
        owner: Address,
        /// AIIGO wei.
        amount: U256,
        /// The amount times 1 to 2, by its lock.
        weight: U256,
        /// When the lock is over.
        unlocks_at: u64,
        /// When it was opened.
        opened_at: u64,
        /// When it was closed.
        closed_at: Option<u64>,
        /// AIIGO wei burned for leaving early.
        penalty: U256,
        /// AIIGO wei of rewards paid so far.
        rewards_claimed: U256,
    }
}

row! {
    /// An address that holds, stakes, votes, buys or provides.
    Account in "accounts", key 1 {
        /// The address.
        address: Address,
        /// AIIGO wei in its wallet.
        token_balance: U256,
        /// AIIGO wei in the staking pool.
        staked: U256,
        /// Whom it lets vote with its tokens.
        delegate: Option<Address>,
        /// Votes of tokens delegated to it, AIIGO wei.
        votes: U256,
        /// Tasks it created.
        tasks_created: u32,
        /// Nodes it registered.
        nodes_owned: u32,
        /// AIIGO wei that the court owes it.
        court_fees: U256,
    }
}
