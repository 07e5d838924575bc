//! Content-addressed blobs: a directory that keeps them, a trustless gateway that serves them, a client that trusts none.
//!
//! A blob is a file under the CID that `ipfs add --cid-version=1 --raw-leaves` gives: chunks of 256 KiB as raw leaves of a
//! balanced UnixFS tree. A folder is what `ipfs add -r` makes of it. One content has one CID here: a tree of any other shape is refused, so whoever checks a CID has
//! checked the content, and the other way round.
//!
//! - [`DirStore`] keeps files and folders in a directory, block by block, verified whenever they are read. What is pinned
//!   stays; the rest is garbage, which [`DirStore::collect`] removes and a quota bounds.
//! - [`gateway_router`] serves a store as an [IPFS Trustless Gateway] and takes signed pushes: a provider behind NAT
//!   delivers its outputs with `PUT`, allowed by a [`PushGrant`] that the assigned node's operator signed.
//! - [`GatewayClient`] fetches from several gateways and verifies every block as it streams; a gateway can withhold, but
//!   not fake.
//! - [`KuboStore`] puts blobs into a Kubo daemon and reads them, as mistrustful.
//!
//! [IPFS Trustless Gateway]: https://specs.ipfs.tech/http-gateways/trustless-gateway/

mod car;
mod client;
mod dag;
mod disk;
mod gateway;
mod grant;
mod store;
mod uri;

pub use aiigo_task::{BlobCid, CidError, GatewayError, GatewayUrl, Sha256Digest};
pub use client::{Attempt, ClientOptions, FetchError, GatewayClient, KuboError, KuboStore, PushError};
pub use dag::{CHUNK_BYTES, FolderFault, FolderLimits, cid_of, cid_of_reader};
pub use disk::free_disk;
pub use gateway::{NoPushes, PushAuthorizer, PushDenied, gateway_router};
pub use grant::{GrantError, MAX_GRANT_SECONDS, PushGrant, SignedGrant};
pub use store::{
    Collected, DirStore, FolderRef, MAX_BLOB_BYTES, MAX_FOLDER_ENTRIES, Pin, PinHolder, PinHolderError, StoreError,
    StoreOptions, Usage,
};
pub use uri::{ContentUri, UriError};

/// A file: its CID, its size in bytes and the SHA-256 of its content.
pub type BlobRef = aiigo_task::FileDigest;
