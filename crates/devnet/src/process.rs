//! A managed child process.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use url::Url;

use crate::{error::ProcessError, poll::Patience, spawner};

/// Lines of the log that an error quotes.
const TAIL_LINES: usize = 20;
/// Bytes at the end of the log that are searched for these lines.
const TAIL_BYTES: usize = 16 * 1024;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// How to start a process.
#[derive(Clone, Debug)]
pub struct ProcessCommand {
    name: String,
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    dir: Option<PathBuf>,
    stdout: Option<PathBuf>,
    log: PathBuf,
}

impl ProcessCommand {
    /// A process called `name` in messages, that writes stdout and stderr to the file `log`.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            dir: None,
            stdout: None,
            log: log.into(),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable: for secrets, which must not be seen in the process list.
    #[must_use]
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets the working folder.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Sends stdout to a file of its own: a result, apart from the log.
    #[must_use]
    pub fn stdout(mut self, file: impl Into<PathBuf>) -> Self {
        self.stdout = Some(file.into());
        self
    }

    /// The command as the standard library starts it, without its output's destination.
    ///
    /// The settings of the user's shell (`AIIGO_…`, `FOUNDRY_…`, …) are not those of a throwaway market.
    pub(crate) fn to_command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (key, _) in std::env::vars_os() {
            let text = key.to_string_lossy();
            if ["AIIGO_", "FOUNDRY_", "DAPP_", "ETH_", "ANVIL_"].iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(&key);
            }
        }
        command.args(&self.args).envs(self.env.iter().map(|(key, value)| (key, value))).stdin(Stdio::null());
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command
    }

    /// Starts the process in a process group of its own, so that a Ctrl-C at the terminal reaches only its parent.
    ///
    /// # Errors
    /// If the log file can't be written or the program not be started.
    pub fn spawn(&self) -> Result<Process, ProcessError> {
        let start_error =
            |source| ProcessError::Start { name: self.name.clone(), program: self.program.clone(), source };
        if let Some(parent) = self.log.parent() {
            fs::create_dir_all(parent).map_err(start_error)?;
        }
        // A restarted process goes on in the same log.
        let log = File::options().create(true).append(true).open(&self.log).map_err(start_error)?;
        let mut command = self.to_command();
        let stdout = match &self.stdout {
            Some(file) => File::create(file),
            None => log.try_clone(),
        };
        command.stdout(stdout.map_err(start_error)?).stderr(log).process_group(0);
        let child = spawner::spawn(command).map_err(start_error)?;
        tracing::debug!(name = self.name, pid = child.id(), "started");
        Ok(Process { name: self.name.clone(), log: self.log.clone(), child })
    }
}

