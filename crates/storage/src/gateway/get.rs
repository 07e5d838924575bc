//! `GET` and `HEAD /ipfs/{cid}`.

use axum::{
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::{
    Gateway,
    format::{Format, Parameters},
    refusal::Refusal,
};
use crate::{
    BlobCid, StoreError, car,
    dag::{IPFS, Walk, is_folder},
    store::MAX_FOLDER,
};

/// The specification's probe: the CID of nothing, with an identity hash. Every gateway answers it.
const PROBE: &str = "bafkqaaa";

type Request = (State<Gateway>, Path<String>, Query<Parameters>);

pub(super) async fn get(request: Request, headers: HeaderMap) -> Result<Response, Refusal> {
    answer(request, headers, true).await
}

pub(super) async fn head(request: Request, headers: HeaderMap) -> Result<Response, Refusal> {
    answer(request, headers, false).await
}

async fn answer(
    (State(gateway), Path(name), Query(parameters)): Request,
    headers: HeaderMap,
    with_body: bool,
) -> Result<Response, Refusal> {
    let format = Format::of(&parameters, &headers)?;
    if name == PROBE && format == Format::Raw {
        return Ok(ok(format, PROBE, Some(0), Body::empty()));
    }
    let cid: BlobCid = name.parse().map_err(Refusal::bad_request)?;
    if let Some(response) = unchanged(format, &name, &headers) {
        return Ok(response);
    }
    let root = gateway.store.block(&cid).await?.ok_or(StoreError::Missing(cid))?;
    let root_only = format == Format::RootCar || format == Format::EntityCar && is_folder(&cid, &root);
    match format {
        Format::Raw => {
            let size = root.len() as u64;
            Ok(ok(format, &name, Some(size), if with_body { root.into() } else { Body::empty() }))
        }
        _ if root_only => {
            let content = [car::header(&cid), car::section(&cid, &root)].concat();
            let size = content.len() as u64;
            Ok(ok(format, &name, Some(size), if with_body { content.into() } else { Body::empty() }))
        }
        _ if with_body => {
            let head = stream::once(async move { Ok(car::header(&cid)) });
            let walk = Walk::tree(IPFS, cid, MAX_FOLDER);
            let blocks = gateway.store.walk(walk).map_ok(|(cid, _, block)| car::section(&cid, &block));
            // An error in the middle cuts the stream off, which is how a client learns of it.
            let logged = head.chain(blocks).inspect_err(move |error: &StoreError| {
                tracing::warn!(%cid, %error, "a CAR ended early");
            });
            Ok(ok(format, &name, None, Body::from_stream(logged.map_ok(Bytes::from))))
        }
        _ => Ok(ok(format, &name, None, Body::empty())),
    }
}

/// 304, if the client has it already: what a CID names never changes.
fn unchanged(format: Format, name: &str, headers: &HeaderMap) -> Option<Response> {
    let known = headers.get(header::IF_NONE_MATCH)?.to_str().ok()?;
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let own = weak(&etag(format, name));
    known.split(',').any(|tag| tag.trim() == "*" || weak(tag) == own).then(|| {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        put(&mut response, header::ETAG, etag(format, name));
        response
    })
}

fn etag(format: Format, name: &str) -> String {
    match format {
        Format::Raw => format!("\"{name}.raw\""),
        // Weak: the blocks are fixed, their framing is not.
        Format::Car => format!("W/\"{name}.car\""),
        Format::EntityCar => format!("W/\"{name}.entity.car\""),
        Format::RootCar => format!("W/\"{name}.block.car\""),
    }
}

fn ok(format: Format, name: &str, size: Option<u64>, body: Body) -> Response {
    let (media_type, extension) = match format {
        Format::Raw => (super::format::RAW.to_owned(), "bin"),
        Format::Car | Format::EntityCar | Format::RootCar => {
            (format!("{}; version=1; order=dfs; dups=y", super::format::CAR), "car")
        }
    };
    let mut response = Response::new(body);
    put(&mut response, header::CONTENT_TYPE, media_type);
    put(&mut response, header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{extension}\""));
    put(&mut response, header::ETAG, etag(format, name));
    put(&mut response, header::CACHE_CONTROL, "public, max-age=29030400, immutable".to_owned());
    put(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned());
    put(&mut response, header::ACCEPT_RANGES, "none".to_owned());
    put(&mut response, header::VARY, "Accept".to_owned());
    put(&mut response, HeaderName::from_static("x-ipfs-path"), format!("/ipfs/{name}"));
    put(&mut response, HeaderName::from_static("x-ipfs-roots"), name.to_owned());
    if let Some(size) = size {
        put(&mut response, header::CONTENT_LENGTH, size.to_string());
    }
    response
}

/// Names and values here are made of printable ASCII; what is not is left out.
fn put(response: &mut Response, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}
