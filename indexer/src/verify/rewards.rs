//! Epochs and weights against the distributor.

use aiigo_protocol::{ContractName, RewardDistributor};
use alloy::primitives::U256;

use super::{Chain, Check, Verifiable, VerifyError};
use crate::store::rows::{Epoch, Reward};

impl Verifiable for Epoch {
    const KIND: &'static str = "epoch";

    async fn verify(self, chain: &Chain) -> Result<Check, VerifyError> {
        let rewards = RewardDistributor::new(chain.at(ContractName::RewardDistributor), &chain.provider);
        let number = U256::from(self.number);
        let epoch = rewards.epochOf(number).block(chain.block).call().await.map_err(chain.refused())?;
        let starts_at = rewards.epochStart(number).block(chain.block).call().await.map_err(chain.refused())?;
        let next = rewards.nextEpochToClose().block(chain.block).call().await.map_err(chain.refused())?;
        Ok(Check::of(Self::KIND, self.number)
            .same("startsAt", U256::from(self.starts_at), starts_at)
            .same("closed", self.closed, number < next)
            .same("totalWeight", self.total_weight, U256::from(epoch.totalWeight))
            .same("providerBudget", self.provider_budget.unwrap_or_default(), U256::from(epoch.providerBudget)))
    }
}

impl Verifiable for Reward {
    const KIND: &'static str = "reward";

    async fn verify(self, chain: &Chain) -> Result<Check, VerifyError> {
        let rewards = RewardDistributor::new(chain.at(ContractName::RewardDistributor), &chain.provider);
        let call = rewards.weightOf(U256::from(self.epoch), self.node_id);
        let weight = call.block(chain.block).call().await.map_err(chain.refused())?;
        let id = format!("node {} in epoch {}", self.node_id, self.epoch);
        Ok(Check::of(Self::KIND, id).same("weight", self.weight, weight))
    }
}
