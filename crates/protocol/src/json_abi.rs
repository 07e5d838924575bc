//! The contracts' ABI as JSON, for readers that decode by name at run time.

use crate::ContractName;

macro_rules! json_abi {
    ($($contract:ident),* $(,)?) => {
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

json_abi!(
    AIIGOToken,
    NodeRegistry,
    ProofOfWorkVerifier,
    TaskMarketplace,
    EscrowManager,
    StakingPool,
    RewardDistributor,
    AIIGOGovernor,
    TimelockController,
);
