//! Where commands are run from: the market's settings in their environment.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use url::Url;

use super::program::{Finished, Program, shown};
use crate::{account::Account, error::DevnetError, process::ProcessCommand};

/// How long a command may take: a job's whole life, with a machine that is busy.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs commands against a market as it was when the desk was asked for.
#[derive(Clone, Debug)]
pub struct Desk {
    pub(super) bin_dir: PathBuf,
    /// Outputs of commands, kept for whoever looks for a fault.
    pub(super) dir: PathBuf,
    pub(super) data_dir: PathBuf,
    pub(super) store_dir: PathBuf,
    pub(super) rpc_url: Url,
    pub(super) deployment: PathBuf,
    pub(super) indexer: Option<Url>,
    pub(super) count: Arc<AtomicU32>,
}

impl Desk {
    /// Runs a program to its end; without an account it gets no key.
    ///
    /// # Errors
    /// If it can't be started or does not end in five minutes. A failure of the command is no error here.
    pub async fn run<S: AsRef<OsStr>>(
        &self,
        program: Program,
        account: Option<&Account>,
        args: impl IntoIterator<Item = S>,
    ) -> Result<Finished, DevnetError> {
        let args: Vec<OsString> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        let command = shown(program, &args);
        fs::create_dir_all(&self.dir).map_err(DevnetError::file("create", &self.dir))?;
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let stdout = self.dir.join(format!("{number:03}-{}.out", program.name()));
        let stderr = stdout.with_extension("err");
        let mut process =
            ProcessCommand::new(&command, program.find(&self.bin_dir)?, &stderr).args(&args).stdout(&stdout);
        for (name, value) in self.environment(account) {
            process = process.env(name, value);
        }
        let status = process.spawn()?.wait_for_end(LIMIT).await?;
        let read = |path: &Path| fs::read_to_string(path).map_err(DevnetError::file("read", path));
        Ok(Finished { command, status, stdout: read(&stdout)?, stderr: read(&stderr)? })
    }

    /// The market's settings as every program reads them; with an account, its key.
    pub fn environment(&self, account: Option<&Account>) -> Vec<(&'static str, OsString)> {
        let mut settings: Vec<(&'static str, OsString)> =
            vec![("AIIGO_RPC_URL", self.rpc_url.as_str().into()), ("AIIGO_DEPLOYMENT", self.deployment.clone().into())];
        settings.extend(account.map(|account| ("AIIGO_PRIVATE_KEY", account.private_key().into())));
        settings.extend(self.indexer.as_ref().map(|url| ("AIIGO_INDEXER_URL", url.as_str().into())));
        settings.push(("AIIGO_STORE", self.store_dir.clone().into()));
        settings.push(("AIIGO_DATA_DIR", self.data_dir.clone().into()));
        settings
    }
}
