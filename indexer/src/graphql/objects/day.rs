//! The daily series.

use aiigo_protocol as protocol;
use alloy::primitives::{Address, U256};

use crate::{
    graphql::{
        enums::ResourceType,
        filter::filter,
        object::object,
        scalars::{BigInt, Bytes, Expose},
    },
    ingest::projections::day::DAY,
    store::rows,
};

object! {
    /// What a day added, and how it ended. A day on which nothing changed is left out.
    Day over rows::Day {
        fields {
            /// Days since 1970-01-01, in UTC.
            day: BigInt,
            /// Tasks created.
            tasks: BigInt,
            /// Tasks paid.
            tasks_verified: BigInt,
            /// Tasks split by a ruling.
            tasks_resolved: BigInt,
            /// Tasks taken back by their buyers.
            tasks_cancelled: BigInt,
            /// Tasks that nobody delivered.
            tasks_expired: BigInt,
            /// Nodes registered.
            nodes: BigInt,
            /// AIIGO wei burned by slashes.
            slashed: BigInt,
            /// AIIGO wei minted.
            minted: BigInt,
            /// AIIGO wei burned.
            burned: BigInt,
            /// Nodes that take work, at its end.
            nodes_active: BigInt,
            /// Their verified power, milli-TFLOPS, at its end.
            active_power: BigInt,
            /// AIIGO wei that nodes have staked, at its end.
            node_stake: BigInt,
            /// AIIGO wei in the staking pool, at its end.
            pool_staked: BigInt,
        }
        lists {
            /// What tasks moved, by payment token.
            tokens: DayToken(rows::DayToken, DayTokenFilter, DayTokenOrder) where "day" is day,
            /// What was offered for an hour, by resource and payment token.
            prices: DayPrice(rows::DayPrice, DayPriceFilter, DayPriceOrder) where "day" is day,
        }
        more {
            /// When it began, Unix seconds.
            async fn starts_at(&self) -> BigInt {
                (self.0.day * DAY).expose()
            }
        }
    }
}

filter! {
    "days", DayFilter, DayOrder for rows::Day {
        filters { day: u64 }
        orders { Day = day }
        default { "day" Desc }
    }
}

object! {
    /// What tasks moved on a day in one payment token; amounts in its smallest unit.
    DayToken over rows::DayToken {
        fields {
            /// The token; zero is ETH.
            token: Bytes,
            /// Paid into escrow.
            deposited: BigInt,
            /// Credited to providers.
            paid: BigInt,
            /// Credited to the treasury.
            fees: BigInt,
            /// Credited by rulings and for replicas, without the fees.
            split: BigInt,
            /// Credited back to buyers.
            refunded: BigInt,
        }
        more {
            /// What the work of the day cost its buyers: all that was credited but the refunds.
            async fn volume(&self) -> BigInt {
                self.0.paid.saturating_add(self.0.fees).saturating_add(self.0.split).expose()
            }
        }
    }
}

filter! {
    "tokens", DayTokenFilter, DayTokenOrder for rows::DayToken {
        filters { token: Address }
        orders { Token = token }
        default { "token" Asc }
    }
}

object! {
    /// What was offered on a day for an hour of a resource; prices in the token's smallest unit.
    DayPrice over rows::DayPrice {
        fields {
            /// The resource.
            resource_type: ResourceType,
            /// The token; zero is ETH.
            token: Bytes,
            /// Tasks created.
            tasks: BigInt,
            /// The lowest price.
            lowest: BigInt,
            /// The highest price.
            highest: BigInt,
        }
        more {
            /// The mean price, rounded down.
            async fn mean(&self) -> BigInt {
                self.0.sum.checked_div(U256::from(self.0.tasks)).unwrap_or_default().expose()
            }
        }
    }
}

filter! {
    "prices", DayPriceFilter, DayPriceOrder for rows::DayPrice {
        filters { resource_type: protocol::ResourceType, token: Address }
        orders { ResourceType = resource_type }
        default { "resource_type" Asc }
    }
}
