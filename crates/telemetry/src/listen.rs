//! Where a server listens, and how others learn of it.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::Args;
use tokio::net::TcpListener;

use crate::TelemetryError;

/// Flags of every server. The program sets the default port by `mut_arg("listen", …)` or passes it to [`ListenArgs::bind`].
#[derive(Args, Clone, Debug, Default)]
pub struct ListenArgs {
    /// Address to listen on; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", env = "AIIGO_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// File that gets the real address once the server listens.
    #[arg(long, value_name = "FILE", env = "AIIGO_ADDRESS_FILE")]
    pub address_file: Option<PathBuf>,
}

/// A bound socket and its real address.
#[derive(Debug)]
pub struct Listener {
    /// The socket, for `axum::serve`.
    pub socket: TcpListener,
    /// The real address: the port is never 0.
    pub address: SocketAddr,
}

impl ListenArgs {
    /// Where a server with the same flags listens: its address file says it, else `--listen`, else `default_port` of
    /// 127.0.0.1.
    ///
    /// # Errors
    /// If the address file can't be read or holds no address.
    pub fn address(&self, default_port: u16) -> Result<SocketAddr, TelemetryError> {
        let Some(path) = &self.address_file else { return Ok(self.wanted(default_port)) };
        let failed = |source| TelemetryError::AddressFile { path: path.clone(), source };
        let text = fs::read_to_string(path).map_err(failed)?;
        text.trim().parse().map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidData, error)))
    }

    fn wanted(&self, default_port: u16) -> SocketAddr {
        self.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], default_port)))
    }

    /// Binds to `--listen`, else to 127.0.0.1 and `default_port`, and writes the address file.
    ///
    /// # Errors
    /// If the address is taken or not ours, or the file can't be written.
    pub async fn bind(&self, default_port: u16) -> Result<Listener, TelemetryError> {
        let wanted = self.wanted(default_port);
        let failed = |source| TelemetryError::Listen { address: wanted, source };
        if let Some(path) = &self.address_file {
            // An address from an earlier run would mislead whoever waits for this one.
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(TelemetryError::AddressFile { path: path.clone(), source: error });
                }
                _ => {}
            }
        }
        let socket = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        if let Some(path) = &self.address_file {
            write_address(path, address)
                .map_err(|source| TelemetryError::AddressFile { path: path.clone(), source })?;
        }
        tracing::info!(%address, "listening");
        Ok(Listener { socket, address })
    }
}

/// Whoever waits for the file never sees half of it.
fn write_address(path: &Path, address: SocketAddr) -> io::Result<()> {
    let mut half = path.as_os_str().to_owned();
    half.push(format!(".{}", std::process::id()));
    fs::write(&half, address.to_string())?;
    fs::rename(&half, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_address_file_names_the_real_port() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("address");
        let listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = ListenArgs { listen, address_file: Some(file.clone()) }.bind(1).await.expect("a free port");
        assert_ne!(listener.address.port(), 0);
        assert_eq!(fs::read_to_string(&file).expect("the file"), listener.address.to_string());
        let seeker = ListenArgs { listen: None, address_file: Some(file) };
        assert_eq!(seeker.address(1).expect("the file"), listener.address);
    }

    #[tokio::test]
    async fn an_address_of_an_earlier_run_is_gone_while_there_is_no_new_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("address");
        fs::write(&file, "127.0.0.1:1").expect("the file");
        let listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        let first = ListenArgs { listen, address_file: None }.bind(1).await.expect("a free port");
        let taken = ListenArgs { listen: Some(first.address), address_file: Some(file.clone()) };
        taken.bind(1).await.expect_err("taken");
        assert!(!file.exists());
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_the_way_out() {
        let listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        let first = ListenArgs { listen, address_file: None }.bind(1).await.expect("a free port");
        let error = ListenArgs { listen: Some(first.address), address_file: None }.bind(1).await.expect_err("taken");
        let text = error.to_string();
        assert!(text.contains(&first.address.to_string()) && text.contains("--listen"), "{text}");
    }
}
