//! Bids as they travel from a provider to a buyer: signed, outside of the chain.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::{Eip712Domain, SolStruct, eip712_domain},
};
use serde::{Deserialize, Serialize};

use crate::{ContractName, Deployment, NodeId, TaskId, TaskMarketplace::Bid};

const SCHEMA: &str = "aiigo.bid/v1";

/// A node's signed offer for one task: a fixed price for a result in time. EIP-712, domain name `AIIGO TaskMarketplace`, version
/// `1`, the chain's id and the marketplace's address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedBid {
    schema: String,
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// The marketplace that takes it.
    pub market: Address,
    /// The task.
    pub task_id: B256,
    /// The node that will do it.
    pub node_id: u64,
    /// Smallest units of the task's payment token an hour, in decimal.
    #[serde(with = "decimal")]
    pub price_per_hour: u128,
    /// Seconds from the assignment to the deadline.
    pub eta: u32,
    /// Last second in which the buyer can take it, Unix time.
    pub expiry: u64,
    /// The node's bid epoch when it was signed.
    pub node_epoch: u32,
    /// One of the node's, used once.
    pub nonce: U256,
    /// By the node's operator or owner: r, s, v; or what a contract that is one of them takes (ERC-1271).
    pub signature: Bytes,
}

/// Why a bid is none for this market.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BidError {
    /// It has another form.
    #[error("this is a document of form `{0}`, not {SCHEMA}")]
    Schema(String),
    /// It is for another deployment.
    #[error("the bid is for the market {market} on chain {chain_id}, not for this one")]
    Elsewhere {
        /// The market that it is for.
        market: Address,
        /// That market's chain.
        chain_id: u64,
    },
    /// A number is larger than the contract's.
    #[error("the bid's {0} is out of range")]
    Range(&'static str),
}

impl SignedBid {
    /// A bid and its signature.
    ///
    /// # Errors
    /// If the price is more than a `u128`.
    pub fn new(bid: &Bid, deployment: &Deployment, signature: Bytes) -> Result<Self, BidError> {
        Ok(Self {
            schema: SCHEMA.to_owned(),
            chain_id: deployment.chain_id,
            market: deployment.address(ContractName::TaskMarketplace),
            task_id: bid.taskId,
            node_id: bid.nodeId,
            price_per_hour: bid.pricePerHour.to(),
            eta: bid.eta,
            expiry: bid.expiry.to(),
            node_epoch: bid.nodeEpoch,
            nonce: bid.nonce,
            signature,
        })
    }

    /// The task that it is for.
    pub fn task(&self) -> TaskId {
        TaskId(self.task_id)
    }

    /// The node that would do it.
    pub fn node(&self) -> NodeId {
        NodeId(self.node_id)
    }

    /// What the contract takes.
    ///
    /// # Errors
    /// If it is for another deployment, of another form, or out of range.
    pub fn bid(&self, deployment: &Deployment) -> Result<Bid, BidError> {
        if self.schema != SCHEMA {
            return Err(BidError::Schema(self.schema.chars().take(64).collect()));
        }
        let market = deployment.address(ContractName::TaskMarketplace);
        if (self.chain_id, self.market) != (deployment.chain_id, market) {
            return Err(BidError::Elsewhere { market: self.market, chain_id: self.chain_id });
        }
        Ok(Bid {
            taskId: self.task_id,
            nodeId: self.node_id,
            pricePerHour: self.price_per_hour.try_into().map_err(|_| BidError::Range("price"))?,
            eta: self.eta,
            expiry: self.expiry.try_into().map_err(|_| BidError::Range("expiry"))?,
            nodeEpoch: self.node_epoch,
            nonce: self.nonce,
        })
    }
}

/// The hash that a node's operator or owner signs; the contract's `bidDigest` gives the same.
pub fn bid_digest(bid: &Bid, deployment: &Deployment) -> B256 {
    bid.eip712_signing_hash(&domain(deployment))
}

fn domain(deployment: &Deployment) -> Eip712Domain {
    eip712_domain! {
        name: "AIIGO TaskMarketplace",
        version: "1",
        chain_id: deployment.chain_id,
        verifying_contract: deployment.address(ContractName::TaskMarketplace),
    }
}

/// JSON's numbers are not as large as these.
mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(number: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(chain_id: u64) -> Deployment {
        Deployment { chain_id, block: 0, contracts: Default::default(), parameters: serde_json::Value::Null }
    }

    fn bid() -> Bid {
        Bid {
            taskId: B256::repeat_byte(1),
            nodeId: 2,
            pricePerHour: "0x1000000000000000000".parse().expect("a price"),
            eta: 60,
            expiry: "1700000000".parse().expect("a time"),
            nodeEpoch: 3,
            nonce: U256::MAX,
        }
    }

    #[test]
    fn a_bid_travels_as_json() {
        let signed = SignedBid::new(&bid(), &deployment(5), Bytes::from(vec![7; 65])).expect("a bid");
        let text = serde_json::to_string(&signed).expect("JSON");
        let read: SignedBid = serde_json::from_str(&text).expect("a bid");
        assert_eq!(read, signed);
        let back = read.bid(&deployment(5)).expect("a bid");
        assert_eq!(bid_digest(&back, &deployment(5)), bid_digest(&bid(), &deployment(5)));
    }

    #[test]
    fn a_bid_is_for_one_market() {
        let signed = SignedBid::new(&bid(), &deployment(5), Bytes::new()).expect("a bid");
        assert!(matches!(signed.bid(&deployment(6)), Err(BidError::Elsewhere { chain_id: 5, .. })));
        let other = SignedBid { schema: "aiigo.bid/v2".into(), ..signed.clone() };
        assert!(matches!(other.bid(&deployment(5)), Err(BidError::Schema(_))));
        let dear = SignedBid { price_per_hour: u128::MAX, ..signed.clone() };
        assert_eq!(dear.bid(&deployment(5)), Err(BidError::Range("price")));
        let far = SignedBid { expiry: u64::MAX, ..signed };
        assert_eq!(far.bid(&deployment(5)), Err(BidError::Range("expiry")));
    }
}
