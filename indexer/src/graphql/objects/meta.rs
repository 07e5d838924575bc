//! What the answers are of.

use crate::{
    graphql::{object::object, scalars::BigInt},
    store::State,
};

object! {
    /// The state of the index. Everything in one answer is of the same indexed block.
    Meta over State {
        fields {
            /// EIP-155 chain id.
            chain_id: BigInt,
        }
        more {
            /// The last indexed block; null before the first.
            async fn indexed_block(&self) -> Option<BigInt> {
                crate::graphql::scalars::Expose::expose(&self.0.indexed)
            }

            /// Its hash.
            async fn indexed_hash(&self) -> Option<crate::graphql::scalars::Bytes> {
                crate::graphql::scalars::Expose::expose(&self.0.indexed_hash)
            }

            /// Its time, Unix seconds.
            async fn indexed_at(&self) -> Option<BigInt> {
                crate::graphql::scalars::Expose::expose(&self.0.indexed_at)
            }

            /// The place in the feed of changes: a subscription with this as `after` tells all that happens after this
            /// answer, and nothing from before.
            async fn cursor(&self) -> String {
                self.0.sequence.to_string()
            }

            /// The chain's head, as last seen.
            async fn head_block(&self) -> BigInt {
                crate::graphql::scalars::Expose::expose(&self.0.head)
            }

            /// The last block that can't be reorganised any more.
            async fn finalized_block(&self) -> BigInt {
                crate::graphql::scalars::Expose::expose(&self.0.finalized)
            }

            /// Whether the index is still catching up with the head.
            async fn syncing(&self) -> bool {
                !self.0.live
            }
        }
    }
}
