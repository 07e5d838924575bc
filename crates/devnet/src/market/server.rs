//! A program that listens.

use std::{fs, path::Path, time::Duration};

use url::Url;

use crate::{
    error::{DevnetError, ProcessError},
    process::{Process, ProcessCommand},
};

/// How long a server may take to listen. Generous: the machine may be busy with a compiler.
const LISTEN_LIMIT: Duration = Duration::from_secs(60);
/// How long it may take to say that it is ready: an agent first proves its power.
const READY_LIMIT: Duration = Duration::from_secs(180);
/// Programs promise to leave within 10 s.
const STOP_GRACE: Duration = Duration::from_secs(12);

/// A running program with its address.
#[derive(Debug)]
pub struct Server {
    process: Process,
    url: Url,
}

impl Server {
    /// Starts a server on a free port of 127.0.0.1 and waits until it listens.
    pub(super) async fn start(command: ProcessCommand, dir: &Path) -> Result<Self, DevnetError> {
        fs::create_dir_all(dir).map_err(DevnetError::file("create", dir))?;
        let address_file = dir.join("address");
        // The address of an earlier run would be believed.
        if address_file.exists() {
            fs::remove_file(&address_file).map_err(DevnetError::file("delete", &address_file))?;
        }
        let mut process = command.args(["--listen", "127.0.0.1:0", "--address-file"]).arg(&address_file).spawn()?;
        let address = process.wait_for_address(&address_file, LISTEN_LIMIT).await?;
        let url = Url::parse(&format!("http://{address}")).map_err(DevnetError::rpc("its own address"))?;
        Ok(Self { process, url })
    }

    /// `http://127.0.0.1:PORT/`.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Waits until `/readyz` answers 200.
    ///
    /// # Errors
    /// If the process ends first, or is not ready in three minutes.
    pub async fn ready(&mut self) -> Result<(), ProcessError> {
        self.process.wait_until_ready(&self.url, READY_LIMIT).await
    }

    /// Asks it to leave and waits until it has.
    ///
    /// # Errors
    /// If the system won't say how it ended.
    pub async fn stop(mut self) -> Result<(), ProcessError> {
        self.process.terminate(STOP_GRACE).await.map(|_| ())
    }
}
