//! Tasks against the marketplace.

use aiigo_protocol::{ContractName, TaskMarketplace, TaskStatus};
use alloy::primitives::U256;

use super::{Chain, Check, Verifiable, VerifyError};
use crate::store::rows::Task;

impl Verifiable for Task {
    const KIND: &'static str = "task";

    async fn verify(self, chain: &Chain) -> Result<Check, VerifyError> {
        let market = TaskMarketplace::new(chain.at(ContractName::TaskMarketplace), &chain.provider);
        let task = market.taskOf(self.id).block(chain.block).call().await.map_err(chain.refused())?;
        // The marketplace forgets the window when the task is taken.
        let recruits = matches!(self.status, TaskStatus::Open | TaskStatus::Recruiting);
        let accept_by = if recruits { self.accept_by } else { task.acceptBy.to() };
        Ok(Check::of(Self::KIND, self.id)
            .same("buyer", self.buyer, task.buyer)
            .same("status", u8::from(self.status), task.status)
            .same("resourceType", u8::from(self.resource_type), task.resourceType)
            .same("minTrustLevel", self.min_trust_level, task.minTrustLevel)
            .same("minPower", self.min_power, task.minPower.into())
            .same("duration", self.duration, task.duration)
            .same("attempts", self.attempts, task.attempts)
            .same("escrow", self.escrow, U256::from(task.escrow))
            .same("feeBps", self.fee_bps, task.feeBps)
            .same("paymentToken", self.payment_token, task.paymentToken)
            .same("acceptBy", accept_by, task.acceptBy.to())
            .same("acceptWindow", self.accept_window, task.acceptWindow)
            .same("reviewWindow", self.review_window, u32::from(task.reviewWindow) * 60)
            .same("nodeId", self.node_id.unwrap_or_default(), task.nodeId)
            .same("assignedAt", self.assigned_at.unwrap_or_default(), task.assignedAt.to())
            .same("submittedAt", self.submitted_at.unwrap_or_default(), task.submittedAt.to()))
    }
}
