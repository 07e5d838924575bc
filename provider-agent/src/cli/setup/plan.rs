//! What is missing between a node and what its owner wants, and the transactions that bring it about.

use aiigo_protocol::{ContractName, NodeId, NodeRegistry, ResourceType, units::format_amount};
use alloy::{
    primitives::{Address, Bytes, U256},
    providers::Provider,
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};

use super::Agent;
use crate::{
    error::{AgentError, Context, read_error},
    market::{Call, Market},
};

/// What the owner wants of a node. What is `None` stays as it is, and is the protocol's default for a new node.
#[derive(Clone, Debug)]
pub(super) struct Wishes {
    pub(super) resource: Option<ResourceType>,
    pub(super) operator: Option<Address>,
    pub(super) payout: Option<Address>,
    /// AIIGO wei at stake, at least.
    pub(super) stake: Option<U256>,
    /// Wei that the operator has for gas, at least.
    pub(super) gas: Option<U256>,
    /// The address of its description.
    pub(super) metadata: String,
    /// Whether a node that has another description gets this one.
    pub(super) describes_anew: bool,
}

/// The way to what the owner wants.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// None if it is to be registered.
    pub(super) node: Option<NodeId>,
    pub(super) steps: Vec<Step>,
    /// The owner's transactions when it was made: the first step is the next one.
    pub(super) nonce: u64,
}

/// One transaction of the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Register {
        resource: ResourceType,
        metadata: String,
        operator: Address,
        payout: Address,
        fee: U256,
    },
    SetOperator(Address),
    SetPayout(Address),
    SetMetadata(String),
    /// Of the stake; the allowance is what was allowed before.
    Approve {
        amount: U256,
        allowance: U256,
    },
    /// On top of what the node has.
    Stake {
        amount: U256,
        has: U256,
    },
    /// ETH on top of what the operator has.
    Fund {
        operator: Address,
        amount: U256,
        has: U256,
    },
}

impl Step {
    /// In words.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Register { resource, fee, .. } => {
                format!("register a {} node for {} ETH, which is not given back", resource.name(), format_amount(*fee))
            }
            Self::SetOperator(operator) => format!("make {operator} the operator"),
            Self::SetPayout(payout) => format!("let {payout} get the earnings"),
            Self::SetMetadata(_) => "describe the node anew".into(),
            Self::Approve { amount, .. } => format!("let the registry take {} AIIGO", format_amount(*amount)),
            Self::Stake { amount, .. } => format!("stake {} AIIGO", format_amount(*amount)),
            Self::Fund { operator, amount, .. } => {
                format!("send {} ETH for gas to the operator {operator}", format_amount(*amount))
            }
        }
    }

    /// The outbox' key: the same step in the same situation is sent once, also by a second run after one that was killed. What
    /// could be wanted a second time is told apart by the owner's transactions so far.
    pub(super) fn key(&self, node: NodeId, nonce: u64) -> String {
        match self {
            // The same folder, owner and operator never pay twice.
            Self::Register { operator, .. } => format!("register:{operator}"),
            Self::SetOperator(operator) => format!("operator:{node}:{operator}:{nonce}"),
            Self::SetPayout(payout) => format!("payout:{node}:{payout}:{nonce}"),
            Self::SetMetadata(_) => format!("metadata:{node}:{nonce}"),
            Self::Approve { amount, allowance } => format!("approve:{node}:{allowance}:{amount}:{nonce}"),
            Self::Stake { amount, has } => format!("stake:{node}:{has}:{amount}:{nonce}"),
            Self::Fund { operator, amount, has } => format!("fund:{operator}:{has}:{amount}:{nonce}"),
        }
    }

    /// The call, for a node that is registered by now, or will have this id.
    pub(super) fn call(&self, market: &Market, node: NodeId) -> Call {
        let registry = |data: &Bytes| market.call(ContractName::NodeRegistry, data.clone());
        let contract = market.registry();
        match self {
            Self::Register { resource, metadata, operator, payout, fee } => {
                let call = contract.registerNode(u8::from(*resource), metadata.clone(), *operator, *payout, 0);
                Call { value: *fee, ..registry(call.calldata()) }
            }
            Self::SetOperator(operator) => registry(contract.setOperator(node.0, *operator).calldata()),
            Self::SetPayout(payout) => registry(contract.setPayout(node.0, *payout).calldata()),
            Self::SetMetadata(metadata) => registry(contract.setMetadata(node.0, metadata.clone()).calldata()),
            Self::Approve { amount, .. } => {
                let registry = market.address(ContractName::NodeRegistry);
                let data = market.token().approve(registry, *amount).calldata().clone();
                market.call(ContractName::AIIGOToken, data)
            }
            Self::Stake { amount, .. } => registry(contract.stakeForNode(node.0, *amount).calldata()),
            Self::Fund { operator, amount, .. } => Call { to: *operator, data: Bytes::new(), value: *amount },
        }
    }
}

