//! A key that signs transactions, wherever it is.

use std::{fmt, sync::Arc};

use alloy::{
    consensus::SignableTransaction,
    network::TxSigner,
    primitives::{Address, Signature},
    signers,
};

/// A key that signs transactions: in this process, or in a device that never gives it away. Clones share it.
#[derive(Clone)]
pub struct Key {
    signer: Arc<dyn TxSigner<Signature> + Send + Sync>,
}

impl Key {
    /// The account that it is of.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Signs a transaction.
    ///
    /// # Errors
    /// If the device that holds the key does not sign.
    pub async fn sign(
        &self,
        transaction: &mut dyn SignableTransaction<Signature>,
    ) -> Result<Signature, signers::Error> {
        self.signer.sign_transaction(transaction).await
    }
}

impl<S: TxSigner<Signature> + Send + Sync + 'static> From<S> for Key {
    fn from(signer: S) -> Self {
        Self { signer: Arc::new(signer) }
    }
}

/// Nothing but the account.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.address()).finish()
    }
}

#[cfg(test)]
mod tests {
    use alloy::{hex, signers::local::PrivateKeySigner};

    use super::*;

    #[test]
    fn a_key_shows_its_account_and_nothing_else() {
        let signer = PrivateKeySigner::random();
        let secret = hex::encode(signer.to_bytes());
        assert!(!format!("{signer:?}").contains(&secret));
        assert_eq!(format!("{:?}", Key::from(signer.clone())), format!("Key({:?})", signer.address()));
    }
}
