//! A server that fakes one answer.

use std::{io, net::SocketAddr};

use reqwest::Client;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use url::Url;

/// Passes every request on to an honest server, and changes a byte of each answer that contains a given text.
#[derive(Debug)]
pub struct LyingGateway {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl LyingGateway {
    /// Starts in front of `honest`.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start(honest: Url, needle: impl Into<String>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let needle = needle.into();
        let client = Client::builder().no_proxy().build().expect("an HTTP client");
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (client, honest, needle) = (client.clone(), honest.clone(), needle.clone());
                // Who hangs up early is no matter of ours.
                tokio::spawn(async move { answer(stream, &client, &honest, &needle).await.ok() });
            }
        });
        Self { address, server }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for LyingGateway {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// One request, one answer, and the connection is closed.
async fn answer(mut stream: TcpStream, client: &Client, honest: &Url, needle: &str) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut first = head.split_whitespace();
    let (method, path) = (first.next().unwrap_or("GET"), first.next().unwrap_or("/"));
    let header = |name: &str| {
        let name = format!("{name}: ");
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix(&name).map(str::to_owned))
    };
    let mut asked = vec![0; header("content-length").and_then(|length| length.parse().ok()).unwrap_or_default()];
    stream.read_exact(&mut asked).await?;
    let url = honest.join(path).map_err(io::Error::other)?;
    let mut request = client.request(method.parse().map_err(io::Error::other)?, url).body(asked);
    for name in ["accept", "content-type"] {
        request = request.header(name, header(name).as_deref().unwrap_or("*/*"));
    }
    let response = request.send().await.map_err(io::Error::other)?;
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or("").to_owned();
    let mut body = response.bytes().await.map_err(io::Error::other)?.to_vec();
    if let Some(at) = body.windows(needle.len()).position(|window| window == needle.as_bytes()) {
        body[at] ^= 1;
    }
    let head = format!(
        "HTTP/1.1 {status} -\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await
}
