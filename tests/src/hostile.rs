//! Programs that attack whoever runs them: `hostile/*.wat`, each with what it tries and what must become of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{JobFile, modules};

/// A program of the folder.
#[derive(Clone, Debug)]
pub struct HostileJob {
    /// The file's name, without its ending.
    pub name: String,
    /// The outcome that the result must have.
    pub outcome: String,
    /// The exit code of a program that exits.
    pub exit_code: i32,
    /// Words that must be on its standard output.
    pub prints: Option<String>,
    /// Words that must be on its standard error: those of the sandbox, if it stopped the program.
    pub says: Option<String>,
    settings: Vec<(String, String)>,
    text: String,
}

impl HostileJob {
    /// All of them, by name.
    ///
    /// # Panics
    /// If a file can't be read or does not say what must become of it.
    pub fn all() -> Vec<Self> {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/hostile"));
        let mut files: Vec<_> =
            fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("a file").path()).collect();
        files.sort();
        files.iter().map(|file| Self::read(file)).collect()
    }

    fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).expect("readable");
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let says = |what: &str| {
            let lines = text.lines().map_while(|line| line.strip_prefix(";; "));
            lines
                .filter_map(|line| line.split_once(": "))
                .find(|(key, _)| *key == what)
                .map(|(_, value)| value.to_owned())
        };
        assert!(says("tries").is_some(), "{name} does not say what it tries");
        let settings = says("job").unwrap_or_default();
        let settings = settings.split_whitespace().map(|setting| setting.split_once('=').expect("name=value"));
        Self {
            outcome: says("outcome").unwrap_or_else(|| panic!("{name} does not say what must become of it")),
            exit_code: says("exit").map_or(0, |code| code.parse().expect("a number")),
            prints: says("prints"),
            says: says("says"),
            settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            name,
            text,
        }
    }

    /// The job, in a folder of its own under `parent`.
    ///
    /// # Panics
    /// If the program is no WAT, or it asks for a setting that there is not.
    pub fn job(&self, parent: &Path) -> JobFile {
        let is_module = self.text.lines().any(|line| line.starts_with("(module"));
        let text = if is_module { self.text.clone() } else { modules::program(&self.text) };
        let job = JobFile::new(parent, &self.name, &text);
        self.settings.iter().fold(job, |job, (name, value)| match name.as_str() {
            "fuel" => job.fuel(value),
            "memory" => job.memory(value),
            "outputs" => job.outputs(&value.split(',').filter(|path| !path.is_empty()).collect::<Vec<_>>()),
            "price" => job.price(value),
            "time" => job.time(value),
            other => panic!("{}: no job has a setting {other}", self.name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_valid() {
        for hostile in HostileJob::all() {
            let dir = tempfile::tempdir().expect("a folder");
            hostile.job(dir.path());
        }
    }
}
