//! Bindings generated from the checked-in ABI; one module a contract, named like it.

#![allow(missing_docs, clippy::too_many_arguments)]

use crate::contracts::for_each_contract;

macro_rules! bind {
    ($($contract:ident $events:ident $errors:ident),* $(,)?) => {$(
        alloy::sol!(
            #[sol(rpc, all_derives)]
            #[derive(serde::Serialize, serde::Deserialize)]
            $contract,
            concat!(env!("CARGO_MANIFEST_DIR"), "/abi/", stringify!($contract), ".json")
        );
    )*};
}

for_each_contract!(bind);
