//! Every event of the suite, decoded by the contract that emitted it.

use alloy::{primitives::LogData, sol_types::SolEventInterface};

use crate::{abi, contracts::for_each_contract, deployment::ContractName};

macro_rules! events {
    ($($contract:ident $events:ident $errors:ident),* $(,)?) => {
        /// An event of the suite.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, clippy::large_enum_variant)] // the names are the contracts'
        pub enum Event {
            $($contract(abi::$contract::$events)),*
        }

        impl Event {
            /// Decodes a log of `contract`. `None` if the contract emits no such event: a newer implementation may
            /// know events that this build does not.
            pub fn decode(contract: ContractName, log: &LogData) -> Option<Self> {
                match contract {
                    $(ContractName::$contract => {
                        abi::$contract::$events::decode_raw_log(log.topics(), &log.data).ok().map(Self::$contract)
                    })*
                }
            }

            /// The contract that emitted the event.
            pub const fn contract(&self) -> ContractName {
                match self {
                    $(Self::$contract(_) => ContractName::$contract),*
                }
            }
        }
    };
}

for_each_contract!(events);
