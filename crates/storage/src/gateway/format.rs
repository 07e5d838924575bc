//! Which form of a blob a request asks for.

use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use super::refusal::Refusal;

pub(crate) const RAW: &str = "application/vnd.ipld.raw";
pub(crate) const CAR: &str = "application/vnd.ipld.car";

/// The parameters of the specification that matter here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Parameters {
    format: Option<String>,
    dag_scope: Option<String>,
    entity_bytes: Option<String>,
    car_version: Option<String>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// The block of the CID.
    Raw,
    /// All blocks of the file, or of the folder and all below it, depth first.
    Car,
    /// All blocks of the file, or the folder's own.
    EntityCar,
    /// A CAR with nothing but the root block.
    RootCar,
}

impl Format {
    pub(super) fn of(parameters: &Parameters, headers: &HeaderMap) -> Result<Self, Refusal> {
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        // `format` is the clearer word, and stands in cache keys: it goes before `Accept`.
        match parameters.format.as_deref() {
            Some("raw") => Ok(Self::Raw),
            Some("car") => Self::car(parameters),
            Some(_) => Err(not_acceptable()),
            None => match first_known(accepted.flat_map(|value| value.split(',')))? {
                Known::Raw => Ok(Self::Raw),
                Known::Car => Self::car(parameters),
            },
        }
    }

    fn car(parameters: &Parameters) -> Result<Self, Refusal> {
        if parameters.car_version.as_deref().is_some_and(|version| version != "1") {
            return Err(Refusal::bad_request("only version 1 of the CAR format is served"));
        }
        if parameters.entity_bytes.is_some() {
            return Err(Refusal::bad_request(
                "`entity-bytes` is not supported: ask for the blocks that you need one by one",
            ));
        }
        match parameters.dag_scope.as_deref() {
            None | Some("all") => Ok(Self::Car),
            Some("entity") => Ok(Self::EntityCar),
            Some("block") => Ok(Self::RootCar),
            Some(_) => Err(Refusal::bad_request("`dag-scope` must be block, entity or all")),
        }
    }
}

enum Known {
    Raw,
    Car,
}

/// The first media type of an `Accept` header that is served here. Types without a `q` are equally welcome, and nobody asks
/// for blocks by weights.
fn first_known<'a>(types: impl Iterator<Item = &'a str>) -> Result<Known, Refusal> {
    let mut asked = false;
    for entry in types {
        let mut parts = entry.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let refused = |part: &str| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key.trim() {
                "q" => value.trim().parse() == Ok(0.0),
                "version" => value.trim() != "1",
                _ => false,
            }
        };
        if parts.any(refused) {
            asked = true;
            continue;
        }
        if name.eq_ignore_ascii_case(RAW) {
            return Ok(Known::Raw);
        }
        if name.eq_ignore_ascii_case(CAR) {
            return Ok(Known::Car);
        }
        asked |= !name.is_empty() && name != "*/*";
    }
    if asked { Err(not_acceptable()) } else { Err(Refusal::bad_request(HELP)) }
}

const HELP: &str = "this is a trustless gateway: ask for one block with ?format=raw or `Accept: application/vnd.ipld.raw`, \
     for all blocks of a file or folder with ?format=car or `Accept: application/vnd.ipld.car`";

fn not_acceptable() -> Refusal {
    Refusal::new(StatusCode::NOT_ACCEPTABLE, HELP)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn ask(query: &str, accept: Option<&str>) -> Result<Format, u16> {
        let uri = format!("http://g/ipfs/x?{query}").parse().unwrap();
        let axum::extract::Query(parameters) = axum::extract::Query::try_from_uri(&uri).unwrap();
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, accept.parse().unwrap());
        }
        Format::of(&parameters, &headers).map_err(|refusal| refusal.into_response().status().as_u16())
    }

    #[test]
    fn both_ways_to_ask_are_understood() {
        assert_eq!(ask("format=raw", None), Ok(Format::Raw));
        assert_eq!(ask("format=car", Some(RAW)), Ok(Format::Car));
        assert_eq!(ask("", Some(RAW)), Ok(Format::Raw));
        assert_eq!(ask("", Some("application/vnd.ipld.car; version=1; order=dfs; dups=y")), Ok(Format::Car));
        assert_eq!(ask("", Some("text/html, application/vnd.ipld.car;q=0.5")), Ok(Format::Car));
        assert_eq!(ask("format=car&dag-scope=block", None), Ok(Format::RootCar));
        assert_eq!(ask("format=car&dag-scope=entity", None), Ok(Format::EntityCar));
    }

    #[test]
    fn what_is_not_served_is_refused() {
        assert_eq!(ask("", None), Err(400));
        assert_eq!(ask("", Some("*/*")), Err(400));
        assert_eq!(ask("", Some("text/html")), Err(406));
        assert_eq!(ask("format=tar", None), Err(406));
        assert_eq!(ask("", Some("application/vnd.ipld.car; version=2")), Err(406));
        assert_eq!(ask("", Some("application/vnd.ipld.raw;q=0")), Err(406));
        assert_eq!(ask("format=car&car-version=2", None), Err(400));
        assert_eq!(ask("format=car&entity-bytes=0:9", None), Err(400));
        assert_eq!(ask("format=car&dag-scope=some", None), Err(400));
    }
}
