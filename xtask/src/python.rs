//! Python tools, each set in an environment of the project's own below `.aiigo`.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    project::{Error, state_dir},
    shell::{command, heading, output, run},
};

/// The oldest Python that all of them run on.
const MINOR: u32 = 11;

/// A set of tools.
pub(crate) struct Tools {
    /// Their folder below `.aiigo`.
    pub(crate) name: &'static str,
    /// What is installed, as pip reads it.
    pub(crate) requirements: &'static str,
    /// The same for people.
    pub(crate) what: &'static str,
}

impl Tools {
    /// The folder of the programs, which are installed first if they have to be.
    pub(crate) fn folder(&self) -> Result<PathBuf, Error> {
        let folder = state_dir().join(self.name);
        let stamp = folder.join("requirements.txt");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == self.requirements) {
            return Ok(folder.join("bin"));
        }
        self.require_python()?;
        heading(&format!("Installing {} (PyPI) into .aiigo/{}", self.what, self.name));
        fs::create_dir_all(state_dir())?;
        run(command("python3").args(["-m", "venv", "--clear"]).arg(&folder))
            .map_err(|error| format!("{error}: on Debian, `apt-get install python3-venv`"))?;
        let list = folder.join("wanted.txt");
        fs::write(&list, self.requirements)?;
        run(command(folder.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(list))?;
        fs::write(stamp, self.requirements)?;
        Ok(folder.join("bin"))
    }

    fn require_python(&self) -> Result<(), Error> {
        let hint = format!(
            "{} need it; install Python 3.{MINOR} or newer with its venv module, then run the command again",
            self.what
        );
        let version =
            output(Command::new("python3").arg("--version")).map_err(|_| format!("python3 was not found: {hint}"))?;
        let minor =
            version.trim().strip_prefix("Python 3.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
        if minor.is_none_or(|minor| minor < MINOR) {
            return Err(format!("{} is too old: {hint}", version.trim()).into());
        }
        Ok(())
    }
}