/// A running child. Dropping it kills it; on Linux so does the end of this process, even by SIGKILL.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id, also its process group's.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it logs.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// How it ended, if it did.
    ///
    /// # Errors
    /// If the system won't say.
    pub fn exit_status(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        self.child.try_wait().map_err(|source| ProcessError::Control { name: self.name.clone(), source })
    }

    /// The last lines of its log.
    pub fn last_lines(&self) -> String {
        last_lines(&self.log)
    }

    /// Waits until `look` sees what it is waiting for, as long as the process lives and `limit` is not over.
    ///
    /// # Errors
    /// If the process ends first or the time does; the log's end is in the error.
    pub async fn wait_for<T, F, L>(&mut self, what: &str, limit: Duration, mut look: F) -> Result<T, ProcessError>
    where
        F: FnMut() -> L,
        L: Future<Output = Option<T>>,
    {
        let patience = Patience::new(limit);
        loop {
            // Its state first: what it did before it ended still counts.
            let status = self.exit_status()?;
            match (look().await, status) {
                (Some(seen), _) => return Ok(seen),
                (None, Some(status)) => return Err(self.ended(what, status)),
                (None, None) if patience.pause().await => {}
                (None, None) => return Err(self.not_ready(what, limit)),
            }
        }
    }

    /// As [`wait_for`](Self::wait_for), where nothing else can run meanwhile.
    pub(crate) fn wait_until(
        &mut self,
        limit: Duration,
        what: &str,
        look: impl Fn() -> bool,
    ) -> Result<(), ProcessError> {
        let deadline = Instant::now() + limit;
        loop {
            let status = self.exit_status()?;
            match (look(), status) {
                (true, _) => return Ok(()),
                (false, Some(status)) => return Err(self.ended(what, status)),
                (false, None) if Instant::now() < deadline => std::thread::sleep(PAUSE),
                (false, None) => return Err(self.not_ready(what, limit)),
            }
        }
    }

    fn ended(&self, what: &str, status: ExitStatus) -> ProcessError {
        ProcessError::Ended {
            name: self.name.clone(),
            status,
            what: what.to_owned(),
            log: self.log.clone(),
            tail: self.last_lines(),
        }
    }

    fn not_ready(&self, what: &str, limit: Duration) -> ProcessError {
        ProcessError::NotReady {
            name: self.name.clone(),
            what: what.to_owned(),
            seconds: limit.as_secs(),
            log: self.log.clone(),
            tail: self.last_lines(),
        }
    }

    /// Waits for the file in which a server writes the address it listens on.
    ///
    /// # Errors
    /// As [`wait_for`](Self::wait_for).
    pub async fn wait_for_address(&mut self, file: &Path, limit: Duration) -> Result<SocketAddr, ProcessError> {
        self.wait_for("its listen address", limit, async || fs::read_to_string(file).ok()?.trim().parse().ok()).await
    }

    /// Waits until `GET <base>/readyz` answers 200.
    ///
    /// # Errors
    /// As [`wait_for`](Self::wait_for).
    pub async fn wait_until_ready(&mut self, base: &Url, limit: Duration) -> Result<(), ProcessError> {
        let mut url = base.clone();
        url.set_path("/readyz");
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(2))
            .build()
            .map_err(|error| ProcessError::Control { name: self.name.clone(), source: io::Error::other(error) })?;
        self.wait_for("readiness (200 from /readyz)", limit, async || {
            let response = client.get(url.clone()).send().await.ok()?;
            response.status().is_success().then_some(())
        })
        .await
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// If it has not ended when `limit` is over.
    pub async fn wait_for_end(&mut self, limit: Duration) -> Result<ExitStatus, ProcessError> {
        let patience = Patience::new(limit);
        loop {
            if let Some(status) = self.exit_status()? {
                return Ok(status);
            }
            if !patience.pause().await {
                return Err(self.not_ready("its end", limit));
            }
        }
    }

    /// Kills it at once (SIGKILL), as a power failure would, and waits until it is gone.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        if let Err(error) = self.child.wait() {
            tracing::warn!(name = self.name, %error, "could not wait for a killed process");
        }
    }

    /// Asks it to leave (SIGTERM), and kills it if it has not left after `grace`.
    ///
    /// # Errors
    /// If the system won't say how it ended.
    pub async fn terminate(&mut self, grace: Duration) -> Result<ExitStatus, ProcessError> {
        self.signal(Signal::SIGTERM);
        match self.wait_for_end(grace).await {
            Err(ProcessError::NotReady { .. }) => {
                tracing::warn!(name = self.name, "did not leave in {} s: killing it", grace.as_secs());
                self.kill();
                self.child.wait().map_err(|source| ProcessError::Control { name: self.name.clone(), source })
            }
            ended => ended,
        }
    }

    /// Signals the whole group: a tool may have helpers of its own.
    fn signal(&mut self, signal: Signal) {
        // Once waited for, the id may belong to somebody else.
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let Ok(pid) = i32::try_from(self.child.id()) else { return };
        match killpg(Pid::from_raw(pid), signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => tracing::warn!(name = self.name, %error, "could not signal a process"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The end of a log file, at most [`TAIL_LINES`] lines.
pub(crate) fn last_lines(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let end = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
    let text = String::from_utf8_lossy(end);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn shell(script: &str, dir: &Path) -> Process {
        ProcessCommand::new("a script", "/bin/sh", dir.join("script.log"))
            .args(["-c", script])
            .spawn()
            .expect("a shell starts")
    }

    #[tokio::test]
    async fn a_process_that_ends_early_is_reported_with_its_last_words() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut process = shell("echo no port is free; exit 3", dir.path());
        let error = process.wait_for("a miracle", LIMIT, async || None::<()>).await.expect_err("it ends").to_string();
        assert!(error.contains("no port is free") && error.contains("exit status: 3"), "{error}");
    }

    #[tokio::test]
    async fn a_process_that_ignores_sigterm_is_killed() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut process = shell("trap '' TERM; echo armed; while :; do sleep 0.05; done", dir.path());
        let log = process.log().to_owned();
        process
            .wait_for("its trap", LIMIT, async || fs::read_to_string(&log).ok()?.contains("armed").then_some(()))
            .await
            .expect("the trap is set");
        let status = process.terminate(Duration::from_millis(200)).await.expect("an end");
        assert!(!status.success());
    }

    #[tokio::test]
    async fn the_address_file_tells_where_a_server_listens() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("address");
        let mut process = shell(&format!("echo 127.0.0.1:4350 > {}; sleep 60", file.display()), dir.path());
        let address = process.wait_for_address(&file, LIMIT).await.expect("an address");
        assert_eq!(address.port(), 4350);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_child_outlives_the_thread_that_asked_for_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().to_owned();
        let mut process = std::thread::spawn(move || shell("sleep 60", &path)).join().expect("the thread ends");
        assert!(process.exit_status().expect("a state").is_none(), "it died with the thread");
    }
}
