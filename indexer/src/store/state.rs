//! Where the database stands: the deployment that it belongs to, the last indexed block, and the blocks that can still
//! be reorganised.

use super::{Column, StoreError, Value, database::Transaction, sql::Sql, sql::decode, table::row};
use aiigo_chain::BlockRef;
use aiigo_protocol::{ContractName, Deployment};
use alloy::primitives::B256;

row! {
    /// The state of the database; one row.
    State in "state", key 1 {
        /// Always 0.
        id: u8,
        /// EIP-155 chain id.
        chain_id: u64,
        /// The deployment's first block and addresses.
        deployment: String,
        /// The last indexed block, if any.
        indexed: Option<u64>,
        /// Its hash.
        indexed_hash: Option<B256>,
        /// Its time.
        indexed_at: Option<u64>,
        /// The chain's head, as last seen.
        head: u64,
        /// The last block that the chain calls final.
        finalized: u64,
        /// The last block that the journal can't undo.
        floor: u64,
        /// Whether the database had caught up with the head.
        live: bool,
        /// The last change's place in the feed.
        sequence: u64,
    }
}

row! {
    /// A block that can still be reorganised, or the last one that can't.
    Block in "blocks", key 1 {
        /// Its number.
        number: u64,
        /// Its hash.
        hash: B256,
        /// Its parent's hash.
        parent_hash: B256,
        /// Its time.
        timestamp: u64,
    }
}

impl From<BlockRef> for Block {
    fn from(block: BlockRef) -> Self {
        let BlockRef { number, hash, parent_hash, timestamp } = block;
        Self { number, hash, parent_hash, timestamp }
    }
}

/// What tells one deployment from another.
pub(crate) fn fingerprint(deployment: &Deployment) -> String {
    let registry = deployment.address(ContractName::NodeRegistry);
    let addresses: Vec<u8> = deployment.addresses().iter().flat_map(|address| address.to_vec()).collect();
    format!("registry {registry:#x}, suite {:.10}", alloy::primitives::keccak256(addresses).to_string())
}

impl State {
    /// The same state, if it is a deployment's.
    pub(crate) fn of(self, deployment: &Deployment) -> Result<Self, StoreError> {
        let wanted = fingerprint(deployment);
        if (self.chain_id, &self.deployment) == (deployment.chain_id, &wanted) {
            return Ok(self);
        }
        Err(StoreError::OtherDeployment {
            found_chain: self.chain_id,
            found: self.deployment,
            chain: deployment.chain_id,
            wanted,
        })
    }
}

/// Reads the state, or makes it in a fresh database.
pub(crate) async fn open(transaction: &mut Transaction<'_>, deployment: &Deployment) -> Result<State, StoreError> {
    match load(transaction).await? {
        Some(state) => state.of(deployment),
        None => {
            let state = State {
                id: 0,
                chain_id: deployment.chain_id,
                deployment: fingerprint(deployment),
                indexed: None,
                indexed_hash: None,
                indexed_at: None,
                head: 0,
                finalized: 0,
                floor: 0,
                live: false,
                sequence: 0,
            };
            save(transaction, &state).await?;
            Ok(state)
        }
    }
}

/// Reads the state, if the database has one.
pub(crate) async fn load(transaction: &mut Transaction<'_>) -> Result<Option<State>, StoreError> {
    Ok(Sql::select(<State as super::Row>::TABLE).rows(transaction).await?.pop())
}

async fn save(transaction: &mut Transaction<'_>, state: &State) -> Result<(), StoreError> {
    use super::Row as _;
    Sql::upsert(State::TABLE, state.values()).execute(transaction).await.map(drop)
}

/// Moves the state on, if it is still what this writer last wrote.
pub(crate) async fn advance(transaction: &mut Transaction<'_>, old: &State, new: &State) -> Result<(), StoreError> {
    match load(transaction).await? {
        Some(found) if found == *old => save(transaction, new).await,
        _ => Err(StoreError::AnotherWriter),
    }
}

/// Keeps a block for the follower's window.
pub(crate) async fn remember_block(transaction: &mut Transaction<'_>, block: &BlockRef) -> Result<(), StoreError> {
    use super::Row as _;
    Sql::upsert(Block::TABLE, Block::from(*block).values()).execute(transaction).await.map(drop)
}

/// The kept blocks, oldest first.
pub(crate) async fn blocks(transaction: &mut Transaction<'_>) -> Result<Vec<BlockRef>, StoreError> {
    let mut select = Sql::select(<Block as super::Row>::TABLE);
    select.push(" ORDER BY number");
    let blocks = select.values(transaction).await?.into_iter().map(decode::<Block>);
    blocks
        .map(|block| {
            let Block { number, hash, parent_hash, timestamp } = block?;
            Ok(BlockRef { number, hash, parent_hash, timestamp })
        })
        .collect()
}

/// Forgets retracted blocks.
pub(crate) async fn forget_above(transaction: &mut Transaction<'_>, number: u64) -> Result<(), StoreError> {
    let mut delete = Sql::new("DELETE FROM blocks WHERE number > ");
    delete.arg(number.value());
    delete.execute(transaction).await.map(drop)
}

/// Forgets blocks below the newest that can't be reorganised any more.
pub(crate) async fn forget_below(transaction: &mut Transaction<'_>, floor: u64) -> Result<(), StoreError> {
    let floor: Value = floor.value();
    let mut delete = Sql::new("DELETE FROM blocks WHERE number < (SELECT max(number) FROM blocks WHERE number <= ");
    delete.arg(floor).push(")");
    delete.execute(transaction).await.map(drop)
}