impl Plan {
    /// Looks at the chain.
    ///
    /// # Errors
    /// If the owner can't pay for it all, the node is somebody else's, or the chain does not answer.
    pub(super) async fn make(
        agent: &Agent,
        known: Option<NodeId>,
        owner: Address,
        wishes: &Wishes,
    ) -> Result<Self, AgentError> {
        let planning = Planning { market: &agent.market, owner, wishes };
        // Before all else is read: what lands meanwhile was seen, or has the key of a step of this plan.
        let nonce =
            agent.market.provider().get_transaction_count(owner).await.context("cannot read the owner's nonce")?;
        let node = match known {
            Some(node) => Some(node),
            None => planning.registered_before().await?,
        };
        let (mut steps, has, operator) = match node {
            None => (vec![planning.register().await?], U256::ZERO, wishes.operator),
            Some(node) => {
                let info = planning.own(node).await?;
                let operator = wishes.operator.unwrap_or(info.operator);
                (planning.correct(node, &info).await?, U256::from(info.stake), Some(operator))
            }
        };
        steps.extend(planning.stake(has).await?);
        // The owner's own gas is the owner's own business.
        if let Some(operator) = operator.filter(|operator| *operator != owner) {
            steps.extend(planning.fund(operator).await?);
        }
        planning.check_funds(&steps).await?;
        Ok(Self { node, steps, nonce })
    }
}

struct Planning<'a> {
    market: &'a Market,
    owner: Address,
    wishes: &'a Wishes,
}

