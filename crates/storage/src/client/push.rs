//! A delivery to a gateway that takes it.

use std::{path::Path, time::Duration};

use alloy::primitives::hex;
use reqwest::{Body, Response, StatusCode, header};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::io::ReaderStream;

use super::{Attempt, GatewayClient, PushError, attempt::root_cause, source::url_of};
use crate::{
    GatewayUrl, SignedGrant,
    gateway::{CHAIN_ID, EXPIRES, SIGNATURE, SIZE, TASK_ID},
};

/// Rounds over the gateways for troubles that may pass.
const MAX_ROUNDS: u32 = 4;
/// Rest between two rounds, times the round.
const REST: Duration = Duration::from_millis(500);
/// Most that is read of a refusal, bytes.
const MAX_MESSAGE: usize = 500;

/// Why a gateway did not take it.
struct Refused {
    reason: String,
    lasting: bool,
}

pub(super) async fn push(client: &GatewayClient, file: &Path, signed: &SignedGrant) -> Result<GatewayUrl, PushError> {
    let cid = signed.grant.cid;
    let size =
        tokio::fs::metadata(file).await.map_err(|source| PushError::Source { path: file.to_owned(), source })?.len();
    if size != signed.grant.size {
        return Err(PushError::WrongSize { path: file.to_owned(), size, granted: signed.grant.size });
    }
    let deadline = Instant::now() + client.options.total_timeout;
    let mut attempts = Vec::new();
    match timeout_at(deadline, rounds(client, file, signed, &mut attempts)).await {
        Ok(result) => result,
        Err(_) => Err(PushError::TooSlow { cid, after: client.options.total_timeout, attempts }),
    }
}

async fn rounds(
    client: &GatewayClient,
    file: &Path,
    signed: &SignedGrant,
    attempts: &mut Vec<Attempt>,
) -> Result<GatewayUrl, PushError> {
    let cid = signed.grant.cid;
    let mut gateways: Vec<&GatewayUrl> = client.gateways.iter().collect();
    for round in 0..MAX_ROUNDS {
        if round > 0 {
            sleep(REST * round).await;
        }
        let mut may_change = Vec::new();
        for gateway in gateways {
            let Refused { reason, lasting } = match once(client, gateway, file, signed).await? {
                Ok(()) => return Ok(gateway.clone()),
                Err(refused) => refused,
            };
            tracing::warn!(%gateway, %cid, %reason, "a gateway did not take a push");
            let attempt = Attempt { gateway: gateway.clone(), reason, tampered: false };
            if !attempts.contains(&attempt) {
                attempts.push(attempt);
            }
            if !lasting {
                may_change.push(gateway);
            }
        }
        gateways = may_change;
        if gateways.is_empty() {
            break;
        }
    }
    Err(PushError::Failed { cid, attempts: std::mem::take(attempts) })
}

async fn once(
    client: &GatewayClient,
    gateway: &GatewayUrl,
    file: &Path,
    signed: &SignedGrant,
) -> Result<Result<(), Refused>, PushError> {
    let grant = &signed.grant;
    let url = match url_of(client, gateway, &grant.cid, "") {
        Ok(url) => url,
        Err(reason) => return Ok(Err(Refused { reason, lasting: true })),
    };
    let content =
        tokio::fs::File::open(file).await.map_err(|source| PushError::Source { path: file.to_owned(), source })?;
    let request = client
        .http
        .put(url)
        .header(CHAIN_ID, grant.chain_id)
        .header(TASK_ID, grant.task_id.to_string())
        .header(SIZE, grant.size)
        .header(EXPIRES, grant.expires)
        .header(SIGNATURE, hex::encode_prefixed(signed.signature.as_bytes()))
        .header(header::CONTENT_LENGTH, grant.size)
        .body(Body::wrap_stream(ReaderStream::with_capacity(content, 256 << 10)));
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Ok(Err(Refused { reason: root_cause(&error), lasting: false })),
    };
    Ok(match response.status() {
        StatusCode::OK | StatusCode::CREATED => Ok(()),
        status => {
            let lasting = !status.is_server_error()
                && !matches!(
                    status,
                    StatusCode::CONFLICT | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
                );
            Err(Refused { reason: format!("it answers {status}: {}", message(response).await), lasting })
        }
    })
}

/// The beginning of a refusal, as one line of plain text.
async fn message(mut response: Response) -> String {
    let mut text = Vec::new();
    while text.len() < MAX_MESSAGE {
        match response.chunk().await {
            Ok(Some(piece)) => text.extend_from_slice(&piece),
            _ => break,
        }
    }
    text.truncate(MAX_MESSAGE);
    String::from_utf8_lossy(&text).trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
