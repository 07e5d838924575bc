//! Section 6, as far as it goes without a jury: a case that nobody judges, which is what an empty jury pool makes of it.

use aiigo_protocol::TaskStatus;

use super::{Model, Refusal, needs, terms::BPS};
use crate::cast::{Holder, Token};

/// Of what is due (6.1).
const BOND_BPS: u128 = 200;

/// A dispute before the court.
#[derive(Clone, Debug)]
pub(super) struct Case {
    task: usize,
    node: usize,
    disputer: Holder,
    bond: u128,
    /// Both sides' fees.
    fees: u128,
    pub(super) deadline: u64,
    close_by: u64,
    redrawn: bool,
    pub(super) closed: bool,
}

impl Model {
    /// What disputing a task costs in its token.
    pub(crate) fn bond(&self, task: usize) -> u128 {
        self.tasks[task].due() * BOND_BPS / BPS
    }

    /// 4.24, 6.1, 6.9
    pub(super) fn dispute_task(&mut self, caller: Holder, task: usize, value: u128) -> Result<(), Refusal> {
        let found = self.task(task, TaskStatus::Completed)?;
        needs(caller == found.buyer || Some(caller) == found.request.watcher, "6.1: neither buyer nor watcher")?;
        needs(self.now <= found.review_until(), "6.1: the review window is over")?;
        let (token, node) = (found.request.token, found.node.ok_or(Refusal("no node"))?);
        let bond = self.bond(task);
        needs(value == if token == Token::Ether { bond } else { 0 }, "6.1: ether to the wei")?;
        let fee = self.terms.court.case_fee;
        self.has(caller, token, bond)?;
        self.has(caller, Token::Aiigo, fee + if token == Token::Aiigo { bond } else { 0 })?;
        self.pay(caller, Holder::Escrow, token, bond)?;
        self.pay(caller, Holder::Court, Token::Aiigo, fee)?;
        let provider_fee = self.take_case_fee(node, fee)?;
        self.books.tasks[task].status = TaskStatus::Disputed;
        self.books.tasks[task].escrow += bond;
        self.cases.push(Case {
            task,
            node,
            disputer: caller,
            bond,
            fees: fee + provider_fee,
            deadline: self.now + self.terms.court.draw_period,
            close_by: self.now + self.terms.case_lasts(),
            redrawn: false,
            closed: false,
        });
        Ok(())
    }

    /// 6.14, 6.16: the jury was not drawn in time.
    pub(super) fn advance_case(&mut self, caller: Holder, case: usize) -> Result<(), Refusal> {
        let draw_period = self.terms.court.draw_period;
        let found = self.cases.get_mut(case).ok_or(Refusal("no such case"))?;
        needs(!found.closed, "6.14: closed")?;
        needs(self.now > found.deadline, "6.14: the period runs")?;
        if !found.redrawn && self.now < found.close_by {
            found.redrawn = true;
            found.deadline = self.now + draw_period;
            return Ok(());
        }
        found.closed = true;
        let fees = found.fees;
        self.burn(Holder::Court, fees)?;
        self.close_without_ruling(case);
        self.tip(caller);
        Ok(())
    }

    /// 6.3
    fn close_without_ruling(&mut self, case: usize) {
        let Case { task, node, disputer, bond, .. } = self.cases[case];
        let token = self.tasks[task].request.token;
        let provider = self.tasks[task].due() / 2;
        let held = self.close(task, TaskStatus::Resolved);
        self.credit(self.nodes[node].payout, token, provider);
        self.credit(disputer, token, bond);
        self.credit(self.tasks[task].buyer, token, held - provider - bond);
        self.leave(node, task);
    }
}
