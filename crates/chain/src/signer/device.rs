//! Keys that never leave their device.

use super::{Key, SignerError};

/// The key at a position of Ledger Live's derivation (m/44'/60'/INDEX'/0/0). The device shows each transaction.
#[cfg(feature = "ledger")]
pub(super) async fn ledger(index: usize) -> Result<Key, SignerError> {
    use alloy::signers::ledger::{HDPath, LedgerSigner};

    let signer = LedgerSigner::new(HDPath::LedgerLive(index), None).await;
    signer.map(Key::from).map_err(|error| SignerError::Device { device: "the Ledger", reason: error.to_string() })
}

/// A key of AWS KMS (`ECC_SECG_P256K1`), with the credentials and region that AWS' own tools would use.
#[cfg(feature = "aws-kms")]
pub(super) async fn kms(id: &str) -> Result<Key, SignerError> {
    use alloy::signers::aws::{AwsSigner, aws_sdk_kms::Client};

    let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let signer = AwsSigner::new(Client::new(&config), id.to_owned(), None).await;
    signer.map(Key::from).map_err(|error| SignerError::Device { device: "AWS KMS", reason: error.to_string() })
}
