//! A Kubo daemon, over its RPC: <https://docs.ipfs.tech/reference/kubo/rpc/>.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use reqwest::{Body, Response, StatusCode, header};
use serde::Deserialize;
use tokio::time::timeout;
use tokio_util::io::ReaderStream;
use url::Url;

use super::{
    ClientOptions, FetchError,
    attempt::root_cause,
    sink::{FileSink, Sink, Taken},
};
use crate::{
    BlobCid, BlobRef, cid_of_reader,
    dag::{IPFS, MAX_BLOCK_BYTES, Walk, WalkError},
};

/// Longest answer that is read where no block is expected, bytes.
const MAX_ANSWER: usize = 64 << 10;
/// Most that is told of a refusal, characters.
const MAX_MESSAGE: usize = 500;

/// Why a daemon does not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum KuboError {
    /// Nobody answers there, or not in time.
    #[error("cannot reach Kubo at {api} for {what}: {reason}")]
    Unreachable {
        /// The RPC's address.
        api: Box<Url>,
        /// What was asked.
        what: String,
        /// What went wrong.
        reason: String,
    },
    /// The daemon says no.
    #[error("Kubo at {api} refuses {what}: {message}")]
    Refused {
        /// The RPC's address.
        api: Box<Url>,
        /// What was asked.
        what: String,
        /// The status, and what the daemon says.
        message: String,
    },
    /// The daemon made another tree of the file, or the file changed meanwhile.
    #[error("Kubo at {api} made {made} of {path}, not {expected}; it is not pinned there")]
    Differs {
        /// The RPC's address.
        api: Box<Url>,
        /// The file.
        path: PathBuf,
        /// What the daemon says.
        made: String,
        /// What the file is.
        expected: BlobCid,
    },
    /// The daemon gave a block that is not what its CID says.
    #[error("Kubo at {api} gave another block than that of {cid}")]
    Tampered {
        /// The RPC's address.
        api: Box<Url>,
        /// The block.
        cid: BlobCid,
    },
    /// The file to store can't be read.
    #[error("cannot read {path}: {source}")]
    Source {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The blob is too large or no file of ours, or the file can't be written.
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

/// Blobs in a Kubo daemon, which is trusted with keeping them but not with what they are: every block is verified. The RPC
/// gives power over the whole daemon; it should be reachable from this machine only. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct KuboStore {
    http: reqwest::Client,
    api: Url,
    options: ClientOptions,
}

impl KuboStore {
    /// The daemon whose RPC is at this address, by default `http://127.0.0.1:5001`.
    ///
    /// # Errors
    /// If the system's TLS set-up can't be used.
    pub fn new(api: Url, options: ClientOptions) -> Result<Self, KuboError> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("aiigo/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(options.connect_timeout);
        let http = builder.build().map_err(|error| FetchError::Client(root_cause(&error)))?;
        Ok(Self { http, api, options })
    }

