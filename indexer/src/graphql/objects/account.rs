//! Money: escrows, balances, stakes, accounts.

use alloy::primitives::{Address, B256, U256};
use async_graphql::{Context, Result};

use super::{
    CaseJuror, CaseJurorFilter, CaseJurorOrder, DisputeCase, DisputeCaseFilter, DisputeCaseOrder, Juror, Node,
    NodeFilter, NodeOrder, Task, TaskFilter, TaskOrder, Vote, VoteFilter, VoteOrder, few, one,
};
use crate::{
    graphql::{
        enums::EscrowStatus,
        filter::filter,
        object::object,
        scalars::{BigInt, Bytes},
    },
    store::{Column, key, rows},
};

object! {
    /// The money of a task, in the smallest unit of its token.
    Escrow over rows::Escrow {
        fields {
            /// The task.
            task_id: Bytes,
            /// Who paid it in.
            payer: Bytes,
            /// The token; zero is ETH.
            token: Bytes,
            /// Where it stands.
            status: EscrowStatus,
            /// What was paid in: the escrow and the timeout tips.
            deposited: BigInt,
            /// What it still holds.
            held: BigInt,
            /// What went to enforcers of timeouts.
            tips_paid: BigInt,
            /// Who was credited for the work.
            provider: Option<Bytes>,
            /// What the provider was credited.
            provider_amount: BigInt,
            /// What the treasury was credited.
            fee_amount: BigInt,
            /// What the buyer was credited back.
            refund_amount: BigInt,
            /// What a ruling split among the parties, the jurors and the protocol.
            split_amount: BigInt,
            /// Unix seconds.
            opened_at: BigInt,
            /// When it was emptied.
            closed_at: Option<BigInt>,
        }
        more {
            /// The task.
            async fn task(&self, ctx: &Context<'_>) -> Result<Option<Task>> {
                one::<rows::Task, _>(ctx, key![self.0.task_id]).await
            }
        }
    }
}

filter! {
    "escrows", EscrowFilter, EscrowOrder for rows::Escrow {
        filters {
            task_id: B256,
            payer: Address,
            provider: Address,
            token: Address,
            status: rows::EscrowStatus,
            deposited: U256,
            held: U256,
            opened_at: u64,
        }
        orders { OpenedAt = opened_at }
        default { "opened_at" Desc }
    }
}

object! {
    /// An account's balance in the escrow manager in one token, to be withdrawn by its owner.
    Balance over rows::Balance {
        fields {
            /// Whose it is.
            account: Bytes,
            /// The token; zero is ETH.
            token: Bytes,
            /// What can be withdrawn.
            amount: BigInt,
            /// Everything ever credited.
            credited: BigInt,
            /// Everything ever withdrawn.
            withdrawn: BigInt,
        }
    }
}

filter! {
    "balances", BalanceFilter, BalanceOrder for rows::Balance {
        filters { account: Address, token: Address, amount: U256 }
        orders { Amount = amount, Account = account }
        default { "account" Asc }
    }
}

object! {
    /// A position in the staking pool.
    Stake over rows::Position {
        fields {
            /// 1, 2, 3, …
            id: BigInt,
            /// Whose it is.
            owner: Bytes,
            /// AIIGO wei.
            amount: BigInt,
            /// The amount times 1 to 2, by its lock.
            weight: BigInt,
            /// When the lock is over, Unix seconds.
            unlocks_at: BigInt,
            /// When it was opened.
            opened_at: BigInt,
            /// When it was closed.
            closed_at: Option<BigInt>,
            /// AIIGO wei burned for leaving early.
            penalty: BigInt,
            /// AIIGO wei of rewards paid so far.
            rewards_claimed: BigInt,
        }
    }
}

filter! {
    "stakes", StakeFilter, StakeOrder for rows::Position {
        filters { id: u64, owner: Address, amount: U256, unlocks_at: u64, opened_at: u64, closed_at: u64 }
        orders { Id = id, Amount = amount }
        default { "id" Desc }
    }
}

object! {
    /// An address that holds, stakes, votes, buys or provides.
    Account over rows::Account {
        fields {
            /// The address.
            address: Bytes,
            /// AIIGO wei in its wallet.
            token_balance: BigInt,
            /// AIIGO wei in the staking pool.
            staked: BigInt,
            /// Whom it lets vote with its tokens.
            delegate: Option<Bytes>,
            /// Votes of tokens delegated to it, AIIGO wei.
            votes: BigInt,
            /// Tasks it created.
            tasks_created: i32,
            /// Nodes it registered.
            nodes_owned: i32,
            /// What it can withdraw from the dispute court, AIIGO wei: fees of votes, and fees that came back.
            court_fees: BigInt,
        }
        lists {
            /// Nodes it owns.
            nodes: Node(rows::Node, NodeFilter, NodeOrder) where "owner" is address,
            /// Nodes it operates.
            operated_nodes: Node(rows::Node, NodeFilter, NodeOrder) where "operator" is address,
            /// Tasks it created, newest first.
            tasks: Task(rows::Task, TaskFilter, TaskOrder) where "buyer" is address,
            /// Its positions in the staking pool, newest first.
            stakes: Stake(rows::Position, StakeFilter, StakeOrder) where "owner" is address,
            /// How it voted, newest first.
            votes_cast: Vote(rows::Vote, VoteFilter, VoteOrder) where "voter" is address,
            /// Cases in which it is the buyer, or the owner of the outvoted node; newest first.
            cases: DisputeCase(rows::Case, DisputeCaseFilter, DisputeCaseOrder) where "buyer" is address,
            /// Its seats as a juror, first to last.
            jury_seats: CaseJuror(rows::CaseJuror, CaseJurorFilter, CaseJurorOrder) where "juror" is address,
        }
        collections {
            /// What it can withdraw from the escrow manager, by token.
            balances: Balance = |this, ctx| few::<rows::Balance, _>(ctx, "account", this.0.address.value(), "token").await,
        }
        more {
            /// Its membership in the jury pool; null: it never joined.
            async fn juror(&self, ctx: &Context<'_>) -> Result<Option<Juror>> {
                one::<rows::Juror, _>(ctx, key![self.0.address]).await
            }
        }
    }
}

impl Account {
    /// An account of which nothing is known.
    pub(crate) fn empty(address: Address) -> Self {
        Self::from(rows::Account {
            address,
            token_balance: U256::ZERO,
            staked: U256::ZERO,
            delegate: None,
            votes: U256::ZERO,
            tasks_created: 0,
            nodes_owned: 0,
            court_fees: U256::ZERO,
        })
    }
}

filter! {
    "accounts", AccountFilter, AccountOrder for rows::Account {
        filters { address: Address, token_balance: U256, staked: U256, delegate: Address, votes: U256 }
        orders { Address = address, TokenBalance = token_balance, Votes = votes }
        default { "token_balance" Desc }
    }
}
