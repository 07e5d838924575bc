//! The contracts' ABI as JSON, for readers that decode by name at run time.

use crate::{ContractName, contracts::for_each_contract};

macro_rules! json_abi {
    ($($contract:ident $events:ident $errors:ident),* $(,)?) => {
        impl ContractName {
            /// The contract's ABI, as the compiler printed it.
            pub const fn abi_json(self) -> &'static str {
                match self {
                    $(Self::$contract => include_str!(concat!("../abi/", stringify!($contract), ".json"))),*
                }
            }
        }
    };
}

for_each_contract!(json_abi);
