//! Money against those who hold it.

use aiigo_protocol::{AIIGOToken, ContractName, EscrowManager, StakingPool};
use alloy::primitives::U256;

use super::{Chain, Check, Verifiable, VerifyError};
use crate::store::rows::{Account, Balance, Escrow, Position, Protocol};

impl Verifiable for Escrow {
    const KIND: &'static str = "escrow";

    async fn verify(self, chain: &Chain) -> Result<Check, VerifyError> {
        let manager = EscrowManager::new(chain.at(ContractName::EscrowManager), &chain.provider);
        let escrow = manager.escrowOf(self.task_id).block(chain.block).call().await.map_err(chain.refused())?;
        let check = Check::of(Self::KIND, self.task_id).same("held", self.held, U256::from(escrow.amount));
        Ok(if escrow.amount.is_zero() { check } else { check.same("token", self.token, escrow.token) })
    }
}

impl Verifiable for Balance {
    const KIND: &'static str = "balance";

    async fn verify(self, chain: &Chain) -> Result<Check, VerifyError> {
        let manager = EscrowManager::new(chain.at(ContractName::EscrowManager), &chain.provider);
        let call = manager.balanceOf(self.account, self.token);
        let amount = call.block(chain.block).call().await.map_err(chain.refused())?;
        Ok(Check::of(Self::KIND, format!("{} in {}", self.account, self.token)).same("amount", self.amount, amount))
    }
}

impl Verifiable for Account {
    const KIND: &'static str = "account";

    async fn verify(self, chain: &Chain) -> Result<Check, VerifyError> {
        let token = AIIGOToken::new(chain.at(ContractName::AIIGOToken), &chain.provider);
        let pool = StakingPool::new(chain.at(ContractName::StakingPool), &chain.provider);
        let balance = token.balanceOf(self.address).block(chain.block).call().await.map_err(chain.refused())?;
        let votes = token.getVotes(self.address).block(chain.block).call().await.map_err(chain.refused())?;
        let delegate = token.delegates(self.address).block(chain.block).call().await.map_err(chain.refused())?;
        let staked = pool.stakedOf(self.address).block(chain.block).call().await.map_err(chain.refused())?;
        Ok(Check::of(Self::KIND, self.address)
            .same("tokenBalance", self.token_balance, balance)
            .same("votes", self.votes, votes)
            .same("delegate", self.delegate.unwrap_or_default(), delegate)
            .same("staked", self.staked, staked))
    }
}

impl Verifiable for Position {
    const KIND: &'static str = "position";

    async fn verify(self, chain: &Chain) -> Result<Check, VerifyError> {
        let pool = StakingPool::new(chain.at(ContractName::StakingPool), &chain.provider);
        let call = pool.positionOf(U256::from(self.id));
        let position = call.block(chain.block).call().await.map_err(chain.refused())?;
        let check = Check::of(Self::KIND, self.id);
        if self.closed_at.is_some() {
            return Ok(check.same("amount", U256::ZERO, U256::from(position.amount)));
        }
        Ok(check
            .same("owner", self.owner, position.owner)
            .same("amount", self.amount, U256::from(position.amount))
            .same("weight", self.weight, U256::from(position.weight))
            .same("unlocksAt", self.unlocks_at, position.unlocksAt.to()))
    }
}

impl Verifiable for Protocol {
    const KIND: &'static str = "protocol";

    async fn verify(self, chain: &Chain) -> Result<Check, VerifyError> {
        let pool = StakingPool::new(chain.at(ContractName::StakingPool), &chain.provider);
        let token = AIIGOToken::new(chain.at(ContractName::AIIGOToken), &chain.provider);
        let staked = pool.totalStaked().block(chain.block).call().await.map_err(chain.refused())?;
        let weight = pool.totalWeight().block(chain.block).call().await.map_err(chain.refused())?;
        let minted = token.lifetimeMinted().block(chain.block).call().await.map_err(chain.refused())?;
        let supply = token.totalSupply().block(chain.block).call().await.map_err(chain.refused())?;
        Ok(Check::of(Self::KIND, "totals")
            .same("poolStaked", self.pool_staked, staked)
            .same("poolWeight", self.pool_weight, weight)
            .same("minted", self.minted, minted)
            .same("burned", self.burned, minted.saturating_sub(supply)))
    }
}
