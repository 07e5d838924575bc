//! `pause` and `resume`: whether new tasks are taken. They ask no chain, and a running agent obeys at the next block.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::Report;
use crate::{
    data_dir::DataDir,
    error::AgentError,
    store::{Mode, Store},
};

/// Where an agent keeps its data.
#[derive(Args, Clone, Debug)]
pub(super) struct FolderArgs {
    /// Folder for the agent's memory and files; one node each.
    #[arg(long, env = "AIIGO_DATA_DIR", value_name = "DIR", default_value_os_t = DataDir::default_path())]
    pub(super) data_dir: PathBuf,
}

/// What the agent was told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ModeReport {
    mode: &'static str,
    before: &'static str,
    /// Whether an agent works in the folder and hears of it now.
    running: bool,
}

/// Tells the agent of a folder what to do.
pub(super) async fn set(args: &FolderArgs, mode: Mode) -> Result<ModeReport, AgentError> {
    let data = DataDir::open(&args.data_dir)?;
    let store = Store::open(&data.database()).await?;
    let before = store.mode().await?;
    store.set_mode(mode).await?;
    Ok(ModeReport { mode: mode.name(), before: before.name(), running: data.is_locked()? })
}

impl Report for ModeReport {
    fn text(&self) -> String {
        let now = match (self.mode == Mode::Working.name(), self.running) {
            (true, true) if self.before == Mode::Leaving.name() => {
                "Takes tasks again. The node may be offline: start `aiigo-agent run` anew to bring it back.".into()
            }
            (true, true) => "Takes tasks again.".into(),
            (true, false) => "Takes tasks again once `aiigo-agent run` is started.".to_owned(),
            (false, true) => "Takes no new tasks; what is in hand goes on, and audits are answered.".into(),
            (false, false) => "Takes no tasks when `aiigo-agent run` is started; audits are answered.".into(),
        };
        if self.mode == self.before { format!("{now} It was told so before.\n") } else { format!("{now}\n") }
    }
}
