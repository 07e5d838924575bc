//! The chain as the programs use it: RPC with fail-over, one reorg-aware stream of typed events, signers and keystores,
//! and the transaction outbox.

mod block;
mod finality;
mod follower;
mod logs;
mod outbox;
pub mod rpc;
mod signer;

pub use block::BlockRef;
pub use follower::{FollowError, Follower, FollowerConfig, LocatedEvent, Update};
pub use logs::{LogsError, search_back};
pub use outbox::{
    Intent, Outbox, OutboxConfig, OutboxDatabase, OutboxError, Outcome, Priority, Spending, Unfinished, refusal,
};
pub use signer::{Key, SignerArgs, SignerError, create_keystore, import_keystore, keystore_dir};
