//! Cases, their jurors and the nodes of replicated tasks against the court and the marketplace.

use aiigo_protocol::{ContractName, DisputeCourt, TaskMarketplace};
use alloy::primitives::U256;

use super::{Chain, Check, Verifiable, VerifyError};
use crate::store::rows::{Case, CaseJuror, Replica};

impl Verifiable for Case {
    const KIND: &'static str = "case";

    async fn verify(self, chain: &Chain) -> Result<Check, VerifyError> {
        let court = DisputeCourt::new(chain.at(ContractName::DisputeCourt), &chain.provider);
        let case = court.caseOf(U256::from(self.id)).block(chain.block).call().await.map_err(chain.refused())?;
        Ok(Check::of(Self::KIND, self.id)
            .same("taskId", self.appeal_id.unwrap_or(self.task_id), case.taskId)
            .same("nodeId", self.node_id, case.nodeId)
            .same("buyer", self.buyer, case.buyer)
            .same("payer", self.payer, case.payer)
            .same("nodeOwner", self.node_owner, case.nodeOwner)
            .same("nodeOperator", self.node_operator, case.nodeOperator)
            .same("nodePayout", self.node_payout, case.nodePayout)
            .same("status", u8::from(self.status), case.status)
            .same("round", u8::from(self.round), case.round)
            .same("jurySize", self.jury_size, case.jurySize)
            .same("deadline", self.deadline, case.deadline.to())
            .same("closeBy", self.close_by, case.closeBy.to()))
    }
}

impl Verifiable for CaseJuror {
    const KIND: &'static str = "caseJuror";

    async fn verify(self, chain: &Chain) -> Result<Check, VerifyError> {
        let court = DisputeCourt::new(chain.at(ContractName::DisputeCourt), &chain.provider);
        let seats = court.seatsOf(U256::from(self.case_id)).block(chain.block).call().await.map_err(chain.refused())?;
        let check = Check::of(Self::KIND, format_args!("{} of case {}", self.seat, self.case_id));
        let Some(seat) = seats.get(self.seat as usize) else {
            return Ok(check.same("seats", self.seat as usize + 1, seats.len()));
        };
        Ok(check
            .same("juror", self.juror, seat.juror)
            .same("round", u8::from(self.round), seat.round)
            .same("state", u8::from(self.state), seat.state)
            .same("share", self.share.unwrap_or_default(), seat.share)
            .same("commitment", self.commitment.unwrap_or_default(), seat.commitment))
    }
}

impl Verifiable for Replica {
    const KIND: &'static str = "replica";

    async fn verify(self, chain: &Chain) -> Result<Check, VerifyError> {
        let market = TaskMarketplace::new(chain.at(ContractName::TaskMarketplace), &chain.provider);
        let replica =
            market.replicaOf(self.task_id, self.node_id).block(chain.block).call().await.map_err(chain.refused())?;
        let check = Check::of(Self::KIND, format_args!("{} of task {}", self.node_id, self.task_id));
        // The marketplace knows of a node's last round only.
        Ok(match self.round == replica.round {
            true => check.same("status", u8::from(self.status), replica.status),
            false => check,
        })
    }
}
