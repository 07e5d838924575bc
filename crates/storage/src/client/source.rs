//! One gateway, asked for blocks.

use std::{pin::Pin, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use reqwest::{Response, StatusCode, header};
use tokio::time::timeout;
use url::Url;

use super::{GatewayClient, address::refusal_of, attempt::Trouble};
use crate::{
    BlobCid, GatewayUrl,
    car::{CarError, Reader},
    dag::MAX_BLOCK_BYTES,
};

type Bodies = Pin<Box<dyn Stream<Item = Result<Bytes, reqwest::Error>> + Send>>;

/// All blocks below a CID, in the order in which they are needed.
pub(super) struct Car {
    reader: Reader<Bodies>,
    patience: Duration,
    /// Whether a block has come yet. A stream that breaks off before is no help at all; one that breaks off later may be.
    served: bool,
}

impl Car {
    pub(super) async fn open(client: &GatewayClient, gateway: &GatewayUrl, cid: &BlobCid) -> Result<Self, Trouble> {
        let response = request(client, gateway, cid, "car&dag-scope=all&car-order=dfs&car-dups=y", CAR).await?;
        let is_car = response
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("application/vnd.ipld.car"));
        if !is_car {
            return Err(Trouble::NoCar);
        }
        let patience = client.options.block_timeout;
        let reader = patiently(patience, Reader::open(Box::pin(response.bytes_stream()) as Bodies)).await?;
        Ok(Self { reader: reader.map_err(|error| trouble(error, false))?, patience, served: false })
    }

    /// The next block, which must be that of `cid`.
    pub(super) async fn next(&mut self, cid: &BlobCid) -> Result<Bytes, Trouble> {
        let section = patiently(self.patience, self.reader.next()).await?;
        match section.map_err(|error| trouble(error, self.served))? {
            Some((named, block)) if named == cid.to_cid() => {
                self.served = true;
                Ok(block)
            }
            // Another order, or duplicates left out: allowed by the specification, of no use here.
            Some(_) => Err(Trouble::NoCar),
            None => Err(trouble(CarError::Truncated, self.served)),
        }
    }
}

/// One block.
pub(super) async fn block(client: &GatewayClient, gateway: &GatewayUrl, cid: &BlobCid) -> Result<Bytes, Trouble> {
    let response = request(client, gateway, cid, "raw", RAW).await?;
    let receive = async {
        let mut pieces = response.bytes_stream();
        let mut block = BytesMut::new();
        while let Some(piece) = pieces.next().await {
            block.extend_from_slice(&piece?);
            if block.len() > MAX_BLOCK_BYTES {
                return Err(Trouble::lasting(format!("the block of {cid} has no end")));
            }
        }
        Ok(block.freeze())
    };
    patiently(client.options.block_timeout, receive).await?
}

const CAR: &str = "application/vnd.ipld.car; version=1; order=dfs; dups=y";
const RAW: &str = "application/vnd.ipld.raw";

async fn request(
    client: &GatewayClient,
    gateway: &GatewayUrl,
    cid: &BlobCid,
    format: &str,
    accept: &'static str,
) -> Result<Response, Trouble> {
    let url = url_of(client, gateway, cid, &format!("?format={format}")).map_err(Trouble::lasting)?;
    let request = client.http.get(url).header(header::ACCEPT, accept).send();
    let response = patiently(client.options.block_timeout, request).await??;
    let car_only = accept == CAR;
    match response.status() {
        StatusCode::OK => Ok(response),
        StatusCode::BAD_REQUEST | StatusCode::NOT_ACCEPTABLE | StatusCode::NOT_IMPLEMENTED if car_only => {
            Err(Trouble::NoCar)
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(Trouble::passing(format!("it has no {cid}"))),
        status if status.is_redirection() => Err(Trouble::lasting("it redirects, which is not followed")),
        status => Err(Trouble::passing(format!("it answers {status}"))),
    }
}

/// Where a gateway has a CID.
pub(super) fn url_of(client: &GatewayClient, gateway: &GatewayUrl, cid: &BlobCid, query: &str) -> Result<Url, String> {
    if !client.options.allow_private
        && let Some(reason) = refusal_of(gateway.as_url())
    {
        return Err(reason);
    }
    Url::parse(&format!("{}/ipfs/{cid}{query}", gateway.as_str())).map_err(|error| error.to_string())
}

async fn patiently<T>(patience: Duration, work: impl Future<Output = T>) -> Result<T, Trouble> {
    timeout(patience, work).await.map_err(|_| Trouble::passing(format!("no block in {} s", patience.as_secs_f32())))
}

fn trouble(error: CarError<reqwest::Error>, served: bool) -> Trouble {
    match error {
        CarError::Transport(error) => error.into(),
        CarError::Truncated if served => Trouble::passing(error.to_string()),
        CarError::Truncated | CarError::Malformed => Trouble::NoCar,
    }
}
