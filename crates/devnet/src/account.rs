//! The accounts that a devnet gives ETH to.

use alloy::{
    network::EthereumWallet,
    primitives::Address,
    signers::local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English},
};

use crate::error::DevnetError;

/// The mnemonic that every development chain uses: its keys are public, worth nothing anywhere else.
pub(crate) const MNEMONIC: &str = "test test test test test test test test test test test junk";
/// Accounts that hold ETH from the first block.
pub(crate) const FUNDED: u32 = 30;

/// An account of the devnet with its key.
#[derive(Clone, Debug)]
pub struct Account {
    signer: PrivateKeySigner,
}

impl Account {
    /// The account at a position of the mnemonic (`m/44'/60'/0'/0/index`).
    pub fn derive(index: u32) -> Result<Self, DevnetError> {
        let account_error = |reason: String| DevnetError::Account { index, reason };
        if index >= FUNDED {
            return Err(account_error(format!("it funds {FUNDED} accounts, counted from 0")));
        }
        let signer = MnemonicBuilder::<English>::default()
            .phrase(MNEMONIC)
            .index(index)
            .and_then(|builder| builder.build())
            .map_err(|error| account_error(error.to_string()))?;
        Ok(Self { signer })
    }

    /// Its address.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Its signer.
    pub fn signer(&self) -> &PrivateKeySigner {
        &self.signer
    }

    /// Its private key as `AIIGO_PRIVATE_KEY` takes it: 0x and 64 hexadecimal digits.
    pub fn private_key(&self) -> String {
        self.signer.to_bytes().to_string()
    }

    /// A wallet for a provider.
    pub(crate) fn wallet(&self) -> EthereumWallet {
        EthereumWallet::from(self.signer.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accounts_are_those_that_anvil_funds() {
        let first = Account::derive(0).expect("the first account");
        assert_eq!(first.address().to_string(), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        assert!(Account::derive(FUNDED).is_err());
    }
}
