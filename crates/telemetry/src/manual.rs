//! What a program tells of itself: to shells, and to readers of manuals.

use std::{fs, io, path::PathBuf};

use clap::Subcommand;
use clap_complete::Shell;

/// The commands that every program has for that.
#[derive(Subcommand, Clone, Debug)]
pub enum ManualCommand {
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual's pages, one for each command, into a folder
    #[command(hide = true)] // for packages; a person reads `--help`
    Man {
        /// The folder
        dir: PathBuf,
    },
}

impl ManualCommand {
    /// Does it, and returns what is to be printed: the script, or the pages' folder.
    ///
    /// # Errors
    /// If the pages can't be written.
    pub fn run(&self, mut program: clap::Command) -> io::Result<String> {
        match self {
            Self::Completions { shell } => {
                let (name, mut script) = (program.get_name().to_owned(), Vec::new());
                clap_complete::generate(*shell, &mut program, name, &mut script);
                Ok(String::from_utf8_lossy(&script).into_owned())
            }
            Self::Man { dir } => {
                fs::create_dir_all(dir)?;
                clap_mangen::generate_to(program, dir)?;
                Ok(dir.display().to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program() -> clap::Command {
        ManualCommand::augment_subcommands(clap::Command::new("program"))
    }

    #[test]
    fn a_script_completes_the_program() {
        let script = ManualCommand::Completions { shell: Shell::Bash }.run(program()).expect("a script");
        assert!(script.contains("complete -F _program") && script.contains("completions"), "{script}");
    }

    #[test]
    fn each_command_has_a_page() {
        let dir = tempfile::tempdir().expect("a folder");
        let pages = dir.path().join("man");
        ManualCommand::Man { dir: pages.clone() }.run(program()).expect("pages");
        let page = fs::read_to_string(pages.join("program-completions.1")).expect("a page");
        assert!(page.contains("completion script"), "{page}");
        assert!(pages.join("program.1").is_file());
    }
}
