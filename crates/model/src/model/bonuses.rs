//! Section 8.8 to 8.13: roots of bonuses, their bonds, and what is claimed under them.

use super::{Model, Refusal, needs};
use crate::cast::{Holder, ONE, Token};

/// Of a root, AIIGO wei (8.10).
const BOND: u128 = 10_000 * ONE;

/// What somebody posted.
#[derive(Clone, Debug)]
pub(super) struct Root {
    poster: Holder,
    epoch: u64,
    /// What each node has earned since the start; nothing is no leaf.
    amounts: Vec<u128>,
    pub(super) final_at: u64,
    pub(super) pending: bool,
}

impl Model {
    /// 8.10
    pub(super) fn post_root(&mut self, caller: Holder, epoch: u64, amounts: &[u128]) -> Result<(), Refusal> {
        needs(epoch < self.books.rewards.next_epoch, "8.10: not closed")?;
        needs(self.root.is_none_or(|root| epoch >= self.roots[root].epoch), "8.10: before the present root's")?;
        self.pay(caller, Holder::Distributor, Token::Aiigo, BOND)?;
        let final_at = self.now + self.terms.rewards.veto_delay;
        self.roots.push(Root { poster: caller, epoch, amounts: amounts.to_vec(), final_at, pending: true });
        Ok(())
    }

    fn pending(&mut self, root: usize) -> Result<&mut Root, Refusal> {
        let found = self.roots.get_mut(root).ok_or(Refusal("no such root"))?;
        needs(found.pending, "8: not pending")?;
        Ok(found)
    }

    /// 8.11
    pub(super) fn veto_root(&mut self, caller: Holder, root: usize) -> Result<(), Refusal> {
        needs(matches!(caller, Holder::Guardian | Holder::Treasury), "8.11: neither guardian nor timelock")?;
        self.pending(root)?.pending = false;
        self.burn(Holder::Distributor, BOND)
    }

    /// 8.12
    pub(super) fn finalize_root(&mut self, root: usize) -> Result<(), Refusal> {
        let now = self.now;
        let found = self.pending(root)?;
        needs(now >= found.final_at, "8.12: it can be vetoed")?;
        found.pending = false;
        let (poster, epoch) = (found.poster, found.epoch);
        if self.root.is_none_or(|present| epoch >= self.roots[present].epoch) {
            self.root = Some(root);
            self.reached("root adopted");
        } else {
            self.reached("root superseded");
        }
        self.pay(Holder::Distributor, poster, Token::Aiigo, BOND)
    }

    /// 8.13, with a proof of the leaf in the tree of `root`.
    pub(super) fn claim_bonus(&mut self, root: usize, node: usize) -> Result<(), Refusal> {
        let present = self.root.ok_or(Refusal("8.13: no root"))?;
        let proven = self.roots.get(root).ok_or(Refusal("no such root"))?;
        needs(proven.amounts == self.roots[present].amounts, "8.13: not in the present tree")?;
        let (amount, is_cut) = self.bonus(node)?;
        self.reached(if is_cut { "bonus cut to a tenth of the base" } else { "bonus as the root says" });
        self.books.nodes[node].bonus_claimed += amount;
        self.mint(self.nodes[node].payout, amount);
        Ok(())
    }

    /// What the present root gives a node now, and whether it says more than that.
    pub(super) fn bonus(&self, node: usize) -> Result<(u128, bool), Refusal> {
        let present = self.root.ok_or(Refusal("8.13: no root"))?;
        self.node(node)?;
        let cumulative = self.roots[present].amounts.get(node).copied().unwrap_or(0);
        let book = &self.books.nodes[node];
        let most = book.base_claimed / 10;
        let amount = cumulative.min(most).saturating_sub(book.bonus_claimed);
        needs(amount > 0, "8.13: nothing to claim")?;
        Ok((amount, cumulative > most))
    }
}
