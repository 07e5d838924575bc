//! Settings from a TOML file, below flags and environment, above the program's own defaults.
//!
//! The file's values become the defaults of the command line's options, so that the order flags > environment > file >
//! default is clap's own.

use std::{ffi::OsString, fs, path::PathBuf};

use clap::{Arg, ArgMatches, Command, Parser, parser::ValueSource};

/// A settings file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file can't be read.
    #[error("cannot read the settings file {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{path}: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// No option has that name.
    #[error("{path}: unknown setting `{key}`; settings are named like the long flags, without the dashes")]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The name that means nothing.
        key: String,
    },
    /// A value of a kind that no flag takes.
    #[error("{path}: `{key}` must be a text, a number, a boolean, a list or a table of these")]
    WrongKind {
        /// The file.
        path: PathBuf,
        /// The setting.
        key: String,
    },
    /// A value that the flag would refuse too.
    #[error("{path}: `{key}`: {reason}")]
    WrongValue {
        /// The file.
        path: PathBuf,
        /// The setting.
        key: String,
        /// What the flag says to it.
        reason: String,
    },
    /// The command line is wrong, or asks for help.
    #[error(transparent)]
    Usage(#[from] clap::Error),
}

/// Parses the process' command line; a wrong one ends the process with exit code 2.
///
/// Adds the global option `--config FILE` (`AIIGO_CONFIG`).
pub fn parse_with_settings<P: Parser>() -> P {
    match try_parse_with_settings(std::env::args_os()) {
        Ok(parsed) => parsed,
        Err(SettingsError::Usage(error)) => error.exit(),
        Err(error) => clap::Error::raw(clap::error::ErrorKind::Io, format!("{error}\n")).exit(),
    }
}

/// Parses a command line.
///
/// # Errors
/// If the command line or the settings file is wrong; a request for help is an error too.
pub fn try_parse_with_settings<P: Parser>(
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<P, SettingsError> {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let (command, _) = configured::<P>(&args)?;
    Ok(P::from_arg_matches(&command.try_get_matches_from(args)?)?)
}

/// The command line with what the settings file makes its defaults, and what the file names.
fn configured<P: Parser>(args: &[OsString]) -> Result<(Command, Option<NamedSettings>), SettingsError> {
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .env("AIIGO_CONFIG")
        .global(true)
        .value_parser(clap::value_parser!(PathBuf))
        .help("TOML file with settings, named like the long flags");
    let command = P::command().arg(config);
    match config_file(args) {
        Some(path) => {
            let (command, names) = with_settings(command, path.clone())?;
            Ok((command, Some(NamedSettings { path, names })))
        }
        None => Ok((command, None)),
    }
}

/// Which settings a file names.
struct NamedSettings {
    path: PathBuf,
    names: Vec<String>,
}

/// Where a setting's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingSource {
    /// A flag.
    CommandLine,
    /// This variable.
    Environment(String),
    /// This settings file.
    File(PathBuf),
    /// The program's own default.
    Default,
    /// Nowhere: it has no value.
    Nowhere,
}

/// A setting of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The long flag, without the dashes.
    pub name: String,
    /// Its values; most have one.
    pub values: Vec<String>,
    /// Where they come from.
    pub source: SettingSource,
}

/// The settings of the subcommand that a command line names, as [`try_parse_with_settings`] would find them.
///
/// # Errors
/// As [`try_parse_with_settings`].
pub fn settings_with_sources<P: Parser>(
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<Vec<Setting>, SettingsError> {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let (mut command, file) = configured::<P>(&args)?;
    let matches = command.try_get_matches_from_mut(args)?;
    let (mut command, mut matches) = (&command, &matches);
    while let Some((name, below)) = matches.subcommand() {
        let Some(subcommand) = command.find_subcommand(name) else { break };
        (command, matches) = (subcommand, below);
    }
    let settings = command.get_arguments().filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version"));
    Ok(settings.filter_map(|arg| setting(arg, matches, file.as_ref())).collect())
}

fn setting(arg: &Arg, matches: &ArgMatches, file: Option<&NamedSettings>) -> Option<Setting> {
    let name = arg.get_long()?.to_owned();
    let id = arg.get_id().as_str();
    let variable = || arg.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let source = match matches.value_source(id) {
        Some(ValueSource::CommandLine) => SettingSource::CommandLine,
        Some(ValueSource::EnvVariable) => SettingSource::Environment(variable()),
        source => match file.filter(|file| file.names.contains(&name)) {
            Some(file) => SettingSource::File(file.path.clone()),
            None if source.is_some() => SettingSource::Default,
            None => SettingSource::Nowhere,
        },
    };
    let raw = matches.get_raw(id).into_iter().flatten();
    Some(Setting { name, values: raw.map(|value| value.to_string_lossy().into_owned()).collect(), source })
}

/// The file named by `--config` or the environment, found before clap knows the defaults.
fn config_file(args: &[OsString]) -> Option<PathBuf> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--") => break,
            Some("--config") => return args.next().map(PathBuf::from),
            Some(arg) => {
                if let Some(file) = arg.strip_prefix("--config=") {
                    return Some(PathBuf::from(file));
                }
            }
            None => {}
        }
    }
    std::env::var_os("AIIGO_CONFIG").filter(|file| !file.is_empty()).map(PathBuf::from)
}

