//! What a node may hold open in a payment token.

use crate::abi::NodeRegistry::TokenLimits;

impl TokenLimits {
    /// The most that the open escrow of a node of this trust level may sum up to, in the token's smallest units. Levels
    /// below 1 take no tasks.
    pub const fn cap(&self, trust_level: u8) -> u128 {
        match trust_level {
            0 => 0,
            1 => self.levelOneCap,
            2 => self.levelTwoCap,
            3 => self.levelThreeCap,
            _ => self.levelFourCap,
        }
    }
}
