//! The permission to push a blob to a buyer's gateway: signed by the assigned node's operator, for one task and one blob.

use std::time::{SystemTime, UNIX_EPOCH};

use alloy::{
    primitives::{Address, B256, Signature},
    signers::SignerSync,
    sol_types::{Eip712Domain, SolStruct, eip712_domain},
};

use crate::BlobCid;

/// Longest time that a grant may be valid for, seconds.
pub const MAX_GRANT_SECONDS: u64 = 24 * 3600;

#[allow(missing_docs)]
mod typed {
    alloy::sol! {
        struct PushGrant {
            bytes32 taskId;
            string cid;
            uint64 size;
            uint64 expires;
        }
    }
}

/// What an operator signs to deliver one blob of one task. EIP-712, domain name `AIIGO Storage`, version `1`, the chain's id:
/// `PushGrant(bytes32 taskId,string cid,uint64 size,uint64 expires)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PushGrant {
    /// EIP-155 id of the chain that the task is on.
    pub chain_id: u64,
    /// The task.
    pub task_id: B256,
    /// The blob.
    pub cid: BlobCid,
    /// Its size in bytes.
    pub size: u64,
    /// Last second that the push may begin, Unix time. At most [`MAX_GRANT_SECONDS`] ahead.
    pub expires: u64,
}

/// A grant and its signature: `r ‖ s ‖ v`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignedGrant {
    /// What is allowed.
    pub grant: PushGrant,
    /// By whom, once recovered.
    pub signature: Signature,
}

/// Why a grant can't be made or used.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// The key can't sign.
    #[error("cannot sign the push of {cid}: {source}")]
    Sign {
        /// The blob.
        cid: BlobCid,
        /// What the signer said.
        source: Box<alloy::signers::Error>,
    },
    /// The signature is none.
    #[error("the grant's signature is malformed")]
    Signature,
    /// The time is over.
    #[error("the grant expired at {0} (Unix time); sign a new one")]
    Expired(u64),
    /// The time is too far away.
    #[error("the grant expires at {0} (Unix time), more than a day ahead")]
    TooLong(u64),
}

impl PushGrant {
    /// Signs the grant with an operator's key.
    ///
    /// # Errors
    /// If the signer fails.
    pub fn sign(self, signer: &impl SignerSync) -> Result<SignedGrant, GrantError> {
        let signature = signer
            .sign_hash_sync(&self.signing_hash())
            .map_err(|source| GrantError::Sign { cid: self.cid, source: source.into() })?;
        Ok(SignedGrant { grant: self, signature })
    }

    /// The EIP-712 hash that is signed.
    pub fn signing_hash(&self) -> B256 {
        let message = typed::PushGrant {
            taskId: self.task_id,
            cid: self.cid.to_string(),
            size: self.size,
            expires: self.expires,
        };
        message.eip712_signing_hash(&self.domain())
    }

    fn domain(&self) -> Eip712Domain {
        eip712_domain! { name: "AIIGO Storage", version: "1", chain_id: self.chain_id, }
    }

    /// Whether the grant is valid at a time, Unix seconds.
    pub(crate) fn check_time(&self, now: u64) -> Result<(), GrantError> {
        if self.expires < now {
            return Err(GrantError::Expired(self.expires));
        }
        if self.expires - now > MAX_GRANT_SECONDS {
            return Err(GrantError::TooLong(self.expires));
        }
        Ok(())
    }
}

impl SignedGrant {
    /// Who signed.
    ///
    /// # Errors
    /// If the signature is no signature of anybody.
    pub fn signer(&self) -> Result<Address, GrantError> {
        self.signature.recover_address_from_prehash(&self.grant.signing_hash()).map_err(|_| GrantError::Signature)
    }
}

/// Unix time, seconds.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use alloy::{dyn_abi::TypedData, signers::local::PrivateKeySigner};

    use super::*;
    use crate::cid_of;

    fn grant() -> PushGrant {
        PushGrant { chain_id: 31337, task_id: B256::repeat_byte(7), cid: cid_of(b"x"), size: 1, expires: 2_000_000_000 }
    }

    #[test]
    fn the_signer_is_recovered() {
        let signer = PrivateKeySigner::random();
        let signed = grant().sign(&signer).unwrap();
        assert_eq!(signed.signer().unwrap(), signer.address());
    }

    #[test]
    fn a_change_of_any_field_changes_the_signer() {
        let signer = PrivateKeySigner::random();
        let signed = grant().sign(&signer).unwrap();
        for changed in [
            PushGrant { chain_id: 1, ..grant() },
            PushGrant { task_id: B256::ZERO, ..grant() },
            PushGrant { cid: cid_of(b"y"), ..grant() },
            PushGrant { size: 2, ..grant() },
            PushGrant { expires: 2_000_000_001, ..grant() },
        ] {
            let forged = SignedGrant { grant: changed, ..signed };
            assert_ne!(forged.signer().ok(), Some(signer.address()), "{changed:?}");
        }
    }

    #[test]
    fn a_wallet_that_knows_only_eip_712_signs_the_same_hash() {
        let grant = grant();
        let typed: TypedData = serde_json::from_value(serde_json::json!({
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"}, {"name": "version", "type": "string"}, {"name": "chainId", "type": "uint256"},
                ],
                "PushGrant": [
                    {"name": "taskId", "type": "bytes32"}, {"name": "cid", "type": "string"},
                    {"name": "size", "type": "uint64"}, {"name": "expires", "type": "uint64"},
                ],
            },
            "primaryType": "PushGrant",
            "domain": {"name": "AIIGO Storage", "version": "1", "chainId": 31337},
            "message": {
                "taskId": grant.task_id, "cid": grant.cid.to_string(), "size": "1", "expires": "2000000000",
            },
        }))
        .unwrap();
        assert_eq!(typed.eip712_signing_hash().unwrap(), grant.signing_hash());
    }

    #[test]
    fn a_grant_is_valid_until_it_expires_and_not_for_ever() {
        let grant = grant();
        assert!(grant.check_time(grant.expires).is_ok());
        assert!(matches!(grant.check_time(grant.expires + 1), Err(GrantError::Expired(_))));
        assert!(matches!(grant.check_time(grant.expires - MAX_GRANT_SECONDS - 1), Err(GrantError::TooLong(_))));
    }
}