    /// Stores a file's content, and pins it.
    ///
    /// # Errors
    /// If the file can't be read or changes meanwhile, or the daemon does not store it, or stores it under another CID: it
    /// may be configured to.
    pub async fn put_file(&self, path: impl Into<PathBuf>) -> Result<BlobRef, KuboError> {
        let path = path.into();
        let fail = |source| KuboError::Source { path: path.clone(), source };
        let (blob, content) = opened(&path).await.map_err(fail)?;
        // No content contains its own hash.
        let boundary = format!("aiigo-{}", blob.cid);
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"blob\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        let around = |part: String| stream::once(async move { Ok::<_, io::Error>(Bytes::from(part)) });
        let content = ReaderStream::with_capacity(content, 256 << 10);
        let body = Body::wrap_stream(around(head).chain(content).chain(around(tail)));
        let query = "cid-version=1&raw-leaves=true&chunker=size-262144&hash=sha2-256&trickle=false&inline=false\
                     &wrap-with-directory=false&pin=true&quieter=true&progress=false";
        let what = format!("adding {}", path.display());
        let request = self
            .http
            .post(self.url("add", query))
            .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"))
            .body(body);
        let answer = self.send(request, &what, self.options.total_timeout).await?;
        // A line of JSON for each thing that was added; the last one is the file.
        let text = self.read(answer, &what, MAX_ANSWER).await?;
        let last = text.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty()).unwrap_or_default();
        let added: Added = serde_json::from_slice(last).map_err(|error| self.refused(&what, error))?;
        if added.hash != blob.cid.to_string() {
            let unpinned = self.call("pin/rm", &format!("arg={}", added.hash), "unpinning what it made").await;
            if let Err(error) = unpinned {
                tracing::warn!(%error, "what Kubo made of a file stays pinned there");
            }
            return Err(KuboError::Differs {
                api: self.api.clone().into(),
                path,
                made: added.hash,
                expected: blob.cid,
            });
        }
        Ok(blob)
    }

    /// Writes a blob's content to a file, which appears as a whole or not at all and replaces what was there. Every block
    /// is verified before it is written. The daemon looks for the blob in the network if it does not have it.
    ///
    /// # Errors
    /// If the daemon does not have and does not find it in time, gives something else, the blob has more than `max_size`
    /// bytes or is no file of ours, or the file can't be written.
    pub async fn fetch(&self, cid: &BlobCid, max_size: u64, destination: &Path) -> Result<BlobRef, KuboError> {
        let (mut walk, mut sink) = (Walk::new(IPFS, *cid, max_size), FileSink::begin(destination).await?);
        while let Some(next) = walk.next() {
            let block = self.block(&next).await?;
            let work = tokio::task::spawn_blocking(move || {
                let accepted = walk.accept(&block).map(|kind| Taken { cid: next, kind, path: None, block: &block });
                let result = accepted.map(|taken| sink.take(&taken));
                (walk, sink, result)
            });
            let result;
            (walk, sink, result) = match work.await {
                Ok(done) => done,
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => return Err(self.unreachable("fetching a blob", "the program is shutting down")),
            };
            result.map_err(|error| self.of_walk(error))??;
        }
        Ok(sink.finish(*cid).await?)
    }

    /// Pins a blob, of which the daemon fetches what it does not have.
    ///
    /// # Errors
    /// If the daemon does not do it in time.
    pub async fn pin(&self, cid: &BlobCid) -> Result<(), KuboError> {
        self.call("pin/add", &format!("arg={cid}&recursive=true"), &format!("pinning {cid}")).await.map(|_| ())
    }

    /// Unpins a blob.
    ///
    /// # Errors
    /// If it is not pinned, or the daemon does not do it in time.
    pub async fn unpin(&self, cid: &BlobCid) -> Result<(), KuboError> {
        self.call("pin/rm", &format!("arg={cid}&recursive=true"), &format!("unpinning {cid}")).await.map(|_| ())
    }

    async fn block(&self, cid: &BlobCid) -> Result<Bytes, KuboError> {
        let what = format!("getting the block {cid}");
        let request = self.http.post(self.url("block/get", &format!("arg={cid}")));
        let response = self.send(request, &what, self.options.block_timeout).await?;
        self.read(response, &what, MAX_BLOCK_BYTES).await
    }

    async fn call(&self, command: &str, query: &str, what: &str) -> Result<Bytes, KuboError> {
        let response = self.send(self.http.post(self.url(command, query)), what, self.options.total_timeout).await?;
        self.read(response, what, MAX_ANSWER).await
    }

    fn url(&self, command: &str, query: &str) -> Url {
        let mut url = self.api.clone();
        url.set_path(&format!("{}/api/v0/{command}", self.api.path().trim_end_matches('/')));
        url.set_query(Some(query));
        url
    }

    async fn send(
        &self,
        request: reqwest::RequestBuilder,
        what: &str,
        patience: Duration,
    ) -> Result<Response, KuboError> {
        let response =
            timeout(patience, request.send()).await.map_err(|_| self.unreachable(what, "no answer in time"))?;
        let response = response.map_err(|error| self.unreachable(what, root_cause(&error)))?;
        match response.status() {
            StatusCode::OK => Ok(response),
            status => {
                let message = self.read(response, what, MAX_ANSWER).await.unwrap_or_default();
                // Errors of commands are JSON, others plain text.
                let message = serde_json::from_slice(&message)
                    .map(|Refusal { message }| message)
                    .unwrap_or_else(|_| String::from_utf8_lossy(&message).into_owned());
                Err(self.refused(what, format!("{status}: {message}")))
            }
        }
    }

    /// The whole answer, if it is not too long.
    async fn read(&self, response: Response, what: &str, max: usize) -> Result<Bytes, KuboError> {
        let receive = async {
            let (mut pieces, mut answer) = (response.bytes_stream(), BytesMut::new());
            while let Some(piece) = pieces.next().await {
                answer.extend_from_slice(&piece.map_err(|error| self.unreachable(what, root_cause(&error)))?);
                if answer.len() > max {
                    return Err(self.refused(what, format!("it answers with more than {max} bytes")));
                }
            }
            Ok(answer.freeze())
        };
        let received = timeout(self.options.total_timeout, receive).await;
        received.map_err(|_| self.unreachable(what, "the answer does not end"))?
    }

    fn of_walk(&self, error: WalkError) -> KuboError {
        match error {
            WalkError::Tampered(cid) => KuboError::Tampered { api: self.api.clone().into(), cid },
            WalkError::Layout(cid) => FetchError::Layout(cid).into(),
            WalkError::TooLarge { cid, size, max } => FetchError::TooLarge { cid, size, max }.into(),
            WalkError::Folder { cid, fault } => FetchError::Folder { cid, fault }.into(),
        }
    }

    fn unreachable(&self, what: &str, reason: impl ToString) -> KuboError {
        KuboError::Unreachable { api: self.api.clone().into(), what: what.to_owned(), reason: reason.to_string() }
    }

    fn refused(&self, what: &str, message: impl ToString) -> KuboError {
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let message = message.to_string().trim().chars().take(MAX_MESSAGE).map(plain).collect();
        KuboError::Refused { api: self.api.clone().into(), what: what.to_owned(), message }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Added {
    hash: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refusal {
    message: String,
}

/// What a file is, and the file from its beginning.
async fn opened(path: &Path) -> io::Result<(BlobRef, tokio::fs::File)> {
    let file = path.to_owned();
    let work = tokio::task::spawn_blocking(move || cid_of_reader(fs::File::open(file)?));
    let blob = match work.await {
        Ok(blob) => blob?,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => return Err(io::Error::other("the program is shutting down")),
    };
    Ok((blob, tokio::fs::File::open(path).await?))
}
