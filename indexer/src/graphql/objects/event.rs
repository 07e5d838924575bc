//! Raw events, and a task's timeline.

use aiigo_protocol::ContractName;
use alloy::primitives::{Address, B256};
use async_graphql::Json;

use crate::{
    catalog,
    graphql::{
        enums::TimelineKind,
        filter::filter,
        object::object,
        scalars::{BigInt, Bytes, Expose},
    },
    store::rows::{self, LogPosition},
};

object! {
    /// An event of the suite, as logged.
    Event over rows::Event {
        fields {
            /// The block's time, Unix seconds.
            timestamp: BigInt,
            /// The transaction.
            tx_hash: Bytes,
            /// Its place in the block.
            tx_index: BigInt,
            /// Who emitted it.
            address: Bytes,
            /// The emitter's name.
            contract: Option<String>,
            /// The event's name in the contracts, if this version knows it.
            kind: Option<String>,
            /// The task it is about.
            task_id: Option<Bytes>,
            /// The node it is about.
            node_id: Option<BigInt>,
            /// The data, as logged.
            data: Bytes,
        }
        more {
            /// Its block.
            async fn block(&self) -> BigInt {
                self.0.position.block().expose()
            }

            /// Its place among the logs of the block.
            async fn log_index(&self) -> BigInt {
                self.0.position.log_index().expose()
            }

            /// The topics, as logged.
            async fn topics(&self) -> Vec<Bytes> {
                words(&self.0).iter().map(Expose::expose).collect()
            }

            /// The arguments by name: numbers as decimal strings, bytes as 0x strings.
            async fn args(&self) -> Option<Json<serde_json::Value>> {
                arguments(&self.0).map(Json)
            }
        }
    }
}

filter! {
    "events", EventFilter, EventOrder for rows::Event {
        filters {
            block in position: LogPosition,
            timestamp: u64,
            tx_hash: B256,
            address: Address,
            contract: String,
            kind: String,
            task_id: B256,
            node_id: u64,
        }
        orders { Block = block in position }
        default { "position" Desc }
    }
}

object! {
    /// Something that happened to a task.
    TimelineEntry over rows::Event {
        fields {
            /// The block's time, Unix seconds.
            timestamp: BigInt,
            /// The transaction.
            tx_hash: Bytes,
            /// The node, if one is named.
            node_id: Option<BigInt>,
        }
        more {
            /// Its block.
            async fn block(&self) -> BigInt {
                self.0.position.block().expose()
            }

            /// Its place among the logs of the block.
            async fn log_index(&self) -> BigInt {
                self.0.position.log_index().expose()
            }

            /// What happened.
            async fn kind(&self) -> TimelineKind {
                self.0.kind.as_deref().map_or(TimelineKind::Other, TimelineKind::of_event)
            }

            /// The event's name in the contracts.
            async fn event(&self) -> Option<&str> {
                self.0.kind.as_deref()
            }

            /// The event's arguments by name: numbers as decimal strings, bytes as 0x strings.
            async fn args(&self) -> Option<Json<serde_json::Value>> {
                arguments(&self.0).map(Json)
            }
        }
    }
}

fn words(event: &rows::Event) -> Vec<B256> {
    event.topics.chunks_exact(32).map(B256::from_slice).collect()
}

fn arguments(event: &rows::Event) -> Option<serde_json::Value> {
    let contract = ContractName::ALL.into_iter().find(|name| Some(name.name()) == event.contract.as_deref())?;
    catalog::event_arguments(contract, &words(event), &event.data)
}
