//! What is to be done: everything about an action follows from its number.

use aiigo_chain::{Intent, Priority};
use aiigo_protocol::AIIGOToken;
use alloy::{
    primitives::{Address, Bytes, U256, keccak256},
    sol_types::SolCall,
};

/// The most that may ever be offered per gas, wei.
pub(crate) const CAP: u128 = 200_000_000_000;
/// What the careful ones offer at most, wei.
const LOW_CAP: u128 = 40_000_000_000;

/// More gas than any action needs.
const COSTLY: u64 = 100_000;

/// One thing to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Action {
    pub(crate) number: u64,
}

impl Action {
    pub(crate) fn key(self) -> String {
        format!("action:{}", self.number)
    }

    /// Who gets what it sends, and nothing else.
    pub(crate) fn receiver(self, sender: Address) -> Address {
        Address::from_word(keccak256([sender.as_slice(), &self.number.to_be_bytes()].concat()))
    }

    /// What it sends, wei.
    pub(crate) fn amount(self) -> U256 {
        U256::from(self.number + 1)
    }

    /// Whether it sends AIIGO, and not ETH.
    pub(crate) fn is_token(self) -> bool {
        self.number % 2 == 1
    }

    /// Whether it becomes pointless soon after it was submitted.
    pub(crate) fn is_cancelled(self) -> bool {
        self.number % 16 == 7
    }

    /// Whether that is after it was sent.
    pub(crate) fn is_regretted_late(self) -> bool {
        self.number % 32 == 7
    }

    pub(crate) fn cap(self) -> u128 {
        if self.number.is_multiple_of(3) { LOW_CAP } else { CAP }
    }

    /// The most that some may cost, wei: less than their fee limit allows.
    pub(crate) fn max_cost(self) -> Option<U256> {
        (self.number % 5 == 1).then(|| U256::from(LOW_CAP) * U256::from(COSTLY))
    }

    pub(crate) fn intent(self, sender: Address, token: Address) -> Intent {
        let (to, data, value) = self.call(sender, token);
        Intent {
            key: self.key(),
            label: format!("action {}", self.number),
            to,
            data,
            value,
            deadline: None,
            max_fee_per_gas: Some(self.cap()),
            max_cost: self.max_cost(),
            priority: if self.number % 8 == 5 { Priority::Urgent } else { Priority::Normal },
        }
    }

    pub(crate) fn call(self, sender: Address, token: Address) -> (Address, Bytes, U256) {
        let (to, value) = (self.receiver(sender), self.amount());
        match self.is_token() {
            true => (token, AIIGOToken::transferCall { to, value }.abi_encode().into(), U256::ZERO),
            false => (to, Bytes::new(), value),
        }
    }
}
