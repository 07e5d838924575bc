//! A gateway that fakes one blob.

use std::{io, net::SocketAddr};

use reqwest::Client;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use url::Url;

/// Passes every request on to an honest gateway, and changes a byte of each answer that contains a given text.
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
    pub async fn start(honest: Url, needle: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let client = Client::builder().no_proxy().build().expect("an HTTP client");
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (client, honest) = (client.clone(), honest.clone());
                // Who hangs up early is no matter of ours.
                tokio::spawn(async move { answer(stream, &client, &honest, needle).await.ok() });
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

/// One GET, one answer, and the connection is closed.
async fn answer(mut stream: TcpStream, client: &Client, honest: &Url, needle: &str) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split_whitespace().nth(1).unwrap_or("/");
    let accept = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("accept: ").map(str::to_owned));
    let url = honest.join(path).map_err(io::Error::other)?;
    let request = client.get(url).header("accept", accept.as_deref().unwrap_or("*/*"));
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