impl Planning<'_> {
    /// A node of this owner and operator whose registration this folder does not know of: the fee is paid once.
    async fn registered_before(&self) -> Result<Option<NodeId>, AgentError> {
        let filter = Filter::new()
            .address(self.market.address(ContractName::NodeRegistry))
            .event_signature(NodeRegistry::NodeRegistered::SIGNATURE_HASH)
            .topic2(self.owner.into_word());
        let logs = self.market.logs(&filter, |_| false).await;
        let mut found = None;
        for log in logs.context("cannot look for nodes that are registered already: name yours with --node")? {
            let Ok(event) = log.log_decode::<NodeRegistry::NodeRegistered>() else { continue };
            let node = NodeId(event.inner.nodeId);
            let info = self.market.node(node).await?;
            if info.operator == self.wishes.operator.unwrap_or(self.owner) {
                tracing::info!(%node, "registered already");
                found = Some(node);
            }
        }
        Ok(found)
    }

    async fn register(&self) -> Result<Step, AgentError> {
        let parameters = self.market.registry().parameters().call().await;
        let fee =
            parameters.map_err(|error| read_error("cannot read the registry's parameters", error))?.registrationFee;
        Ok(Step::Register {
            resource: self.wishes.resource.unwrap_or(ResourceType::CPU),
            metadata: self.wishes.metadata.clone(),
            operator: self.wishes.operator.unwrap_or(Address::ZERO),
            payout: self.wishes.payout.unwrap_or(Address::ZERO),
            fee: U256::from(fee),
        })
    }

    /// A node, if it is the owner's.
    async fn own(&self, node: NodeId) -> Result<NodeRegistry::NodeInfo, AgentError> {
        let info = self.market.node(node).await?;
        if let Some(wanted) = self.wishes.resource.filter(|wanted| u8::from(*wanted) != info.resourceType) {
            return Err(AgentError::new(format!(
                "node {node} offers another resource than {}, for good: register one more, with its own --data-dir and operator",
                wanted.name()
            )));
        }
        match info.owner == self.owner {
            true => Ok(info),
            false => Err(AgentError::new(format!(
                "node {node} belongs to {}, not to {}: use the owner's key",
                info.owner, self.owner
            ))),
        }
    }

    /// Keys and description of a node that was registered earlier.
    async fn correct(&self, node: NodeId, info: &NodeRegistry::NodeInfo) -> Result<Vec<Step>, AgentError> {
        let wishes = self.wishes;
        let mut steps = Vec::new();
        steps.extend(wishes.operator.filter(|operator| *operator != info.operator).map(Step::SetOperator));
        steps.extend(wishes.payout.filter(|payout| *payout != info.payout).map(Step::SetPayout));
        if wishes.describes_anew && self.metadata_of(node).await?.as_ref() != Some(&wishes.metadata) {
            steps.push(Step::SetMetadata(wishes.metadata.clone()));
        }
        Ok(steps)
    }

    /// The latest description that the registry announced; it keeps none.
    async fn metadata_of(&self, node: NodeId) -> Result<Option<String>, AgentError> {
        let (registered, changed) =
            (NodeRegistry::NodeRegistered::SIGNATURE_HASH, NodeRegistry::MetadataChanged::SIGNATURE_HASH);
        let filter = Filter::new()
            .address(self.market.address(ContractName::NodeRegistry))
            .event_signature(vec![registered, changed])
            .topic1(U256::from(node.0));
        let found = |logs: &[Log]| !logs.is_empty();
        let logs = self.market.logs(&filter, found).await.context("cannot read the node's description")?;
        Ok(logs.last().and_then(|log| {
            let changed = log.log_decode::<NodeRegistry::MetadataChanged>().map(|log| log.inner.data.metadataURI);
            changed
                .or_else(|_| log.log_decode::<NodeRegistry::NodeRegistered>().map(|log| log.inner.data.metadataURI))
                .ok()
        }))
    }

    /// Adds what is missing, takes nothing away.
    async fn stake(&self, has: U256) -> Result<Vec<Step>, AgentError> {
        let Some(amount) = missing(self.wishes.stake, has) else { return Ok(Vec::new()) };
        let token = self.market.token();
        let failed = |error| read_error("cannot read the owner's AIIGO", error);
        let balance = token.balanceOf(self.owner).call().await.map_err(failed)?;
        if balance < amount {
            return Err(AgentError::new(format!(
                "{} has {} AIIGO, and {} are to be staked: send it some",
                self.owner,
                format_amount(balance),
                format_amount(amount)
            )));
        }
        let registry = self.market.address(ContractName::NodeRegistry);
        let allowance = token.allowance(self.owner, registry).call().await.map_err(failed)?;
        let approve = (allowance < amount).then_some(Step::Approve { amount, allowance });
        Ok(approve.into_iter().chain([Step::Stake { amount, has }]).collect())
    }

    async fn fund(&self, operator: Address) -> Result<Option<Step>, AgentError> {
        let Some(_) = self.wishes.gas else { return Ok(None) };
        let has = self.market.eth_of(operator).await?;
        Ok(missing(self.wishes.gas, has).map(|amount| Step::Fund { operator, amount, has }))
    }

    /// Nothing is begun that can't be ended.
    async fn check_funds(&self, steps: &[Step]) -> Result<(), AgentError> {
        let value = |step: &Step| step.call(self.market, NodeId(0)).value;
        let needed = steps.iter().map(value).fold(U256::ZERO, U256::saturating_add);
        if steps.is_empty() {
            return Ok(());
        }
        let eth = self.market.eth_of(self.owner).await?;
        if eth <= needed {
            return Err(AgentError::new(format!(
                "{} has {} ETH; this costs {} ETH and gas: send it some",
                self.owner,
                format_amount(eth),
                format_amount(needed)
            )));
        }
        Ok(())
    }
}

fn missing(wanted: Option<U256>, has: U256) -> Option<U256> {
    wanted.and_then(|wanted| wanted.checked_sub(has)).filter(|missing| !missing.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_added() {
        let amount = |number: u64| U256::from(number);
        assert_eq!(missing(Some(amount(5)), amount(3)), Some(amount(2)));
        assert_eq!(missing(Some(amount(5)), amount(5)), None);
        assert_eq!(missing(Some(amount(5)), amount(7)), None);
        assert_eq!(missing(None, amount(0)), None);
    }

    #[test]
    fn a_step_is_told_from_the_same_step_in_another_situation() {
        let stake = |has: u64| Step::Stake { amount: U256::from(1), has: U256::from(has) };
        assert_ne!(stake(0).key(NodeId(1), 9), stake(1).key(NodeId(1), 9));
        assert_ne!(stake(0).key(NodeId(1), 9), stake(0).key(NodeId(2), 9));
        let register = |resource| Step::Register {
            resource,
            metadata: String::new(),
            operator: Address::ZERO,
            payout: Address::ZERO,
            fee: U256::ZERO,
        };
        assert_eq!(register(ResourceType::CPU).key(NodeId(0), 1), register(ResourceType::GPU).key(NodeId(0), 2));
    }
}
