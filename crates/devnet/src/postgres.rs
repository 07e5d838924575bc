//! A private PostgreSQL server for tests.

use std::{
    env, fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use nix::unistd::geteuid;
use tempfile::TempDir;
use url::Url;

use crate::{
    error::DevnetError,
    process::{Process, ProcessCommand},
};

/// Where Debian puts the server's programs, by version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Who runs the server where root would: it refuses to run as root. The number of `nobody` on Linux.
const NOBODY: u32 = 65_534;
const USER: &str = "aiigo";
const START_LIMIT: Duration = Duration::from_secs(60);

/// The server that this process' tests share, while one of them uses it.
static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());

/// Settings of a server that is quick to write.
const QUICK: &[&str] = &["-c", "fsync=off", "-c", "full_page_writes=off"];

/// A PostgreSQL server on a socket in a folder of its own, which goes with the last that uses it.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    /// Whether what it holds survives a power failure.
    is_durable: bool,
    process: Process,
    dir: TempDir,
}

impl Postgres {
    /// The server that the tests of this process share.
    ///
    /// # Errors
    /// If PostgreSQL is not installed, or does not start.
    pub fn shared() -> Result<Arc<Self>, DevnetError> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Ok(running);
        }
        let started = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&started);
        Ok(started)
    }

    /// A server of the caller's own. What it holds does not survive a power failure, and is quick to write.
    ///
    /// # Errors
    /// As [`shared`](Self::shared).
    pub fn start() -> Result<Self, DevnetError> {
        Self::begin(false)
    }

    /// A server that writes as one in production does, to measure it.
    ///
    /// # Errors
    /// As [`shared`](Self::shared).
    pub fn durable() -> Result<Self, DevnetError> {
        Self::begin(true)
    }

    fn begin(is_durable: bool) -> Result<Self, DevnetError> {
        let programs = find_programs()?;
        let dir = tempfile::Builder::new().prefix("aiigo-postgres-").tempdir();
        let dir = dir.map_err(DevnetError::file("make a folder in", env::temp_dir()))?;
        if geteuid().is_root() {
            chown(dir.path(), Some(NOBODY), Some(NOBODY)).map_err(DevnetError::file("give away", dir.path()))?;
        }
        let data = dir.path().join("data");
        let mut initdb = as_nobody(&programs.join("initdb"));
        initdb.args((!is_durable).then_some("--no-sync"));
        initdb.args(["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--username", USER, "-D"]);
        finish(initdb.arg(&data).current_dir(dir.path()), "initdb")?;

        let process = serve(&programs, is_durable, dir.path())?;
        Ok(Self { programs, is_durable, process, dir })
    }

    /// Stops it at once, as a crash would.
    ///
    /// # Errors
    /// If it can't be stopped.
    pub fn stop(&mut self) -> Result<(), DevnetError> {
        let mut command = as_nobody(&self.programs.join("pg_ctl"));
        command.args(["stop", "--silent", "-m", "immediate", "-D"]).arg(self.dir.path().join("data"));
        finish(command.current_dir(self.dir.path()), "pg_ctl")
    }

    /// Goes on after [`stop`](Self::stop), with what it holds.
    ///
    /// # Errors
    /// If it does not start.
    pub fn resume(&mut self) -> Result<(), DevnetError> {
        self.process = serve(&self.programs, self.is_durable, self.dir.path())?;
        Ok(())
    }

    /// Makes an empty database, and tells its URL.
    ///
    /// # Errors
    /// If there is one of that name.
    pub fn database(&self, name: &str) -> Result<Url, DevnetError> {
        self.client("createdb", name)?;
        let mut url: Url = format!("postgres://{USER}@localhost/{name}").parse().map_err(|error| {
            DevnetError::Postgres { what: format!("the database {name}"), reason: format!("{error}") }
        })?;
        url.query_pairs_mut().append_pair("host", &self.dir.path().to_string_lossy());
        Ok(url)
    }

    /// Removes a database that nobody is connected to.
    ///
    /// # Errors
    /// If there is none of that name, or somebody uses it.
    pub fn remove(&self, name: &str) -> Result<(), DevnetError> {
        self.client("dropdb", name)
    }

    fn client(&self, program: &str, database: &str) -> Result<(), DevnetError> {
        let mut command = Command::new(self.programs.join(program));
        finish(command.arg("-h").arg(self.dir.path()).args(["-U", USER, database]), program)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Killed outright, it would leave its shared memory behind.
        if let Err(error) = self.stop() {
            tracing::warn!(%error, name = self.process.name(), "killing it");
        }
    }
}

/// Starts the server on the data in the folder.
fn serve(programs: &Path, is_durable: bool, dir: &Path) -> Result<Process, DevnetError> {
    let log = dir.join("log");
    let said = || fs::read_to_string(&log).unwrap_or_default().matches("ready to accept connections").count();
    let before = said();
    let server = as_nobody(&programs.join("postgres"));
    let mut process = ProcessCommand::new("PostgreSQL", server.get_program(), &log)
        .args(server.get_args())
        .args(if is_durable { &[] } else { QUICK })
        .args(["-c", "listen_addresses=", "-c", "max_connections=300", "-k"])
        .arg(dir)
        .arg("-D")
        .arg(dir.join("data"))
        .dir(dir)
        .spawn()?;
    process.wait_until(START_LIMIT, "its readiness", || said() > before)?;
    Ok(process)
}

/// The folder of the server's programs: of those on PATH, else the newest of Debian's.
fn find_programs() -> Result<PathBuf, DevnetError> {
    let has_all = |folder: &PathBuf| {
        ["initdb", "postgres", "pg_ctl", "createdb", "dropdb"].iter().all(|name| folder.join(name).is_file())
    };
    let on_path = env::var_os("PATH").iter().flat_map(env::split_paths).find(has_all);
    let version = |folder: &PathBuf| folder.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let mut versions: Vec<PathBuf> =
        fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    versions.sort_by_key(version);
    let debian = || versions.into_iter().rev().map(|folder| folder.join("bin")).find(has_all);
    on_path.or_else(debian).ok_or(DevnetError::PostgresMissing)
}

/// A command that root does not run itself. On Linux it is told when this process ends, however it ends.
fn as_nobody(program: &Path) -> Command {
    if !geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    let nobody = NOBODY.to_string();
    command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", "--pdeathsig", "QUIT", "--"]).arg(program);
    command
}

fn finish(command: &mut Command, name: &str) -> Result<(), DevnetError> {
    let failed = |reason: String| DevnetError::Postgres { what: name.to_owned(), reason };
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}
