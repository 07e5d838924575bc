//! A private Docker engine for tests.

use std::{
    env, fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};
use tempfile::TempDir;

use crate::{
    error::DevnetError,
    process::{Process, ProcessCommand},
};

const DEFAULT_SOCKET: &str = "/var/run/docker.sock";
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long it may take to end its containers and unmount what it mounted.
const STOP_LIMIT: Duration = Duration::from_secs(20);
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

/// The engine that this process' tests share, while one of them uses it.
static SHARED: Mutex<Weak<Docker>> = Mutex::new(Weak::new());

/// A Docker engine without network and with its data in a folder of its own, which goes with the last that uses it. Only
/// root can start one; for others it is the engine that runs on this machine.
#[derive(Debug)]
pub struct Docker {
    socket: PathBuf,
    private: Option<Private>,
}

#[derive(Debug)]
struct Private {
    process: Process,
    dir: TempDir,
}

impl Docker {
    /// The engine that the tests of this process share.
    ///
    /// # Errors
    /// If there is none, or it does not start.
    pub fn shared() -> Result<Arc<Self>, DevnetError> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Ok(running);
        }
        let started = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&started);
        Ok(started)
    }

    /// An engine of the caller's own, if there can be one.
    ///
    /// # Errors
    /// As [`shared`](Self::shared).
    pub fn start() -> Result<Self, DevnetError> {
        if !geteuid().is_root() {
            let host = env::var("DOCKER_HOST").unwrap_or_default();
            let socket = PathBuf::from(host.strip_prefix("unix://").unwrap_or(DEFAULT_SOCKET));
            return if answers(&socket) { Ok(Self { socket, private: None }) } else { Err(DevnetError::DockerMissing) };
        }
        let program = find_program().ok_or(DevnetError::DockerMissing)?;
        let dir = tempfile::Builder::new().prefix("aiigo-docker-").tempdir();
        let dir = dir.map_err(DevnetError::file("make a folder in", env::temp_dir()))?;
        let path = |name: &str| dir.path().join(name);
        // The machine's own settings are for the machine's own engine.
        fs::write(path("daemon.json"), "{}").map_err(DevnetError::file("write", path("daemon.json")))?;
        let socket = path("socket");
        let mut process = ProcessCommand::new("dockerd", program, path("log"))
            .arg("--config-file")
            .arg(path("daemon.json"))
            // It runs on any file system, also inside a container.
            .args(["--storage-driver=vfs", "--iptables=false", "--ip-forward=false", "--bridge=none"])
            .arg("--data-root")
            .arg(path("data"))
            .arg("--exec-root")
            .arg(path("exec"))
            .arg("--pidfile")
            .arg(path("pid"))
            .arg("--host")
            .arg(format!("unix://{}", socket.display()))
            .dir(dir.path())
            .spawn()?;
        process.wait_until(START_LIMIT, "its readiness", || answers(&socket))?;
        Ok(Self { socket, private: Some(Private { process, dir }) })
    }

    /// Where it listens, as `DOCKER_HOST` says it.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Where it keeps everything; unknown of an engine that is not the test's own.
    pub fn data_dir(&self) -> Option<PathBuf> {
        self.private.as_ref().map(|private| private.dir.path().join("data"))
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // Killed outright, it would leave its mounts and containers behind.
        let Ok(pid) = i32::try_from(self.process.id()) else { return };
        let asked = kill(Pid::from_raw(pid), Signal::SIGTERM);
        let deadline = Instant::now() + STOP_LIMIT;
        while asked.is_ok() && matches!(self.process.exit_status(), Ok(None)) {
            if Instant::now() >= deadline {
                tracing::warn!(name = self.process.name(), "did not leave in {} s: killing it", STOP_LIMIT.as_secs());
                return;
            }
            thread::sleep(PAUSE);
        }
    }
}

fn find_program() -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join("dockerd"))
        .find(|path| path.is_file())
}

/// Whether an engine answers at a socket.
fn answers(socket: &Path) -> bool {
    let ask = || {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        std::io::Result::Ok(answer)
    };
    ask().is_ok_and(|answer| answer.ends_with(b" 200"))
}
