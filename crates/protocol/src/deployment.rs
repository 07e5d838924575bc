//! The record of a deployment: `deployments/<chain id>.json`, written by the deploy script and read by every program.

use std::{collections::BTreeMap, fmt, path::Path};

use alloy::primitives::Address;
use serde::{Deserialize, Serialize};

use crate::contracts::for_each_contract;

macro_rules! contract_names {
    ($($contract:ident $events:ident $errors:ident),* $(,)?) => {
        /// The contracts of the suite that a deployment names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)] // the names are the contracts'
        pub enum ContractName {
            $($contract),*
        }

        impl ContractName {
            /// Every contract, in the order of the deployment file.
            pub const ALL: [Self; [$(stringify!($contract)),*].len()] = [$(Self::$contract),*];

            /// The contract's name in the sources and the file.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$contract => stringify!($contract)),*
                }
            }
        }
    };
}

for_each_contract!(contract_names);

impl fmt::Display for ContractName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One deployed contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployed {
    /// Where it is called: the proxy, if it has one.
    pub address: Address,
    /// The implementation behind the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implementation: Option<Address>,
}

/// A deployment of the suite on one chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// No contract of the suite has code or events before this block.
    pub block: u64,
    /// The contracts by name.
    pub contracts: BTreeMap<String, Deployed>,
    /// The configuration that the suite was deployed with.
    #[serde(default)]
    pub parameters: serde_json::Value,
}

/// Why a deployment file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// The file can't be read.
    #[error("cannot read the deployment file {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not JSON of the expected form.
    #[error("{path} is not a deployment file: {source}")]
    Parse {
        /// The file.
        path: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The file lacks a contract.
    #[error("{path} names no {contract}")]
    Missing {
        /// The file.
        path: String,
        /// The contract that is not there.
        contract: ContractName,
    },
}

impl Deployment {
    /// Reads and checks a deployment file.
    ///
    /// # Errors
    /// If the file can't be read or parsed, or lacks a contract of the suite.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, DeploymentError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|source| DeploymentError::Read { path: path.display().to_string(), source })?;
        Self::parse(&text, &path.display().to_string())
    }

    fn parse(text: &str, path: &str) -> Result<Self, DeploymentError> {
        let deployment: Self =
            serde_json::from_str(text).map_err(|source| DeploymentError::Parse { path: path.to_owned(), source })?;
        match ContractName::ALL.into_iter().find(|name| !deployment.contracts.contains_key(name.name())) {
            Some(contract) => Err(DeploymentError::Missing { path: path.to_owned(), contract }),
            None => Ok(deployment),
        }
    }

    /// Where a contract is called.
    pub fn address(&self, contract: ContractName) -> Address {
        // `parse` refuses a file without it; a deployment built by hand without it has nothing at the zero address.
        self.contracts.get(contract.name()).map_or(Address::ZERO, |deployed| deployed.address)
    }

    /// The contract at an address, if it is one of the suite.
    pub fn contract_at(&self, address: Address) -> Option<ContractName> {
        ContractName::ALL.into_iter().find(|name| self.address(*name) == address)
    }

    /// The addresses of the whole suite, in the order of [`ContractName::ALL`].
    pub fn addresses(&self) -> Vec<Address> {
        ContractName::ALL.into_iter().map(|name| self.address(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_contract_is_named() {
        let text = r#"{"chainId":1,"block":2,"contracts":{}}"#;
        let error = Deployment::parse(text, "x.json").expect_err("incomplete").to_string();
        assert_eq!(error, "x.json names no AIIGOToken");
    }
}
