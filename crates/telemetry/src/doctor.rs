//! What a program's `doctor` finds: one shape, whatever is examined.

use std::{fs, io, path::Path, process::ExitCode};

use console::style;
use serde::Serialize;

/// One check.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Check {
    /// All is well with it.
    pub fn good(name: &'static str, found: impl ToString) -> Self {
        Self { name, ok: true, found: found.to_string(), fix: None }
    }

    /// It is wrong, and this mends it.
    pub fn bad(name: &'static str, found: impl ToString, fix: impl ToString) -> Self {
        Self { name, ok: false, found: found.to_string(), fix: Some(fix.to_string()) }
    }

    /// Good or bad by a result.
    pub fn of(name: &'static str, result: Result<impl ToString, impl ToString>, fix: impl ToString) -> Self {
        match result {
            Ok(found) => Self::good(name, found),
            Err(error) => Self::bad(name, error, fix),
        }
    }

    /// Whether a folder can be written to; made if it is not there.
    pub fn writable(name: &'static str, folder: &Path, fix: impl ToString) -> Self {
        let probe = || -> io::Result<()> {
            fs::create_dir_all(folder)?;
            let probe = folder.join(format!(".doctor-{}", std::process::id()));
            fs::write(&probe, "")?;
            fs::remove_file(probe)
        };
        let folder = folder.display();
        let result = probe().map(|()| format!("{folder} is writable"));
        Self::of(name, result.map_err(|error| format!("{folder} is not writable: {error}")), fix)
    }
}

/// All checks.
#[derive(Clone, Debug, Serialize)]
pub struct Checkup {
    ok: bool,
    checks: Vec<Check>,
}

impl Checkup {
    /// What came of the checks.
    pub fn new(checks: Vec<Check>) -> Self {
        Self { ok: checks.iter().all(|check| check.ok), checks }
    }

    /// Whether all is well.
    pub fn is_ok(&self) -> bool {
        self.ok
    }

    /// 1 if a check failed.
    pub fn exit_code(&self) -> ExitCode {
        if self.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// For people, with colours on a terminal.
    pub fn text(&self) -> String {
        let line = |check: &Check| {
            let mark = if check.ok { style("✓").green() } else { style("✗").red() };
            let fix = check.fix.iter().map(|fix| format!("\n    → {fix}")).collect::<String>();
            format!("{mark} {}: {}{fix}\n", check.name, check.found)
        };
        self.checks.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_with_its_fix_in_both_forms() {
        let found: Result<&str, &str> = Err("nobody answers");
        let checkup = Checkup::new(vec![Check::good("key", "0x1"), Check::of("chain", found, "start the node")]);
        assert!(!checkup.is_ok());
        let text = console::strip_ansi_codes(&checkup.text()).into_owned();
        assert_eq!(text, "✓ key: 0x1\n✗ chain: nobody answers\n    → start the node\n");
        let document = serde_json::to_value(&checkup).expect("JSON");
        assert_eq!(document["checks"][1]["fix"], "start the node");
        assert!(document["checks"][0].get("fix").is_none());
    }

    #[test]
    fn a_folder_is_probed_and_left_as_it_was() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = dir.path().join("new");
        assert!(Check::writable("data", &folder, "").ok);
        assert_eq!(fs::read_dir(&folder).expect("it is there").count(), 0);
        fs::write(dir.path().join("file"), "").expect("a file");
        assert!(!Check::writable("data", &dir.path().join("file"), "another").ok);
    }
}
