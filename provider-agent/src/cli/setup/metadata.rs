//! What a node says of itself: a JSON document, `aiigo.node/v1`, that the registry announces by its address.
//!
//! By default the address is the document itself (`data:`, RFC 2397): it is short, and nobody has to keep it. With a store it is
//! `ipfs://<cid>`, and the gateways that have it.

use std::path::{Path, PathBuf};

use aiigo_protocol::NodeDescription;
use aiigo_storage::{BlobCid, ClientOptions, ContentUri, DirStore, GatewayUrl, KuboStore, cid_of};
use clap::Args;
use serde::Serialize;
use url::Url;

use crate::{
    error::{AgentError, Context},
    machine::Hardware,
};

/// Flags: where the document is kept.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct PublishArgs {
    /// Keep the node's description there: the RPC address of a Kubo daemon, or the folder of a store that `aiigo store
    /// serve` serves [default: in the chain's event itself].
    #[arg(long, value_name = "URL|DIR", env = "AIIGO_PUBLISH")]
    publish: Option<Place>,
    /// Where others fetch it; several may be named.
    #[arg(long = "gateway", value_name = "URL", env = "AIIGO_GATEWAY", value_delimiter = ',', requires = "publish")]
    gateways: Vec<GatewayUrl>,
}

#[derive(Clone, Debug)]
enum Place {
    Kubo(Url),
    Folder(PathBuf),
}

impl std::str::FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some(("http" | "https", _)) => text.parse().map(Self::Kubo).map_err(|error| format!("{error}")),
            Some((scheme, _)) => Err(format!("nothing is published by `{scheme}`: name an http address, or a folder")),
            None => Ok(Self::Folder(text.into())),
        }
    }
}

/// What a node says of itself.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Metadata {
    schema: &'static str,
    #[serde(flatten)]
    description: NodeDescription,
    agent: &'static str,
    hardware: Hardware,
}

impl Metadata {
    pub(super) fn new(description: NodeDescription, mut hardware: Hardware) -> Self {
        // What is free changes from hour to hour; the description need not.
        hardware.disk_gib = hardware.disk_gib.checked_ilog2().map_or(0, |power| 1 << power);
        Self {
            schema: "aiigo.node/v1",
            description,
            agent: concat!("aiigo-agent/", env!("CARGO_PKG_VERSION")),
            hardware,
        }
    }

    fn document(&self) -> Result<String, AgentError> {
        serde_json::to_string(self).context("cannot write the node's description")
    }
}

impl PublishArgs {
    /// The address that the chain is to announce. Nothing is published yet.
    pub(super) fn address_of(&self, metadata: &Metadata) -> Result<String, AgentError> {
        let document = metadata.document()?;
        if self.publish.is_none() {
            return Ok(NodeDescription::address_of(&document));
        }
        let uri = self.gateways.iter().cloned().fold(ContentUri::new(cid_of(document.as_bytes())), ContentUri::at);
        Ok(uri.to_string())
    }

    /// Puts the document where it is to be kept; done before the chain says that it is there. A copy stays at `copy`.
    pub(super) async fn publish(&self, metadata: &Metadata, copy: &Path) -> Result<Option<BlobCid>, AgentError> {
        let Some(place) = &self.publish else { return Ok(None) };
        let what = "cannot publish the node's description";
        tokio::fs::write(copy, metadata.document()?).await.context(what)?;
        let blob = match place {
            Place::Folder(folder) => DirStore::open(folder).context(what)?.put_file(copy).await.context(what)?,
            Place::Kubo(api) => {
                let kubo = KuboStore::new(api.clone(), ClientOptions::default()).context(what)?;
                kubo.put_file(copy).await.context(what)?
            }
        };
        tracing::info!(cid = %blob.cid, "the node's description is published");
        Ok(Some(blob.cid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Gpus;

    fn metadata() -> Metadata {
        let hardware = Hardware::detect(Path::new("/"), &Gpus::open()).expect("a machine");
        Metadata::new(NodeDescription { name: Some("é b".into()), ..NodeDescription::default() }, hardware)
    }

    #[test]
    fn a_description_is_its_own_address() {
        let address = PublishArgs::default().address_of(&metadata()).expect("an address");
        assert!(address.starts_with("data:application/json,%7B%22schema%22%3A%22aiigo.node%2Fv1%22"), "{address}");
    }

    #[tokio::test]
    async fn a_published_description_is_found_by_its_cid() {
        let dir = tempfile::tempdir().expect("a folder");
        let publish = PublishArgs {
            publish: Some(dir.path().join("store").to_str().expect("UTF-8").parse().expect("a folder")),
            gateways: vec!["https://example.org".parse().expect("a gateway")],
        };
        let metadata = metadata();
        let uri: ContentUri = publish.address_of(&metadata).expect("an address").parse().expect("a content address");
        assert_eq!(publish.publish(&metadata, &dir.path().join("node.json")).await.expect("published"), Some(uri.cid));
        assert_eq!(uri.gateways.len(), 1);
        let store = DirStore::open(dir.path().join("store")).expect("a store");
        let document = store.get_bytes(&uri.cid, 1 << 20).await.expect("it is there");
        let document: serde_json::Value = serde_json::from_slice(&document).expect("JSON");
        assert_eq!(document["name"], "é b");
        assert!(document["hardware"]["memoryBytes"].as_u64() > Some(0));
    }

    #[test]
    fn a_place_is_an_address_or_a_folder() {
        assert!(matches!("http://127.0.0.1:5001".parse(), Ok(Place::Kubo(_))));
        assert!(matches!("/srv/blobs".parse(), Ok(Place::Folder(_))));
        assert!("ftp://example.org".parse::<Place>().is_err());
    }
}
