//! The list of the suite's contracts: its one home. What has to know all of them is generated from it.

/// Calls `$generate!` with every contract, in the order of a deployment file, as `Name NameEvents NameErrors`.
macro_rules! for_each_contract {
    ($generate:ident) => {
        $generate! {
            AIIGOToken AIIGOTokenEvents AIIGOTokenErrors,
            NodeRegistry NodeRegistryEvents NodeRegistryErrors,
            ProofOfWorkVerifier ProofOfWorkVerifierEvents ProofOfWorkVerifierErrors,
            TaskMarketplace TaskMarketplaceEvents TaskMarketplaceErrors,
            EscrowManager EscrowManagerEvents EscrowManagerErrors,
            StakingPool StakingPoolEvents StakingPoolErrors,
            RewardDistributor RewardDistributorEvents RewardDistributorErrors,
            DisputeCourt DisputeCourtEvents DisputeCourtErrors,
            FeeVault FeeVaultEvents FeeVaultErrors,
            KeeperTips KeeperTipsEvents KeeperTipsErrors,
            Guardian GuardianEvents GuardianErrors,
            AIIGOGovernor AIIGOGovernorEvents AIIGOGovernorErrors,
            TimelockController TimelockControllerEvents TimelockControllerErrors,
        }
    };
}

pub(crate) use for_each_contract;
