//! As much of HTTP/1.1 as it takes to answer a client badly.

use std::io;

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// The longest body that is read, bytes.
const LONGEST: usize = 16 << 20;

/// What a client gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// A whole answer.
    Answer { status: u16, body: Vec<u8> },
    /// An answer that breaks off.
    Torn { body: Vec<u8> },
    /// The end of the connection.
    Closed,
    /// The end of what the server says, while it goes on listening.
    HalfClosed,
    /// Nothing.
    Silence,
}

/// A client.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// The body of the next request; `None` when the client has no more.
    pub(super) async fn request(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            if self.stream.read_line(&mut line).await? == 0 {
                return Ok(None);
            }
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().map_err(io::Error::other)?;
                }
                None if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        if length > LONGEST {
            return Err(io::Error::other("a body that is too long"));
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(Some(body))
    }

    /// Answers. Whether the client may ask again.
    pub(super) async fn reply(&mut self, reply: Reply) -> io::Result<bool> {
        match reply {
            Reply::Answer { status, body } => {
                self.write(status, body.len(), &body).await?;
                return Ok(true);
            }
            Reply::Torn { body } => self.write(200, body.len(), &body[..body.len() / 2]).await?,
            Reply::Closed => {}
            Reply::HalfClosed => {
                self.stream.get_mut().shutdown().await?;
                self.until_client_leaves().await?;
            }
            Reply::Silence => self.until_client_leaves().await?,
        }
        Ok(false)
    }

    async fn write(&mut self, status: u16, length: usize, body: &[u8]) -> io::Result<()> {
        let head = format!("HTTP/1.1 {status} \r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat()).await
    }

    async fn until_client_leaves(&mut self) -> io::Result<()> {
        let mut ignored = [0; 1024];
        while self.stream.read(&mut ignored).await? > 0 {}
        Ok(())
    }
}
