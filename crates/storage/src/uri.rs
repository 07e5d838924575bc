//! Content addresses as they stand on the chain: `ipfs://<cid>`, perhaps with gateways to ask.

use std::{fmt, str::FromStr};

use aiigo_task::{BlobCid, CidError, GatewayError, GatewayUrl, MAX_GATEWAYS};
use url::{Url, form_urlencoded};

/// Longest address, bytes.
const MAX_BYTES: usize = 4096;

/// A blob and where it may be found: `ipfs://<cid>[?gateway=<percent-encoded address>[&gateway=…]]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContentUri {
    /// The blob.
    pub cid: BlobCid,
    /// Gateways that have it, best first.
    pub gateways: Vec<GatewayUrl>,
}

/// A text that is no content address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// It has another form.
    #[error("`{0}` is not a content address: expected ipfs://<cid>")]
    Form(String),
    /// Its CID is not one of ours.
    #[error("in a content address: {0}")]
    Cid(#[from] CidError),
    /// A gateway's address is refused.
    #[error("in a content address: {0}")]
    Gateway(#[from] GatewayError),
    /// It names too many gateways.
    #[error("a content address names {0} gateways; at most {MAX_GATEWAYS} are allowed")]
    TooManyGateways(usize),
}

impl ContentUri {
    /// The address of a blob at no gateway in particular.
    pub fn new(cid: BlobCid) -> Self {
        Self { cid, gateways: Vec::new() }
    }

    /// The same blob, to be found at this gateway too.
    #[must_use]
    pub fn at(mut self, gateway: GatewayUrl) -> Self {
        if !self.gateways.contains(&gateway) && self.gateways.len() < MAX_GATEWAYS {
            self.gateways.push(gateway);
        }
        self
    }
}

impl FromStr for ContentUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let form = || UriError::Form(text.chars().take(200).collect());
        if text.len() > MAX_BYTES {
            return Err(form());
        }
        let rest = text.strip_prefix("ipfs://").ok_or_else(form)?;
        let (cid, query) = rest.split_once('?').unwrap_or((rest, ""));
        if cid.is_empty() || cid.contains(['/', '#']) || query.contains('#') {
            return Err(form());
        }
        let cid = cid.parse()?;
        let mut gateways = Vec::new();
        // Other parameters may come to mean something one day.
        for (_, value) in form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "gateway") {
            let gateway: GatewayUrl = value.parse()?;
            if !gateways.contains(&gateway) {
                gateways.push(gateway);
            }
        }
        if gateways.len() > MAX_GATEWAYS {
            return Err(UriError::TooManyGateways(gateways.len()));
        }
        Ok(Self { cid, gateways })
    }
}

impl TryFrom<Url> for ContentUri {
    type Error = UriError;

    fn try_from(url: Url) -> Result<Self, UriError> {
        url.as_str().parse()
    }
}

impl fmt::Display for ContentUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ipfs://{}", self.cid)?;
        for (index, gateway) in self.gateways.iter().enumerate() {
            let value: String = form_urlencoded::byte_serialize(gateway.as_str().as_bytes()).collect();
            write!(f, "{}gateway={value}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CID: &str = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

    #[test]
    fn an_address_prints_what_it_parses() {
        for text in [
            format!("ipfs://{CID}"),
            format!("ipfs://{CID}?gateway=http%3A%2F%2F127.0.0.1%3A4353"),
            format!("ipfs://{CID}?gateway=https%3A%2F%2Fa.example%2Fbase&gateway=http%3A%2F%2Fb.example"),
        ] {
            let uri: ContentUri = text.parse().unwrap();
            assert_eq!(uri.to_string(), text);
        }
    }

    #[test]
    fn an_address_is_made_from_its_parts() {
        let gateway: GatewayUrl = "http://127.0.0.1:4353".parse().unwrap();
        let uri = ContentUri::new(CID.parse().unwrap()).at(gateway.clone()).at(gateway.clone());
        assert_eq!(uri.gateways, [gateway]);
        assert_eq!(uri.to_string().parse::<ContentUri>().unwrap(), uri);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            CID,
            "ipfs://",
            "https://a.example",
            &format!("ipfs://{CID}/path"),
            &format!("ipfs://{CID}#x"),
            &format!("ipfs://{CID}?gateway=file%3A%2F%2F%2Fetc"),
            "ipfs://Qm",
            &format!("IPFS://{CID}"),
        ] {
            assert!(text.parse::<ContentUri>().is_err(), "{text}");
        }
        let many: Vec<String> = (0..9).map(|n| format!("gateway=http%3A%2F%2Fg{n}.example")).collect();
        let error = format!("ipfs://{CID}?{}", many.join("&")).parse::<ContentUri>().unwrap_err();
        assert_eq!(error, UriError::TooManyGateways(9));
    }
}
