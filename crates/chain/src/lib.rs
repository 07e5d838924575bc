//! RPC with fail-over, the reorg-aware event follower, signers and the transaction outbox.
