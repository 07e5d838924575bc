//! Where the database stands: the deployment that it belongs to, the last indexed block, and the blocks that can still
//! be reorganised.

use super::{
    Row as _, StoreError,
    connection::Writing,
    sql::{Reads, Sql},
    table::row,
};
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
pub(crate) async fn open(transaction: &mut Writing, deployment: &Deployment) -> Result<State, StoreError> {
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
            save(transaction, &state);
            Ok(state)
        }
    }
}

/// Reads the state, if the database has one.
pub(crate) async fn load(on: &mut impl Reads) -> Result<Option<State>, StoreError> {
    Ok(Sql::select(State::TABLE).rows(on).await?.pop())
}

/// Goes on only if the state is still what this writer last wrote.
pub(crate) fn claim(transaction: &Writing, state: &State) {
    let mut update = Sql::new("UPDATE state SET id = id WHERE ");
    for (index, (column, value)) in State::TABLE.columns.iter().zip(state.values()).enumerate() {
        update.push(if index > 0 { " AND " } else { "" });
        update.name(column).push(" IS NOT DISTINCT FROM ").arg(value);
    }
    transaction.must(update, StoreError::AnotherWriter);
}

/// Moves the state on, in a transaction that [claimed](claim) the last one.
pub(crate) fn save(transaction: &Writing, state: &State) {
    transaction.run(Sql::upsert(State::TABLE, state.values()));
}

/// Keeps a block for the follower's window.
pub(crate) fn remember_block(transaction: &Writing, block: &BlockRef) {
    transaction.run(Sql::upsert(Block::TABLE, Block::from(*block).values()));
}

/// The kept blocks, oldest first.
pub(crate) async fn blocks(on: &mut impl Reads) -> Result<Vec<BlockRef>, StoreError> {
    let mut select = Sql::select(Block::TABLE);
    select.push(" ORDER BY number");
    let blocks = select.rows::<Block>(on).await?.into_iter();
    Ok(blocks
        .map(|Block { number, hash, parent_hash, timestamp }| BlockRef { number, hash, parent_hash, timestamp })
        .collect())
}

/// Forgets retracted blocks.
pub(crate) fn forget_above(transaction: &Writing, number: u64) {
    let mut delete = Sql::new("DELETE FROM blocks WHERE number > ");
    delete.number(number);
    transaction.run(delete);
}

/// Forgets blocks below the newest that can't be reorganised any more.
pub(crate) fn forget_below(transaction: &Writing, floor: u64) {
    let mut delete = Sql::new("DELETE FROM blocks WHERE number < (SELECT max(number) FROM blocks WHERE number <= ");
    delete.number(floor).push(")");
    transaction.run(delete);
}