/// The command with the file's values as defaults, and the names of those.
fn with_settings(mut command: Command, path: PathBuf) -> Result<(Command, Vec<String>), SettingsError> {
    let text = fs::read_to_string(&path).map_err(|source| SettingsError::Read { path: path.clone(), source })?;
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| SettingsError::Parse { path: path.clone(), reason: error.to_string() })?;
    let mut names = Vec::new();
    for (key, value) in table {
        let Some(values) = texts(&value) else { return Err(SettingsError::WrongKind { path, key }) };
        let (changed, found) = with_default(command, &key, &values);
        command = changed;
        match found {
            Found::Nowhere => return Err(SettingsError::UnknownKey { path, key }),
            Found::Refused(reason) => return Err(SettingsError::WrongValue { path, key, reason }),
            Found::Accepted => names.push(key),
        }
    }
    Ok((command, names))
}

/// Where a setting belongs.
enum Found {
    Nowhere,
    Accepted,
    /// With the reason.
    Refused(String),
}

/// Gives the option `--key` its default wherever it occurs in the command and its subcommands.
fn with_default(command: Command, key: &str, values: &[String]) -> (Command, Found) {
    let option = command.get_arguments().find(|arg| arg.get_long() == Some(key) && key != "config").cloned();
    let (mut command, mut found) = match option {
        Some(option) => {
            let found = check(&option, key, values).map_or_else(Found::Refused, |()| Found::Accepted);
            let id = option.get_id().clone();
            (command.mut_arg(id, |arg| arg.default_values(values.to_vec()).required(false)), found)
        }
        None => (command, Found::Nowhere),
    };
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, |sub| {
            let (changed, below) = with_default(sub, key, values);
            if !matches!(below, Found::Nowhere) && !matches!(found, Found::Refused(_)) {
                found = below;
            }
            changed
        });
    }
    (command, found)
}

/// Whether the option takes the values: clap alone would say what is wrong, but not that it stands in the file.
fn check(option: &Arg, key: &str, values: &[String]) -> Result<(), String> {
    let takes_values = option.get_action().takes_values();
    let mut alone = Arg::new("option").long(key.to_owned()).value_parser(option.get_value_parser().clone());
    alone = if takes_values { alone.action(option.get_action().clone()) } else { alone };
    if let Some(delimiter) = option.get_value_delimiter() {
        alone = alone.value_delimiter(delimiter);
    }
    let flags = values.iter().map(|value| format!("--{key}={value}"));
    let parsed = Command::new("settings").no_binary_name(true).arg(alone).try_get_matches_from(flags);
    parsed.map(|_| ()).map_err(|error| {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        line.trim_start_matches("error: ").to_owned()
    })
}

