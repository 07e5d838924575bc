//! Nodes against the registry.

use aiigo_protocol::{ContractName, NodeRegistry};
use alloy::primitives::U256;

use super::{Chain, Check, Verifiable, VerifyError};
use crate::store::rows::{Node, NodeEscrow};

impl Verifiable for Node {
    const KIND: &'static str = "node";

    async fn verify(self, chain: &Chain) -> Result<Check, VerifyError> {
        let registry = NodeRegistry::new(chain.at(ContractName::NodeRegistry), &chain.provider);
        let info = registry.nodeInfo(self.id).block(chain.block).call().await.map_err(chain.refused())?;
        let ready_at = self.unbonding_ready_at.filter(|_| !self.unbonding.is_zero());
        Ok(Check::of(Self::KIND, self.id)
            .same("owner", self.owner, info.owner)
            .same("operator", self.operator, info.operator)
            .same("payout", self.payout, info.payout)
            .same("resourceType", u8::from(self.resource_type), info.resourceType)
            .same("status", u8::from(self.status), info.status)
            .same("online", self.online, info.online)
            .same("trustLevel", self.trust_level, info.trustLevel)
            .same("reputation", self.reputation, info.reputation)
            .same("registeredAt", self.registered_at, info.registeredAt.to())
            .same("stake", self.stake, U256::from(info.stake))
            .same("unbonding", self.unbonding, U256::from(info.unbonding))
            .same("unbondingReadyAt", ready_at.unwrap_or_default(), info.unbondingReadyAt.to())
            .same("tasksVerified", self.tasks_verified, info.tasksVerified)
            .same("tasksFailed", self.tasks_failed, info.tasksFailed)
            .same("running", self.running, info.running.into())
            .same("reviewing", self.reviewing, info.reviewing.into())
            .same("runningPower", self.running_power, U256::from(info.runningPower))
            .same("power", self.power, U256::from(info.verifiedPower))
            .same("auditsPassed", self.audits_passed, info.challengesPassed)
            .same("lastAuditAt", self.last_audit_at.unwrap_or_default(), info.lastAuditAt.to())
            .same("reviewUntil", self.review_until.unwrap_or_default(), info.reviewUntil.to())
            .same("referrer", self.referrer.unwrap_or_default(), info.referrer))
    }
}

impl Verifiable for NodeEscrow {
    const KIND: &'static str = "nodeEscrow";

    async fn verify(self, chain: &Chain) -> Result<Check, VerifyError> {
        let registry = NodeRegistry::new(chain.at(ContractName::NodeRegistry), &chain.provider);
        let call = registry.openEscrowOf(self.node_id, self.token);
        let open = call.block(chain.block).call().await.map_err(chain.refused())?;
        Ok(Check::of(Self::KIND, format!("{} in {}", self.node_id, self.token)).same("open", self.open, open))
    }
}
