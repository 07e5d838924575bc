//! `aiigo config`: the settings of this program.

use aiigo_chain::SignerArgs;
use aiigo_telemetry::{Setting, SettingSource, settings_with_sources};
use clap::{Args, Subcommand};
use serde::Serialize;
use url::Url;

use crate::{
    Cli, CliError,
    args::{ChainArgs, DataArgs, IndexerArgs, StoreArgs},
    cli::Session,
    error::Context,
    output::{printable, table},
};

/// The environment's private key: never a flag, so the command line does not know of it.
const KEY_VARIABLE: &str = "AIIGO_PRIVATE_KEY";

/// `aiigo config`.
#[derive(Subcommand, Debug)]
pub(crate) enum ConfigCommand {
    Show(ShowCommand),
}

impl ConfigCommand {
    pub(crate) fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::Show(command) => command.run(session),
        }
    }
}

/// Show every setting with where its value comes from: flag, environment, settings file, default.
#[derive(Args, Debug)]
pub(crate) struct ShowCommand {
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    indexer: IndexerArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Serialize)]
struct Row {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    source: String,
}

impl ShowCommand {
    fn run(self, session: &Session) -> Result<(), CliError> {
        let settings = settings_with_sources::<Cli>(std::env::args_os());
        let settings = settings.context(|| "reading the settings".into())?;
        let mut rows: Vec<Row> = settings.into_iter().filter(|setting| setting.name != "json").map(Row::of).collect();
        for row in rows.iter_mut().filter(|row| row.name == "store" && row.value.is_none()) {
            row.value = Some(self.store.dir(&self.data).display().to_string());
            row.source = "default, in the data folder".into();
        }
        let key = std::env::var_os(KEY_VARIABLE).is_some_and(|key| !key.is_empty());
        rows.push(Row {
            name: "private key".into(),
            value: key.then(|| "(not shown)".into()),
            source: if key { format!("environment, {KEY_VARIABLE}") } else { "not set".into() },
        });
        session.output.result(&rows, || {
            let mut text = table(["SETTING", "VALUE", "FROM"]);
            text.add_rows(rows.iter().map(|row| {
                [row.name.clone(), printable(row.value.as_deref().unwrap_or_default()), row.source.clone()]
            }));
            text.to_string()
        })
    }
}

impl Row {
    fn of(setting: Setting) -> Self {
        let values: Vec<String> = setting.values.iter().map(|value| without_secrets(value)).collect();
        Self {
            name: setting.name,
            value: (!values.is_empty()).then(|| values.join(", ")),
            source: match setting.source {
                SettingSource::CommandLine => "flag".into(),
                SettingSource::Environment(variable) => format!("environment, {variable}"),
                SettingSource::File(file) => format!("settings file, {}", file.display()),
                SettingSource::Default => "default".into(),
                SettingSource::Nowhere => "not set".into(),
            },
        }
    }
}

/// Providers of endpoints put their keys into paths and queries, some into the user's place.
fn without_secrets(value: &str) -> String {
    // An option with several values may come as one text.
    let hidden = |part: &str| match part.parse::<Url>() {
        Ok(url) if url.has_host() => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            let bare = format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default());
            let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.username().is_empty();
            if is_bare && url.password().is_none() { bare } else { format!("{bare}/…") }
        }
        _ => part.to_owned(),
    };
    value.split(',').map(hidden).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_addresses_are_not_shown() {
        assert_eq!(without_secrets("https://rpc.example/v2/secret"), "https://rpc.example/…");
        assert_eq!(without_secrets("wss://rpc.example:8546/?key=secret"), "wss://rpc.example:8546/…");
        assert_eq!(without_secrets("https://user:secret@rpc.example"), "https://rpc.example/…");
        assert_eq!(without_secrets("http://127.0.0.1:8545/,http://b/key"), "http://127.0.0.1:8545,http://b/…");
        assert_eq!(without_secrets("/home/me/deployment.json"), "/home/me/deployment.json");
    }
}