fn texts(value: &toml::Value) -> Option<Vec<String>> {
    match value {
        toml::Value::String(text) => Some(vec![text.clone()]),
        toml::Value::Integer(number) => Some(vec![number.to_string()]),
        toml::Value::Float(number) => Some(vec![number.to_string()]),
        toml::Value::Boolean(yes) => Some(vec![yes.to_string()]),
        toml::Value::Array(list) => {
            list.iter().map(|item| if item.is_array() { None } else { texts(item)?.pop() }).collect()
        }
        // A list of settings of its own: `[duty.expire-tasks] max-cost = 1` is `--duty expire-tasks.max-cost=1`.
        toml::Value::Table(table) if !table.is_empty() => {
            let below = table.iter().map(|(key, value)| Some((key, value.is_table(), texts(value)?)));
            let below: Option<Vec<_>> = below.collect();
            let joined = |(key, is_table, values): (&String, bool, Vec<String>)| {
                let separator = if is_table { '.' } else { '=' };
                values.into_iter().map(move |value| format!("{key}{separator}{value}")).collect::<Vec<_>>()
            };
            Some(below?.into_iter().flat_map(joined).collect())
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::Subcommand;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(subcommand)]
        command: Action,
    }

    #[derive(Subcommand)]
    enum Action {
        Run {
            #[arg(long, default_value_t = 1, env = "AIIGO_TEST_NEVER_SET")]
            workers: u32,
            #[arg(long)]
            rpc_url: Vec<String>,
            #[arg(long)]
            dry_run: bool,
        },
    }

    fn parse(toml: &str, args: &[&str]) -> Result<(u32, Vec<String>, bool), SettingsError> {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("settings.toml");
        fs::write(&file, toml).expect("a file");
        let config = file.display().to_string();
        let args = ["program", "--config", &config, "run"].into_iter().chain(args.iter().copied());
        let Action::Run { workers, rpc_url, dry_run } = try_parse_with_settings::<Program>(args)?.command;
        Ok((workers, rpc_url, dry_run))
    }

    #[test]
    fn flags_beat_the_file_and_the_file_beats_the_default() {
        let file = "workers = 3\nrpc-url = ['http://a', 'http://b']\ndry-run = true";
        let urls = vec!["http://a".to_owned(), "http://b".to_owned()];
        assert_eq!(parse(file, &[]).expect("valid"), (3, urls.clone(), true));
        assert_eq!(parse(file, &["--workers", "5"]).expect("valid"), (5, urls, true));
        assert_eq!(parse("", &[]).expect("valid").0, 1);
    }

    #[test]
    fn each_setting_is_told_with_its_source() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("settings.toml");
        fs::write(&file, "rpc-url = ['http://a', 'http://b']").expect("a file");
        let args = ["program", "--config", &file.display().to_string(), "run", "--dry-run"].map(str::to_owned);
        let settings = settings_with_sources::<Program>(args).expect("valid");
        let find = |name: &str| settings.iter().find(|setting| setting.name == name).cloned().expect("a setting");
        let setting = |name: &str, values: &[&str], source| Setting {
            name: name.into(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            source,
        };
        assert_eq!(find("workers"), setting("workers", &["1"], SettingSource::Default));
        let from_file = SettingSource::File(file.clone());
        assert_eq!(find("rpc-url"), setting("rpc-url", &["http://a", "http://b"], from_file));
        assert_eq!(find("dry-run").source, SettingSource::CommandLine);
        assert_eq!(find("config").source, SettingSource::CommandLine);
    }

    #[test]
    fn a_table_is_a_list_of_its_entries() {
        let file = "rpc-url.first.weight = 3\nrpc-url.first.name = 'a'\nrpc-url.second = true";
        let (_, mut urls, _) = parse(file, &[]).expect("valid");
        urls.sort();
        assert_eq!(urls, ["first.name=a", "first.weight=3", "second=true"]);
    }

    #[test]
    fn an_unknown_setting_is_named() {
        let error = parse("wrokers = 3", &[]).expect_err("a typo").to_string();
        assert!(error.contains("unknown setting `wrokers`"), "{error}");
    }

    #[test]
    fn a_wrong_value_is_named_with_its_setting_and_file() {
        let error = parse("workers = 'many'", &[]).expect_err("no number").to_string();
        assert!(error.contains("settings.toml: `workers`: invalid value 'many'"), "{error}");
    }

    #[test]
    fn a_value_of_a_wrong_kind_is_refused() {
        assert!(matches!(parse("dry-run = 'perhaps'", &[]), Err(SettingsError::WrongValue { .. })));
        assert!(matches!(parse("workers = [1, 2]", &[]), Err(SettingsError::WrongValue { .. })));
        assert!(matches!(parse("rpc-url = [['http://a']]", &[]), Err(SettingsError::WrongKind { .. })));
        assert!(matches!(parse("workers = {}", &[]), Err(SettingsError::WrongKind { .. })));
        assert!(matches!(parse("workers =", &[]), Err(SettingsError::Parse { .. })));
    }
}
