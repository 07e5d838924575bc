//! 6.2, 6.18: what a ruling moves.

use aiigo_protocol::TaskStatus;

use super::{BOND_BPS, Case, CaseStatus, Ruling, SeatState};
use crate::{
    cast::{Holder, Token},
    model::{
        Model, Refusal,
        nodes::Failure,
        terms::{BPS, Duty},
    },
};

impl Model {
    /// 6.18
    pub(super) fn close_by_ruling(&mut self, caller: Holder, case: usize) -> Result<(), Refusal> {
        let ruling = self.cases[case].ruling.ok_or(Refusal("no ruling"))?;
        let coherent = self.judge(case, ruling)?;
        self.share_fees(case, ruling.share(), &coherent)?;
        self.cases[case].status = CaseStatus::Closed;
        self.resolve_task(case, ruling.share(), &coherent)?;
        self.tip(Duty::Finalize, caller);
        Ok(())
    }

    /// Who voted as the ruling, in the order of the seats; the others lose stake.
    fn judge(&mut self, case: usize, ruling: Ruling) -> Result<Vec<Holder>, Refusal> {
        let tolerance = self.terms.court.tolerance_bps;
        let mut coherent = Vec::new();
        for seat in 0..self.cases[case].seats.len() {
            let found = self.cases[case].seats[seat];
            if found.state != SeatState::Revealed {
                continue;
            }
            self.cases[case].seats[seat].state = SeatState::Judged;
            if found.share + tolerance >= ruling.low && found.share <= ruling.high + tolerance {
                coherent.push(found.juror);
            } else {
                self.penalise(found.juror, self.terms.court.incoherence_penalty_bps)?;
                self.reached("incoherent juror penalised");
            }
            self.leave_seat(found.juror);
        }
        Ok(coherent)
    }

    fn share_fees(&mut self, case: usize, share: u128, coherent: &[Holder]) -> Result<(), Refusal> {
        let Case { node, disputer, provider_fee, redrawn, appeal, status, .. } = self.cases[case];
        let fee = self.terms.court.case_fee;
        let of_provider = (fee * (BPS - share) / BPS).min(provider_fee);
        let (mut pot, to_payer, to_provider) =
            if redrawn { (fee + provider_fee, 0, 0) } else { (fee, of_provider, provider_fee - of_provider) };
        self.owe(disputer, to_payer);
        if let Some((appellant, before)) = appeal {
            let buyers = appellant == self.cases[case].buyer || appellant == disputer;
            let gained = if buyers { before.saturating_sub(share) } else { share.saturating_sub(before) };
            let appeal_fee = self.terms.court.appeal_fee;
            let lapsed = status != CaseStatus::Ruled;
            if lapsed || gained > self.terms.court.tolerance_bps {
                self.owe(appellant, appeal_fee);
                self.reached("appeal's fee returned");
            } else {
                pot += appeal_fee;
            }
        }
        let each = pot / coherent.len() as u128;
        for (index, juror) in coherent.iter().enumerate() {
            self.owe(*juror, if index == 0 { each + pot % coherent.len() as u128 } else { each });
        }
        self.return_case_fee(node, to_provider)
    }

    fn owe(&mut self, to: Holder, amount: u128) {
        self.books.fees[to.index()] += amount;
    }

    /// 6.2
    fn resolve_task(&mut self, case: usize, share: u128, jurors: &[Holder]) -> Result<(), Refusal> {
        let Case { task, node, disputer, bond, .. } = self.cases[case];
        let token = self.tasks[task].request.token;
        let (due, fee_bps) = (self.tasks[task].due(), self.tasks[task].fee_bps);
        let part = due * share / BPS;
        // A quarter returns, and what rounding leaves.
        let fee = if token == Token::Aiigo { part * fee_bps * 3 / (4 * BPS) } else { part * fee_bps / BPS };
        let bond_to_provider = bond * share / BPS;
        let provider = part * (BPS - fee_bps - BOND_BPS) / BPS + bond_to_provider;
        let of_jurors = due * BOND_BPS / BPS;
        let held = self.close(task, TaskStatus::Resolved);
        self.credit(self.nodes[node].payout, token, provider);
        self.credit(Holder::Vault, token, fee);
        self.credit(disputer, token, bond - bond_to_provider);
        let each = of_jurors / jurors.len() as u128;
        for (index, juror) in jurors.iter().enumerate() {
            let rest = if index == 0 { of_jurors % jurors.len() as u128 } else { 0 };
            self.credit(*juror, token, each + rest);
        }
        let left = held - provider - fee - (bond - bond_to_provider) - of_jurors;
        self.credit(self.tasks[task].buyer, token, left);
        self.leave(node, task);
        self.record_fee(node, token, fee);
        match share {
            0 => {
                self.penalise_node(node, Failure::LostDispute)?;
                self.reached("dispute lost");
            }
            BPS => {
                self.count(node, task, fee, 100);
                self.reached("dispute won");
            }
            _ => self.reached("dispute split"),
        }
        Ok(())
    }
}
