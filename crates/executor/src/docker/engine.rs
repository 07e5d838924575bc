//! The Docker engine: the connection, and whether it can keep the limits.

use std::{fmt, str::FromStr, time::Duration};

use aiigo_task::MAX_SECONDS;
use bollard::{API_DEFAULT_VERSION, Docker, errors::Error};

use crate::ExecutorError;

/// Where engines listen unless told otherwise.
const DEFAULT_SOCKET: &str = "unix:///var/run/docker.sock";
/// Longest wait for an answer, seconds.
const TIMEOUT: u64 = 120;
/// Longest wait for the answers that come when a program has ended.
const PATIENCE: Duration = Duration::from_secs(MAX_SECONDS + 24 * 3600);

/// The name under which NVIDIA's toolkit makes itself known to an engine.
const NVIDIA_RUNTIME: &str = "nvidia";

/// Where the engine listens: a socket (`/run/docker.sock`, `unix://…`), `tcp://HOST:PORT`, or `auto`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerHost(String);

impl DockerHost {
    /// `DOCKER_HOST` of the environment, else the usual socket.
    pub fn auto() -> Self {
        let set = std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty());
        Self(set.unwrap_or_else(|| DEFAULT_SOCKET.to_owned()))
    }
}

impl FromStr for DockerHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::auto()),
            path if path.starts_with('/') => Ok(Self(format!("unix://{path}"))),
            host if host.starts_with("unix:///") || host.starts_with("tcp://") => Ok(Self(host.to_owned())),
            other => Err(format!("`{other}`: expected auto, the path of a socket, unix:///PATH or tcp://HOST:PORT")),
        }
    }
}

impl fmt::Display for DockerHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What an engine says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineReport {
    /// Its version.
    pub version: String,
    /// Limits that it can't keep; with any of them no program runs on it.
    pub lacks: Vec<&'static str>,
    /// Protections that it does not have; programs run without them.
    pub misses: Vec<&'static str>,
    /// Whether it knows how to give GPUs to containers.
    pub gpus: bool,
    /// Memory of its machine, bytes.
    pub memory_bytes: u64,
    /// Processors of its machine.
    pub cpus: u32,
}

/// A connected engine.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    pub(super) docker: Docker,
    /// The same for answers that take as long as a program.
    pub(super) patient: Docker,
    pub(super) report: EngineReport,
    pub(super) private_cgroups: bool,
}

impl Engine {
    /// Connects, and looks at what the engine can do.
    pub(super) async fn connect(host: &DockerHost) -> Result<Self, ExecutorError> {
        let reaching = || format!("reaching it at {host}");
        let docker = match host.0.strip_prefix("unix://") {
            Some(_) => Docker::connect_with_unix(&host.0, TIMEOUT, API_DEFAULT_VERSION),
            None => Docker::connect_with_http(&host.0, TIMEOUT, API_DEFAULT_VERSION),
        };
        let docker = docker.doing(reaching)?.negotiate_version().await.doing(reaching)?;
        let info = docker.info().await.doing(reaching)?;
        let has = |flag: Option<bool>| flag.unwrap_or_default();
        let protections = info.security_options.unwrap_or_default();
        let protected = |name: &str| protections.iter().any(|option| option.starts_with(name));
        let lacks = [
            (info.os_type.as_deref() == Some("linux"), "Linux containers"),
            (has(info.memory_limit), "memory limits"),
            (has(info.pids_limit), "limits of processes"),
            (has(info.cpu_cfs_quota), "limits of processors"),
        ];
        let misses = [
            (has(info.swap_limit), "limits of swap: a program may use this machine's"),
            (protected("name=seccomp"), "seccomp: programs may make every system call"),
        ];
        let absent = |all: &[(bool, &'static str)]| {
            all.iter().filter(|(present, _)| !present).map(|(_, name)| *name).collect::<Vec<_>>()
        };
        let report = EngineReport {
            version: info.server_version.unwrap_or_default(),
            lacks: absent(&lacks),
            misses: absent(&misses),
            gpus: info.runtimes.is_some_and(|runtimes| runtimes.contains_key(NVIDIA_RUNTIME))
                || info.discovered_devices.is_some_and(|devices| !devices.is_empty()),
            memory_bytes: info.mem_total.and_then(|bytes| bytes.try_into().ok()).unwrap_or_default(),
            cpus: info.ncpu.and_then(|count| count.try_into().ok()).unwrap_or(1),
        };
        let patient = docker.clone().with_timeout(PATIENCE);
        Ok(Self { docker, patient, report, private_cgroups: protected("name=cgroupns") })
    }
}

/// What was being done when the engine failed.
pub(super) trait Doing<T> {
    fn doing<S: Into<String>>(self, what: impl FnOnce() -> S) -> Result<T, ExecutorError>;
}

impl<T> Doing<T> for Result<T, Error> {
    fn doing<S: Into<String>>(self, what: impl FnOnce() -> S) -> Result<T, ExecutorError> {
        self.map_err(|error| ExecutorError::Docker { what: what().into(), reason: reason_of(&error) })
    }
}

/// What the engine said, without the client's words around it.
pub(super) fn reason_of(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        other => {
            let mut text = other.to_string();
            let mut cause = std::error::Error::source(other);
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            text
        }
    }
}

/// Whether the engine answered with this HTTP status.
pub(super) fn has_status(error: &Error, status: u16) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code, .. } if *status_code == status)
}
